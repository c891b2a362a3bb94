//! Lenient in, strict out: every spelling that is accepted, and the errors about all others.

use expect_test::{Expect, expect};
use schemars::JsonSchema;
use serde::Deserialize;

use super::*;

/// Every kind of argument, in which nothing but `batch_id` is required.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read through Debug")]
struct Input {
    #[schemars(length(min = 1, max = 8), extend("format" = "id"))]
    batch_id: String,
    #[schemars(range(min = 1, max = 9))]
    page_size: Option<u8>,
    flag: Option<bool>,
    expand: Option<Vec<Expand>>,
    config: Option<Config>,
    find: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Expand {
    Outcomes,
    Results,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read through Debug")]
struct Config {
    job: Job,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read through Debug")]
struct Job {
    r#type: Expand,
    id: Option<Even>,
}

/// A type with a rule that no schema states.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
struct Even(#[expect(dead_code, reason = "read through Debug")] u32);

impl TryFrom<u32> for Even {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number.is_multiple_of(2) {
            Ok(Self(number))
        } else {
            Err(format!("{number} is odd"))
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read through Debug")]
struct Common {
    project_id: Option<String>,
    pinned: Option<String>,
}

fn outcome(arguments: &str) -> Result<String, String> {
    let schema = InputSchema::of::<Input, Common>(vec!["pinned"]);
    let arguments = RawValue::from_string(arguments.to_owned()).unwrap();
    read::<Input, Common>(&arguments, &schema)
        .map(|(input, common)| format!("{input:?} {common:?}"))
        .map_err(|problems| problems.to_string())
}

/// Both spellings are read as the same.
fn same(arrives: &str, meant: &str) {
    assert_eq!(outcome(arrives), outcome(meant), "{arrives}");
    assert!(outcome(meant).is_ok(), "{meant}: {:?}", outcome(meant));
}

fn wrong(arguments: &str, expected: &Expect) {
    expected.assert_eq(&outcome(arguments).expect_err(arguments));
}

/// Arguments with a right `batch_id`, and this beside it.
fn with(member: &str) -> String {
    format!(r#"{{"batch_id":"b",{member}}}"#)
}

#[test]
fn an_optional_argument_that_is_null_or_empty_is_absent() {
    for name in ["page_size", "flag", "expand", "config", "find", "project_id", "pinned"] {
        for empty in ["null", r#""""#] {
            same(&with(&format!(r#""{name}":{empty}"#)), r#"{"batch_id":"b"}"#);
        }
    }
    for name in ["page_size", "flag", "expand", "config"] {
        same(&with(&format!(r#""{name}":"  ""#)), r#"{"batch_id":"b"}"#);
    }
    wrong(r#"{"batch_id":""}"#, &expect!["`batch_id` is required"]);
    wrong(r#"{"batch_id":null}"#, &expect!["`batch_id` is required"]);
    wrong(r#"{"batch_id":"` `"}"#, &expect!["`batch_id` is required"]);
    wrong("{}", &expect!["`batch_id` is required"]);
}

#[test]
fn white_space_and_quotation_marks_around_a_word_are_no_part_of_it() {
    for id in [
        r#"" b\n""#,
        r#""`b`""#,
        r#""\"b\"""#,
        r#""'b'""#,
        r#""“b”""#,
        r#""\t`\"b\"` ""#,
    ] {
        same(&format!(r#"{{"batch_id":{id}}}"#), r#"{"batch_id":"b"}"#);
    }
    same(&with(r#""expand":["`outcomes`"]"#), &with(r#""expand":["outcomes"]"#));
    same(
        &with(r#""config":{"job":{"type":"'results' ","id":" 4 "}}"#),
        &with(r#""config":{"job":{"type":"results","id":4}}"#),
    );
}

#[test]
fn free_text_keeps_its_white_space_and_quotation_marks() {
    let read = outcome(&with(r#""find":" \"total\" ""#)).unwrap();
    assert!(read.contains(r#"find: Some(" \"total\" ")"#), "{read}");
    let read = outcome(&with(r#""find":" ""#)).unwrap();
    assert!(read.contains(r#"find: Some(" ")"#), "{read}");
}

#[test]
fn a_number_and_a_boolean_may_be_text() {
    for five in [r#""5""#, "5.0", "5e0", r#"" 5 ""#, r#""5.0""#, "50e-1"] {
        same(&with(&format!(r#""page_size":{five}"#)), &with(r#""page_size":5"#));
    }
    for (text, boolean) in [("\"true\"", "true"), ("\"False\"", "false"), ("\" true \"", "true")] {
        same(
            &with(&format!(r#""flag":{text}"#)),
            &with(&format!(r#""flag":{boolean}"#)),
        );
    }
    wrong(
        &with(r#""page_size":5.5"#),
        &expect!["`page_size` must be an integer from 1 to 9, not 5.5"],
    );
    wrong(
        &with(r#""page_size":"soon""#),
        &expect![[r#"`page_size` must be an integer from 1 to 9, not "soon""#]],
    );
    wrong(
        &with(r#""page_size":301"#),
        &expect!["`page_size` must be an integer from 1 to 9, not 301"],
    );
    wrong(
        &with(r#""page_size":true"#),
        &expect!["`page_size` must be an integer from 1 to 9, not true"],
    );
    wrong(
        &with(r#""page_size":99999999999999999999"#),
        &expect!["`page_size` must be an integer from 1 to 9, not 99999999999999999999"],
    );
    wrong(
        &with(r#""page_size":"0x5""#),
        &expect![[r#"`page_size` must be an integer from 1 to 9, not "0x5""#]],
    );
    wrong(&with(r#""flag":1"#), &expect!["`flag` must be true or false, not 1"]);
    wrong(
        &with(r#""flag":"yes""#),
        &expect![[r#"`flag` must be true or false, not "yes""#]],
    );
}

#[test]
fn json_text_is_what_it_holds() {
    same(r#""{\"batch_id\":\"b\"}""#, r#"{"batch_id":"b"}"#);
    let config = with(r#""config":{"job":{"type":"results"}}"#);
    same(&with(r#""config":"{\"job\":{\"type\":\"results\"}}""#), &config);
    same(&with(r#""config":{"job":" {\"type\":\"results\"} "}"#), &config);
    same(
        &with(r#""expand":"[\"outcomes\",\"results\"]""#),
        &with(r#""expand":["outcomes","results"]"#),
    );
    wrong(
        &with(r#""config":"{\"job\": 'x'""#),
        &expect![[r#"`config` must be an object, not "{\"job\": 'x'""#]],
    );
    wrong(
        r#""bat-1""#,
        &expect![[r#"`arguments` must be an object, not "bat-1""#]],
    );
}

#[test]
fn one_value_is_an_array_of_one() {
    same(&with(r#""expand":"outcomes""#), &with(r#""expand":["outcomes"]"#));
    wrong(
        &with(r#""expand":"outcome""#),
        &expect![[r#"`expand` must be one of `outcomes`, `results`, not "outcome" (did you mean `outcomes`?)"#]],
    );
}

#[test]
fn case_does_not_matter_for_a_choice() {
    same(&with(r#""expand":["OUTCOMES"]"#), &with(r#""expand":["outcomes"]"#));
    same(
        &with(r#""config":{"job":{"type":"Results"}}"#),
        &with(r#""config":{"job":{"type":"results"}}"#),
    );
}

#[test]
fn what_hosts_add_is_ignored() {
    for name in ADDED_BY_HOSTS {
        same(&with(&format!(r#""{name}":{{"x":1}}"#)), r#"{"batch_id":"b"}"#);
    }
    wrong(
        &with(r#""config":{"job":{"type":"results"},"action":1}"#),
        &expect!["`config.action` is not accepted; expected `job`"],
    );
}

#[test]
fn every_mistake_is_named_at_once() {
    wrong(
        r#"{"batchId":"b"}"#,
        &expect![
            "`batch_id` is required; `batchId` is not accepted (did you mean `batch_id`?); expected `batch_id`, `page_size`, `flag`, `expand`, `config`, `find`, `project_id`"
        ],
    );
    wrong(
        r#"{"batch_id":7,"page_size":0,"expand":["result"],"config":{"job":{"type":"x","id":7},"b":1}}"#,
        &expect![[
            r#"`batch_id` must be a string, not 7; `page_size` must be an integer from 1 to 9, not 0; `expand[0]` must be one of `outcomes`, `results`, not "result" (did you mean `results`?); `config.job.type` must be one of `outcomes`, `results`, not "x"; `config.b` is not accepted; expected `job`; `config.job.id` 7 is odd"#
        ]],
    );
    wrong(
        r#"{"batch_id":"123456789","find":["x", 1]}"#,
        &expect![[r#"`batch_id` is 9 characters long, more than 8; `find` must be a string, not ["x", 1]"#]],
    );
    wrong(
        r#"{"batch_id":"b","batch_id":"c"}"#,
        &expect!["`arguments` contain `batch_id` twice"],
    );
    wrong("[]", &expect!["`arguments` must be an object, not []"]);
}

#[test]
fn what_arrived_is_quoted_as_it_arrived() {
    wrong(
        "{\"batch_id\":[\"\u{202e}\"]}",
        &expect![[r#"`batch_id` must be a string, not ["\u{202e}"]"#]],
    );
    wrong(
        &with(r#""expand":"a\u200bb""#),
        &expect![[r#"`expand` must be one of `outcomes`, `results`, not "a\u{200b}b""#]],
    );
    wrong(
        &with(r#""find":"\ud800""#),
        &expect![[r#"`find` must be a string, not "\ud800""#]],
    );
}

#[test]
fn many_mistakes_are_counted() {
    let many: Vec<_> = (0..100).map(|index| format!("\"x{index}\":1")).collect();
    let text = outcome(&with(&many.join(","))).unwrap_err();
    assert!(text.ends_with("; and 88 more"), "{text}");
}

/// An argument may have as many mistakes as a line has room for. Of each, only as many are written out as are shown.
#[test]
fn only_the_mistakes_that_are_shown_are_written_out() {
    const MANY: usize = 100_000;
    let unknown: Vec<_> = (0..MANY).map(|index| format!("\"x{index}\":1")).collect();
    let items = vec!["1"; MANY].join(",");
    for (arguments, mistakes) in [
        (with(&unknown.join(",")), MANY),
        (with(&format!(r#""config":{{{}}}"#, unknown.join(","))), MANY + 1),
        (with(&format!(r#""expand":[{items}]"#)), MANY),
        (with(&format!(r#""expand":[{items}],"page_size":0"#)), MANY + 1),
    ] {
        let schema = InputSchema::of::<Input, Common>(vec!["pinned"]);
        let arguments = RawValue::from_string(arguments).unwrap();
        let problems = read::<Input, Common>(&arguments, &schema).unwrap_err();
        assert!(problems.named.len() <= MAX_PROBLEMS + 1, "{}", problems.named.len());
        let text = problems.to_string();
        let more = format!("; and {} more", mistakes - MAX_PROBLEMS);
        assert!(text.ends_with(&more), "{text}");
    }
    let twice = with(&format!("{},\"x7\":2", unknown.join(",")));
    wrong(&twice, &expect!["`arguments` contain `x7` twice"]);
}

#[test]
fn deep_nesting_is_a_mistake_like_any_other() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for arguments in [
        format!(r#"{{"batch_id":{deep}}}"#),
        with(&format!(r#""expand":{deep}"#)),
        deep,
    ] {
        assert!(outcome(&arguments).unwrap_err().contains("not [[[["), "{arguments}");
    }
}

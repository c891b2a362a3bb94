//! The arguments of a call as a person types them: `key=value` words, one JSON object, or either from stdin.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, stdin};

use crate::untrusted::quote;

/// The server does not read longer lines.
const MAX_BYTES: u64 = 16 << 20;
const MAX_QUOTED_CHARS: usize = 60;
const EXAMPLES: &str = "Write arguments as key=value, for example page_size=5; as one JSON object in quotation marks, for example \
                        '{\"page_size\":5}'; or `-` to read the JSON from stdin.";

/// Reads the arguments. The server checks whether they suit the tool.
///
/// # Errors
/// A sentence for what is neither `key=value` nor a JSON object, or cannot be read.
pub(super) async fn read(words: &[String]) -> Result<Box<RawValue>, String> {
    match words {
        [word] if word == "-" => object(json_of(&from_stdin().await?)),
        [word] if json_of(word).starts_with(['{', '[', '"']) => object(json_of(word)),
        words => {
            let mut arguments = Map::new();
            for word in words {
                add(&mut arguments, word)?;
            }
            to_raw_value(&arguments).map_err(|error| error.to_string())
        }
    }
}

async fn from_stdin() -> Result<String, String> {
    let mut bytes = Vec::new();
    if let Err(error) = stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes).await {
        return Err(format!("The arguments cannot be read from stdin: {error}."));
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!(
            "The arguments on stdin are longer than {} MiB.",
            MAX_BYTES >> 20
        ));
    }
    String::from_utf8(bytes).map_err(|_| "The arguments on stdin are not UTF-8 text.".to_owned())
}

/// The text without a byte order mark and without space around it.
fn json_of(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text).trim()
}

/// The object as it was written.
fn object(text: &str) -> Result<Box<RawValue>, String> {
    match serde_json::from_str::<Box<RawValue>>(text) {
        Ok(arguments) if arguments.get().starts_with('{') => Ok(arguments),
        Ok(_) => Err(format!("The arguments are not a JSON object. {EXAMPLES}")),
        Err(error) => Err(format!("The arguments are not valid JSON: {error}. {EXAMPLES}")),
    }
}

/// Adds `key=value`: a dot reaches inside an object, a repeated key makes an array. The value is text; the server reads it as the
/// argument's type.
fn add(arguments: &mut Map<String, Value>, word: &str) -> Result<(), String> {
    let shown = || quote(word, MAX_QUOTED_CHARS);
    let Some((path, value)) = word.split_once('=') else {
        return Err(format!("{} is not an argument. {EXAMPLES}", shown()));
    };
    let (inside, key) = path.rsplit_once('.').map_or(("", path), |(inside, key)| (inside, key));
    let mut object = arguments;
    for part in inside.split('.').filter(|_| !inside.is_empty()) {
        let member = object.entry(part).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = member else {
            return Err(format!(
                "{} sets a member of {part}, which already has a value.",
                shown()
            ));
        };
        object = inner;
    }
    if path.split('.').any(str::is_empty) {
        return Err(format!(
            "{} has an empty name before the equals sign or next to a dot. {EXAMPLES}",
            shown()
        ));
    }
    let value = Value::String(value.to_owned());
    match object.get_mut(key) {
        None => drop(object.insert(key.to_owned(), value)),
        Some(Value::Array(values)) => values.push(value),
        Some(Value::Object(_)) => return Err(format!("{} sets {key}, which already has members.", shown())),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a literal")]
    fn check(words: &[&str], expected: Expect) {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(read(&words));
        expected.assert_eq(&read.map_or_else(|problem| problem, |arguments| arguments.get().to_owned()));
    }

    #[test]
    fn words_become_an_object() {
        check(&[], expect!["{}"]);
        check(
            &["page_size=5", "status="],
            expect![[r#"{"page_size":"5","status":""}"#]],
        );
        check(
            &[
                "source_directory_id=dir-1",
                "config.job.type=parse_v2",
                "config.job.configuration_id=cfg-1",
            ],
            expect![[
                r#"{"source_directory_id":"dir-1","config":{"job":{"type":"parse_v2","configuration_id":"cfg-1"}}}"#
            ]],
        );
        check(
            &["expand=problems", "expand=outcomes", "expand=results", "find=a=b"],
            expect![[r#"{"expand":["problems","outcomes","results"],"find":"a=b"}"#]],
        );
    }

    #[test]
    fn json_stays_as_it_was_written() {
        check(
            &["\u{feff} {\"a\":1,\"a\":\"\\ud800\"} "],
            expect![[r#"{"a":1,"a":"\ud800"}"#]],
        );
    }

    #[test]
    fn what_is_neither_says_so() {
        check(
            &["status"],
            expect![[
                r#""status" is not an argument. Write arguments as key=value, for example page_size=5; as one JSON object in quotation marks, for example '{"page_size":5}'; or `-` to read the JSON from stdin."#
            ]],
        );
        check(
            &["a=1", "a.b=2"],
            expect![[r#""a.b=2" sets a member of a, which already has a value."#]],
        );
        check(
            &["a.b=2", "a=1"],
            expect![[r#""a=1" sets a, which already has members."#]],
        );
        check(
            &["a..b=1"],
            expect![[
                r#""a..b=1" has an empty name before the equals sign or next to a dot. Write arguments as key=value, for example page_size=5; as one JSON object in quotation marks, for example '{"page_size":5}'; or `-` to read the JSON from stdin."#
            ]],
        );
        check(
            &["[]"],
            expect![[
                r#"The arguments are not a JSON object. Write arguments as key=value, for example page_size=5; as one JSON object in quotation marks, for example '{"page_size":5}'; or `-` to read the JSON from stdin."#
            ]],
        );
    }
}

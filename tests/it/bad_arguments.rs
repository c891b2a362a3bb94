//! What the tools say to arguments that they do not accept: the argument, the rule, the remedy; and nothing is sent.

use expect_test::{Expect, expect};
use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_SMALL, ORGANIZATION_ID, PROJECT_ID};
use serde_json::{Value, json};

use super::errors::sentence;
use super::harness::{Harness, Setup, flags};

async fn check_arguments(cases: &[(&str, Value, Expect)]) {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for (tool, arguments, expected) in cases {
        expected.assert_eq(&sentence(&mut harness, tool, arguments.clone()).await);
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_bad_argument_is_named_with_its_rule() {
    check_arguments(&[
        ("get_batch", json!({}), expect!["`batch_id` is required. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": null }), expect!["`batch_id` is required. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": "" }), expect!["`batch_id` is required. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": "../files" }), expect![[r#"`batch_id` "../files" holds characters other than A-Z, a-z, 0-9, _ and -. Nothing was sent. Correct this and call `get_batch` again."#]]),
        ("get_batch", json!({ "batch_id": "x".repeat(129) }), expect!["`batch_id` is 129 characters long, more than 128. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": 7 }), expect!["`batch_id` must be a string, not 7. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batchId": "bat-1" }), expect!["`batch_id` is required; `batchId` is not accepted (did you mean `batch_id`?); expected `batch_id`, `expand`, `results_cursor`, `wait_seconds`, `project_id`, `organization_id`. Nothing was sent. Correct this and call `get_batch` again."]),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "expand": ["result"] }),
            expect![[r#"`expand[0]` must be one of `problems`, `outcomes`, `results`, not "result" (did you mean `results`?). Nothing was sent. Correct this and call `get_batch` again."#]],
        ),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "results_cursor": "x".repeat(2049) }),
            expect!["`results_cursor` is 2049 characters long, more than 2048. Nothing was sent. Correct this and call `get_batch` again."],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_filter_is_named_with_its_rule() {
    check_arguments(&[
        ("list_batches", json!({ "status": "DONE" }), expect![[r#"`status` must be one of `PENDING`, `THROTTLED`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED`, not "DONE". Nothing was sent. Correct this and call `list_batches` again."#]]),
        ("list_batches", json!({ "page_size": 0 }), expect!["`page_size` must be an integer of at least 1, not 0. Nothing was sent. Correct this and call `list_batches` again."]),
        ("list_batches", json!({ "page_size": -1 }), expect!["`page_size` must be an integer of at least 1, not -1. Nothing was sent. Correct this and call `list_batches` again."]),
        ("list_batches", json!({ "page_size": 1.5 }), expect!["`page_size` must be an integer of at least 1, not 1.5. Nothing was sent. Correct this and call `list_batches` again."]),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "yesterday" }),
            expect![[r#"`created_at_on_or_after` must be a date (2026-11-24) or an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z), not "yesterday". Nothing was sent. Correct this and call `list_batches` again."#]],
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-24T08:00:00" }),
            expect![[r#"`created_at_on_or_after` must be a date (2026-11-24) or an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z), not "2026-11-24T08:00:00". Nothing was sent. Correct this and call `list_batches` again."#]],
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-25", "created_at_on_or_before": "2026-11-24" }),
            expect!["`created_at_on_or_after` is later than `created_at_on_or_before`, so nothing could match. Nothing was sent. Correct this and call `list_batches` again."],
        ),
        ("list_batches", json!({ "limit": 3, "api_key": "x" }), expect!["`limit` is not accepted; `api_key` is not accepted; expected `status`, `source_directory_id`, `created_at_on_or_after`, `created_at_on_or_before`, `expand`, `page_size`, `page_token`, `project_id`, `organization_id`. Nothing was sent. Correct this and call `list_batches` again."]),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_create_is_named_with_its_rule() {
    check_arguments(&[
        ("create_batch", json!({}), expect!["`source_directory_id` is required (`list_directories` finds the ID by `name`); `config` is required. Nothing was sent. Correct this and call `create_batch` again."]),
        ("create_batch", json!({ "source_directory_id": "dir-1", "config": {} }), expect!["`config.job` is required. Nothing was sent. Correct this and call `create_batch` again."]),
        ("create_batch", json!({ "source_directory_id": "dir-1", "config": "parse_v2" }), expect![[r#"`config` must be an object, not "parse_v2". Nothing was sent. Correct this and call `create_batch` again."#]]),
        (
            "create_batch",
            json!({ "source_directory_id": "dir 1", "config": { "job": { "type": "parse", "configuration_id": "c" } } }),
            expect![[r#"`config.job.type` must be one of `parse_v2`, `extract_v2`, not "parse" (did you mean `parse_v2`?); `source_directory_id` "dir 1" holds characters other than A-Z, a-z, 0-9, _ and -; directory IDs begin with `dir-` (`list_directories` finds the ID by `name`); `config.job.configuration_id` "c" is not a configuration ID; configuration IDs begin with `cfg-` (`list_configurations` finds the ID by `name`). Nothing was sent. Correct this and call `create_batch` again."#]],
        ),
        (
            "create_batch",
            json!({ "directory_id": "dir-1", "config": { "job": { "type": "parse_v2", "configuration_id": "c", "x": 1 } } }),
            expect![[r#"`config.job.x` is not accepted; expected `type`, `configuration_id`; `source_directory_id` is required (`list_directories` finds the ID by `name`); `directory_id` is not accepted (did you mean `source_directory_id`?); expected `source_directory_id`, `config`, `allow_duplicate`, `wait_seconds`, `project_id`, `organization_id`; `config.job.configuration_id` "c" is not a configuration ID; configuration IDs begin with `cfg-` (`list_configurations` finds the ID by `name`). Nothing was sent. Correct this and call `create_batch` again."#]],
        ),
    ])
    .await;
}

/// Another spelling of the same value, which hosts and models are known to send.
fn spellings(schema: &Value, value: &Value) -> Vec<Value> {
    let text = value.to_string();
    match schema["type"].as_str().unwrap() {
        "integer" => vec![
            json!(text),
            json!(format!(" {text} ")),
            serde_json::from_str(&format!("{text}.0")).unwrap(),
            serde_json::from_str(&format!("{text}e0")).unwrap(),
        ],
        "boolean" => vec![json!(text), json!(text.to_uppercase())],
        "array" => vec![value[0].clone(), json!(text)],
        "object" => vec![json!(text)],
        _ => {
            let word = value.as_str().unwrap();
            let around = ["  {}\n", "\"{}\"", "'{}'", "`{}`", "“{}”", " \"{}\" "];
            let mut spellings: Vec<_> = around.iter().map(|form| json!(form.replace("{}", word))).collect();
            if schema["enum"].is_array() {
                spellings.extend([json!(word.to_lowercase()), json!(word.to_uppercase())]);
            }
            spellings
        }
    }
}

/// A value that an argument takes. `None` for free text, which has one spelling only.
fn value_of(name: &str, schema: &Value) -> Option<Value> {
    Some(match schema["type"].as_str().unwrap() {
        "integer" => schema
            .get("minimum")
            .filter(|least| **least != json!(0))
            .cloned()
            .unwrap_or(json!(1)),
        "boolean" => json!(false),
        "array" => json!([value_of(name, &schema["items"])?]),
        "object" => {
            let properties = schema["properties"].as_object().unwrap().iter();
            let members = properties.map(|(name, schema)| Some((name.clone(), value_of(name, schema)?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
        _ if schema["enum"].is_array() => schema["enum"][0].clone(),
        _ => match name {
            "batch_id" => json!("bat-sandbox-small"),
            "source_directory_id" | "directory_id" => json!(DIR_SMALL),
            "configuration_id" => json!("cfg-PARSE_AGENTIC"),
            "project_id" => json!(PROJECT_ID),
            "organization_id" => json!(ORGANIZATION_ID),
            name if name.starts_with("created_at") => json!("2026-11-24"),
            // What only an earlier answer can give.
            _ => return None,
        },
    })
}

/// Every place of a schema that has a value in `arguments`, as a JSON pointer with its schema.
fn places<'a>(schema: &'a Value, pointer: &str, found: &mut Vec<(String, &'a Value)>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{name}");
        places(property, &pointer, found);
        found.push((pointer, property));
    }
}

/// Every tool, every argument at every depth, every spelling of the table: the call is the same call.
#[tokio::test]
async fn every_argument_of_every_tool_takes_every_spelling_of_the_table() {
    let setup = Setup {
        flags: flags(&["--allow-cancel"]),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let tools = harness.result("tools/list", json!({})).await["tools"].clone();
    let mut checked = 0;
    for tool in tools.as_array().unwrap() {
        let (name, schema) = (tool["name"].as_str().unwrap(), &tool["inputSchema"]);
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        let properties = schema["properties"].as_object().unwrap();
        let values = properties
            .iter()
            .filter_map(|(name, schema)| Some((name.clone(), value_of(name, schema)?)));
        let values: serde_json::Map<String, Value> = values.collect();
        let needed = values
            .iter()
            .filter(|(name, _)| required.iter().any(|required| **required == json!(name)));
        let least: serde_json::Map<String, Value> = needed.map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(least.len(), required.len(), "{name} needs a value in this test");
        let least = Value::Object(least);
        let mut check = async |arguments: Value| {
            let said = harness.call(name, arguments.clone()).await;
            assert!(
                !said.text.contains("Correct this and call"),
                "{name} {arguments}: {}",
                said.text
            );
            checked += 1;
        };
        check(json!(least.to_string())).await;
        for added in ["sessionId", "action", "chatInput", "toolCallId", "wait_for_previous"] {
            let mut arguments = least.clone();
            arguments[added] = json!({ "x": 1 });
            check(arguments).await;
        }
        for optional in properties
            .keys()
            .filter(|name| !required.iter().any(|required| **required == json!(name)))
        {
            for absent in [json!(null), json!("")] {
                let mut arguments = least.clone();
                arguments[optional] = absent;
                check(arguments).await;
            }
        }
        let mut found = Vec::new();
        places(schema, "", &mut found);
        for (pointer, schema) in found {
            let mut whole = least.clone();
            let top = pointer.split('/').nth(1).unwrap();
            let Some(value) = values.get(top) else { continue };
            whole[top] = value.clone();
            let value = whole.pointer(&pointer).unwrap().clone();
            for spelling in spellings(schema, &value) {
                let mut arguments = whole.clone();
                *arguments.pointer_mut(&pointer).unwrap() = spelling;
                check(arguments).await;
            }
        }
    }
    assert!(checked > 150, "{checked}");
    harness.end().await;
}

/// The error offers what is advertised: an argument that a setting has fixed is not.
#[tokio::test]
async fn a_pinned_argument_is_not_offered_in_an_error() {
    let setup = Setup {
        flags: flags(&["--project-id", PROJECT_ID]),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let said = sentence(&mut harness, "list_batches", json!({ "limit": 3 })).await;
    assert!(
        !said.contains("project_id") && said.contains("organization_id"),
        "{said}"
    );
    harness.close(0).await;
}

/// Everything that is wrong is named, with what arrived as it arrived, and nothing is sent.
#[tokio::test]
async fn all_mistakes_are_named_at_once_as_they_arrived() {
    check_arguments(&[
        (
            "list_batches",
            json!({ "status": "DONE", "created_at_on_or_after": "soon", "source_directory_id": "dir 1", "project_id": "../p" }),
            expect![[r#"`status` must be one of `PENDING`, `THROTTLED`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED`, not "DONE"; `created_at_on_or_after` must be a date (2026-11-24) or an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z), not "soon"; `source_directory_id` "dir 1" holds characters other than A-Z, a-z, 0-9, _ and -; directory IDs begin with `dir-` (`list_directories` finds the ID by `name`); `project_id` "../p" holds characters other than A-Z, a-z, 0-9, _ and -. Nothing was sent. Correct this and call `list_batches` again."#]],
        ),
        ("get_batch", json!({ "batch_id": "bat-1\u{200b}" }), expect![[r#"`batch_id` "bat-1\u{200b}" holds characters other than A-Z, a-z, 0-9, _ and -. Nothing was sent. Correct this and call `get_batch` again."#]]),
        ("get_batch", json!({ "batch_id": "bat\u{202e}-1" }), expect![[r#"`batch_id` "bat\u{202e}-1" holds characters other than A-Z, a-z, 0-9, _ and -. Nothing was sent. Correct this and call `get_batch` again."#]]),
        (
            "create_batch",
            json!({ "source_directory_id": "dir-1", "config": r#"{"job": {"type": 'parse_v2'}}"# }),
            expect![[r#"`config` must be an object, not "{\"job\": {\"type\": 'parse_v2'}}". Nothing was sent. Correct this and call `create_batch` again."#]],
        ),
    ])
    .await;
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    harness
        .send(r#"{"jsonrpc":"2.0","id":70,"method":"tools/call","params":{"name":"list_batches","arguments":{"page_size":99999999999999999999}}}"#)
        .await;
    let said = harness.said("70").await;
    assert!(said.error().contains("not 99999999999999999999."), "{}", said.text);
    let (code, message) = harness
        .refusal("tools/call", json!({ "name": "list_batches ", "arguments": {} }))
        .await;
    assert!(code == -32602 && message.contains(r#""list_batches ""#), "{message}");
    harness.close(0).await;
}

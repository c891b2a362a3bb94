//! What each line of the server must be, whatever it was asked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::world::{CANARY, MAX_RESULT_CHARS, World};

/// One message of the server.
#[derive(Debug)]
pub(crate) enum Said {
    /// The id is the JSON text as it came.
    Result {
        id: String,
        result: Value,
    },
    Error {
        id: Option<String>,
        code: i64,
        message: String,
    },
    /// `place` is the token or the id, as it came, that says what it is about.
    Notification {
        method: String,
        params: Value,
        place: Option<String>,
    },
    Request {
        method: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    jsonrpc: &'a str,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    result: Option<Value>,
    error: Option<WireError>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireError {
    code: i64,
    message: String,
    #[serde(rename = "data")]
    _data: Option<Value>,
}

/// The messages in a line: one, or those of an array.
pub(crate) fn messages(line: &str) -> Vec<Said> {
    assert!(!line.contains(CANARY), "the API key is in {line}");
    if line.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(!elements.is_empty());
        return elements.into_iter().map(|element| message(element.get())).collect();
    }
    vec![message(line)]
}

fn message(text: &str) -> Said {
    let wire: Wire<'_> = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    assert_eq!(wire.jsonrpc, "2.0", "{text}");
    let id = wire.id.map(|id| id.get().to_owned());
    match (wire.method, wire.result, wire.error, id) {
        (Some(method), None, None, None) => {
            let params = wire.params.map_or("{}", RawValue::get);
            Said::Notification {
                method,
                place: place(params),
                params: serde_json::from_str(params).unwrap(),
            }
        }
        (Some(method), None, None, Some(id)) => {
            assert!(id.starts_with("\"server-"), "{text}");
            Said::Request { method }
        }
        (None, Some(result), None, Some(id)) => Said::Result { id, result },
        (None, None, Some(WireError { code, message, .. }), id) => {
            assert!((-32700..=-32000).contains(&code) && !message.is_empty(), "{text}");
            assert!(message.chars().count() <= 600, "{text}");
            check_text(&message);
            Said::Error { id, code, message }
        }
        _ => panic!("neither a response nor a request nor a notification: {text}"),
    }
}

/// The token or the id in the parameters of a notification, as it came.
fn place(params: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(params).unwrap();
    let meta = members
        .get("_meta")
        .map(|meta| serde_json::from_str(meta.get()).unwrap());
    let meta: BTreeMap<String, &RawValue> = meta.unwrap_or_default();
    let found = members
        .get("progressToken")
        .or(meta.get("io.modelcontextprotocol/subscriptionId"));
    found.map(|found| found.get().to_owned())
}

/// What a tool says: the text, and whether it is an error.
pub(crate) fn tool_answer(world: &World, tool: &str, result: &Value) -> (bool, String) {
    let is_error = result["isError"].as_bool().expect("isError");
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert_eq!(result["content"].as_array().map(Vec::len), Some(1), "{result}");
    assert!(
        text.chars().count() <= MAX_RESULT_CHARS,
        "{} characters",
        text.chars().count()
    );
    check_text(text);
    if is_error {
        assert!(
            result.get("structuredContent").is_none() && !text.trim().is_empty(),
            "{result}"
        );
        return (true, text.to_owned());
    }
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    if let Some(structured) = result.get("structuredContent") {
        assert_eq!(structured, &value);
    }
    check_words(&value, false);
    let problems: Vec<_> = world.outputs[tool]
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?} in {value:#}");
    (false, text.to_owned())
}

/// Only what documents hold has lines.
fn check_words(value: &Value, has_lines: bool) {
    match value {
        Value::String(text) => {
            assert!(!text.contains(CANARY), "the API key is in {text}");
            if has_lines {
                check_text(&text.replace(['\n', '\t'], " "));
            } else {
                check_text(text);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check_words(item, has_lines)),
        Value::Object(members) => {
            for (name, member) in members {
                check_words(member, has_lines || ["text", "data"].contains(&name.as_str()));
            }
        }
        _ => {}
    }
}

/// Nothing that hides or reorders text.
pub(crate) fn check_text(text: &str) {
    let hides = |character: char| {
        character.is_control()
            || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    assert!(!text.contains(hides), "what hides text is in {text:?}");
}

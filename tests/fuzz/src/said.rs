//! What each line of the server must be, whatever it was asked.

use serde_json::Value;

use super::rpc::{self, Message};
use super::world::{CANARY, MAX_RESULT_CHARS, World};

/// The messages in a line: one, or those of an array.
pub(crate) fn messages(line: &str) -> Vec<Message> {
    assert!(!line.contains(CANARY), "the API key is in {line}");
    let messages: Vec<Message> = rpc::elements(line).into_iter().map(message).collect();
    assert!(!messages.is_empty());
    messages
}

fn message(text: &str) -> Message {
    let message = Message::read(text).unwrap_or_else(|error| panic!("{error}"));
    match &message {
        Message::Request { id, .. } => assert!(id.starts_with("\"server-"), "{text}"),
        Message::Error { code, message, .. } => {
            assert!((-32700..=-32000).contains(code) && !message.is_empty(), "{text}");
            assert!(message.chars().count() <= 600, "{text}");
            check_text(message);
        }
        Message::Result { .. } | Message::Notification { .. } => {}
    }
    message
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

/// Only text and data from documents may contain line breaks and tabs.
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

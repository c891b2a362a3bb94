//! Any bytes, after a conversation was opened in any revision: each line is answered at most once.

use serde_json::json;

use super::rpc::{self, Message};
use super::said::{check_text, messages, tool_answer};
use super::world::{Pipes, Served, World, with};

/// How the conversation was opened before the bytes come; the first byte of an input chooses.
const OPENED: [&str; 6] = ["", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2025-11-25"];

/// An answer to a line holds at most this besides what it repeats of the line: the list of tools with its icons.
const MAX_ANSWER_BYTES: usize = 48 * 1024;
/// The longest line that is read: short, so that longer ones are found.
const MAX_LINE_BYTES: usize = 1024;

/// Sends the bytes. The first one chooses revision and pieces.
pub fn run(bytes: &[u8]) {
    with(|world| check(world, bytes));
}

fn check(world: &World, bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else {
        return;
    };
    world.api.tell([]);
    let choice = usize::from(choice);
    let mut input = opening(choice % 8);
    let opened = usize::from(!input.is_empty());
    input.extend_from_slice(bytes);
    let pipes = Pipes {
        piece: [usize::MAX, 1, 7, 64][choice / 8 % 4],
        max_line_bytes: MAX_LINE_BYTES,
        ..Pipes::default()
    };
    let answers = world.converse(Served::Usual, pipes, &input);
    let sent = lines(bytes);
    let mut answered = 0;
    for answer in &answers {
        assert!(
            answer.len() <= MAX_ANSWER_BYTES + sent * MAX_LINE_BYTES,
            "{} bytes",
            answer.len()
        );
        let said = messages(answer);
        answered += usize::from(
            said.iter()
                .any(|said| matches!(said, Message::Result { .. } | Message::Error { .. })),
        );
        for said in &said {
            check_message(world, said);
        }
    }
    assert!(
        answered <= sent + opened,
        "{answered} answers to {sent} lines: {answers:#?}"
    );
}

fn opening(choice: usize) -> Vec<u8> {
    let Some(revision) = OPENED.get(choice).filter(|revision| !revision.is_empty()) else {
        return Vec::new();
    };
    let params = json!({ "protocolVersion": revision, "capabilities": { "elicitation": {} } });
    (rpc::request("\"opening\"", "initialize", params) + "\n").into_bytes()
}

/// How many lines the bytes hold that are not blank.
fn lines(bytes: &[u8]) -> usize {
    let blank = |line: &[u8]| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        line.trim_ascii().is_empty()
    };
    bytes.split(|byte| *byte == b'\n').filter(|line| !blank(line)).count()
}

/// What tools say is held against their schemas, as far as it can be told which tool it was.
fn check_message(world: &World, said: &Message) {
    match said {
        Message::Result { result, .. } if result.get("isError").is_some() => {
            let structured = &result["structuredContent"];
            if result["isError"] == json!(true) {
                tool_answer(world, "get_batch", result);
            } else if structured.get("batches").is_some() {
                tool_answer(world, "list_batches", result);
            }
        }
        Message::Notification { method, params, .. } => {
            assert!(
                [
                    "notifications/progress",
                    "notifications/tasks",
                    "notifications/subscriptions/acknowledged",
                    "notifications/cancelled"
                ]
                .contains(&method.as_str()),
                "{method}"
            );
            check_text(&params["message"].to_string());
        }
        Message::Request { method, .. } => assert_eq!(method, "elicitation/create"),
        _ => {}
    }
}

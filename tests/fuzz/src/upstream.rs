//! Anything that the API may answer: the tool says an error or what its output schema has, short, without what hides text, and never
//! the key.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::api::{batch, response};
use super::rpc::Message;
use super::said::{check_text, messages, tool_answer};
use super::words;
use super::world::{CANARY, Pipes, Served, World, request, with};

/// What is asked of the server. The last three are about a task.
const CALLS: [(&str, &str); 11] = [
    ("get_batch", r#"{"batch_id":"bat-1"}"#),
    ("get_batch", r#"{"batch_id":"bat-1","expand":["results"]}"#),
    ("get_batch", r#"{"batch_id":"bat-1","expand":["outcomes"]}"#),
    ("list_batches", "{}"),
    (
        "create_batch",
        r#"{"source_directory_id":"dir-1","config":{"job":{"type":"parse_v2","configuration_id":"cfg-1"}}}"#,
    ),
    ("cancel_batch", r#"{"batch_id":"bat-1"}"#),
    ("list_directories", r#"{"name":"a"}"#),
    ("list_directories", r#"{"directory_id":"dir-1"}"#),
    ("list_configurations", "{}"),
    ("tasks/get", "batch.bat-1...outcomes"),
    ("tasks/cancel", "batch.bat-1..."),
];

const STATUSES: [&str; 20] = [
    "200 OK",
    "200 OK",
    "200 OK",
    "200 OK",
    "201 Created",
    "204 No Content",
    "206 Partial Content",
    "301 Moved Permanently",
    "302 Found",
    "400 Bad Request",
    "401 Unauthorized",
    "402 Payment Required",
    "403 Forbidden",
    "404 Not Found",
    "409 Conflict",
    "413 Content Too Large",
    "422 Unprocessable Content",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "503 Service Unavailable",
];

const HEADERS: [&str; 12] = [
    "content-type: application/json\r\n",
    "content-type: text/html\r\n",
    "content-encoding: gzip\r\n",
    "transfer-encoding: chunked\r\n",
    "retry-after: 0\r\n",
    "retry-after: 18446744073709549568\r\n",
    "retry-after: Tue, 24 Nov 2026 12:00:00 GMT\r\n",
    "retry-after-ms: 1e300\r\n",
    "date: Tue, 24 Nov 2026 12:00:00 GMT\r\n",
    "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    "location: https://llx-canary-9f86d081884c7d65@llx-canary-9f86d081884c7d65.example/\r\n",
    "server: llamacloud-sandbox\r\n",
];

/// Asks once, of an API that answers what the bytes say.
pub fn run(bytes: &[u8]) {
    with(|world| check(world, &mut Unstructured::new(bytes)).unwrap_or_default());
}

fn check(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    let (name, argument) = *choices.choose(&CALLS)?;
    let count = choices.int_in_range(1..=4)?;
    let answers = (0..count).map(|_| answer(choices));
    world.api.tell(answers.collect::<Result<Vec<_>>>()?);
    world.api.take_seen();
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let line = if name.starts_with("tasks/") {
        request(1, name, json!({ "taskId": argument }), &capabilities)
    } else {
        let arguments: Value = serde_json::from_str(argument).unwrap();
        request(
            1,
            "tools/call",
            json!({ "name": name, "arguments": arguments }),
            &capabilities,
        )
    };
    let answers = world.converse(Served::Hasty, Pipes::default(), line.as_bytes());
    world.api.take_seen();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    match messages(&answers[0]).as_slice() {
        [Message::Result { result, .. }] if name == "tasks/get" => {
            check_text(result["statusMessage"].as_str().unwrap());
            check_text(result["createdAt"].as_str().unwrap());
            if let Some(result) = result.get("result") {
                check_failed_or(world, result);
            }
        }
        [Message::Result { .. }] if name == "tasks/cancel" => {}
        [Message::Result { result, .. }] => drop(tool_answer(world, name, result)),
        [Message::Error { code, .. }] => assert!(
            name.starts_with("tasks/") && [-32602, -32603].contains(code),
            "{answers:?}"
        ),
        other => panic!("{other:?}"),
    }
    Ok(())
}

/// A task that failed brings as an error what the tool would have answered.
fn check_failed_or(world: &World, result: &Value) {
    tool_answer(world, "get_batch", result);
}

/// One answer on the wire.
fn answer(choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if choices.ratio(1, 12)? {
        let length = choices.int_in_range(0..=200)?.min(choices.len());
        return Ok(choices.bytes(length)?.to_vec());
    }
    let status = choices.choose(&STATUSES)?;
    let mut headers = "connection: close\r\n".to_owned();
    for _ in 0..choices.int_in_range(0..=3)? {
        headers += choices.choose(&HEADERS)?;
    }
    let mut bytes = response(status, &headers, &body(choices)?);
    if choices.ratio(1, 16)? {
        let length = choices.int_in_range(0..=bytes.len())?;
        bytes.truncate(length);
    }
    Ok(bytes)
}

fn body(choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let results: Vec<_> = (0..3)
        .map(|number| json!({ "source_directory_file_id": format!("dfl-{number}"), "error_message": "no" }))
        .collect();
    let mut value = match choices.int_in_range(0..=9)? {
        0..=2 => batch("bat-1"),
        3 => {
            json!({ "items": [batch("bat-1"), batch("bat-11"), batch("bat-111")], "next_page_token": "more", "total_size": 3 })
        }
        4 => json!({ "id": "bat-1", "status": "COMPLETED", "source_directory_id": "dir-1", "results": results }),
        5 => {
            json!({ "items": [{ "id": "dfl-1", "display_name": "a.pdf" }, { "id": "pjb-1", "status": "FAILED", "error_message": "no" }] })
        }
        6 => json!({ "detail": [{ "loc": ["body", "config", 0], "msg": "no", "type": "t", "input": "x" }] }),
        7 => json!({ "detail": "no" }),
        8 => return Ok(words::text(choices)?.into_bytes()),
        _ => {
            let length = choices.int_in_range(0..=400)?.min(choices.len());
            return Ok(choices.bytes(length)?.to_vec());
        }
    };
    for _ in 0..choices.int_in_range(0..=6)? {
        let leaf = leaf(choices, &mut value)?;
        *leaf = replacement(choices)?;
    }
    Ok(value.to_string().into_bytes())
}

/// Any place in a value.
fn leaf<'v>(choices: &mut Unstructured<'_>, value: &'v mut Value) -> Result<&'v mut Value> {
    let count = match &*value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    if count == 0 || choices.ratio(1, 16)? {
        return Ok(value);
    }
    let place = choices.choose_index(count)?;
    let inner = match value {
        Value::Array(items) => &mut items[place],
        Value::Object(members) => members.values_mut().nth(place).unwrap(),
        _ => unreachable!("it has no places"),
    };
    leaf(choices, inner)
}

fn replacement(choices: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match choices.int_in_range(0..=15)? {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(1e300),
        4 => json!([]),
        5 => json!({}),
        6 => json!({ "a": 1 }),
        7 => json!(true),
        8 => json!(choices.choose(&[
            "PENDING",
            "COMPLETED",
            "FAILED",
            "CANCELLED",
            "extract_v2",
            "dfl-1",
            "pjb-1"
        ])?),
        9 => json!(format!("it is {CANARY}, \"{CANARY}\"")),
        10 => {
            let one = choices
                .choose(&[json!({}), json!("one"), batch("bat-1"), json!({ "id": "dfl-1" })])?
                .clone();
            json!(vec![one; choices.int_in_range(0..=1200)?])
        }
        _ => json!(words::text(choices)?),
    })
}

//! What a client carries: a state from a question to its answer, a cursor, a page token, a task id. If it is
//! changed on the way, it is refused or has no other effect; unchanged, it works.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::rpc::Message;
use super::said::{messages, tool_answer};
use super::words;
use super::world::{Pipes, Served, World, request, with};

const TASKS: [&str; 5] = [
    "batch.bat-1...",
    "batch.bat-11.prj-1..results",
    "batch.bat-1.p.o.outcomes",
    "batch.bat-none...",
    "batch.....",
];

/// Carries one thing.
pub fn run(bytes: &[u8]) {
    with(|world| {
        world.api.tell([]);
        world.api.take_seen();
        check(world, &mut Unstructured::new(bytes)).unwrap_or_default();
        world.api.take_seen();
    });
}

fn check(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    match choices.int_in_range(0..=3)? {
        0 => check_state(world, choices),
        1 => check_cursor(world, choices),
        2 => check_page_token(world, choices),
        _ => check_task(world, choices),
    }
}

/// The text, or what it was changed to.
fn changed(choices: &mut Unstructured<'_>, genuine: &str) -> Result<String> {
    let mut text: Vec<char> = genuine.chars().collect();
    for _ in 0..choices.int_in_range(0..=3)? {
        let place = choices.int_in_range(0..=text.len())?;
        match choices.int_in_range(0..=4)? {
            0 => text.truncate(place),
            1 => text.splice(place..place, words::text(choices)?.chars()).for_each(drop),
            2 => text = words::text(choices)?.chars().collect(),
            3 if place < text.len() => text[place] = *choices.choose(&['A', 'B', '_', '.', '=', '9', 'é'])?,
            _ if place < text.len() => drop(text.remove(place)),
            _ => {}
        }
    }
    Ok(text.into_iter().collect())
}

fn call(tool: &str, arguments: &Value, more: &Value) -> String {
    let mut params = json!({ "name": tool, "arguments": arguments });
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    request(1, "tools/call", params, &json!({ "elicitation": {} }))
}

/// A batch is created if the user's yes comes with the very state that its question had, and only then.
fn check_state(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    let create = json!({
        "source_directory_id": "dir-1",
        "config": { "job": { "type": "extract_v2", "configuration_id": "cfg-1" } },
        // Otherwise a batch that an earlier input created would be the answer.
        "allow_duplicate": true,
    });
    let answer = match choices.int_in_range(0..=5)? {
        0..=2 => json!({ "action": "accept", "content": { "confirm": true } }),
        3 => json!({ "action": choices.choose(&["accept", "decline", "cancel", "Accept", ""])? }),
        4 => json!({ "action": "accept", "content": { "confirm": words::text(choices)? } }),
        _ => json!(words::text(choices)?),
    };
    let agreed = answer["action"] == json!("accept") && answer["content"]["confirm"] == json!(true);
    let mut same = false;
    let mut outcome = Ok(());
    let answers = world.answering(Served::Asking, &call("create_batch", &create, &json!({})), |question| {
        let question: Value = serde_json::from_str(question).unwrap();
        let genuine = question["result"]["requestState"].as_str().unwrap();
        let state = changed(choices, genuine).unwrap_or_else(|error| {
            outcome = Err(error);
            genuine.to_owned()
        });
        same = state == genuine;
        let more = json!({ "inputResponses": { "confirm": answer }, "requestState": state });
        call("create_batch", &create, &more).into_bytes()
    });
    outcome?;
    let posts = world
        .api
        .take_seen()
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(
        posts,
        usize::from(same && agreed),
        "same: {same}, answer: {answer}: {answers:#?}"
    );
    assert_eq!(answers.len(), 2);
    let said = messages(&answers[1]);
    let [Message::Result { result, .. }] = said.as_slice() else {
        panic!("{said:?}")
    };
    if result["resultType"] == json!("complete") {
        let (is_error, text) = tool_answer(world, "create_batch", result);
        assert_eq!(is_error, posts == 0, "{text}");
    }
    Ok(())
}

/// Files that a cursor leads to are files of the batch, or the cursor is refused and the error names its argument.
fn check_cursor(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    let arguments =
        |cursor: Option<&str>| json!({ "batch_id": "bat-111111", "expand": ["results"], "results_cursor": cursor });
    let first = world.converse(
        Served::Usual,
        Pipes::default(),
        call("get_batch", &arguments(None), &json!({})).as_bytes(),
    );
    let first: Value = serde_json::from_str(&first[0]).unwrap();
    let genuine = first["result"]["structuredContent"]["next_results_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let cursor = changed(choices, &genuine)?;
    let line = call("get_batch", &arguments(Some(&cursor)), &json!({}));
    let answers = world.converse(Served::Usual, Pipes::default(), line.as_bytes());
    let said = messages(&answers[0]);
    let [Message::Result { result, .. }] = said.as_slice() else {
        panic!("{said:?}")
    };
    let (is_error, text) = tool_answer(world, "get_batch", result);
    assert!(!is_error || text.contains("results_cursor"), "{text}");
    assert!(!is_error || cursor != genuine, "{text}");
    Ok(())
}

/// A page token goes to the API as it came, unless it begins like one of the server's own.
fn check_page_token(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    let token = changed(choices, "eyJwYWdlIjoyfQ==")?;
    let line = call("list_batches", &json!({ "page_token": token }), &json!({}));
    let answers = world.converse(Served::Usual, Pipes::default(), line.as_bytes());
    let said = messages(&answers[0]);
    let [Message::Result { result, .. }] = said.as_slice() else {
        panic!("{said:?}")
    };
    let (is_error, text) = tool_answer(world, "list_batches", result);
    // Tokens with the server's own prefixes are refused if it did not issue them.
    let is_ours = ["wrapped-", "kept-"].iter().any(|prefix| token.contains(prefix));
    assert!(!is_error || is_ours || token.chars().count() > 2000, "{text}");
    assert!(!is_error || text.contains("`page_token`"), "{text}");
    Ok(())
}

/// A task id that was changed is one of another batch, or of none.
fn check_task(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    let genuine = *choices.choose(&TASKS)?;
    let task = changed(choices, genuine)?;
    let method = *choices.choose(&["tasks/get", "tasks/update", "tasks/cancel"])?;
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let line = request(
        1,
        method,
        json!({ "taskId": task, "inputResponses": {} }),
        &capabilities,
    );
    let answers = world.converse(Served::Usual, Pipes::default(), line.as_bytes());
    match messages(&answers[0]).as_slice() {
        [Message::Result { result, .. }] if method == "tasks/get" => assert_eq!(result["taskId"], json!(task)),
        [Message::Result { .. }] => assert!(task.starts_with("batch.")),
        [Message::Error { code, .. }] => {
            assert!([-32602, -32603].contains(code), "{answers:?}");
            assert!(
                task != genuine || !genuine.starts_with("batch.bat-1"),
                "{task}: {answers:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

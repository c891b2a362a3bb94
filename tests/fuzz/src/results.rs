//! Results of jobs, read to their end: nothing is lost, doubled or too long, whatever they hold and whatever is asked of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::api::response;
use super::rpc::Message;
use super::said::{messages, tool_answer};
use super::words;
use super::world::{Pipes, Served, World, request, with};

/// What documents are made of. The last four are not shown.
const WORDS: [&str; 12] = [
    "Total",
    "total amount",
    " ",
    "\n",
    "\n\n",
    "\"a\\b\"",
    "<tr><td>9</td></tr>",
    "0123456789",
    "\u{202e}",
    "\u{0}",
    "\u{e0041}",
    "\r",
];
const SHOWN: usize = 8;
/// More answers than the longest result takes: a text can be found 21,600 times in it, and an answer has room for about 40 of them.
const MAX_ANSWERS: usize = 5000;

/// Reads one result.
pub fn run(bytes: &[u8]) {
    with(|world| {
        world.api.tell([]);
        world.api.take_seen();
        check(world, &mut Unstructured::new(bytes)).unwrap_or_default();
        world.api.tell([]);
        world.api.take_seen();
    });
}

fn check(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    // What was read is kept, so each input has a job of its own.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    match choices.int_in_range(0..=4)? {
        0 => check_data(world, choices, &format!("exj-{number}")),
        1 => check_anything(world, choices, &format!("pjb-{number}")),
        _ => check_document(world, choices, &format!("pjb-{number}")),
    }
}

fn tell(world: &World, body: &Value) {
    let answer = response(
        "200 OK",
        "content-type: application/json\r\n",
        body.to_string().as_bytes(),
    );
    world.api.tell([answer]);
}

/// An answer of the tool, or the words of its error.
fn read(world: &World, arguments: &Value) -> std::result::Result<Value, String> {
    let params = json!({ "name": "read_result", "arguments": arguments });
    let line = request(1, "tools/call", params, &json!({}));
    let answers = world.converse(Served::Usual, Pipes::default(), line.as_bytes());
    let said = messages(&answers[0]);
    let [Message::Result { result, .. }] = said.as_slice() else {
        panic!("{said:?}")
    };
    match tool_answer(world, "read_result", result) {
        (true, text) => Err(text),
        (false, text) => Ok(serde_json::from_str(&text).unwrap()),
    }
}

/// Every answer, from the first to the last.
fn read_all(world: &World, mut arguments: Value) -> Vec<Value> {
    let mut answers = vec![read(world, &arguments).unwrap()];
    while let Some(cursor) = answers.last().unwrap()["next_cursor"].as_str() {
        arguments["cursor"] = json!(cursor);
        answers.push(read(world, &arguments).unwrap());
        assert!(answers.len() < MAX_ANSWERS);
    }
    answers
}

/// A text in WORDS, some of them many times.
fn text(choices: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..choices.int_in_range(0..=6)? {
        let word = choices.choose(&WORDS)?;
        text.push_str(&word.repeat(*choices.choose(&[1, 1, 2, 40, 900])?));
    }
    Ok(text)
}

fn shown(text: &str) -> String {
    WORDS[SHOWN..]
        .iter()
        .fold(text.to_owned(), |text, hidden| text.replace(hidden, ""))
}

fn check_document(world: &World, choices: &mut Unstructured<'_>, job_id: &str) -> Result<()> {
    let mut pages = Vec::new();
    for _ in 0..choices.int_in_range(1..=4)? {
        let is_failed = choices.ratio(1, 5)?;
        pages.push(if is_failed { Err("damaged") } else { Ok(text(choices)?) });
    }
    let page = |(number, page): (usize, &std::result::Result<String, &str>)| match page {
        Ok(text) => json!({ "page_number": number, "markdown": text, "success": true }),
        Err(reason) => json!({ "page_number": number, "error": reason, "success": false }),
    };
    let written: Vec<Value> = (1..).zip(&pages).map(page).collect();
    tell(
        world,
        &json!({ "job": { "id": job_id, "status": "COMPLETED" }, "markdown": { "pages": written } }),
    );
    let texts: Vec<Option<String>> = pages
        .iter()
        .map(|page| page.as_ref().ok().map(|text| shown(text)))
        .collect();

    let answers = read_all(world, json!({ "job_id": job_id }));
    let mut read_texts: Vec<Option<String>> = vec![None; texts.len()];
    let mut failed = Vec::new();
    for answer in &answers {
        for page in answer["failed_pages"].as_array().into_iter().flatten() {
            failed.push(page["page"].as_u64().unwrap());
        }
        let text = answer["text"].as_str().unwrap_or_default();
        for (number, is_continued, part) in parts(text) {
            let page = &mut read_texts[number - 1];
            assert_eq!(page.is_some(), is_continued, "{answer}");
            page.get_or_insert_default().push_str(part);
        }
    }
    let expected_failed: Vec<u64> = (1..)
        .zip(&texts)
        .filter(|(_, text)| text.is_none())
        .map(|(number, _)| number)
        .collect();
    assert_eq!(failed, expected_failed);
    for (expected, read) in texts.iter().zip(&read_texts) {
        // A line end between two pages is ours where the page before has none.
        let expected = expected.as_ref().map(|text| text.trim_end_matches('\n').to_owned());
        let read = read.as_ref().map(|text| text.trim_end_matches('\n').to_owned());
        assert_eq!(read, expected);
    }

    let wanted = *choices.choose(&["total", "TOTAL  amount", "0123456789", "</td>", ".*", "a\\b"])?;
    let found = read_all(world, json!({ "job_id": job_id, "find": wanted }));
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let count: usize = texts
        .iter()
        .flatten()
        .map(|text| folded(text).matches(&folded(wanted)).count())
        .sum();
    assert_eq!(found[0]["hits_total"], json!(count), "{wanted}");
    let hits: usize = found
        .iter()
        .map(|answer| answer["hits"].as_array().unwrap().len())
        .sum();
    assert_eq!(hits, count);

    let selection = words::text(choices)?;
    if let Err(said) = read(world, &json!({ "job_id": job_id, "pages": selection })) {
        assert!(said.contains("`pages`"), "{said}");
    }
    let genuine = answers[0]["next_cursor"].as_str().unwrap_or("t.0.0.0").to_owned();
    let place = choices.int_in_range(0..=genuine.len())?;
    let changed = format!("{}{}{}", &genuine[..place], words::text(choices)?, &genuine[place..]);
    if let Err(said) = read(world, &json!({ "job_id": job_id, "cursor": changed })) {
        assert!(said.contains("`cursor`"), "{said}");
    }
    assert_eq!(world.api.take_seen().len(), 1, "one download");
    Ok(())
}

/// The page, whether it is continued, and the text under each heading.
fn parts(text: &str) -> Vec<(usize, bool, &str)> {
    let mut parts = Vec::new();
    for part in text.split("[page ").skip(1) {
        let (heading, rest) = part.split_once("]\n").unwrap();
        let number = heading.trim_end_matches(", continued").parse().unwrap();
        parts.push((number, heading.ends_with("continued"), rest));
    }
    parts
}

/// An array comes back whole.
fn check_data(world: &World, choices: &mut Unstructured<'_>, job_id: &str) -> Result<()> {
    let mut items = Vec::new();
    for _ in 0..choices.int_in_range(0..=30)? {
        items.push(json!({ "text": text(choices)?, "number": choices.arbitrary::<i64>()? }));
    }
    tell(
        world,
        &json!({ "id": job_id, "status": "COMPLETED", "extract_result": items }),
    );
    let mut read_items = Vec::new();
    let mut piece = String::new();
    for answer in read_all(world, json!({ "job_id": job_id })) {
        read_items.extend(answer["data"].as_array().cloned().unwrap_or_default());
        piece.push_str(answer["text"].as_str().unwrap_or_default());
        if let Ok(item) = serde_json::from_str(&piece) {
            read_items.push(item);
            piece.clear();
        }
    }
    let expected: Vec<Value> = items
        .iter()
        .map(|item| json!({ "text": shown(item["text"].as_str().unwrap()), "number": item["number"] }))
        .collect();
    assert_eq!(read_items, expected);
    assert_eq!(world.api.take_seen().len(), 1, "one download");
    Ok(())
}

/// Any text in any place of a result: an answer within the limit, or an error.
fn check_anything(world: &World, choices: &mut Unstructured<'_>, job_id: &str) -> Result<()> {
    let status = *choices.choose(&["COMPLETED", "FAILED", "RUNNING", "\u{202e}", ""])?;
    let page = json!({ "page_number": choices.arbitrary::<i64>()?, "markdown": words::text(choices)?, "text": words::text(choices)? });
    let pages = json!({ "pages": [page, {}, { "error": words::text(choices)? }] });
    let job = json!({ "id": job_id, "status": status, "name": words::text(choices)?, "error_message": words::text(choices)? });
    tell(
        world,
        &json!({ "job": job, "markdown": choices.arbitrary::<bool>()?.then_some(&pages), "text": pages }),
    );
    let format = *choices.choose(&["markdown", "text", "data"])?;
    let said = read(
        world,
        &json!({ "job_id": job_id, "format": format, "find": words::text(choices)? }),
    );
    assert!(said.is_ok() || !said.unwrap_err().is_empty());
    Ok(())
}

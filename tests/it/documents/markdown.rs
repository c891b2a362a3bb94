//! Reading the documents: sections, tables, code and links. Knows nothing of what they should say.

use std::collections::BTreeSet;

use serde_json::Value;

/// The text between a heading of the second rank and the next of that rank.
pub(crate) fn section(document: &str, heading: &str) -> String {
    let (_, rest) = document
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("there is no section `{heading}`"));
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The cells of the rows of every table in a text, without heads and rules.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in text.split("\n\n").filter(|part| part.trim_start().starts_with('|')) {
        for line in table.trim().lines().skip(2) {
            let line = line.replace("\\|", "\u{0}");
            let cells = line.trim().trim_matches('|').split('|');
            rows.push(cells.map(|cell| cell.trim().replace('\u{0}', "|")).collect());
        }
    }
    assert!(!rows.is_empty(), "there is no table");
    rows
}

/// The pieces of inline code in a text.
pub(super) fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Words of a text that begin with `prefix` and go on with letters, digits, `_` and `-`.
pub(crate) fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let inside = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    text.split(|character| !inside(character))
        .filter(|word| word.len() > prefix.len() && word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

/// The fenced blocks of a document: language and text.
pub(crate) fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some((language, inner))) => open = Some((language, format!("{inner}{line}\n"))),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A heading as links name it.
pub(super) fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

/// Whether `shown` is `real` with members left out and texts cut at `…`. Batch ids differ each time.
pub(super) fn is_shortened(shown: &Value, real: &Value) -> bool {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => shown
            .iter()
            .all(|(name, shown)| real.get(name).is_some_and(|real| is_shortened(shown, real))),
        (Value::Array(shown), Value::Array(real)) => {
            shown.len() == real.len() && shown.iter().zip(real).all(|(shown, real)| is_shortened(shown, real))
        }
        (Value::String(shown), Value::String(real)) => {
            let (shown, real) = (without_batch_ids(shown), without_batch_ids(real));
            shown
                .strip_suffix('…')
                .map_or(shown == real, |start| real.starts_with(start))
        }
        (shown, real) => shown == real,
    }
}

/// The same without what depends on the moment: each number in it is 0.
pub(super) fn at_no_moment(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), at_no_moment(value)))
            .collect(),
        Value::Array(items) => items.iter().map(at_no_moment).collect(),
        Value::Number(_) => Value::from(0),
        Value::String(text) if text.contains(" after ") => {
            Value::from(text.replace(|character: char| character.is_ascii_digit(), "0"))
        }
        other => other.clone(),
    }
}

fn without_batch_ids(text: &str) -> String {
    words(text, "bat-")
        .iter()
        .fold(text.to_owned(), |text, id| text.replace(id, "bat-…"))
}

//! A tool's result as a person likes to read it: what it says in sentences, the facts, then tables.
//!
//! What the result is made of is known from the outside alone, as a host knows it: its members.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::layout::{Table, Treatment, hang, tone_of, width_of, wrap};
use super::screen::{Style, Tone};
use crate::foreign::clean;

const MAX_FACT_CHARS: usize = 300;

/// What came of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// The result's data.
    Done(Map<String, Value>),
    /// The tool could not do it; the sentences say why and what to do next.
    Failed(String),
    /// The call goes on once the user has agreed.
    Asks(Ask),
}

/// A question to the user. Source: 2026-07-28, `InputRequiredResult`.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) question: String,
    /// What stands beside the box to tick.
    pub(super) label: String,
    pub(super) state: String,
}

impl Answer {
    /// Reads the `result` of a `tools/call`.
    pub(super) fn of(result: &RawValue) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct CallResult {
            #[serde(default)]
            content: Vec<Value>,
            structured_content: Option<Map<String, Value>>,
            #[serde(default)]
            is_error: bool,
            input_requests: Option<Value>,
            request_state: Option<String>,
        }
        let Ok(result) = serde_json::from_str::<CallResult>(result.get()) else {
            return Self::Failed("The server's answer is of an unknown kind.".to_owned());
        };
        if let Some(requests) = result.input_requests {
            let text = |pointer: &str| {
                requests
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            return Self::Asks(Ask {
                question: text("/confirm/params/message"),
                label: text("/confirm/params/requestedSchema/properties/confirm/title"),
                state: result.request_state.unwrap_or_default(),
            });
        }
        match result.structured_content {
            Some(data) if !result.is_error => Self::Done(data),
            _ => Self::Failed(texts(&result.content)),
        }
    }
}

fn texts(content: &[Value]) -> String {
    let texts = content.iter().filter_map(|block| block.get("text")?.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// What `summary` says.
pub(super) fn sentences(data: &Map<String, Value>) -> &str {
    data.get("summary").and_then(Value::as_str).unwrap_or_default()
}

/// A whole answer, in paragraphs.
pub(super) fn show(data: &Map<String, Value>, width: usize, style: Style) -> String {
    let mut paragraphs = vec![
        wrap(sentences(data), width),
        facts(data, width, style),
        problems(data).lines(width, style),
        files(data).lines(width, style),
        batches(data).lines(width, style),
        more(data, width),
    ];
    paragraphs.retain(|lines| !lines.is_empty());
    let paragraphs: Vec<_> = paragraphs.iter().map(|lines| lines.join("\n")).collect();
    paragraphs.join("\n\n")
}

fn text(data: &Map<String, Value>, name: &str) -> String {
    match data.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// One fact a line: its name, and what it is.
fn facts(data: &Map<String, Value>, width: usize, style: Style) -> Vec<String> {
    let shared = data.get("in_common").and_then(Value::as_object);
    let of_all = if shared.is_some() { " of all" } else { "" };
    let source = shared.unwrap_or(data);
    let mut facts: Vec<(String, String, Tone)> = Vec::new();
    let mut tell = |name: String, text: String, tone| {
        if !text.is_empty() {
            facts.push((name, clean(&text, MAX_FACT_CHARS), tone));
        }
    };
    tell("batch".to_owned(), text(data, "id"), Tone::Strong);
    let status = text(data, "status");
    tell("status".to_owned(), status.clone(), tone_of(&status));
    for (name, member) in [
        ("job", "job_type"),
        ("configuration", "configuration_id"),
        ("directory", "source_directory_id"),
        ("project", "project_id"),
    ] {
        tell(format!("{name}{of_all}"), text(source, member), Tone::Plain);
    }
    tell("created".to_owned(), text(data, "created_at"), Tone::Plain);
    tell("updated".to_owned(), text(data, "updated_at"), Tone::Plain);
    tell("files".to_owned(), counts(data), Tone::Plain);
    tell("batches in all".to_owned(), text(data, "total_size"), Tone::Plain);
    let widest = facts.iter().map(|(name, ..)| width_of(name)).max().unwrap_or(0);
    let line = |(name, text, tone): &(String, String, Tone)| {
        let name = format!("{name}{}", " ".repeat(widest + 2 - width_of(name)));
        if *tone == Tone::Plain {
            hang(&name, text, width)
        } else {
            format!("{name}{}", style.paint(*tone, text))
        }
    };
    facts.iter().map(line).collect()
}

/// How many files there are of each kind. Shape: `12 in all, 4 completed, 5 failed, 3 not mapped`.
pub(super) fn counts(data: &Map<String, Value>) -> String {
    let Some(counts) = data.get("files").and_then(Value::as_object) else {
        return String::new();
    };
    let kinds = counts.iter().filter(|(name, _)| *name != "total");
    let kinds: Vec<_> = kinds
        .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    let total = text(counts, "total");
    if kinds.is_empty() {
        total
    } else {
        format!("{total} in all, {}", kinds.join(", "))
    }
}

fn objects<'a>(data: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    let items = data
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    items.iter().filter_map(Value::as_object)
}

/// What went wrong, most frequent first.
pub(super) fn problems(data: &Map<String, Value>) -> Table {
    let mut table = Table::new(&[
        ("FILES", Treatment::Whole),
        ("WHAT WENT WRONG", Treatment::Broken),
        ("FOR EXAMPLE", Treatment::Broken),
    ]);
    for problem in objects(data, "problems") {
        let examples = problem
            .get("examples")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let examples: Vec<_> = examples.iter().filter_map(Value::as_str).collect();
        let reason = match text(problem, "reason") {
            reason if reason.is_empty() => "no reason given".to_owned(),
            reason => reason,
        };
        table.row([text(problem, "count"), reason, examples.join(", ")]);
    }
    table
}

/// One page of files.
fn files(data: &Map<String, Value>) -> Table {
    table_of_files(objects(data, "results"))
}

/// Files, each with what became of it.
pub(super) fn table_of_files<'a>(files: impl Iterator<Item = &'a Map<String, Value>>) -> Table {
    let mut table = Table::new(&[
        ("FILE", Treatment::Broken),
        ("STATUS", Treatment::Status),
        ("JOB", Treatment::Whole),
        ("ERROR", Treatment::Below),
    ]);
    for file in files {
        let name = match text(file, "name") {
            name if name.is_empty() => text(file, "file_id"),
            name => name,
        };
        table.row([name, text(file, "status"), text(file, "job_id"), text(file, "error")]);
    }
    table
}

/// The files of one page.
pub(super) fn files_of(data: &Map<String, Value>) -> Vec<Map<String, Value>> {
    objects(data, "results").cloned().collect()
}

fn batches(data: &Map<String, Value>) -> Table {
    let mut table = Table::new(&[
        ("BATCH", Treatment::Whole),
        ("STATUS", Treatment::Status),
        ("CREATED", Treatment::Whole),
        ("DIRECTORY", Treatment::Whole),
        ("JOB", Treatment::Whole),
        ("CONFIGURATION", Treatment::Whole),
        ("UPDATED", Treatment::Whole),
        ("PROJECT", Treatment::Whole),
    ]);
    for batch in objects(data, "batches") {
        let members = [
            "id",
            "status",
            "created_at",
            "source_directory_id",
            "job_type",
            "configuration_id",
            "updated_at",
            "project_id",
        ];
        table.row(members.map(|member| text(batch, member)));
    }
    table
}

/// How to read on.
fn more(data: &Map<String, Value>, width: usize) -> Vec<String> {
    let tokens = [
        ("next_page_token", "page_token"),
        ("next_results_cursor", "results_cursor"),
    ];
    let next = tokens
        .iter()
        .find_map(|(member, argument)| Some((data.get(*member)?, argument)));
    next.map_or_else(Vec::new, |(token, argument)| {
        wrap(
            &format!("There is more: make the same call with \"{argument}\": {token} added."),
            width,
        )
    })
}

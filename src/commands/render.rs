//! A tool's result as a person likes to read it: its sentences, its facts, then tables and texts.
//!
//! Nothing here knows a tool. What is shown of a member follows from its value: a word is a fact, an array of objects is a table
//! with a column for each of their members, a text of several lines stays as it is, and anything deeper is shown as JSON.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde_json::{Map, Value};
use textwrap::core::display_width;

use super::shell;
use super::terminal::{Output, Tone};
use crate::untrusted::{clean, clean_lines};

const GAP: usize = 2;
/// A column whose texts can be wrapped is not made narrower than this.
const NARROWEST: usize = 16;
const MAX_NAME_CHARS: usize = 100;
/// Longer than any cell of an answer.
const MAX_CELL_CHARS: usize = 20_000;
/// The member that says everything in sentences.
const SUMMARY: &str = "summary";
/// The name of a member that continues a list: this prefix, then the name of the argument to which its value is passed.
const NEXT: &str = "next_";

type Object = Map<String, Value>;

/// A whole result, in paragraphs.
pub(super) fn render(data: &Object, output: &Output) -> String {
    let mut paragraphs = vec![output.wrap(summary(data)), facts(data, output)];
    for (name, value) in members(data) {
        match Shape::of(value) {
            Shape::Word(_) => {}
            Shape::Text(text) => paragraphs.push(clean_lines(text)),
            Shape::Rows(rows) => paragraphs.push(table(&rows, output)),
            Shape::Deep => {
                let json = serde_json::to_string_pretty(value).unwrap_or_default();
                paragraphs.push(format!("{}: {}", label(name), clean_lines(&json)));
            }
        }
    }
    paragraphs.push(more(data, output));
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

/// What a result says in sentences, and its facts: enough to find what it is about.
pub(super) fn in_short(data: &Object, output: &Output) -> String {
    let parts = [output.wrap(summary(data)), facts(data, output)];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn summary(data: &Object) -> &str {
    data.get(SUMMARY).and_then(Value::as_str).unwrap_or_default()
}

fn members(data: &Object) -> impl Iterator<Item = (&str, &Value)> {
    let members = data.iter().map(|(name, value)| (name.as_str(), value));
    members.filter(|(name, _)| *name != SUMMARY && !name.starts_with(NEXT))
}

/// How a value is shown.
enum Shape<'a> {
    /// On one line, beside its name.
    Word(String),
    /// A text whose lines stay as they are.
    Text(&'a str),
    Rows(Vec<&'a Object>),
    /// As JSON.
    Deep,
}

impl<'a> Shape<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::String(text) if text.contains('\n') => Self::Text(text),
            Value::Array(items) if !items.is_empty() => {
                let rows: Option<Vec<_>> = items.iter().map(Value::as_object).collect();
                match rows.filter(|rows| rows.iter().all(|row| row.values().all(|value| word(value).is_some()))) {
                    Some(rows) => Self::Rows(rows),
                    None => word(value).map_or(Self::Deep, Self::Word),
                }
            }
            _ => word(value).map_or(Self::Deep, Self::Word),
        }
    }
}

/// The value on one line: a word, words between commas, or members with their names. `None`: it is deeper than that.
fn word(value: &Value) -> Option<String> {
    let simple = |value: &Value| match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    let joined = |words: Option<Vec<String>>| words.map(|words| words.join(", "));
    match value {
        Value::Array(items) => joined(items.iter().map(simple).collect()),
        Value::Object(members) => {
            let named =
                |(name, value): (&String, &Value)| simple(value).map(|value| format!("{} {value}", label(name)));
            joined(members.iter().map(named).collect())
        }
        _ => simple(value),
    }
}

/// A member's name as people write it.
fn label(name: &str) -> String {
    clean(&name.replace('_', " "), MAX_NAME_CHARS)
}

/// One fact a line: its name, and what it is.
fn facts(data: &Object, output: &Output) -> String {
    let facts = members(data).filter_map(|(name, value)| match Shape::of(value) {
        Shape::Word(word) => Some((label(name), clean(&word, MAX_CELL_CHARS))),
        _ => None,
    });
    beside_their_names(&facts.collect::<Vec<_>>(), output)
}

fn beside_their_names(facts: &[(String, String)], output: &Output) -> String {
    let facts = || facts.iter().filter(|(_, text)| !text.is_empty());
    let widest = facts().map(|(name, _)| display_width(name)).max().unwrap_or(0);
    let line = |(name, text): &(String, String)| {
        let name = format!("{name}{}", " ".repeat(widest + GAP - display_width(name)));
        let line = output.hang(&name, text);
        // Coloured only after wrapping, which would count the colour codes as columns.
        match tone_of(text) {
            Some(tone) => line.replacen(text.as_str(), &output.paint(tone, text), 1),
            None => line,
        }
    };
    facts().map(line).collect::<Vec<_>>().join("\n")
}

/// Objects as a table with a column for each of their members; one below the other where a table would be too wide.
pub(super) fn table(rows: &[&Object], output: &Output) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| row.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let text = |row: &Object, name: &str| {
        let text = row.get(name).and_then(word).unwrap_or_default();
        clean(&text, MAX_CELL_CHARS)
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| names.iter().map(|name| text(row, name)).collect())
        .collect();
    let columns: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let texts = cells.iter().filter_map(|row| row.get(index));
            least_width(&label(name), texts.map(String::as_str))
        })
        .collect();
    if columns.iter().sum::<usize>() + GAP * columns.len().saturating_sub(1) > output.width() {
        let records = cells.into_iter().map(|row| {
            let facts: Vec<_> = names.iter().map(|name| label(name)).zip(row).collect();
            beside_their_names(&facts, output)
        });
        return records.collect::<Vec<_>>().join("\n\n");
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(narrow(output.width()))
        .set_header(names.iter().map(|name| label(name).to_uppercase()))
        .add_rows(cells);
    let last = columns.len().saturating_sub(1);
    for (index, (column, least)) in table.column_iter_mut().zip(columns).enumerate() {
        let gap = if index == last { 0 } else { GAP };
        column
            .set_padding((0, narrow(gap)))
            .set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(narrow(least + gap))));
    }
    let lines = table.trim_fmt();
    match lines.split_once('\n') {
        Some((head, rows)) => format!("{}\n{rows}", output.paint(Tone::Strong, head)),
        None => lines,
    }
}

/// How wide a column has to be. Words, which may be IDs to copy, stay whole; texts can be wrapped.
fn least_width<'a>(head: &str, texts: impl Iterator<Item = &'a str>) -> usize {
    let least = texts.map(|text| {
        let words = text.split(' ').map(display_width).max().unwrap_or(0);
        words.max(display_width(text).min(NARROWEST))
    });
    least.max().unwrap_or(0).max(display_width(head))
}

fn narrow(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}

/// How to see what comes next.
fn more(data: &Object, output: &Output) -> String {
    let next = data
        .iter()
        .find_map(|(name, value)| Some((name.strip_prefix(NEXT)?, value.as_str()?)));
    next.map_or_else(String::new, |(argument, token)| {
        let added = shell::quoted(&clean(&format!("{argument}={token}"), MAX_CELL_CHARS));
        format!(
            "{}\n  {added}",
            output.wrap("There is more. For the next page, repeat the command with this added:")
        )
    })
}

/// How a status is coloured.
fn tone_of(word: &str) -> Option<Tone> {
    Some(match word {
        "COMPLETED" => Tone::Good,
        "FAILED" => Tone::Bad,
        "CANCELLED" | "THROTTLED" | "PENDING" | "RUNNING" => Tone::Doubtful,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;

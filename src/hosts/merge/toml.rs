//! The entry in a TOML file: a table of its own.

use toml_edit::{Document, Item, TableLike};

use super::json::spliced;
use super::{Refusal, newline};
use crate::hosts::NAME;
use crate::hosts::template::{list, quoted};

/// The text with the table that `configuration` consists of. None if nothing would change.
pub(super) fn merged(text: &str, servers: &str, configuration: &str) -> Result<Option<String>, Refusal> {
    let wanted = parse(configuration)?;
    let wanted = entry(wanted.as_item(), servers)?.ok_or_else(|| Refusal::Other(servers.to_owned()))?;
    let file = parse(text)?;
    let Some(there) = entry(file.as_item(), servers)? else {
        return appended(text, servers, configuration).map(Some);
    };
    let mut merged = text.to_owned();
    let mut changes = Vec::new();
    let mut missing = String::new();
    for (name, value) in wanted.table.iter() {
        let wanted = texts(value);
        match there.table.get(name) {
            None => missing.extend([name, " = ", &written(value, &wanted), newline(text)]),
            Some(old) if is_same(old, value) => {}
            // Other variables may be passed on as well.
            Some(old) if name == "env_vars" => {
                let mut all = texts(old);
                all.extend(wanted.into_iter().filter(|name| !texts(old).contains(name)));
                if all != texts(old) {
                    changes.push((old.span(), list(&all)));
                }
            }
            Some(old) => changes.push((old.span(), written(value, &wanted))),
        }
    }
    if !missing.is_empty() {
        let header = there
            .span
            .filter(|span| text.get(span.clone()).is_some_and(|table| table.starts_with('[')));
        let header = header.ok_or_else(|| Refusal::Other(NAME.to_owned()))?;
        let line = text.get(header.start..).and_then(|table| table.find('\n'));
        match line {
            Some(line) => changes.push((Some(header.start + line + 1..header.start + line + 1), missing)),
            None => changes.push((Some(text.len()..text.len()), format!("{}{missing}", newline(text)))),
        }
    }
    // From the end, so that the earlier positions stay what they are.
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.as_ref().map_or(0, |span| span.start)));
    for (span, new) in &changes {
        let span = span.clone().ok_or_else(|| Refusal::Other(NAME.to_owned()))?;
        merged = spliced(&merged, span.start, span.end, new);
    }
    Ok((!changes.is_empty()).then_some(merged))
}

/// Appends a table at the end, which is valid unless the file has its servers in one inline table.
fn appended(text: &str, servers: &str, configuration: &str) -> Result<String, Refusal> {
    let newline = newline(text);
    let ending = if text.ends_with('\n') { "" } else { newline };
    let table = configuration.replace('\n', newline);
    let merged = format!("{text}{ending}{newline}{table}");
    match parse(&merged) {
        Ok(_) => Ok(merged),
        Err(_) => Err(Refusal::Other(servers.to_owned())),
    }
}

/// The server's entry.
struct Entry<'a> {
    table: &'a dyn TableLike,
    span: Option<std::ops::Range<usize>>,
}

fn entry<'a>(file: &'a Item, servers: &str) -> Result<Option<Entry<'a>>, Refusal> {
    let Some(item) = file.get(servers) else {
        return Ok(None);
    };
    let table = item.as_table_like().ok_or_else(|| Refusal::Other(servers.to_owned()))?;
    let Some(item) = table.get(NAME) else {
        return Ok(None);
    };
    let table = item.as_table_like().ok_or_else(|| Refusal::Other(NAME.to_owned()))?;
    Ok(Some(Entry {
        table,
        span: item.span(),
    }))
}

fn parse(text: &str) -> Result<Document<&str>, Refusal> {
    Document::parse(text).map_err(|error| Refusal::Invalid {
        syntax: "TOML",
        reason: error.message().to_owned(),
    })
}

/// A text, or the texts of a list.
fn texts(item: &Item) -> Vec<String> {
    match (item.as_str(), item.as_array()) {
        (Some(text), _) => vec![text.to_owned()],
        (None, Some(list)) => list
            .iter()
            .filter_map(|value| value.as_str())
            .map(str::to_owned)
            .collect(),
        (None, None) => Vec::new(),
    }
}

/// Whether both are the same text, or lists of the same texts.
fn is_same(one: &Item, other: &Item) -> bool {
    let has_texts_alone = |item: &Item| {
        let mut values = item.as_array().into_iter().flatten();
        values.all(toml_edit::Value::is_str)
    };
    texts(one) == texts(other) && one.is_array() == other.is_array() && has_texts_alone(one)
}

/// The same as TOML.
fn written(item: &Item, texts: &[String]) -> String {
    match (item.is_array(), texts.first()) {
        (false, Some(text)) => quoted(text),
        _ => list(texts),
    }
}

//! The entry in a JSON file.

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

use super::{Refusal, newline};
use crate::hosts::template::Members;
use crate::hosts::{KEY_VARIABLE, NAME};

/// What hosts accept beside JSON, and no more.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The members of an entry that say how the server is started. The others are the user's, once they are there.
const START: [&str; 3] = ["type", "command", "args"];

/// The text with the entry in `servers`, and with what the host has to ask for. None if nothing would change.
pub(super) fn merged(
    text: &str,
    servers: &str,
    entry: &Members,
    inputs: Option<&Value>,
    passes_key: bool,
) -> Result<Option<String>, Refusal> {
    let with_inputs = match inputs.and_then(Value::as_array) {
        Some(inputs) => with_inputs(text, inputs)?,
        None => text.to_owned(),
    };
    let merged = with_entry(&with_inputs, servers, entry, passes_key)?;
    Ok((merged != text).then_some(merged))
}

fn with_entry(text: &str, servers: &str, entry: &Members, passes_key: bool) -> Result<String, Refusal> {
    let root = parse(text)?;
    let file = object(&root, "the file")?;
    let Some(servers_there) = member(file, servers)? else {
        return Ok(append(
            text,
            file.range,
            last(&file.properties),
            Some(servers),
            &json!({ NAME: entry }),
        ));
    };
    let servers = object(&servers_there.value, servers)?;
    let Some(there) = member(servers, NAME)? else {
        return Ok(append(
            text,
            servers.range,
            last(&servers.properties),
            Some(NAME),
            &json!(entry),
        ));
    };
    object(&there.value, NAME)?;
    let before = Value::from(there.value.clone());
    let mut after = before.clone();
    update(&mut after, entry, passes_key);
    if after == before {
        return Ok(text.to_owned());
    }
    let range = there.value.range();
    let style = if slice(text, range).contains('\n') {
        Some(indent_of_line(text, there.range.start))
    } else {
        None
    };
    Ok(spliced(text, range.start, range.end, &rendered(text, &after, style)))
}

/// Adds each input whose ID is not there yet.
fn with_inputs(text: &str, inputs: &[Value]) -> Result<String, Refusal> {
    let root = parse(text)?;
    let file = object(&root, "the file")?;
    let Some(there) = member(file, "inputs")? else {
        return Ok(append(
            text,
            file.range,
            last(&file.properties),
            Some("inputs"),
            &json!(inputs),
        ));
    };
    let Node::Array(array) = &there.value else {
        return Err(Refusal::Other("inputs".to_owned()));
    };
    let ids: Vec<_> = array
        .elements
        .iter()
        .filter_map(|element| Value::from(element.clone()).get("id").cloned())
        .collect();
    match inputs
        .iter()
        .find(|input| input.get("id").is_some_and(|id| !ids.contains(id)))
    {
        Some(missing) => Ok(append(text, array.range, last(&array.elements), None, missing)),
        None => Ok(text.to_owned()),
    }
}

/// Makes an entry start the server as wanted. Everything that the user added stays, except a key that is no longer passed.
fn update(there: &mut Value, wanted: &Members, passes_key: bool) {
    let Value::Object(there) = there else { return };
    if !passes_key {
        there.retain(|_, value| match value {
            Value::Object(variables) => variables.shift_remove(KEY_VARIABLE).is_none() || !variables.is_empty(),
            _ => true,
        });
    }
    for (name, value) in wanted {
        match (there.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(wanted)) => {
                let mut nested = Value::Object(std::mem::take(inner));
                update(&mut nested, wanted, passes_key);
                there.insert(name.clone(), nested);
            }
            (Some(_), _) if !START.contains(&name.as_str()) => {}
            _ => {
                there.insert(name.clone(), value.clone());
            }
        }
    }
}

fn parse(text: &str) -> Result<Node<'_>, Refusal> {
    let invalid = |reason: String| Refusal::Invalid { syntax: "JSON", reason };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &OPTIONS);
    let parsed = parsed.map_err(|error| invalid(error.to_string()))?;
    parsed
        .value
        .ok_or_else(|| invalid("it holds nothing but comments".to_owned()))
}

fn object<'a, 'text>(node: &'a Node<'text>, name: &str) -> Result<&'a Object<'text>, Refusal> {
    match node {
        Node::Object(object) => Ok(object),
        _ => Err(Refusal::Other(name.to_owned())),
    }
}

fn member<'a, 'text>(object: &'a Object<'text>, name: &str) -> Result<Option<&'a ObjectProp<'text>>, Refusal> {
    let mut found = object
        .properties
        .iter()
        .filter(|property| property.name.as_str() == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Refusal::Twice(name.to_owned())),
        (found, None) => Ok(found),
    }
}

fn last<T: Ranged>(items: &[T]) -> Option<Range> {
    items.last().map(Ranged::range)
}

/// Puts an item behind the last one of an object or array. Text is inserted in at most two places; none is changed.
fn append(text: &str, container: Range, last: Option<Range>, name: Option<&str>, value: &Value) -> String {
    let inside = container.start + 1;
    let end = container.end - 1;
    let after_last = last.map_or(inside, |last| last.end);
    let rest = slice(text, Range { start: after_last, end });
    // After whatever follows the last item: its comma, and comments about it.
    let at = after_last + rest.trim_end().len();
    let has_comma = has_comma(rest);
    let is_spread = match last {
        Some(_) => slice(text, container).contains('\n'),
        None => text.trim().contains('\n') || container.start == text.len() - text.trim_start().len(),
    };
    let newline = newline(text);
    let outer = indent_of_line(text, container.start);
    let indent = match last {
        Some(last) => indent_of_line(text, last.start).to_owned(),
        None => format!("{outer}{}", unit(text)),
    };
    let style = is_spread.then_some(indent.as_str());
    let key = name.map(|name| format!("{}: ", Value::from(name))).unwrap_or_default();
    let item = format!("{key}{}", rendered(text, value, style));
    let comma_after = if has_comma { "," } else { "" };
    let before = if is_spread {
        format!("{newline}{indent}")
    } else {
        " ".to_owned()
    };
    let closing = if is_spread && last.is_none() && !rest.contains('\n') {
        format!("{newline}{outer}")
    } else {
        String::new()
    };
    let inserted = spliced(text, at, at, &format!("{before}{item}{comma_after}{closing}"));
    if last.is_some() && !has_comma {
        spliced(&inserted, after_last, after_last, ",")
    } else {
        inserted
    }
}

/// Whether there is a comma outside comments.
fn has_comma(mut trivia: &str) -> bool {
    loop {
        let comment_end = match trivia.as_bytes() {
            [] => return false,
            [b',', ..] => return true,
            [b'/', b'/', ..] => "\n",
            [b'/', b'*', ..] => "*/",
            _ => "",
        };
        let skipped = if comment_end.is_empty() {
            trivia.chars().next().map_or(1, char::len_utf8)
        } else {
            trivia
                .find(comment_end)
                .map_or(trivia.len(), |at| at + comment_end.len())
        };
        trivia = trivia.get(skipped..).unwrap_or_default();
    }
}

/// The value on lines with this indent, or on one line.
fn rendered(text: &str, value: &Value, indent: Option<&str>) -> String {
    let Some(indent) = indent else {
        return value.to_string();
    };
    let unit = unit(text);
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(unit.as_bytes()));
    // Writing to memory cannot fail.
    drop(value.serialize(&mut serializer));
    let lines = String::from_utf8_lossy(&bytes).into_owned();
    lines.replace('\n', &format!("{}{indent}", newline(text)))
}

/// What the file's author indents by: the white space before the first line that has any.
fn unit(text: &str) -> &str {
    let indented = text.lines().filter(|line| line.trim_start().starts_with('"'));
    indented.map(indent).find(|indent| !indent.is_empty()).unwrap_or("  ")
}

fn indent(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t']);
    line.strip_suffix(rest).unwrap_or_default()
}

fn indent_of_line(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    indent(text.get(line..).unwrap_or_default())
}

fn slice(text: &str, range: Range) -> &str {
    text.get(range.start..range.end).unwrap_or_default()
}

/// The text with this range replaced.
pub(super) fn spliced(text: &str, start: usize, end: usize, new: &str) -> String {
    let (before, after) = (
        text.get(..start).unwrap_or_default(),
        text.get(end..).unwrap_or_default(),
    );
    [before, new, after].concat()
}

//! A tool's arguments → its input type: lenient in, strict out.
//!
//! The intent is obvious for a number in quotation marks, an id in backticks, or an object sent as JSON text. Such spellings are
//! first corrected by the input schema. Then the type decides. Every mistake is named, with the value as it arrived.

mod json;

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::plain_words;
use super::schema::InputSchema;
use super::shape::{Kind, Shape};
use crate::untrusted::{self, escape};
use json::{MAX_QUOTED_CHARS, Members, arrived, as_json_text, string, trim, trimmed, whole_number};

/// How many mistakes an error names.
const MAX_PROBLEMS: usize = 12;

/// Members that hosts add to the arguments of every tool (n8n; Gemini CLI).
const ADDED_BY_HOSTS: [&str; 5] = ["sessionId", "action", "chatInput", "toolCallId", "wait_for_previous"];

/// What is wrong with the arguments of a call. Displayed as clauses without a full stop.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// Where, and what is wrong there.
    named: Vec<(String, String)>,
    /// How many there are besides.
    more: usize,
    /// How many may be named; see [`Reading::counting`].
    limit: Option<usize>,
}

impl Problems {
    fn add(&mut self, path: &str, problem: impl FnOnce() -> String) {
        if self.limit.is_some_and(|limit| self.named.len() >= limit) {
            self.more += 1;
        } else {
            self.named.push((path.to_owned(), problem()));
        }
    }

    /// Adds advice to the problems of known arguments; the advice depends on the name, not on its path.
    pub(crate) fn advise(&mut self, schema: &InputSchema, advice: impl Fn(&str) -> Option<String>) {
        for (path, problem) in &mut self.named {
            let name = path.rsplit('.').next().unwrap_or_default();
            if let Some(advice) = advice(name).filter(|_| schema.shape.at(path).is_some()) {
                *problem = format!("{problem} ({advice})");
            }
        }
    }

    /// Whether a problem at this path, or inside what is there, is known.
    fn are_about(&self, path: &str) -> bool {
        self.named.iter().any(|(known, _)| is_inside(known, path))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, problem)) in self.named.iter().take(MAX_PROBLEMS).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let path = escape(if path.is_empty() { "arguments" } else { path }, MAX_QUOTED_CHARS);
            write!(formatter, "{separator}`{path}` {problem}")?;
        }
        match (self.named.len() + self.more).checked_sub(MAX_PROBLEMS) {
            None | Some(0) => Ok(()),
            Some(more) => write!(formatter, "; and {more} more"),
        }
    }
}

/// Reads a tool's own arguments and those that it has in common with others.
///
/// # Errors
/// Every mistake at once.
pub(crate) fn read<Own: DeserializeOwned, Common: DeserializeOwned>(
    arguments: &RawValue,
    schema: &InputSchema,
) -> Result<(Own, Common), Problems> {
    let mut reading = Reading {
        hidden: &schema.hidden,
        problems: Problems::default(),
    };
    let members = match reading.value(&schema.shape, arguments, "") {
        Some(Value::Object(members)) => members,
        _ if is_absent(&schema.shape, arguments) => Map::new(),
        _ => return Err(reading.problems),
    };
    let (common, own) = members.into_iter().partition(|(name, _)| schema.common.contains(name));
    let problems = &mut reading.problems;
    match (decode(own, problems), decode(common, problems)) {
        (Some(own), Some(common)) if problems.named.is_empty() => Ok((own, common)),
        _ => Err(reading.problems),
    }
}

/// Arguments while they are corrected by the schema.
struct Reading<'s> {
    /// Arguments that are accepted without being advertised.
    hidden: &'s [&'static str],
    problems: Problems,
}

impl Reading<'_> {
    /// One value as its schema says. `None` if it is wrong, which is then a problem.
    fn value(&mut self, shape: &Shape, raw: &RawValue, path: &str) -> Option<Value> {
        let found = match shape.kind {
            Kind::Object => return self.object(shape, raw, path),
            Kind::Array => return self.array(shape, raw, path),
            Kind::String => return self.text(shape, raw, path),
            Kind::Integer => return self.integer(shape, raw, path),
            Kind::Boolean => match trimmed(raw).as_deref().unwrap_or(raw.get()) {
                text if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
                text if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
                _ => None,
            },
            Kind::Any => serde_json::from_str(raw.get()).ok(),
        };
        found.or_else(|| self.wrong(shape, raw, path))
    }

    fn object(&mut self, shape: &Shape, raw: &RawValue, path: &str) -> Option<Value> {
        let json = as_json_text(raw, '{');
        let raw = json.as_deref().unwrap_or(raw);
        if !raw.get().starts_with('{') {
            return self.wrong(shape, raw, path);
        }
        let members: Members<'_> = match serde_json::from_str(raw.get()) {
            Ok(members) => members,
            Err(error) => {
                self.problems.add(path, || plain_words(&error.to_string()));
                return None;
            }
        };
        let mut right = Map::new();
        let mut unknown = Vec::new();
        for (name, raw) in &members.0 {
            match shape.property(name) {
                Some(property) if is_absent(property, raw) => {}
                Some(property) => {
                    if let Some(value) = self.value(property, raw, &inside(path, name)) {
                        right.insert(name.to_string(), value);
                    }
                }
                None if path.is_empty() && ADDED_BY_HOSTS.contains(&name.as_ref()) => {
                    tracing::debug!(member = name.as_ref(), "ignored what the host added to the arguments");
                }
                None => unknown.push(name),
            }
        }
        for name in &shape.required {
            let missing = members.0.iter().all(|(known, raw)| {
                known != name || shape.property(name).is_none_or(|property| is_absent(property, raw))
            });
            if missing {
                self.problems.add(&inside(path, name), || "is required".to_owned());
            }
        }
        self.name_unknown(&unknown, shape, path);
        Some(Value::Object(right))
    }

    fn name_unknown(&mut self, unknown: &[&Cow<'_, str>], shape: &Shape, path: &str) {
        let hidden = self.hidden;
        let accepted = || {
            let names = shape.properties.iter().map(|(name, _)| name.as_str());
            names.filter(|name| !path.is_empty() || !hidden.contains(name))
        };
        self.counting(|reading| {
            for (index, name) in unknown.iter().enumerate() {
                reading.problems.add(&inside(path, name), || {
                    let problem = format!("is not accepted{}", did_you_mean(name, accepted()));
                    // The accepted names are listed once, after the last unknown one.
                    if index + 1 == unknown.len() {
                        format!("{problem}; expected {}", list(accepted()))
                    } else {
                        problem
                    }
                });
            }
        });
    }

    fn array(&mut self, shape: &Shape, raw: &RawValue, path: &str) -> Option<Value> {
        let json = as_json_text(raw, '[');
        let raw = json.as_deref().unwrap_or(raw);
        let Some(item) = &shape.items else {
            return serde_json::from_str(raw.get())
                .ok()
                .or_else(|| self.wrong(shape, raw, path));
        };
        if !raw.get().starts_with('[') {
            return Some(Value::Array(vec![self.value(item, raw, path)?]));
        }
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
        self.counting(|reading| {
            let mut right = Some(Vec::new());
            for (index, raw) in items.into_iter().enumerate() {
                let value = reading.value(item, raw, &format!("{path}[{index}]"));
                // After a mistake, the items are only checked.
                right = right.zip(value).map(|(mut right, value)| {
                    right.push(value);
                    right
                });
            }
            right.map(Value::Array)
        })
    }

    /// Reads what may have any number of mistakes: as many as an error shows are named, the others are counted.
    fn counting<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.problems.limit;
        let most = self.problems.named.len() + MAX_PROBLEMS;
        self.problems.limit = Some(outer.map_or(most, |outer| outer.min(most)));
        let read = read(self);
        self.problems.limit = outer;
        read
    }

    fn text(&mut self, shape: &Shape, raw: &RawValue, path: &str) -> Option<Value> {
        let Some(text) = string(raw) else {
            return self.wrong(shape, raw, path);
        };
        let text = if shape.is_free_text() { &text } else { trim(&text) };
        if !shape.choices.is_empty() {
            let meant = shape.choices.iter().find(|choice| choice.eq_ignore_ascii_case(text));
            return match meant {
                Some(choice) => Some(Value::String(choice.clone())),
                None => self.wrong(shape, raw, path),
            };
        }
        let length = text.chars().count() as u64;
        if shape.min_length.is_some_and(|least| length < least) {
            self.problems.add(path, || "is too short".to_owned());
            None
        } else if let Some(most) = shape.max_length.filter(|most| length > *most) {
            self.problems
                .add(path, || format!("is {length} characters long, more than {most}"));
            None
        } else {
            Some(Value::String(text.to_owned()))
        }
    }

    fn integer(&mut self, shape: &Shape, raw: &RawValue, path: &str) -> Option<Value> {
        let text = trimmed(raw);
        let Some(number) = whole_number(text.as_deref().unwrap_or(raw.get())) else {
            return self.wrong(shape, raw, path);
        };
        let too_small = shape.minimum.is_some_and(|least| number < least.into());
        let too_large = shape.maximum.is_some_and(|most| number > most.into());
        match i64::try_from(number) {
            Ok(number) if !too_small && !too_large => Some(Value::from(number)),
            _ => self.wrong(shape, raw, path),
        }
    }

    /// Names a value that its schema does not allow.
    fn wrong(&mut self, shape: &Shape, raw: &RawValue, path: &str) -> Option<Value> {
        self.problems.add(path, || {
            let arrived = arrived(raw);
            let choices = || shape.choices.iter().map(String::as_str);
            if shape.choices.is_empty() {
                return format!("must be {}, not {arrived}", shape.expected());
            }
            let text = string(raw).unwrap_or_default();
            let meant = did_you_mean(trim(&text), choices());
            format!("must be one of {}, not {arrived}{meant}", list(choices()))
        });
        None
    }
}

/// Decodes the corrected arguments. What only the type knows, such as the characters of an id, is checked here.
///
/// Every mistake is found: a refused value is removed, and the rest is read again. No refusal is named twice.
fn decode<T: DeserializeOwned>(members: Map<String, Value>, problems: &mut Problems) -> Option<T> {
    let mut whole = Value::Object(members);
    // Only a mistake needs its path, which takes time to keep track of.
    if let Ok(decoded) = T::deserialize(&whole) {
        return Some(decoded);
    }
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&whole) {
            Ok(decoded) => return Some(decoded),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        // A member that is missing because it was refused is not a separate mistake.
        if !problems.are_about(path) {
            problems.add(path, || plain_words(&error.inner().to_string()));
        }
        if !take_out(&mut whole, path) {
            return None;
        }
    }
}

/// Removes the member at a path, or the array around it. Returns whether there was one.
fn take_out(whole: &mut Value, path: &str) -> bool {
    let path = path.split('[').next().unwrap_or_default();
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut parent = parent.split('.').filter(|name| !name.is_empty());
    let parent = parent.try_fold(whole, |value, name| value.get_mut(name));
    let members = parent.and_then(Value::as_object_mut);
    members.is_some_and(|members| members.shift_remove(name).is_some())
}

/// Whether a value means that the argument is absent.
fn is_absent(shape: &Shape, raw: &RawValue) -> bool {
    raw.get() == "null"
        || match string(raw) {
            Some(text) if shape.is_free_text() => text.is_empty(),
            Some(text) => trim(&text).is_empty(),
            None => false,
        }
}

fn inside(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Whether `inner` is `outer` or inside it.
fn is_inside(inner: &str, outer: &str) -> bool {
    outer.is_empty()
        || inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Compares as much of the name as an error repeats.
fn did_you_mean<'a>(name: &str, accepted: impl Iterator<Item = &'a str>) -> String {
    let name: String = name.chars().take(MAX_QUOTED_CHARS).collect();
    untrusted::nearest(&name, accepted).map_or(String::new(), |nearest| format!(" (did you mean `{nearest}`?)"))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;

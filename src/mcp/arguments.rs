//! A tool's arguments → its input type, and what is wrong with them in words that a model can act on.
//!
//! The type decides. Only when it refuses are the arguments held against the advertised schema, so that the answer names every
//! mistake at once, in the terms that the model was given.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::plain_words;
use crate::foreign;

const MAX_PROBLEMS: usize = 5;
const MAX_QUOTED_CHARS: usize = 60;

/// Reads arguments. The schema is only made for arguments that are refused.
///
/// # Errors
/// Sentences, each with the argument's path, the rule and, for unknown names, the nearest accepted one.
pub(crate) fn decode<T: DeserializeOwned>(arguments: &str, schema: impl FnOnce() -> Value) -> Result<T, String> {
    // What is right is read once. Keeping track of the path takes as long again, and only mistakes need it.
    if let Ok(read) = serde_json::from_str(arguments) {
        return Ok(read);
    }
    let mut deserializer = serde_json::Deserializer::from_str(arguments);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let mut problems = Problems::default();
        if let Ok(value) = serde_json::from_str(arguments) {
            problems.check(&schema(), &value, "");
        }
        // What only the type knows, such as how an instant is written; it stops at the first such mistake.
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        if problems.0.is_empty() || !problems.are_about(path) {
            problems.add(path, &plain_words(&error.inner().to_string()));
        }
        problems.0.truncate(MAX_PROBLEMS);
        problems.0.join("; ")
    })
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    /// Whether a problem at this path, or inside what is there, is named already.
    fn are_about(&self, path: &str) -> bool {
        let named = format!("argument `{path}");
        path.is_empty() || self.0.iter().any(|problem| problem.starts_with(&named))
    }

    fn add(&mut self, path: &str, problem: &str) {
        self.0.push(match path {
            "" => format!("arguments: {problem}"),
            path => format!("argument `{}`: {problem}", foreign::clean(path, MAX_QUOTED_CHARS)),
        });
    }

    fn check(&mut self, schema: &Value, value: &Value, path: &str) {
        match (schema.get("type").and_then(Value::as_str), value) {
            (Some("object"), Value::Object(members)) => self.check_members(schema, members, path),
            (Some("array"), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.check(
                        schema.get("items").unwrap_or(&Value::Null),
                        item,
                        &format!("{path}[{index}]"),
                    );
                }
            }
            (Some("string"), Value::String(text)) => self.check_text(schema, text, path),
            (Some("integer"), Value::Number(number)) if !number.is_f64() => self.check_range(schema, value, path),
            (Some("boolean"), Value::Bool(_)) | (None, _) => {}
            (Some(expected), other) => self.add(path, &format!("expected {}, not {}", kind(expected), describe(other))),
        }
    }

    fn check_members(&mut self, schema: &Value, members: &Map<String, Value>, path: &str) {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let inner = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        for name in required.filter(|name| members.get(*name).is_none_or(Value::is_null)) {
            self.add(&inner(name), "is required");
        }
        for (name, value) in members {
            match properties.get(name) {
                Some(_) if value.is_null() => {}
                Some(property) => self.check(property, value, &inner(name)),
                None => self.add(&inner(name), &unknown(name, properties)),
            }
        }
    }

    fn check_text(&mut self, schema: &Value, text: &str, path: &str) {
        let choices: Vec<_> = schema
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !choices.is_empty() && !choices.contains(&text) {
            let meant = foreign::nearest(text, choices.iter().copied())
                .map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
            let quoted = foreign::quote(text, MAX_QUOTED_CHARS);
            return self.add(
                path,
                &format!("{quoted} is not one of {}{meant}", list(choices.into_iter())),
            );
        }
        let length = text.chars().count() as u64;
        let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        if length == 0 && limit("minLength").is_some_and(|least| least > 0) {
            self.add(path, "is empty");
        } else if let Some(most) = limit("maxLength").filter(|most| length > *most) {
            self.add(path, &format!("is {length} characters long, more than {most}"));
        }
    }

    fn check_range(&mut self, schema: &Value, value: &Value, path: &str) {
        let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_i64);
        let number = value.as_i64().unwrap_or(i64::MAX);
        let (least, most) = (limit("minimum"), limit("maximum"));
        if least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most) {
            return;
        }
        self.add(
            path,
            &match (least, most) {
                (Some(least), Some(most)) => format!("{value} is not between {least} and {most}"),
                (Some(least), None) => format!("{value} is less than {least}"),
                (None, most) => format!("{value} is more than {}", most.unwrap_or_default()),
            },
        );
    }
}

fn unknown(name: &str, properties: &Map<String, Value>) -> String {
    let accepted = || properties.keys().map(String::as_str);
    let meant = foreign::nearest(name, accepted()).map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
    format!("no such argument{meant}; accepted are {}", list(accepted()))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A JSON type with its article.
fn kind(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => foreign::quote(text, MAX_QUOTED_CHARS),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::mcp::schema;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is looked at")]
    struct Input {
        #[schemars(length(min = 1, max = 8))]
        batch_id: String,
        #[schemars(range(min = 1, max = 9))]
        page_size: Option<std::num::NonZeroU8>,
        expand: Option<Vec<Expand>>,
        config: Option<Config>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Expand {
        Results,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is looked at")]
    struct Config {
        job: bool,
    }

    fn check(arguments: &str, expected: &Expect) {
        let outcome = decode::<Input>(arguments, schema::of_input::<Input>);
        expected.assert_eq(&outcome.map_or_else(|problems| problems, |_| "fine".to_owned()));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        check(r#"{"batch_id":"b"}"#, &expect![[r#"fine"#]]);
        check(
            r#"{"batch_id":"b","page_size":null,"expand":null,"config":null}"#,
            &expect![[r#"fine"#]],
        );
        check("{}", &expect![[r#"argument `batch_id`: is required"#]]);
        check(
            r#"{"batch_id":null}"#,
            &expect![[r#"argument `batch_id`: is required"#]],
        );
        check("[]", &expect![[r#"arguments: expected an object, not an array"#]]);
        check(
            r#"{"batchId":"b"}"#,
            &expect![
                "argument `batch_id`: is required; argument `batchId`: no such argument (did you mean `batch_id`?); accepted are `batch_id`, `page_size`, `expand`, `config`"
            ],
        );
        check(
            r#"{"batch_id":7,"page_size":0,"expand":["result"],"config":{"job":"x","b":1}}"#,
            &expect![[
                r#"argument `batch_id`: expected a string, not 7; argument `page_size`: 0 is not between 1 and 9; argument `expand[0]`: "result" is not one of `results` (did you mean `results`?); argument `config.job`: expected a boolean, not "x"; argument `config.b`: no such argument; accepted are `job`"#
            ]],
        );
        check(
            r#"{"batch_id":"","page_size":1.5}"#,
            &expect![[r#"argument `batch_id`: is empty; argument `page_size`: expected an integer, not 1.5"#]],
        );
        check(
            r#"{"batch_id":"b","batch_id":"c"}"#,
            &expect![[r#"arguments: duplicate field `batch_id`"#]],
        );
    }

    #[test]
    fn deep_nesting_is_a_mistake_like_any_other() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        check(
            &format!(r#"{{"batch_id":{deep}}}"#),
            &expect!["argument `batch_id`: invalid type: sequence, expected a string"],
        );
        check(
            &deep,
            &expect!["argument `[0]`: invalid type: sequence, expected a string"],
        );
    }
}

//! Arguments made from the tools' own input schemas, right and nearly right: right ones are
//! taken, and nothing is sent for those that are refused.

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

use super::rpc::Message;
use super::said::{messages, tool_answer};
use super::words;
use super::world::{Pipes, Served, World, request, with};

/// Calls one tool.
pub fn run(bytes: &[u8]) {
    with(|world| check(world, &mut Unstructured::new(bytes)).unwrap_or_default());
}

fn check(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    let tools: Vec<_> = world.inputs.keys().collect();
    let tool = (*choices.choose(&tools)?).as_str();
    let (schema, validator) = &world.inputs[tool];
    let mut made = Made {
        choices,
        surely_right: true,
    };
    let arguments = if made.choices.ratio(1, 24)? {
        made.surely_right = false;
        made.wrong(schema)?
    } else {
        made.object(schema)?
    };
    let surely_right = made.surely_right;
    world.api.tell([]);
    world.api.take_seen();
    let params = json!({ "name": tool, "arguments": arguments });
    let line = request(1, "tools/call", params, &json!({}));
    let pipes = Pipes::default();
    if line.len() > pipes.max_line_bytes {
        // Refused as a line, whatever is in it.
        return Ok(());
    }
    let answers = world.converse(Served::Usual, pipes, line.as_bytes());
    let sent = world.api.take_seen();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    let said = messages(&answers[0]);
    let [Message::Result { result, .. }] = said.as_slice() else {
        assert!(!(arguments.is_object() || arguments.is_null()), "{arguments} {said:?}");
        assert!(
            matches!(&said[..], [Message::Error { code: -32602, message, .. }] if message.contains("arguments")),
            "{said:?}"
        );
        return Ok(());
    };
    let (is_error, text) = tool_answer(world, tool, result);
    let is_refused = is_error && text.contains("Nothing was sent. Correct this");
    assert!(!is_refused || sent.is_empty(), "{arguments}: {text}: {sent:?}");
    // What the schema takes is taken, save for what only the type knows, such as the form of a date.
    assert!(
        !surely_right || (validator.is_valid(&arguments) && !is_refused),
        "{arguments}: {text}"
    );
    Ok(())
}

/// Values in the making.
struct Made<'c, 'b> {
    choices: &'c mut Unstructured<'b>,
    /// Nothing in them can be refused.
    surely_right: bool,
}

impl Made<'_, '_> {
    fn object(&mut self, schema: &Value) -> Result<Value> {
        let mut members = Map::new();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.iter().any(|required| required == name);
            let there = if is_required {
                !self.choices.ratio(1, 12)?
            } else {
                self.choices.ratio(1, 3)?
            };
            self.surely_right &= there || !is_required;
            if !there {
                continue;
            }
            let value = if self.choices.ratio(1, 5)? {
                self.surely_right = false;
                self.wrong(property)?
            } else {
                self.right(name, property)?
            };
            members.insert(self.name(name)?, value);
        }
        if self.choices.ratio(1, 12)? {
            self.surely_right = false;
            let value = self.wrong(&Value::Null)?;
            members.insert(words::text(self.choices)?, value);
        }
        Ok(Value::Object(members))
    }

    /// The name, now and then misspelt.
    fn name(&mut self, name: &str) -> Result<String> {
        if !self.choices.ratio(1, 20)? {
            return Ok(name.to_owned());
        }
        self.surely_right = false;
        Ok(match self.choices.int_in_range(0..=2)? {
            0 => name.to_uppercase(),
            1 => name.replace('_', ""),
            _ => format!("{name}\u{200b}"),
        })
    }

    fn right(&mut self, name: &str, schema: &Value) -> Result<Value> {
        if let Some(words) = schema["enum"].as_array() {
            return Ok(self.choices.choose(words)?.clone());
        }
        Ok(match schema["type"].as_str() {
            Some("object") => self.object(schema)?,
            Some("array") => {
                let count = self.choices.int_in_range(0..=3)?;
                let items = (0..count).map(|_| self.right(name, &schema["items"]));
                Value::Array(items.collect::<Result<_>>()?)
            }
            Some("boolean") => json!(self.choices.arbitrary::<bool>()?),
            Some("integer") => {
                let least = schema["minimum"].as_u64().unwrap_or(0);
                json!(
                    self.choices
                        .int_in_range(least..=schema["maximum"].as_u64().unwrap_or(1000))?
                )
            }
            _ if name.starts_with("created_at_") => {
                // The lower bound may be later than the upper one.
                self.surely_right = false;
                json!(self.choices.choose(&[
                    "2026-11-24",
                    "2026-11-24T08:00:00Z",
                    "2026-11-24T08:00:00.5+02:00",
                    "1999-01-01"
                ])?)
            }
            _ if name == "pages" => json!(self.choices.choose(&["1", "2-3,9", "all", "1-999999"])?),
            _ => {
                // A made-up cursor is refused, because no answer ever held it.
                self.surely_right &= !["results_cursor", "cursor"].contains(&name);
                let prefix = match name {
                    "source_directory_id" | "directory_id" => "dir",
                    "configuration_id" => "cfg",
                    name => name.split('_').next().unwrap_or_default(),
                };
                json!(words::id(self.choices, prefix)?)
            }
        })
    }

    fn wrong(&mut self, schema: &Value) -> Result<Value> {
        Ok(match self.choices.int_in_range(0..=13)? {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(-1),
            3 => json!(1.5),
            4 => json!(1e300),
            5 => json!(u64::MAX),
            6 => json!(i64::MIN),
            7 => json!([]),
            8 => json!({ "a": [{}] }),
            9 => json!(301),
            10 => self.object(schema)?,
            11 => json!([self.wrong(&schema["items"])?]),
            _ => json!(words::text(self.choices)?),
        })
    }
}

//! Rust type → JSON Schema 2020-12 that every host and model provider takes.
//!
//! Sub-schemas are inlined, roots are plain objects, optional members are members that may be absent (no `null` unions), and what
//! only Rust needs (`title`, integer formats, `$schema`) is dropped. An enumeration's documentation goes into its description,
//! since several hosts keep nothing else.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::shape::Shape;

/// The arguments of a tool: what is accepted, and what of that is advertised.
#[derive(Debug)]
pub(crate) struct InputSchema {
    /// The tool's own arguments, then the common ones.
    accepted: Value,
    /// The same schema in the form in which it is used for reading arguments.
    pub(crate) shape: Shape,
    /// Names of the common arguments.
    pub(crate) common: Vec<String>,
    /// Those of them that are not advertised.
    pub(crate) hidden: Vec<&'static str>,
}

impl InputSchema {
    /// The schema of a tool's own arguments and of those that it has in common with others.
    pub(crate) fn of<Own: JsonSchema, Common: JsonSchema>(hidden: Vec<&'static str>) -> Self {
        let mut accepted = generate::<Own>(settings());
        let mut common = generate::<Common>(settings());
        let mut names = Vec::new();
        if let (Some(Value::Object(all)), Some(Value::Object(common))) =
            (accepted.get_mut("properties"), common.get_mut("properties"))
        {
            names.extend(common.keys().cloned());
            all.append(common);
        }
        Self {
            shape: Shape::of(&accepted),
            accepted,
            common: names,
            hidden,
        }
    }

    /// The schema as it is advertised, without the description of the type itself.
    ///
    /// Unknown arguments are refused, but the keyword that says so is not advertised: one vendor's SDK fails on it. Nor is the length
    /// of a text that has a rule of its own, such as a date or a cursor: it says nothing to a model that knows the rule.
    pub(crate) fn advertised(&self) -> Value {
        let mut schema = self.accepted.clone();
        take_description(&mut schema);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.retain(|name, _| !self.hidden.contains(&name.as_str()));
        }
        walk(&mut schema, &|keywords| {
            keywords.remove("additionalProperties");
            if keywords.remove("format").is_some() {
                keywords.remove("maxLength");
            }
        });
        schema
    }

    /// The tool's description.
    pub(crate) fn description(&self) -> String {
        let description = self.accepted.get("description").and_then(Value::as_str);
        description.unwrap_or_default().to_owned()
    }
}

/// Schema of a type that is written: a tool's result. Lenient: it forbids no further members.
pub(crate) fn of_output<T: JsonSchema>() -> Value {
    let mut schema = generate::<T>(settings().for_serialize());
    take_description(&mut schema);
    walk(&mut schema, &|keywords| {
        keywords.remove("format");
    });
    schema
}

/// Removes the description of the type itself. That of a tool's arguments is advertised as the tool's description.
fn take_description(schema: &mut Value) {
    if let Some(root) = schema.as_object_mut() {
        root.remove("description");
    }
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

fn generate<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    walk(&mut schema, &tidy);
    schema
}

/// Visits one schema and those inside it. Schemas only: a property named `title` is a name, not a keyword.
fn walk(schema: &mut Value, visit: &impl Fn(&mut Map<String, Value>)) {
    let Value::Object(keywords) = schema else { return };
    visit(keywords);
    if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
        properties.values_mut().for_each(|property| walk(property, visit));
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = keywords.get_mut(keyword) {
            walk(inner, visit);
        }
    }
}

/// Tidies the keywords of one schema. `format` stays for texts, where it says that white space is no part of them.
fn tidy(keywords: &mut Map<String, Value>) {
    for keyword in ["title", "$schema"] {
        keywords.remove(keyword);
    }
    if keywords.get("default").is_some_and(Value::is_null) {
        keywords.remove("default");
    }
    remove_null(keywords);
    fold_documented_constants(keywords);
    if let Some(Value::String(description)) = keywords.get_mut("description") {
        let paragraphs = description.split("\n\n");
        let paragraphs = paragraphs.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        *description = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// `["string", "null"]` → `"string"`; `anyOf: [X, null]` → X.
fn remove_null(keywords: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = keywords.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keywords.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(constants)) = keywords.get_mut("enum") {
        constants.retain(|constant| !constant.is_null());
    }
    let Some(Value::Array(mut choices)) = keywords.remove("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if choices.len() > 1 {
        keywords.insert("anyOf".to_owned(), Value::Array(choices));
    } else if let Some(Value::Object(only)) = choices.pop() {
        for (keyword, value) in only {
            keywords.entry(keyword).or_insert(value);
        }
    }
}

/// `oneOf` of documented constants → `enum`, with the documentation in the description.
fn fold_documented_constants(keywords: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = keywords.get("oneOf") else {
        return;
    };
    let constants: Option<Vec<Value>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
    let Some(constants) = constants else { return };
    let lines = choices.iter().filter_map(|choice| {
        Some(format!(
            "`{}`: {}",
            choice.get("const")?.as_str()?,
            choice.get("description")?.as_str()?
        ))
    });
    let own = keywords.get("description").and_then(Value::as_str).map(str::to_owned);
    let description = own.into_iter().chain(lines).collect::<Vec<_>>().join(" ");
    keywords.remove("oneOf");
    keywords.insert("type".to_owned(), json!("string"));
    keywords.insert("enum".to_owned(), Value::Array(constants));
    keywords.insert("description".to_owned(), Value::String(description));
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    /// Root text.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// A name
        /// on two lines.
        title: String,
        /// A count.
        #[schemars(range(min = 1))]
        count: Option<u32>,
        /// A choice.
        choice: Option<Choice>,
        inner: Option<Inner>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Common {
        /// Of every tool.
        common: Option<String>,
        pinned: Option<String>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        /// First.
        One,
        /// Second.
        Two,
    }

    /// Inner text.
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        /// A list.
        #[serde(default)]
        list: Vec<String>,
    }

    #[test]
    fn schemas_are_plain() {
        let schema = InputSchema::of::<Sample, Common>(vec!["pinned"]);
        assert_eq!(schema.description(), "Root text.");
        assert_eq!(
            schema.advertised(),
            json!({
                "type": "object",
                "properties": {
                    "title": { "type": "string", "description": "A name on two lines." },
                    "count": { "type": "integer", "minimum": 1, "description": "A count." },
                    "choice": {
                        "type": "string",
                        "enum": ["one", "two"],
                        "description": "A choice. `one`: First. `two`: Second.",
                    },
                    "inner": {
                        "type": "object",
                        "description": "Inner text.",
                        "properties": {
                            "list": { "type": "array", "items": { "type": "string" }, "default": [], "description": "A list." },
                        },
                    },
                    "common": { "type": "string", "description": "Of every tool." },
                },
                "required": ["title"],
            })
        );
    }
}

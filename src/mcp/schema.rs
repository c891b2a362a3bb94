//! Rust type → JSON Schema 2020-12 that every host and model provider takes.
//!
//! Sub-schemas are inlined, roots are plain objects, optional members are members that may be absent (no `null` unions), and what
//! only Rust needs (`title`, integer formats, `$schema`) is dropped. An enumeration's documentation goes into its description,
//! since several hosts keep nothing else.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Schema of a type that is read: a tool's arguments.
pub(crate) fn of_input<T: JsonSchema>() -> Value {
    generate::<T>(settings())
}

/// Schema of a type that is written: a tool's result. Lenient: it forbids no further members.
pub(crate) fn of_output<T: JsonSchema>() -> Value {
    generate::<T>(settings().for_serialize())
}

/// Takes the description of the type itself out of its schema.
pub(crate) fn take_description(schema: &mut Value) -> String {
    match schema.as_object_mut().and_then(|root| root.remove("description")) {
        Some(Value::String(description)) => description,
        _ => String::new(),
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
    tidy(&mut schema);
    schema
}

/// Tidies one schema and those inside it. Walks schemas only: a property named `title` is a name, not a keyword.
fn tidy(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    keywords.remove("title");
    keywords.remove("$schema");
    keywords.remove("format");
    if keywords.get("default").is_some_and(Value::is_null) {
        keywords.remove("default");
    }
    remove_null(keywords);
    fold_documented_constants(keywords);
    if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = keywords.get_mut(keyword) {
            tidy(inner);
        }
    }
    if let Some(Value::String(description)) = keywords.get_mut("description") {
        *description = description
            .split('\n')
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ")
            .replace("  ", "\n\n");
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
        let mut schema = of_input::<Sample>();
        assert_eq!(take_description(&mut schema), "Root text.");
        assert_eq!(
            schema,
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
                },
                "additionalProperties": false,
                "required": ["title"],
            })
        );
    }
}

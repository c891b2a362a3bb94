//! What a value has to be: the keywords of its schema that decide, read once for all calls.

use serde_json::Value;

/// The keywords of one schema. A keyword that the schema does not have is empty or `None`.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// The members of an object, in the order of the schema.
    pub(crate) properties: Vec<(String, Self)>,
    /// The members that an object must have.
    pub(crate) required: Vec<String>,
    /// Each item of an array.
    pub(crate) items: Option<Box<Self>>,
    /// The only accepted texts, if there is any.
    pub(crate) choices: Vec<String>,
    /// Whether a text has a rule of its own, such as an id or a date.
    pub(crate) has_format: bool,
    pub(crate) minimum: Option<i64>,
    pub(crate) maximum: Option<i64>,
    /// Units: characters.
    pub(crate) min_length: Option<u64>,
    /// Units: characters.
    pub(crate) max_length: Option<u64>,
}

/// The keyword `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Boolean,
    /// Any other type, or none.
    Any,
}

impl Shape {
    pub(crate) fn of(schema: &Value) -> Self {
        let texts = |keyword: &str| {
            let values = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_i64);
        let length = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        Self {
            kind: match schema.get("type").and_then(Value::as_str) {
                Some("object") => Kind::Object,
                Some("array") => Kind::Array,
                Some("string") => Kind::String,
                Some("integer") => Kind::Integer,
                Some("boolean") => Kind::Boolean,
                _ => Kind::Any,
            },
            properties: properties
                .map(|(name, schema)| (name.clone(), Self::of(schema)))
                .collect(),
            required: texts("required"),
            items: schema.get("items").map(|schema| Box::new(Self::of(schema))),
            choices: texts("enum"),
            has_format: schema.get("format").is_some(),
            minimum: limit("minimum"),
            maximum: limit("maximum"),
            min_length: length("minLength"),
            max_length: length("maxLength"),
        }
    }

    /// A member of an object.
    pub(crate) fn property(&self, name: &str) -> Option<&Self> {
        let mut properties = self.properties.iter();
        properties.find_map(|(known, shape)| (known == name).then_some(shape))
    }

    /// The member at a path, such as `config.job.type`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, Self::property)
    }

    /// Whether white space and quotation marks are part of a text.
    pub(crate) fn is_free_text(&self) -> bool {
        self.kind == Kind::String && !self.has_format && self.choices.is_empty()
    }

    /// What is expected, if there are no choices.
    pub(crate) fn expected(&self) -> String {
        match (self.kind, self.minimum, self.maximum) {
            (Kind::Integer, Some(least), Some(most)) => format!("an integer from {least} to {most}"),
            (Kind::Integer, Some(least), None) => format!("an integer of at least {least}"),
            (Kind::Integer, None, Some(most)) => format!("an integer of at most {most}"),
            (Kind::Integer, None, None) => "an integer".to_owned(),
            (Kind::Object, ..) => "an object".to_owned(),
            (Kind::Array, ..) => "an array".to_owned(),
            (Kind::String, ..) => "a string".to_owned(),
            (Kind::Boolean, ..) => "true or false".to_owned(),
            (Kind::Any, ..) => "a value".to_owned(),
        }
    }
}

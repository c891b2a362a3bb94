//! Opaque texts that were handed out earlier and come back as arguments.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

const MAX_CHARS: usize = 2048;

/// A page token or a cursor: 1 to 2,048 characters. What is in it, only who made it knows.
#[derive(Debug, Clone)]
pub(crate) struct Token(pub(crate) String);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.chars().count() {
            0 => Err(D::Error::custom("is empty")),
            1..=MAX_CHARS => Ok(Self(text)),
            chars => Err(D::Error::custom(format!(
                "is {chars} characters long, more than {MAX_CHARS}"
            ))),
        }
    }
}

impl JsonSchema for Token {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Token")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "token", "maxLength": MAX_CHARS })
    }
}

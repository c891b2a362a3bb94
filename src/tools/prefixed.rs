//! IDs in arguments, instead of which models may send names.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::batch::MAX_ID_CHARS;
use crate::llamacloud::{ConfigurationId, DirectoryId, InvalidId, looks_like_an_id};
use crate::untrusted::quote;

/// An ID that has its prefix, or is a bare UUID: what has neither is a name.
#[derive(Debug)]
pub(crate) struct Prefixed<T>(pub(crate) T);

/// An ID with a prefix of its own.
pub(crate) trait HasPrefix: for<'a> TryFrom<&'a str, Error = InvalidId> {
    const PREFIX: &'static str;
    const NOUN: &'static str;
}

impl HasPrefix for DirectoryId {
    const PREFIX: &'static str = "dir-";
    const NOUN: &'static str = "directory";
}

impl HasPrefix for ConfigurationId {
    const PREFIX: &'static str = "cfg-";
    const NOUN: &'static str = "configuration";
}

impl<'de, T: HasPrefix> Deserialize<'de> for Prefixed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rule = format!("{} IDs begin with `{}`", T::NOUN, T::PREFIX);
        match T::try_from(&text) {
            Ok(id) if looks_like_an_id(&text, T::PREFIX) => Ok(Self(id)),
            Ok(_) => Err(D::Error::custom(format!(
                "{} is not a {} ID; {rule}",
                quote(&text, MAX_ID_CHARS),
                T::NOUN
            ))),
            Err(error) => Err(D::Error::custom(format!("{error}; {rule}"))),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Prefixed<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

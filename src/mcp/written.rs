//! A result that is JSON already.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::tool::ToolError;

/// A `T` as it is sent: compact, its members in the order in which they are declared.
///
/// For outputs whose length decides what they hold: what was written to be measured need not be written again.
#[derive(Debug)]
pub struct Written<T> {
    json: Box<RawValue>,
    output: PhantomData<fn() -> T>,
}

impl<T: Serialize> Written<T> {
    /// Writes it.
    ///
    /// # Errors
    /// For a type that JSON cannot hold, which is a bug.
    pub fn of(output: &T) -> Result<Self, ToolError> {
        Ok(Self {
            json: to_json(output)?,
            output: PhantomData,
        })
    }
}

impl<T> Written<T> {
    /// The JSON.
    pub fn as_str(&self) -> &str {
        self.json.get()
    }
}

impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A result as it is sent.
///
/// # Errors
/// For a type that JSON cannot hold, which is a bug.
pub fn to_json(output: &impl Serialize) -> Result<Box<RawValue>, ToolError> {
    to_raw_value(output).map_err(|error| ToolError::caused_by("The result could not be written as JSON.", error))
}

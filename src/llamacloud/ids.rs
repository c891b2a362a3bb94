//! Identifiers: one type each, so that a project id cannot be passed where a batch id belongs.
//!
//! All follow one rule: 1 to 128 characters of `A-Z`, `a-z`, `0-9`, `_` and `-`. So no id can leave its path segment. Ids that
//! only come from the API and are never sent back stay plain strings in the wire types.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};

use crate::untrusted::show;

/// Units: characters.
const MAX_ID_CHARS: usize = 128;
/// How much of a bad value an error repeats. Units: characters.
const MAX_ECHO_CHARS: usize = 60;

/// Why a text is not an id. It reads as the end of a sentence that has named the argument.
///
/// Shape: `"../x" holds characters other than A-Z, a-z, 0-9, _ and -`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// No character at all.
    #[error("is empty")]
    Empty,
    /// Longer than 128 characters.
    #[error("is {chars} characters long, more than {MAX_ID_CHARS}")]
    TooLong {
        /// Its length in characters.
        chars: usize,
    },
    /// Characters that no id has.
    #[error("{value} holds characters other than A-Z, a-z, 0-9, _ and -")]
    Characters {
        /// The value as it came, in quotation marks and shortened.
        value: String,
    },
}

/// Whether a text can be an ID of LlamaCloud with this prefix, and not a name. Some IDs are bare UUIDs.
pub fn looks_like_an_id(text: &str, prefix: &str) -> bool {
    let is_uuid = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let start = text.get(..prefix.len());
    is_uuid || start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The one rule. The order matters: an overlong value is never repeated.
fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && text.len() <= MAX_ID_CHARS
    {
        return Ok(());
    }
    let chars = text.chars().count();
    if chars > MAX_ID_CHARS {
        return Err(InvalidId::TooLong { chars });
    }
    Err(InvalidId::Characters {
        value: show(text, MAX_ECHO_CHARS),
    })
}

/// An ID. `KIND` only tells the IDs of one kind from those of another.
///
/// # Errors
/// Made by `from_str`, `try_from` and decoding, which all refuse with [`InvalidId`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id<const KIND: char>(String);

/// A batch. Shape: `bat-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee`.
pub type BatchId = Id<'b'>;
/// A directory of files. Shape: `dir-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee`.
pub type DirectoryId = Id<'d'>;
/// A saved configuration or a built-in preset. Shape: `cfg-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee`, `cfg-PARSE_AGENTIC`.
pub type ConfigurationId = Id<'c'>;
/// A project. Shape: a UUID where it is sent, `prj-…` where the API shows it.
pub type ProjectId = Id<'p'>;
/// An organization. Shape: a UUID.
pub type OrganizationId = Id<'o'>;
/// A stored file, or a file of a directory. Shape: a UUID, or `dfl-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee`.
pub type FileId = Id<'f'>;
/// A job of one file. Shape: `pjb-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee`.
pub type JobId = Id<'j'>;

impl<const KIND: char> Id<KIND> {
    /// The ID as the API writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const KIND: char> TryFrom<&str> for Id<KIND> {
    type Error = InvalidId;

    fn try_from(text: &str) -> Result<Self, InvalidId> {
        check(text).map(|()| Self(text.to_owned()))
    }
}

impl<const KIND: char> FromStr for Id<KIND> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::try_from(text)
    }
}

impl<const KIND: char> fmt::Display for Id<KIND> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de, const KIND: char> Deserialize<'de> for Id<KIND> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(IdVisitor)
    }
}

/// Decodes an ID through [`check`].
struct IdVisitor<const KIND: char>;

impl<const KIND: char> Visitor<'_> for IdVisitor<KIND> {
    type Value = Id<KIND>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string of A-Z, a-z, 0-9, _ and -")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<KIND>, E> {
        Id::try_from(text).map_err(E::custom)
    }
}

impl<const KIND: char> JsonSchema for Id<KIND> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "id" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_and_its_words() {
        let check = |text: &str, expected: &str| {
            let decoded = serde_json::from_value::<BatchId>(serde_json::Value::from(text));
            assert_eq!(
                decoded.as_ref().ok(),
                BatchId::from_str(text).ok().as_ref(),
                "two doors, one rule"
            );
            let message = BatchId::try_from(text).map_or_else(|error| error.to_string(), |id| format!("ok {id}"));
            assert_eq!(message, expected);
            if let Err(error) = decoded {
                assert_eq!(error.to_string(), expected);
            }
        };
        check("bat-1_Z", "ok bat-1_Z");
        check(&"a".repeat(128), &format!("ok {}", "a".repeat(128)));
        check("", "is empty");
        check("../x", r#""../x" holds characters other than A-Z, a-z, 0-9, _ and -"#);
        check(
            "a b\u{202e}\n",
            r#""a b\u{202e}\n" holds characters other than A-Z, a-z, 0-9, _ and -"#,
        );
        check(&"a".repeat(129), "is 129 characters long, more than 128");
        check(&"é".repeat(10_000_000), "is 10000000 characters long, more than 128");
        let echo = format!(
            r#""{}…" holds characters other than A-Z, a-z, 0-9, _ and -"#,
            "é".repeat(60)
        );
        check(&"é".repeat(100), &echo);
    }

    #[test]
    fn other_json_types_name_the_expectation() {
        let error = serde_json::from_str::<DirectoryId>("7").unwrap_err().to_string();
        assert!(
            error.starts_with("invalid type: integer `7`, expected a string of A-Z, a-z, 0-9, _ and -"),
            "{error}"
        );
    }

    #[test]
    fn the_schema_is_inline_and_small() {
        let schema = serde_json::to_value(ProjectId::json_schema(&mut SchemaGenerator::default())).unwrap();
        assert_eq!(schema, serde_json::json!({ "type": "string", "format": "id" }));
        assert!(ProjectId::inline_schema());
        assert_eq!(
            serde_json::to_string(&ProjectId::try_from("p-1").unwrap()).unwrap(),
            r#""p-1""#
        );
    }
}

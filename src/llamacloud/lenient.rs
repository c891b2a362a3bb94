//! Reading what may grow: unknown words are kept, and a value of an unexpected type counts as absent.

use std::str::FromStr as _;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::untrusted::clean;

/// How much of an unknown word is kept. Units: characters.
const MAX_WORD_CHARS: usize = 60;

/// Declares a word that the API may add to.
///
/// Serde's `#[serde(untagged)] Other(String)` would be shorter and promise less: a status that is `null`, a number or in lower case
/// would make the whole answer unreadable, and an unknown word would be kept as it came, with whatever hides text in it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that this client does not know, cleaned and at most 60 characters; empty if the API sent none.
            Other(String),
        }

        impl $name {
            /// The word as the API writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $(if word.eq_ignore_ascii_case($word) {
                    return Self::$variant;
                })+
                Self::Other($crate::llamacloud::lenient::unknown_word(word))
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(word: &str) -> Result<Self, std::convert::Infallible> {
                Ok(Self::from(word))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::llamacloud::lenient::word(deserializer).map(|word| Self::from(word.as_str()))
            }
        }
    };
}

pub(super) use words;

/// An unknown word, fit to be shown.
pub(super) fn unknown_word(word: &str) -> String {
    clean(word, MAX_WORD_CHARS)
}

/// Treats a value of an unexpected type, or a text that is not Unicode, as absent. Only for bodies that are decoded from bytes in
/// memory, because it borrows from them.
pub(super) fn lenient<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).unwrap_or_default())
}

/// A date and time; anything else counts as absent.
pub(super) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(lenient::<Option<WrittenInstant>, D>(deserializer)?.and_then(|written| written.at()))
}

/// What the API wrote where a date and time should be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum WrittenInstant {
    /// A date and time.
    At(Timestamp),
    /// Something else. Upstream text, not cleaned.
    Unreadable(String),
}

impl WrittenInstant {
    /// The date and time, if it is one.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(*at),
            Self::Unreadable(_) => None,
        }
    }
}

impl From<String> for WrittenInstant {
    fn from(text: String) -> Self {
        parse_instant(&text).map_or(Self::Unreadable(text), Self::At)
    }
}

/// Reads RFC 3339. A time without an offset is in UTC, as the API's clock is.
fn parse_instant(text: &str) -> Option<Timestamp> {
    let without_offset = || TimeZone::UTC.to_timestamp(DateTime::from_str(text).ok()?).ok();
    Timestamp::from_str(text).ok().or_else(without_offset)
}

/// Any JSON value as a word: texts as they are, `null` as none, numbers and truth values as they are written, structures as their
/// kind. Only for bodies that are decoded from bytes in memory.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?.get();
    Ok(match value.as_bytes().first() {
        Some(b'"') => serde_json::from_str(value).unwrap_or_default(),
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        _ if value == "null" => String::new(),
        _ => value.to_owned(),
    })
}

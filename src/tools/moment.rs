//! Instants in arguments.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::foreign;

/// An instant: RFC 3339 with an offset, or a date, which means its start in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        read(&text).map(Self).ok_or_else(|| {
            let quoted = foreign::show(&text, 60);
            D::Error::custom(format!(
                "{quoted} is neither a date (2026-11-24) nor an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z)"
            ))
        })
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "maxLength": 40 })
    }
}

fn read(text: &str) -> Option<Timestamp> {
    const DATE: usize = "2026-11-24".len();
    // Timestamps of jiff also take names of time zones in brackets, which RFC 3339 does not.
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"-:.TtZz+ ".contains(&byte))
    {
        return None;
    }
    if text.len() == DATE {
        format!("{text}T00:00:00Z").parse().ok()
    } else {
        text.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read_and_nothing_else() {
        for (text, expected) in [
            ("2026-11-24", Some("2026-11-24T00:00:00Z")),
            ("2026-11-24T08:00:00Z", Some("2026-11-24T08:00:00Z")),
            ("2026-11-24T08:00:00.5+02:00", Some("2026-11-24T06:00:00.5Z")),
            ("2026-11-24T08:00:00", None),
            ("2026-13-01", None),
            ("2026-02-30", None),
            ("yesterday", None),
            ("2026-11-24T08:00:00Z[Europe/Berlin]", None),
            ("", None),
            ("1764000000", None),
        ] {
            assert_eq!(
                read(text).map(|instant| instant.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}

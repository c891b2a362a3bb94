//! Instants in arguments.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
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
        read(&text).ok_or_else(|| {
            let quoted = foreign::quote(&text, 60);
            D::Error::custom(format!(
                "{quoted} is no date (2026-11-24) and no RFC 3339 instant with an offset (2026-11-24T08:00:00Z)"
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
        json_schema!({ "type": "string", "maxLength": 40 })
    }
}

fn read(text: &str) -> Option<Timestamp> {
    const DATE: usize = "2026-11-24".len();
    if text.len() == DATE {
        return text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TtZz+ ".contains(&byte));
    if is_plain { text.parse().ok() } else { None }
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
            assert_eq!(read(text).map(|instant| instant.to_string()).as_deref(), expected, "{text}");
        }
    }
}

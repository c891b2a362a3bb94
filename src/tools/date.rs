//! Dates and instants in arguments.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::untrusted;

/// A day in UTC, or an instant: RFC 3339 with an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateOrInstant {
    Day(Date),
    Instant(Timestamp),
}

impl DateOrInstant {
    /// Its first instant, for a lower bound.
    pub(crate) fn first(self) -> Timestamp {
        match self {
            Self::Day(day) => in_utc(day, 0, 0, 0, 0),
            Self::Instant(instant) => instant,
        }
    }

    /// Its last instant, for an upper bound. LlamaCloud counts in microseconds.
    pub(crate) fn last(self) -> Timestamp {
        match self {
            Self::Day(day) => in_utc(day, 23, 59, 59, 999_999_000),
            Self::Instant(instant) => instant,
        }
    }
}

fn in_utc(day: Date, hour: i8, minute: i8, second: i8, nanosecond: i32) -> Timestamp {
    let time = day.at(hour, minute, second, nanosecond);
    // The last day of the year 9999 ends beyond what is counted.
    TimeZone::UTC.to_timestamp(time).unwrap_or(Timestamp::MAX)
}

impl<'de> Deserialize<'de> for DateOrInstant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        read(&text).ok_or_else(|| {
            let quoted = untrusted::show(&text, 60);
            D::Error::custom(format!(
                "must be a date (2026-11-24) or an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z), not {quoted}"
            ))
        })
    }
}

impl JsonSchema for DateOrInstant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("DateOrInstant")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "maxLength": 40 })
    }
}

fn read(text: &str) -> Option<DateOrInstant> {
    const DATE: usize = "2026-11-24".len();
    // Timestamps of jiff also take names of time zones in brackets, which RFC 3339 does not.
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"-:.TtZz+ ".contains(&byte))
    {
        return None;
    }
    if text.len() == DATE {
        text.parse().ok().map(DateOrInstant::Day)
    } else {
        text.parse().ok().map(DateOrInstant::Instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read_and_nothing_else() {
        for (text, expected) in [
            (
                "2026-11-24",
                Some(("2026-11-24T00:00:00Z", "2026-11-24T23:59:59.999999Z")),
            ),
            (
                "9999-12-31",
                Some(("9999-12-30T22:00:00.999999999Z", "9999-12-30T22:00:00.999999999Z")),
            ),
            (
                "2026-11-24T08:00:00Z",
                Some(("2026-11-24T08:00:00Z", "2026-11-24T08:00:00Z")),
            ),
            (
                "2026-11-24T08:00:00.5+02:00",
                Some(("2026-11-24T06:00:00.5Z", "2026-11-24T06:00:00.5Z")),
            ),
            ("2026-11-24T08:00:00", None),
            ("2026-13-01", None),
            ("2026-02-30", None),
            ("2026-W48-2", None),
            ("yesterday", None),
            ("2026-11-24T08:00:00Z[Europe/Berlin]", None),
            ("", None),
            ("1764000000", None),
        ] {
            let bounds = read(text).map(|date| (date.first().to_string(), date.last().to_string()));
            let bounds = bounds.as_ref().map(|(first, last)| (first.as_str(), last.as_str()));
            assert_eq!(bounds, expected, "{text}");
        }
    }
}

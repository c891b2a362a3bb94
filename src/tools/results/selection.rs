//! Which pages of a document are wanted: `3-5,9`.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::untrusted::show;

/// More ranges than a person or a model would name.
const MAX_RANGES: usize = 50;
const MAX_CHARS: usize = 500;
const MAX_SHOWN_CHARS: usize = 60;

/// A choice of pages, by their numbers. Empty: all pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection(Vec<RangeInclusive<u32>>);

impl Selection {
    /// Whether a page is wanted.
    pub(crate) fn has(&self, page: u32) -> bool {
        self.0.is_empty() || self.0.iter().any(|range| range.contains(&page))
    }
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "is not a list of pages. Send page numbers and ranges such as \"3-5,9\"; omit it for all pages".to_owned()
        };
        let number = |text: &str| match text.trim().parse::<u32>() {
            Ok(0) => Err("names page 0. Pages are counted from 1".to_owned()),
            Ok(number) => Ok(number),
            Err(_) => Err(wrong()),
        };
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(Self::default());
        }
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(format!("has a range that runs backwards. Send \"{last}-{first}\""));
            }
            ranges.push(first..=last);
        }
        if ranges.len() > MAX_RANGES {
            return Err(format!(
                "has more than {MAX_RANGES} ranges. Send fewer, or omit it for all pages"
            ));
        }
        Ok(Self(ranges))
    }
}

impl<'de> Deserialize<'de> for Selection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| D::Error::custom(format!("{} {problem}", show(&text, MAX_SHOWN_CHARS))))
    }
}

impl JsonSchema for Selection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Selection")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": MAX_CHARS })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let (first, last) = (range.start(), range.end());
            if first == last {
                write!(formatter, "{separator}{first}")?;
            } else {
                write!(formatter, "{separator}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_ranges() {
        let wanted = |text: &str| {
            let selection = text.parse::<Selection>().unwrap();
            (1..=12).filter(|page| selection.has(*page)).collect::<Vec<_>>()
        };
        assert_eq!(wanted("3-5,9"), [3, 4, 5, 9]);
        assert_eq!(wanted(" 2 , 11-999999"), [2, 11, 12]);
        assert!(Selection::default().has(7));
        assert_eq!(wanted("All").len(), 12);
        assert_eq!("3-5,9,4-4".parse::<Selection>().unwrap().to_string(), "3-5,9,4");
    }

    #[test]
    fn what_is_not_a_list_of_pages() {
        for (text, part) in [
            ("0", "counted from 1"),
            ("5-3", "Send \"3-5\""),
            ("some", "omit it for all pages"),
            ("", "such as"),
            ("1,,2", "such as"),
            ("-3", "such as"),
            ("1-2-3", "such as"),
            ("99999999999", "such as"),
        ] {
            let error = text.parse::<Selection>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let many = vec!["1"; 51].join(",");
        assert!(many.parse::<Selection>().unwrap_err().contains("50 ranges"));
    }
}

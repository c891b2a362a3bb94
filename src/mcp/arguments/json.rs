//! JSON values of arguments, still as they were written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::mcp::envelope::Text;
use crate::untrusted::{escape, show};

/// How much of a value an error repeats. Units: characters.
pub(super) const MAX_QUOTED_CHARS: usize = 60;

/// The members of an object in their order, none of them twice.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                let mut names = HashSet::new();
                while let Some((Text(name), raw)) = map.next_entry::<Text<'de>, _>()? {
                    if !names.insert(name.clone()) {
                        let name = escape(&name, MAX_QUOTED_CHARS);
                        return Err(A::Error::custom(format!("contain `{name}` twice")));
                    }
                    members.push((name, raw));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The text of a JSON string.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    if !raw.get().starts_with('"') {
        return None;
    }
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|Text(text)| text)
}

/// The text of a JSON string without the marks around it.
pub(super) fn trimmed(raw: &RawValue) -> Option<String> {
    string(raw).map(|text| trim(&text).to_owned())
}

/// The text without white space, quotation marks and backticks around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || "\"'`‘’“”".contains(character))
}

/// The JSON text inside a JSON string, if it begins with this bracket.
pub(super) fn as_json_text(raw: &RawValue, bracket: char) -> Option<Box<RawValue>> {
    let text = string(raw)?;
    let text = text.trim_matches(|character: char| character.is_whitespace() || character == '`');
    text.starts_with(bracket).then(|| serde_json::from_str(text).ok())?
}

/// A whole number, however it is written.
pub(super) fn whole_number(text: &str) -> Option<i128> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    // As JSON has it: no `inf`, no `0x10`, no `1_000`.
    let number = serde_json::from_str::<Number>(text).ok()?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2⁶³")]
    (number.fract() == 0.0 && number.abs() < 9e18).then_some(number as i128)
}

/// What arrived, as it arrived; cut where it is long.
pub(super) fn arrived(raw: &RawValue) -> String {
    string(raw).map_or_else(
        || escape(raw.get(), MAX_QUOTED_CHARS),
        |text| show(&text, MAX_QUOTED_CHARS),
    )
}

//! Where the next answer begins. A cursor is bound to one result and to what was asked of it.

use super::job::Trouble;
use crate::files::sha256_hex;
use crate::mcp::ToolError;
use crate::tools::results::data::Place;
use crate::tools::results::document::Position;

/// Enough that two results do not share it by chance.
const FINGERPRINT_CHARS: usize = 12;

/// Where to continue. Shape: `t.3.120.9f8e7d6c5b4a`: kind, where, and the fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    Text(Position),
    /// After this many hits.
    Hit(usize),
    Data(Place),
    /// After this many citations.
    Citation(usize),
}

/// A short text that differs where one of the parts does.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let with_ends = parts.iter().flat_map(|part| [part.as_bytes(), b"\0"]);
    let mut hash = sha256_hex(with_ends);
    hash.truncate(FINGERPRINT_CHARS);
    hash
}

impl Cursor {
    pub(super) fn encode(self, fingerprint: &str) -> String {
        let (letter, first, second) = match self {
            Self::Text(Position { place, offset }) => ('t', place, offset),
            Self::Hit(index) => ('h', index, 0),
            Self::Data(Place { item, offset }) => ('d', item, offset),
            Self::Citation(index) => ('c', index, 0),
        };
        format!("{letter}.{first}.{second}.{fingerprint}")
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// For a cursor of another result or call.
    pub(super) fn decode(text: &str, fingerprint: &str) -> Result<Self, Trouble> {
        Self::read(text, fingerprint).ok_or_else(unfit)
    }

    fn read(text: &str, expected: &str) -> Option<Self> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [letter, first, second, fingerprint] = parts.as_slice() else {
            return None;
        };
        let (first, second) = (first.parse().ok()?, second.parse().ok()?);
        let cursor = match *letter {
            "t" => Self::Text(Position {
                place: first,
                offset: second,
            }),
            "h" => Self::Hit(first),
            "d" => Self::Data(Place {
                item: first,
                offset: second,
            }),
            "c" => Self::Citation(first),
            _ => return None,
        };
        (*fingerprint == expected).then_some(cursor)
    }
}

/// The error for a cursor that does not fit.
pub(super) fn unfit() -> Trouble {
    Trouble::Said(ToolError::new(
        "`cursor`: it does not fit this call. It belongs to another file, to other values of `format`, `pages`, `find` or `citations`, or \
         it is damaged. Repeat those arguments unchanged, or call `read_result` without `cursor` to start from the beginning.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went_and_only_for_what_they_were_made_for() {
        let places = [
            Cursor::Text(Position { place: 3, offset: 120 }),
            Cursor::Hit(7),
            Cursor::Data(Place { item: 0, offset: 9 }),
            Cursor::Citation(2),
        ];
        let (one, other) = (fingerprint(&["pjb-1", "text"]), fingerprint(&["pjb-1t", "ext"]));
        assert_ne!(one, other);
        for cursor in places {
            let text = cursor.encode(&one);
            assert_eq!(Cursor::read(&text, &one), Some(cursor));
            assert_eq!(Cursor::read(&text, &other), None);
        }
        for text in [
            "",
            "t",
            "t.1.2",
            "x.1.2.f",
            "t.-1.2.f",
            "t.1.2.f.f",
            "t.99999999999999999999.0.f",
        ] {
            assert_eq!(Cursor::read(text, "f"), None, "{text}");
        }
    }
}

//! JSON as text: cleaned, and taken apart without decoding it. A decoded document takes many times the memory of its text.
//!
//! All functions expect valid JSON, such as a `RawValue`. Numbers stay as they were written.

use crate::untrusted::is_shown;

/// The same JSON without white space between its values, and without control, bidirectional, invisible and tag characters in its
/// texts and names, escaped or not.
pub(crate) fn clean(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    let mut characters = json.chars();
    let mut is_in_text = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                is_in_text = !is_in_text;
                clean.push('"');
            }
            _ if !is_in_text => {
                if !character.is_ascii_whitespace() {
                    clean.push(character);
                }
            }
            '\\' => push(&mut clean, unescaped(&mut characters)),
            character => push(&mut clean, character),
        }
    }
    clean
}

/// The character that an escape stands for. Half a surrogate pair becomes a replacement character.
fn unescaped(rest: &mut std::str::Chars<'_>) -> char {
    match rest.next() {
        Some('u') => {
            let first = code_unit(rest);
            let mut ahead = rest.clone();
            let second = match (first, ahead.next(), ahead.next()) {
                (0xd800..=0xdbff, Some('\\'), Some('u')) => Some(code_unit(&mut ahead)),
                _ => None,
            };
            let units = std::iter::once(first).chain(second);
            let mut decoded = char::decode_utf16(units);
            match decoded.next() {
                Some(Ok(character)) => {
                    if character.len_utf16() == 2 {
                        *rest = ahead;
                    }
                    character
                }
                _ => char::REPLACEMENT_CHARACTER,
            }
        }
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        other => other.unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

fn code_unit(rest: &mut std::str::Chars<'_>) -> u16 {
    let digit = |rest: &mut std::str::Chars<'_>| rest.next().and_then(|digit| digit.to_digit(16)).unwrap_or_default();
    let unit = (0..4).fold(0, |unit, _| unit * 16 + digit(rest));
    u16::try_from(unit).unwrap_or_default()
}

/// Adds a character of a text, if it may be shown.
fn push(json: &mut String, character: char) {
    match character {
        '"' => json.push_str("\\\""),
        '\\' => json.push_str("\\\\"),
        '\n' => json.push_str("\\n"),
        '\t' => json.push_str("\\t"),
        _ if is_shown(character) => json.push(character),
        _ => {}
    }
}

/// The items of an array, or the members of an object (`"name":value`), in clean JSON. Nothing for other values.
pub(crate) fn parts(json: &str) -> impl Iterator<Item = &str> {
    let is_container = json.starts_with(['[', '{']);
    let inside = json.get(1..json.len().saturating_sub(1)).filter(|_| is_container);
    parts_inside(inside.unwrap_or_default())
}

/// The same for the text between the brackets.
pub(crate) fn parts_inside(inside: &str) -> impl Iterator<Item = &str> {
    let mut rest = inside;
    std::iter::from_fn(move || {
        let end = end_of_part(rest);
        let part = rest.get(..end).filter(|part| !part.is_empty());
        rest = rest.get(end + 1..).unwrap_or_default();
        part
    })
}

/// Where the first of several parts ends: at a comma that is not inside it.
fn end_of_part(json: &str) -> usize {
    let mut depth = 0_usize;
    let comma = structure(json).find(|(_, byte)| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => return depth == 0 && *byte == b',',
        }
        false
    });
    comma.map_or(json.len(), |(index, _)| index)
}

/// Name and value of a member; the name with its quotation marks.
pub(crate) fn member(part: &str) -> Option<(&str, &str)> {
    let (colon, _) = structure(part).find(|(_, byte)| *byte == b':')?;
    Some((part.get(..colon)?, part.get(colon + 1..)?))
}

/// How deep arrays and objects are nested.
pub(crate) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for (_, byte) in structure(json) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The bytes outside of texts, with their places.
fn structure(json: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut is_in_text, mut is_escaped) = (false, false);
    json.bytes().enumerate().filter(move |(_, byte)| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match byte {
            b'"' => is_in_text = !is_in_text,
            b'\\' => is_escaped = is_in_text,
            _ => return !is_in_text,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn cleaning_keeps_everything_but_what_hides() {
        for (json, expected) in [
            (
                r#" { "a" : [ 1.50 , -2e9, true,null ] } "#,
                r#"{"a":[1.50,-2e9,true,null]}"#,
            ),
            (r#""a\u202eb\u0000c\ud83d\ude00\udb40\udc41d\/""#, r#""abc😀d/""#),
            (r#""\ud83dx\"\\\n\t\r\u00e9""#, r#""�x\"\\\n\té""#),
            (r#""\ud83d\u0041""#, r#""�A""#),
            ("\"a\u{202e}\u{e0041}b\"", r#""ab""#),
            (r#"{"\u200bname":""}"#, r#"{"name":""}"#),
        ] {
            assert_eq!(clean(json), expected, "{json}");
        }
    }

    #[test]
    fn values_are_taken_apart() {
        let json = r#"{"a":[1,{"b":"x,]}\""},"c"],"d\":":2,"e":{}}"#;
        let members: Vec<_> = parts(json).filter_map(member).collect();
        assert_eq!(
            members,
            [
                (r#""a""#, r#"[1,{"b":"x,]}\""},"c"]"#),
                (r#""d\":""#, "2"),
                (r#""e""#, "{}")
            ]
        );
        assert_eq!(
            parts(members[0].1).collect::<Vec<_>>(),
            ["1", r#"{"b":"x,]}\""}"#, r#""c""#]
        );
        for none in ["[]", "{}", "7", "\"a,b\"", ""] {
            assert_eq!(parts(none).count(), 0, "{none}");
        }
        for (json, expected) in [("7", 0), ("[]", 1), (r#"{"a":["[["]}"#, 2)] {
            assert_eq!(depth(json), expected, "{json}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            "[ -~é😀\n]{0,20}".prop_map(Value::from),
            Just(json!(null))
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                vec(("[ -~]{0,6}", inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn harmless_json_keeps_its_value(value in values()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(clean(&pretty), value.to_string());
        }

        #[test]
        fn cleaned_json_is_json(text in "\\PC{0,20}|[\\x00-\\u{2f}\\u{202e}\\u{e0041}]{0,9}") {
            let escaped = text.encode_utf16().fold(String::new(), |escaped, unit| format!("{escaped}\\u{unit:04x}"));
            let shown: String = text.chars().filter(|character| is_shown(*character)).collect();
            let cleaned = clean(&format!(r#"["{escaped}"]"#));
            prop_assert_eq!(serde_json::from_str::<Value>(&cleaned).unwrap(), json!([shown]));
        }

        #[test]
        fn parts_are_those_of_the_value(value in values()) {
            let text = value.to_string();
            let own: Vec<String> = parts(&text).map(|part| member(part).filter(|_| value.is_object()).map_or(part, |(_, value)| value).to_owned()).collect();
            let expected: Vec<String> = match &value {
                Value::Array(items) => items.iter().map(Value::to_string).collect(),
                Value::Object(members) => members.values().map(Value::to_string).collect(),
                _ => Vec::new(),
            };
            prop_assert_eq!(own, expected);
        }
    }
}

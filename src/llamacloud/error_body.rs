//! What an error body says, whatever its shape.
//!
//! The API answers `{"detail": "text"}` or, for 422, `{"detail": [{"loc": […], "msg": "…"}]}`; parts of it use the key `details`,
//! and proxies in front of it answer with HTML or plain text. Bodies are read leniently, and only what is meant to be read is
//! kept: never the `input` that a validation error repeats.

use memchr::memmem;
use serde::{Deserialize, de::IgnoredAny};

use super::error_kind::Detail;
use crate::untrusted::clean;

/// Units: characters.
const MAX_REASON_CHARS: usize = 300;
const MAX_PATH_CHARS: usize = 120;
const MAX_DETAILS: usize = 10;
/// Shorter keys could only be placeholders; replacing them would garble the text.
const MIN_KEY_CHARS: usize = 8;

/// An error body, understood as far as possible.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: Option<String>,
    pub(super) details: Vec<Detail>,
    /// Only looked for in texts; the API has no header for it.
    pub(super) correlation_id: Option<String>,
    /// A web page, which the API never sends.
    pub(super) is_web_page: bool,
}

/// Reads an error body. `key` is removed wherever the body repeats it.
pub(super) fn read(body: &[u8], key: &str) -> Refusal {
    if is_web_page(body) {
        return Refusal {
            is_web_page: true,
            ..Refusal::default()
        };
    }
    let body = without_key(body.to_vec(), key);
    let text = String::from_utf8_lossy(&body);
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let (reason, details) = match trimmed.chars().next() {
        None => (None, Vec::new()),
        Some('{' | '[' | '"') => serde_json::from_str::<Said>(trimmed).unwrap_or_default().split(),
        Some(_) => (Some(trimmed.to_owned()), Vec::new()),
    };
    let correlation_id = reason.as_deref().and_then(find_uuid);
    let reason = reason
        .map(|reason| clean(&reason, MAX_REASON_CHARS))
        .filter(|reason| !reason.is_empty());
    Refusal {
        reason,
        details,
        correlation_id,
        is_web_page: false,
    }
}

/// Whether a body is markup.
pub(super) fn is_web_page(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

/// A body without the key that it repeats.
pub(super) fn without_key(body: Vec<u8>, key: &str) -> Vec<u8> {
    const IN_ITS_PLACE: &[u8] = b"[API key]";

    if key.len() < MIN_KEY_CHARS {
        return body;
    }
    let body = without_escapes(body);
    let finder = memmem::Finder::new(key);
    if finder.find(&body).is_none() {
        return body;
    }
    let mut rest = body.as_slice();
    let mut without = Vec::with_capacity(body.len());
    while let Some((before, after)) = finder.find(rest).and_then(|place| rest.split_at_checked(place)) {
        without.extend_from_slice(before);
        without.extend_from_slice(IN_ITS_PLACE);
        rest = after.get(key.len()..).unwrap_or_default();
    }
    without.extend_from_slice(rest);
    without
}

/// The same JSON, with the characters of a key written as they are and not as `\u002d`.
fn without_escapes(body: Vec<u8>) -> Vec<u8> {
    let is_escaped = memmem::find_iter(&body, b"\\u00").any(|at| plain(body.get(at..).unwrap_or_default()).is_some());
    if !is_escaped && memmem::find(&body, b"\\/").is_none() {
        return body;
    }
    let mut rest = body.as_slice();
    let mut plainly = Vec::with_capacity(body.len());
    while let Some((before, escape)) = memchr::memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at)) {
        plainly.extend_from_slice(before);
        let (written, length) = match plain(escape) {
            Some((character, length)) => (vec![character], length),
            // Both bytes of it, so that an escaped backslash does not begin another escape.
            None => (escape.iter().take(2).copied().collect(), 2),
        };
        plainly.extend(written);
        rest = escape.get(length..).unwrap_or_default();
    }
    plainly.extend_from_slice(rest);
    plainly
}

/// The printable character that an escape stands for, and the length of the escape; quotation marks and backslashes keep theirs.
fn plain(escape: &[u8]) -> Option<(u8, usize)> {
    if escape.starts_with(b"\\/") {
        return Some((b'/', 2));
    }
    let digits = escape.strip_prefix(b"\\u00")?.get(..2)?;
    let character = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (character.is_ascii_graphic() && !matches!(character, b'"' | b'\\')).then_some((character, 6))
}

/// Whether a word repeats the key, in any case.
pub(super) fn repeats(word: &str, key: &str) -> bool {
    key.len() >= MIN_KEY_CHARS && word.to_ascii_lowercase().contains(&key.to_ascii_lowercase())
}

/// A text, a list or an object, as bodies and their `detail` may be.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    List(Vec<Self>),
    Object(Box<Object>),
    Odd(IgnoredAny),
}

impl Default for Said {
    fn default() -> Self {
        Self::Odd(IgnoredAny)
    }
}

/// The members that contain an explanation, in order of preference.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    loc: Vec<Step>,
    #[serde(default)]
    msg: Said,
    #[serde(default)]
    detail: Said,
    #[serde(default)]
    details: Said,
    #[serde(default)]
    message: Said,
    #[serde(default)]
    error: Said,
}

/// One step of a path into the request.
#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Name(String),
    Index(u64),
    Odd(IgnoredAny),
}

impl Said {
    /// The reason, and the details where the body lists them.
    fn split(self) -> (Option<String>, Vec<Detail>) {
        match self {
            Self::Text(text) => (Some(text), Vec::new()),
            Self::List(items) => items
                .into_iter()
                .fold((None, Vec::new()), |(reason, mut details), item| {
                    let (text, more) = item.split();
                    details.extend(more);
                    details.truncate(MAX_DETAILS);
                    (reason.or(text), details)
                }),
            Self::Object(object) => object.split(),
            Self::Odd(_) => (None, Vec::new()),
        }
    }
}

impl Object {
    fn split(self) -> (Option<String>, Vec<Detail>) {
        if let Said::Text(message) = &self.msg {
            let steps: Vec<_> = self.loc.iter().filter_map(Step::text).collect();
            let path = clean(&steps.join("."), MAX_PATH_CHARS);
            return (
                None,
                vec![Detail {
                    path,
                    message: clean(message, MAX_REASON_CHARS),
                }],
            );
        }
        [self.detail, self.details, self.message, self.error]
            .into_iter()
            .map(Said::split)
            .find(|(reason, details)| reason.is_some() || !details.is_empty())
            .unwrap_or_default()
    }
}

impl Step {
    fn text(&self) -> Option<String> {
        match self {
            Self::Name(name) => Some(name.clone()),
            Self::Index(index) => Some(index.to_string()),
            Self::Odd(_) => None,
        }
    }
}

/// The first UUID in a text, which is where the API puts its correlation id.
fn find_uuid(text: &str) -> Option<String> {
    text.split(|character: char| !character.is_ascii_hexdigit() && character != '-')
        .find(|word| word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape() {
        let check = |body: &str, reason: Option<&str>, details: &[(&str, &str)]| {
            let refusal = read(body.as_bytes(), "llx-canary-key");
            assert_eq!(refusal.reason.as_deref(), reason, "{body}");
            let found: Vec<_> = refusal
                .details
                .iter()
                .map(|d| (d.path.as_str(), d.message.as_str()))
                .collect();
            assert_eq!(found, details, "{body}");
        };
        check(
            r#"{"detail":"Invalid authentication token"}"#,
            Some("Invalid authentication token"),
            &[],
        );
        check(r#"{"details":"with an s"}"#, Some("with an s"), &[]);
        check(r#"{"detail":{"message":"deep"}}"#, Some("deep"), &[]);
        check(r#"{"error":{"message":"gateway"}}"#, Some("gateway"), &[]);
        check(r#"{"detail":["one","two"]}"#, Some("one"), &[]);
        check(r#"{"detail":7}"#, None, &[]);
        check(r#"{"detail":null,"message":"m"}"#, Some("m"), &[]);
        check(
            r#"{"detail":[{"loc":["body","config","job","type"],"msg":"Input should be 'parse_v2'","type":"enum","input":"secret","ctx":{}},
                {"loc":["query","expand",0],"msg":"no"}]}"#,
            None,
            &[
                ("body.config.job.type", "Input should be 'parse_v2'"),
                ("query.expand.0", "no"),
            ],
        );
        check("<!DOCTYPE html><html><body>Bad gateway</body></html>", None, &[]);
        check("upstream\nconnect error", Some("upstream connect error"), &[]);
        check(r#"{"detail":"cut of"#, None, &[]);
        check("", None, &[]);
        check(
            r#"{"detail":"bad key llx-canary-key!"}"#,
            Some("bad key [API key]!"),
            &[],
        );
        check(
            &format!(r#"{{"detail":"{}"}}"#, "x".repeat(400)),
            Some(&format!("{}…", "x".repeat(299))),
            &[],
        );
        check("\u{1}\u{2}", None, &[]);
        check(&"[".repeat(10_000), None, &[]);
    }

    #[test]
    fn the_key_is_taken_out_wherever_it_stands() {
        let check = |body: &str, expected: &str| {
            assert_eq!(
                without_key(body.into(), "llx-canary-key"),
                expected.as_bytes(),
                "{body}"
            );
        };
        check("nothing of it: llx-canary-ke", "nothing of it: llx-canary-ke");
        check("llx-canary-key", "[API key]");
        check(
            "1 llx-canary-key 2 llx-canary-keyllx-canary-key",
            "1 [API key] 2 [API key][API key]",
        );
        assert_eq!(without_key(b"a short key".to_vec(), "key"), b"a short key");
        check(r#"{"a":"llx\u002dcanary\u002Dkey"}"#, r#"{"a":"[API key]"}"#);
        check(
            r#"{"a":"\u006c\u006Cx-canary-key\u00e9\n"}"#,
            r#"{"a":"[API key]\u00e9\n"}"#,
        );
        check(
            r#"{"a":"\\u002d \u0022 \u005c \""}"#,
            r#"{"a":"\\u002d \u0022 \u005c \""}"#,
        );
        assert_eq!(
            without_key(br#"{"a":"llx-12\/34"}"#.to_vec(), "llx-12/34"),
            br#"{"a":"[API key]"}"#
        );
        assert!(repeats("x.LLX-canary-key.example", "llx-Canary-key") && !repeats("x.example", "llx-canary-key"));
    }

    #[test]
    fn many_details_are_bounded() {
        let item = r#"{"loc":["body"],"msg":"m"}"#;
        let body = format!(r#"{{"detail":[{}]}}"#, vec![item; 1000].join(","));
        assert_eq!(read(body.as_bytes(), "").details.len(), MAX_DETAILS);
    }

    #[test]
    fn the_correlation_id_is_found_in_the_text() {
        let id = "32763f53-aaaa-4bbb-8ccc-0123456789ab";
        let body = format!(r#"{{"detail":"Oops! When asking for help, provide this correlation ID: {id}."}}"#);
        assert_eq!(read(body.as_bytes(), "").correlation_id.as_deref(), Some(id));
        assert_eq!(read(br#"{"detail":"Oops 32763f53-1"}"#, "").correlation_id, None);
    }
}

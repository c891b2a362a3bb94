//! One line of input → what it is: a request, a notification, a response, an array of those, or none of them.
//!
//! The line is decoded once; ids and parameters stay slices of it. What a message means is not decided here.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::{ProtocolError, plain_words};

/// What a line holds.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    /// One message.
    One(Message<'a>),
    /// A JSON array of messages, each still to be read with [`Message::read`].
    Array(Vec<&'a RawValue>),
}

/// One JSON-RPC message.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// Has to be answered once.
    Request {
        id: RequestId<'a>,
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    /// Is never answered.
    Notification {
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    /// An answer to a request of ours: its result, unless it failed.
    Response {
        id: Option<RequestId<'a>>,
        result: Option<&'a RawValue>,
    },
    /// Not a message. Answered with the error, and with the id where it could be read.
    Invalid {
        id: Option<RequestId<'a>>,
        error: ProtocolError,
    },
}

/// A request id: a string or an integer, kept byte for byte, so that it is returned unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId<'a>(&'a str);

/// Distinguishes request ids. `"a\u0062"` and `"ab"` are the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RequestKey(String);

impl<'a> Line<'a> {
    /// Reads a line without its line ending.
    pub(crate) fn read(line: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(line) else {
            return Self::invalid(ProtocolError::parse("the line is not UTF-8"));
        };
        if text.trim_ascii_start().starts_with('[') {
            return match serde_json::from_str(text) {
                Ok(elements) => Self::Array(elements),
                Err(error) => Self::invalid(ProtocolError::parse(&error.to_string())),
            };
        }
        match serde_json::from_str(text) {
            Ok(envelope) => Self::One(Message::classify(&envelope)),
            Err(error) => Self::invalid(unreadable(&error)),
        }
    }

    fn invalid(error: ProtocolError) -> Self {
        Self::One(Message::Invalid { id: None, error })
    }
}

impl<'a> Message<'a> {
    /// Reads one element of an array.
    pub(crate) fn read(element: &'a RawValue) -> Self {
        match serde_json::from_str(element.get()) {
            Ok(envelope) => Self::classify(&envelope),
            Err(error) => Self::Invalid {
                id: None,
                error: unreadable(&error),
            },
        }
    }

    fn classify(envelope: &Envelope<'a>) -> Self {
        let id = envelope.id.and_then(RequestId::read);
        let invalid = |reason: &str| Self::Invalid {
            id,
            error: ProtocolError::invalid_request(reason),
        };
        if envelope.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
            return invalid("`jsonrpc` must be \"2.0\"");
        }
        let Some(method) = envelope.method else {
            return if envelope.result.is_some() || envelope.error.is_some() {
                Self::Response {
                    id,
                    result: envelope.result,
                }
            } else {
                invalid("`method` is missing")
            };
        };
        let Ok(Text(method)) = serde_json::from_str(method.get()) else {
            return invalid("`method` must be a string");
        };
        let params = envelope.params.filter(|params| !is_empty(params));
        match (envelope.id, id) {
            (None, _) => Self::Notification { method, params },
            (Some(_), Some(id)) => Self::Request { id, method, params },
            (Some(_), None) => invalid("`id` must be a string or an integer"),
        }
    }
}

impl<'a> RequestId<'a> {
    /// The id in this JSON value, if it is a string or an integer. Fractions, exponents and `null` are not ids.
    pub(crate) fn read(value: &'a RawValue) -> Option<Self> {
        let text = value.get();
        let is_string = text.starts_with('"');
        let is_integer = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        (is_string || is_integer).then_some(Self(text))
    }

    /// The JSON text as the client wrote it.
    pub(crate) const fn as_json(self) -> &'a str {
        self.0
    }

    /// The same, to keep.
    pub(crate) fn to_owned_json(self) -> Box<RawValue> {
        RawValue::from_string(self.0.to_owned()).unwrap_or_default()
    }

    /// What this id is compared by.
    pub(crate) fn key(self) -> RequestKey {
        let decoded = self.0.contains('\\').then(|| serde_json::from_str::<Text<'_>>(self.0));
        match decoded {
            Some(Ok(Text(text))) => RequestKey(format!("\"{text}\"")),
            _ => RequestKey(self.0.to_owned()),
        }
    }
}

/// The members of a message, undecoded. A literal `null` is present, not absent.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// A JSON string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Keeps a literal `null` apart from an absent member.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Whether parameters are `null` or `[]`, which some clients write where there are none.
fn is_empty(params: &RawValue) -> bool {
    let inside = params.get().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    params.get() == "null" || inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

fn unreadable(error: &serde_json::Error) -> ProtocolError {
    if error.is_data() {
        ProtocolError::invalid_request(&format!(
            "a message must be a JSON object: {}",
            plain_words(&error.to_string())
        ))
    } else {
        ProtocolError::parse(&error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        assert_eq!(describe(&Line::read(line.as_bytes())), expected, "{line}");
    }

    fn describe(line: &Line<'_>) -> String {
        match line {
            Line::Array(elements) => format!("array of {}", elements.len()),
            Line::One(Message::Request { id, method, params }) => {
                format!(
                    "request {} {method} {}",
                    id.as_json(),
                    params.map_or("-", |params| params.get())
                )
            }
            Line::One(Message::Notification { method, .. }) => format!("notification {method}"),
            Line::One(Message::Response { .. }) => "response".to_owned(),
            Line::One(Message::Invalid { id, error }) => {
                format!(
                    "{} id {} {}",
                    error.code(),
                    id.map_or("-", RequestId::as_json),
                    error.message()
                )
            }
        }
    }

    #[test]
    fn messages_are_told_apart() {
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping -");
        check(
            r#"{"method":"ping","params":{"a":[1]},"id":"x","jsonrpc":"2.0"}"#,
            r#"request "x" ping {"a":[1]}"#,
        );
        check(r#"{"jsonrpc":"2.0","id":-7,"method":"ping"}"#, "request -7 ping -");
        check(
            r#"{"jsonrpc":"2.0","id":1180591620717411303424,"method":"p"}"#,
            "request 1180591620717411303424 p -",
        );
        check(
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "notification notifications/initialized",
        );
        check(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "response");
        check(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#,
            "response",
        );
        check(r#" [{"jsonrpc":"2.0"}, 3]"#, "array of 2");
        check(
            "\u{20}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\\u006eg\"}\r",
            "request 1 ping -",
        );
    }

    #[test]
    fn what_is_no_message_is_answered() {
        check(
            "{\"jsonrpc\":",
            "-32700 id - Parse error: EOF while parsing a value at line 1 column 11",
        );
        check(
            "42",
            "-32600 id - Invalid request: a message must be a JSON object: invalid type: integer `42`, expected an object",
        );
        check(
            "[1,",
            "-32700 id - Parse error: EOF while parsing a value at line 1 column 3",
        );
        check(
            r#"{"jsonrpc":"2.0","id":5}"#,
            "-32600 id 5 Invalid request: `method` is missing",
        );
        check(
            r#"{"jsonrpc":"1.0","id":5,"method":"a"}"#,
            "-32600 id 5 Invalid request: `jsonrpc` must be \"2.0\"",
        );
        check(
            r#"{"id":5,"method":"a"}"#,
            "-32600 id 5 Invalid request: `jsonrpc` must be \"2.0\"",
        );
        check(
            r#"{"jsonrpc":"2.0","id":5,"method":7}"#,
            "-32600 id 5 Invalid request: `method` must be a string",
        );
        for id in ["null", "1.5", "1.0", "1e3", "true", "[1]", "{}"] {
            check(
                &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"a"}}"#),
                "-32600 id - Invalid request: `id` must be a string or an integer",
            );
        }
        check(
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#,
            "-32600 id - Invalid request: a message must be a JSON object: duplicate field `id`",
        );
        let Line::One(Message::Invalid { error, .. }) = Line::read(b"{\"a\":\"\xff\"}") else {
            panic!("valid")
        };
        assert_eq!(error.code(), -32700);
    }

    #[test]
    fn deep_nesting_is_just_a_value() {
        let deep = "[".repeat(10_000);
        check(
            &deep,
            "-32700 id - Parse error: EOF while parsing a list at line 1 column 10000",
        );
        let closed = format!("{}{}", deep, "]".repeat(10_000));
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{closed}}}"#);
        check(&line, &format!("request 1 a {closed}"));
    }

    #[test]
    fn ids_are_compared_by_value() {
        let key = |text: &str| RequestId::read(serde_json::from_str(text).unwrap()).unwrap().key();
        assert_eq!(key(r#""a\u0062""#), key(r#""ab""#));
        assert_ne!(key(r#""1""#), key("1"));
    }
}

//! JSON-RPC as a client of the server speaks it, in both eras of the protocol: lines to send, and what a received line is.
//!
//! Nothing is sent or read here, and only the form of a message is checked. What may come, when, and how often, each suite judges.
//! An ID is its JSON text everywhere, because a client may use numbers that no type holds.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, de};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A request, as a line without its end.
pub(crate) fn request(id: impl Display, method: &str, params: impl Display) -> String {
    let method = json!(method);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
}

/// A notification, as a line without its end.
pub(crate) fn notification(method: &str, params: impl Display) -> String {
    let method = json!(method);
    format!(r#"{{"jsonrpc":"2.0","method":{method},"params":{params}}}"#)
}

/// The notification that gives up a request.
pub(crate) fn cancellation(id: impl Display) -> String {
    let params = format!(r#"{{"requestId":{id},"reason":"the user lost interest"}}"#);
    notification("notifications/cancelled", params)
}

/// The answer to a request of the server. Shape of `outcome`: `{"result": …}` or `{"error": …}`.
pub(crate) fn reply(id: impl Display, outcome: &Value) -> String {
    let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"#);
    outcome.to_string().replacen('{', &start, 1)
}

/// The parameters of an `initialize`, which opens a session in the legacy era.
pub(crate) fn initialize(revision: &str) -> Value {
    json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "test", "version": "0" } })
}

/// The notification that completes the opening of a session.
pub(crate) fn initialized() -> String {
    notification("notifications/initialized", "{}")
}

/// The parameters of a tool call.
pub(crate) fn call(tool: &str, arguments: &Value) -> Value {
    json!({ "name": tool, "arguments": arguments })
}

/// The parameters of a request in the modern era. What their `_meta` already says is kept.
pub(crate) fn modern(mut params: Value, capabilities: &Value) -> Value {
    for (key, value) in [
        ("io.modelcontextprotocol/protocolVersion", &json!("2026-07-28")),
        ("io.modelcontextprotocol/clientCapabilities", capabilities),
    ] {
        if params["_meta"].get(key).is_none() {
            params["_meta"][key] = value.clone();
        }
    }
    params
}

/// A message of the server. IDs and tokens are their JSON text as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    Result {
        id: String,
        result: Value,
    },
    /// Without an ID where the request's could not be read.
    Error {
        id: Option<String>,
        code: i64,
        message: String,
        data: Option<Value>,
    },
    Notification {
        method: String,
        params: Value,
        /// The progress token or the ID of the subscription.
        about: Option<String>,
    },
    /// Only legacy sessions have them.
    Request {
        id: String,
        method: String,
        params: Value,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    jsonrpc: &'a str,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    result: Option<Value>,
    error: Option<WireError>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireError {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Message {
    /// Reads one message; fails for anything that is not exactly one.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        Self::of(text).map_err(|error| format!("{error} in {text}"))
    }

    fn of(text: &str) -> serde_json::Result<Self> {
        let wire: Wire<'_> = serde_json::from_str(text)?;
        let params = wire.params.map_or("null", RawValue::get);
        let id = wire.id.map(|id| id.get().to_owned());
        Ok(match (wire.jsonrpc, wire.method, wire.result, wire.error, id) {
            ("2.0", Some(method), None, None, Some(id)) => Self::Request {
                id,
                method,
                params: serde_json::from_str(params)?,
            },
            ("2.0", Some(method), None, None, None) => Self::Notification {
                method,
                params: serde_json::from_str(params)?,
                about: about(params)?,
            },
            ("2.0", None, Some(result), None, Some(id)) => Self::Result { id, result },
            ("2.0", None, None, Some(WireError { code, message, data }), id) => Self::Error {
                id,
                code,
                message,
                data,
            },
            _ => return Err(de::Error::custom("neither a response nor a request nor a notification")),
        })
    }

    /// The ID of the request that this is the answer to.
    pub(crate) fn answers(&self) -> Option<&str> {
        match self {
            Self::Result { id, .. } | Self::Error { id: Some(id), .. } => Some(id),
            _ => None,
        }
    }

    /// The result, which is null for everything else.
    pub(crate) fn result(&self) -> &Value {
        match self {
            Self::Result { result, .. } => result,
            _ => &Value::Null,
        }
    }
}

/// The elements of a line that is an array, or else the line.
pub(crate) fn elements(line: &str) -> Vec<&str> {
    match serde_json::from_str::<Vec<&RawValue>>(line) {
        Ok(elements) => elements.into_iter().map(RawValue::get).collect(),
        Err(_) => vec![line],
    }
}

/// The members of an object, exactly as they are written; none for null.
pub(crate) fn members(object: &str) -> serde_json::Result<BTreeMap<String, &RawValue>> {
    serde_json::from_str::<Option<_>>(object).map(Option::unwrap_or_default)
}

/// What the parameters of a notification are about.
fn about(params: &str) -> serde_json::Result<Option<String>> {
    let params = members(params)?;
    let meta = members(params.get("_meta").map_or("null", |meta| meta.get()))?;
    let subscription = meta.get("io.modelcontextprotocol/subscriptionId");
    let found = params.get("progressToken").or(subscription);
    Ok(found.map(|found| found.get().to_owned()))
}

//! What is wrong with a message itself: JSON-RPC errors, with the codes that the specification gives them.
//!
//! | constructor | code | when |
//! |---|---|---|
//! | `parse` | -32700 | the line is not JSON |
//! | `invalid_request` | -32600 | JSON, but not a request: shape, id, a duplicate id, an array where none may be |
//! | `method_not_found` | -32601 | unknown method, or one that this revision does not have |
//! | `invalid_params` | -32602 | parameters of the method, missing `_meta`, unknown tool |
//! | `internal`, `internal_because` | -32603 | our own bug; an answer that is not available now |
//! | `busy` | -32000 | more requests in flight than one connection may have |
//! | `unsupported_version` | -32022 | `_meta` names a revision that is not served there |
//! | `resource_not_found` | -32602, before 2026-07-28 -32002 | no resource has this address |
//! | `missing_capability` | -32021 | the request needs something its client did not declare |
//!
//! What a tool has to say is not here: that is a result (see [`super::outcome::ToolError`]).

use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};
use serde_json::{Value, json};

use super::version::{Era, Revision};
use crate::untrusted;

/// An error about the message itself. Shape on the wire: `{"code": -32602, "message": "…", "data": …}`.
#[derive(Debug, Clone)]
pub struct ProtocolError(ErrorObjectOwned);

impl ProtocolError {
    /// -32700. Source: JSON-RPC 2.0, section 5.1.
    pub fn parse(reason: &str) -> Self {
        Self::new(-32700, format!("Parse error: {reason}"), None)
    }

    /// -32600. Source: JSON-RPC 2.0, section 5.1.
    pub fn invalid_request(reason: &str) -> Self {
        Self::new(-32600, format!("Invalid request: {reason}"), None)
    }

    /// -32601. Source: JSON-RPC 2.0, section 5.1.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(-32601, format!("Method not found: {}", clip(method)), None)
    }

    /// -32602. Source: JSON-RPC 2.0, section 5.1.
    pub fn invalid_params(reason: &str) -> Self {
        Self::new(-32602, format!("Invalid params: {reason}"), None)
    }

    /// -32602 with the wording that the official SDKs use, and what to do about it. Source: MCP, server/tools, error handling.
    pub fn unknown_tool(name: &str, what_to_do: &str) -> Self {
        let is_word = name.bytes().all(|byte| byte.is_ascii_graphic());
        let name = if is_word {
            clip(name)
        } else {
            untrusted::show(name, 100)
        };
        Self::new(-32602, format!("Unknown tool: {name}. {what_to_do}"), None)
    }

    /// -32602, in legacy revisions -32002. Source: MCP, server/resources, error handling.
    pub fn resource_not_found(uri: &str, revision: Revision) -> Self {
        let code = match revision.era() {
            Era::Legacy => -32002,
            Era::Modern => -32602,
        };
        Self::new(code, format!("Resource not found: {}", clip(uri)), None)
    }

    /// -32603: the bug is ours. Source: JSON-RPC 2.0, section 5.1.
    pub fn internal() -> Self {
        Self::new(
            -32603,
            "Internal error: this is a bug in the server; see its log (stderr, or the file of --log-file)".to_owned(),
            None,
        )
    }

    /// -32603: something needed for the answer is not available now. The sentence says what, and may come from outside.
    pub fn internal_because(sentence: &str) -> Self {
        Self::new(-32603, untrusted::clean(sentence, 600), None)
    }

    /// -32000, which JSON-RPC leaves to servers: the request was not started, because too many are in flight.
    pub fn busy() -> Self {
        let message =
            "Too many requests are in flight: this one was not started. Send it again after others have been answered.";
        Self::new(-32000, message.to_owned(), None)
    }

    /// -32022. Source: MCP 2026-07-28, basic/versioning.
    pub fn unsupported_version(requested: &str) -> Self {
        let supported = Revision::MODERN.map(Revision::as_str);
        let data = json!({ "supported": supported, "requested": clip(requested) });
        Self::new(-32022, "Unsupported protocol version".to_owned(), Some(data))
    }

    /// -32021, with the capabilities that would have allowed the request. Source: MCP 2026-07-28, basic/versioning.
    pub fn missing_capability(required: &Value) -> Self {
        let data = json!({ "requiredCapabilities": required });
        Self::new(-32021, "Missing required client capability".to_owned(), Some(data))
    }

    /// The JSON-RPC error code.
    pub fn code(&self) -> i32 {
        self.0.code()
    }

    /// The sentence a host shows.
    pub fn message(&self) -> &str {
        self.0.message()
    }

    fn new(code: i32, message: String, data: Option<Value>) -> Self {
        Self(ErrorObject::owned(code, message, data))
    }
}

impl From<ProtocolError> for ErrorObjectOwned {
    fn from(error: ProtocolError) -> Self {
        error.0
    }
}

/// serde's message without Rust's type names and positions in the line.
pub(crate) fn plain_words(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(words, _)| words);
    let message = match message.split_once("expected struct ") {
        Some((words, _)) => format!("{words}expected an object"),
        None => message.to_owned(),
    };
    untrusted::clean(&message, 300)
}

/// A name that came from outside, short enough to be repeated in a sentence.
pub(crate) fn clip(name: &str) -> String {
    untrusted::clean(name, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_bounded() {
        let long = "x".repeat(10_000);
        assert!(ProtocolError::method_not_found(&long).message().len() < 200);
        assert!(ProtocolError::unknown_tool(&long, "There is none.").message().len() < 200);
    }
}

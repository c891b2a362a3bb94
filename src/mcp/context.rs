//! What a request brings along besides its parameters, and the decision which revision it is served in.
//!
//! The decision is made for each request alone: `_meta` makes it modern, whatever came before on the same pipe. What a session
//! remembers is only what `initialize` settled, and it means something to legacy requests only.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::envelope::present;
use super::error::ProtocolError;
use super::outbox::Outbox;
use super::version::Revision;
use crate::foreign;

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Methods that only the legacy era has.
const LEGACY_ONLY: [&str; 2] = ["initialize", "ping"];
/// Methods that only the modern era has.
const MODERN_ONLY: [&str; 2] = ["server/discover", "subscriptions/listen"];

/// A request's surroundings, as its method sees them.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The revision that this request is served in.
    pub(crate) revision: Revision,
    /// `clientInfo.name`, where the client said it. For wording and logs, never for behaviour.
    pub(crate) client_name: Option<String>,
    /// The request's id, as the client wrote it.
    pub(crate) request_id: Box<RawValue>,
    /// What this connection remembers.
    pub(crate) connection: Connection,
}

impl RequestContext {
    /// The revision that this request is served in.
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Name of the calling host, for example `claude-code`.
    pub fn client_name(&self) -> Option<&str> {
        self.client_name.as_deref()
    }
}

/// One connection: its legacy session, its way out, its end.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Where answers and notifications go.
    pub(crate) outbox: Arc<Outbox>,
    /// Cancelled at end of input: what only waits for events ends itself.
    pub(crate) draining: CancellationToken,
    session: Arc<Mutex<Option<Session>>>,
}

/// What `initialize` settled.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) revision: Revision,
    pub(crate) client_name: Option<String>,
}

/// A request's revision and client, before it is known whether it can be served.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) revision: Revision,
    pub(crate) client_name: Option<String>,
}

impl Connection {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            draining: CancellationToken::new(),
            session: Arc::default(),
        }
    }

    /// Starts a legacy session, or starts it again.
    pub(crate) fn open_session(&self, session: Session) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// The legacy session, once `initialize` came.
    pub(crate) fn session(&self) -> Option<Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Decides in which revision a request is served.
    ///
    /// # Errors
    /// -32602 for parameters that are no object or a half-built `_meta`, -32022 for a revision that is not served, -32601 for a
    /// method of the other era.
    pub(crate) fn settle(&self, method: &str, params: Option<&RawValue>) -> Result<Settled, ProtocolError> {
        let meta = read_meta(params)?;
        if meta.protocol_version.is_some() || meta.client_capabilities.is_some() {
            return settle_modern(method, &meta);
        }
        if method == "initialize" {
            return Ok(Settled {
                revision: Revision::LATEST_LEGACY,
                client_name: None,
            });
        }
        if method == "server/discover" {
            return Err(missing_meta(&[PROTOCOL_VERSION, CLIENT_CAPABILITIES]));
        }
        match self.session() {
            Some(_) if MODERN_ONLY.contains(&method) => Err(ProtocolError::method_not_found(method)),
            Some(session) => Ok(Settled {
                revision: session.revision,
                client_name: session.client_name,
            }),
            None if method == "ping" => Ok(Settled {
                revision: Revision::LATEST_LEGACY,
                client_name: None,
            }),
            None => Err(missing_meta(&[PROTOCOL_VERSION, CLIENT_CAPABILITIES])),
        }
    }
}

fn settle_modern(method: &str, meta: &Meta<'_>) -> Result<Settled, ProtocolError> {
    let Some(version) = meta.protocol_version else {
        return Err(missing_meta(&[PROTOCOL_VERSION]));
    };
    let Ok(version) = serde_json::from_str::<Cow<'_, str>>(version.get()) else {
        return Err(ProtocolError::invalid_params(&format!(
            "`_meta[\"{PROTOCOL_VERSION}\"]` must be a string"
        )));
    };
    let Some(revision) = Revision::modern(&version) else {
        return Err(ProtocolError::unsupported_version(&version));
    };
    let Some(capabilities) = meta.client_capabilities else {
        return Err(missing_meta(&[CLIENT_CAPABILITIES]));
    };
    if !is_object(capabilities) {
        return Err(ProtocolError::invalid_params(&format!(
            "`_meta[\"{CLIENT_CAPABILITIES}\"]` must be an object"
        )));
    }
    if LEGACY_ONLY.contains(&method) {
        return Err(ProtocolError::method_not_found(method));
    }
    Ok(Settled {
        revision,
        client_name: meta.client_info.and_then(client_name),
    })
}

/// The name in a `clientInfo`; a client that says it badly is served like one that does not say it.
pub(crate) fn client_name(client_info: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct ClientInfo {
        name: String,
    }
    let name = serde_json::from_str::<ClientInfo>(client_info.get()).ok()?.name;
    Some(foreign::clean(&name, 100))
}

/// The members of `params._meta` that decide something.
#[derive(Default, Deserialize)]
struct Meta<'a> {
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/protocolVersion"
    )]
    protocol_version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/clientCapabilities"
    )]
    client_capabilities: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/clientInfo"
    )]
    client_info: Option<&'a RawValue>,
}

fn read_meta(params: Option<&RawValue>) -> Result<Meta<'_>, ProtocolError> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow, default, deserialize_with = "present", rename = "_meta")]
        meta: Option<&'a RawValue>,
    }
    let Some(params) = params else {
        return Ok(Meta::default());
    };
    if !is_object(params) {
        return Err(ProtocolError::invalid_params("`params` must be an object"));
    }
    let found = serde_json::from_str::<Params<'_>>(params.get());
    let Ok(Params { meta }) = found else {
        return Err(ProtocolError::invalid_params("`_meta` is given twice"));
    };
    let Some(meta) = meta else { return Ok(Meta::default()) };
    if !is_object(meta) {
        return Err(ProtocolError::invalid_params("`_meta` must be an object"));
    }
    serde_json::from_str(meta.get()).map_err(|_| ProtocolError::invalid_params("a member of `_meta` is given twice"))
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn missing_meta(keys: &[&str]) -> ProtocolError {
    let keys = keys
        .iter()
        .map(|key| format!("\"{key}\""))
        .collect::<Vec<_>>()
        .join(" and ");
    ProtocolError::invalid_params(&format!(
        "`params._meta` lacks {keys}; a client of an older revision sends `initialize` first"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#;

    fn check(session: Option<Revision>, method: &str, params: &str, expected: &str) {
        let connection = Connection::new(Arc::new(Outbox::new(1)));
        if let Some(revision) = session {
            connection.open_session(Session {
                revision,
                client_name: None,
            });
        }
        let params: Option<&RawValue> = (!params.is_empty()).then(|| serde_json::from_str(params).unwrap());
        let outcome = match connection.settle(method, params) {
            Ok(settled) => settled.revision.as_str().to_owned(),
            Err(error) => error.code().to_string(),
        };
        assert_eq!(outcome, expected, "{session:?} {method} {params:?}");
    }

    #[test]
    fn each_request_is_settled_alone() {
        let old = Some(Revision::V2024_11_05);
        check(None, "tools/list", MODERN, "2026-07-28");
        check(old, "tools/list", MODERN, "2026-07-28");
        check(old, "tools/list", "", "2024-11-05");
        check(old, "tools/list", r#"{"_meta":{"progressToken":1}}"#, "2024-11-05");
        check(None, "initialize", r#"{"protocolVersion":"2025-06-18"}"#, "2025-11-25");
        check(None, "ping", "", "2025-11-25");
        check(None, "tools/list", "", "-32602");
        check(None, "resources/list", "{}", "-32602");
        check(old, "resources/list", "{}", "2024-11-05");
    }

    #[test]
    fn a_method_belongs_to_its_era() {
        let old = Some(Revision::V2025_11_25);
        check(None, "server/discover", MODERN, "2026-07-28");
        check(None, "server/discover", "{}", "-32602");
        check(old, "server/discover", "", "-32602");
        check(old, "subscriptions/listen", "{}", "-32601");
        check(None, "initialize", MODERN, "-32601");
        check(old, "ping", MODERN, "-32601");
    }

    #[test]
    fn a_half_built_meta_is_refused() {
        let meta = |version: &str, capabilities: &str| {
            let members = [("protocolVersion", version), ("clientCapabilities", capabilities)];
            let members = members.iter().filter(|(_, value)| !value.is_empty());
            let members = members.map(|(key, value)| format!("\"io.modelcontextprotocol/{key}\":{value}"));
            format!("{{\"_meta\":{{{}}}}}", members.collect::<Vec<_>>().join(","))
        };
        check(None, "tools/list", &meta("\"2026-07-28\"", ""), "-32602");
        check(None, "tools/list", &meta("", "{}"), "-32602");
        check(None, "tools/list", &meta("\"2026-07-28\"", "[]"), "-32602");
        check(None, "tools/list", &meta("\"2026-07-28\"", "null"), "-32602");
        check(None, "tools/list", &meta("20260728", "{}"), "-32602");
        check(None, "tools/list", &meta("\"2030-01-01\"", "{}"), "-32022");
        check(None, "tools/list", &meta("\"2025-11-25\"", "{}"), "-32022");
        check(None, "tools/list", r#"{"_meta":7}"#, "-32602");
        check(None, "tools/list", "[]", "-32602");
        check(None, "tools/list", "null", "-32602");
    }
}

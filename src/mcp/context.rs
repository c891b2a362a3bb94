//! The context of a request besides its parameters, and the decision which revision it is served in.
//!
//! The decision is made for each request separately: `_meta` makes it modern, whatever came before on the same pipe. A session
//! remembers only what `initialize` agreed on, and that applies only to legacy requests.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::elicitation::{Answers, Elicitation, Question, Verdict};
use super::envelope::RequestId;
use super::error::ProtocolError;
use super::meta::{CLIENT_CAPABILITIES, Meta, PROTOCOL_VERSION, client_name, is_object, missing_meta};
use super::outbox::{Delivery, Outbox};
use super::progress::{Progress, Reporter};
use super::types::ClientCapabilities;
use super::version::{Era, Revision};

/// Methods that only the legacy era has.
const LEGACY_ONLY: [&str; 2] = ["initialize", "ping"];
/// Methods that only the modern era has.
const MODERN_ONLY: [&str; 5] = [
    "server/discover",
    "subscriptions/listen",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
];

/// A request's surroundings, as its method sees them.
#[derive(Debug)]
pub struct RequestContext {
    /// The revision that this request is served in.
    pub(crate) revision: Revision,
    /// `clientInfo.name`, where the client said it. For wording and logs, never for behaviour.
    pub(crate) client_name: Option<Arc<str>>,
    /// What the client can do, as far as it matters.
    pub(crate) capabilities: ClientCapabilities,
    /// What the client sends with a repeated call; set by `tools/call`.
    pub(crate) answers: OnceLock<Answers>,
    /// Receives reports, if the client wants any.
    pub(crate) progress: Option<Reporter>,
    /// The request's id, as the client wrote it.
    pub(crate) request_id: Box<RawValue>,
    /// What must not be lost with the answer.
    pub(crate) delivery: Arc<Delivery>,
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

    /// Asks the user. A legacy call waits for the answer within the connection's limits; a modern client calls again with it.
    pub async fn confirm(&self, question: &Question) -> Verdict {
        let elicitation = &self.connection.elicitation;
        match self.revision.era() {
            _ if !self.capabilities.elicitation => Verdict::CannotAsk,
            Era::Modern => elicitation.confirm_by_calling_again(self.answers.get_or_init(Answers::default), question),
            Era::Legacy => elicitation.confirm_by_request(question).await,
        }
    }

    /// Whether the client can follow a task: such a call may be answered with one.
    pub const fn can_follow_tasks(&self) -> bool {
        self.capabilities.tasks
    }

    /// Whether the client shows views: the results of tools that have one are shown to its user.
    pub const fn shows_views(&self) -> bool {
        self.capabilities.views
    }

    /// Tells the client how far the call has come, if it wants to know.
    pub async fn report_progress(&self, progress: Progress, message: &str) {
        if let Some(reporter) = &self.progress {
            reporter.report(progress, message).await;
        }
    }

    /// Logs these words if the answer to this call is never written. Shape: `created batch bat-1`.
    pub fn log_if_undelivered(&self, words: String) {
        self.delivery.note(words);
    }

    /// Resolves when no more input will come: calls that only wait should answer now.
    pub async fn input_ended(&self) {
        self.connection.draining.cancelled().await;
    }

    /// Whether no more input will come.
    pub fn has_input_ended(&self) -> bool {
        self.connection.draining.is_cancelled()
    }
}

/// One connection: its legacy session, its output, its end.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Where answers and notifications go.
    pub(crate) outbox: Arc<Outbox>,
    /// Cancelled when the input or the connection ends: work that only waits for events, and work on many files, then ends.
    pub(crate) draining: CancellationToken,
    /// Questions to the user.
    pub(crate) elicitation: Arc<Elicitation>,
    session: Arc<Mutex<Option<Session>>>,
}

/// What `initialize` settled.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) revision: Revision,
    pub(crate) client_name: Option<Arc<str>>,
    pub(crate) capabilities: ClientCapabilities,
}

impl Connection {
    pub(crate) fn new(outbox: Arc<Outbox>, question_limit: Duration) -> Self {
        let draining = CancellationToken::new();
        Self {
            elicitation: Arc::new(Elicitation::new(Arc::clone(&outbox), draining.clone(), question_limit)),
            outbox,
            draining,
            session: Arc::default(),
        }
    }

    /// The surroundings of a request.
    ///
    /// # Errors
    /// -32602 for parameters that are no object, and those of [`Connection::settle`].
    pub(crate) fn context(
        &self,
        id: RequestId<'_>,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<RequestContext, ProtocolError> {
        let meta = Meta::read(params)?;
        let Session {
            revision,
            client_name,
            capabilities,
        } = self.settle(method, &meta)?;
        Ok(RequestContext {
            revision,
            client_name,
            capabilities,
            answers: OnceLock::new(),
            progress: meta
                .progress_token
                .and_then(|token| Reporter::new(token, &self.outbox, revision)),
            request_id: id.to_owned_json(),
            delivery: Arc::default(),
            connection: self.clone(),
        })
    }

    /// Starts a legacy session, or starts it again.
    pub(crate) fn open_session(&self, session: Session) {
        *self.session.lock() = Some(session);
    }

    /// The legacy session, once `initialize` came.
    pub(crate) fn session(&self) -> Option<Session> {
        self.session.lock().clone()
    }

    /// Decides in which revision a request is served, and for whom.
    ///
    /// # Errors
    /// -32602 for an incomplete `_meta`, -32022 for a revision that is not served, -32601 for a
    /// method of the other era.
    fn settle(&self, method: &str, meta: &Meta<'_>) -> Result<Session, ProtocolError> {
        if meta.protocol_version.is_some() || meta.client_capabilities.is_some() {
            return settle_modern(method, meta);
        }
        if method == "initialize" {
            return Ok(Session::unopened());
        }
        if method == "server/discover" {
            return Err(missing_meta(&[PROTOCOL_VERSION, CLIENT_CAPABILITIES]));
        }
        match self.session() {
            Some(_) if MODERN_ONLY.contains(&method) => Err(ProtocolError::method_not_found(method)),
            Some(session) => Ok(session),
            None if method == "ping" => Ok(Session::unopened()),
            None => Err(missing_meta(&[PROTOCOL_VERSION, CLIENT_CAPABILITIES])),
        }
    }
}

impl Session {
    /// The session before `initialize`, and while `initialize` is being answered.
    fn unopened() -> Self {
        Self {
            revision: Revision::LATEST_LEGACY,
            client_name: None,
            capabilities: ClientCapabilities::default(),
        }
    }
}

fn settle_modern(method: &str, meta: &Meta<'_>) -> Result<Session, ProtocolError> {
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
    let capabilities = ClientCapabilities::read(capabilities, revision);
    Ok(Session {
        revision,
        client_name: meta.client_info.and_then(client_name),
        capabilities,
    })
}

#[cfg(test)]
impl RequestContext {
    /// The context of a legacy request without a session, for tests of code that takes a context.
    pub(crate) fn alone() -> Self {
        let connection = Connection::new(Arc::new(Outbox::new(1)), Duration::ZERO);
        let id: &RawValue = serde_json::from_str("1").unwrap();
        connection.context(RequestId::read(id).unwrap(), "ping", None).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#;

    fn check(session: Option<Revision>, method: &str, params: &str, expected: &str) {
        let connection = Connection::new(Arc::new(Outbox::new(1)), Duration::ZERO);
        if let Some(revision) = session {
            connection.open_session(Session {
                revision,
                ..Session::unopened()
            });
        }
        let params: Option<&RawValue> = (!params.is_empty()).then(|| serde_json::from_str(params).unwrap());
        let settled = Meta::read(params).and_then(|meta| connection.settle(method, &meta));
        let outcome = match settled {
            Ok(session) => session.revision.as_str().to_owned(),
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

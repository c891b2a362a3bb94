//! A failed operation: its kind, and the facts for a log line.

use std::{fmt, time::Duration};

use super::{advice::Advice, error_kind::ErrorKind};
use crate::untrusted::quote;

/// Units: characters.
const MAX_REASON_CHARS: usize = 300;

/// A failed operation.
///
/// Display is one log line: `GET /api/v2/batches/{id}: not found (404); 1 attempt in 12 ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Facts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    kind: ErrorKind,
    reason: Option<String>,
    host: Option<String>,
    request: String,
    attempts: Attempts,
}

/// What only the client's loop knows: how often it was tried, for how long, and with what effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempts {
    /// 0 if nothing was sent.
    pub(super) count: u32,
    /// Waits between attempts included.
    pub(super) elapsed: Duration,
    pub(super) no_effect: bool,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, reason: Option<String>, request: String, attempts: Attempts) -> Self {
        Self(Box::new(Facts {
            kind,
            reason,
            host: None,
            request,
            attempts,
        }))
    }

    /// The same, saying which host it is about.
    pub(super) fn at(mut self, host: Option<&str>) -> Self {
        self.0.host = host.map(str::to_owned);
        self
    }

    /// The kind, for decisions.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What happened, as a clause without a full stop.
    ///
    /// Shape: `LlamaCloud found nothing with that ID in this project (404): "Batch bat-1 not found"`.
    pub fn cause(&self) -> String {
        let host = self.0.host.as_deref().unwrap_or("LlamaCloud");
        let mut cause = self.kind().cause(host);
        if let Some(reason) = self.reason() {
            cause.push_str(": ");
            cause.push_str(&quote(reason, MAX_REASON_CHARS));
        }
        cause
    }

    /// What can be done about it.
    pub fn advice(&self) -> Advice {
        self.kind().advice()
    }

    /// The reason in the words of the API or of the network, cleaned and at most 300 characters. To be quoted, not trusted.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Whether the operation certainly did not happen: nothing reached the API, or the API refused it.
    ///
    /// `false` means unknown, which for a create means that a batch may exist: no answer in time, a broken connection, a 5xx, or a
    /// success that could not be read.
    pub fn had_no_effect(&self) -> bool {
        self.0.attempts.no_effect
    }
}

#[cfg(test)]
impl Error {
    /// The request without host, ids and query. Shape: `GET /api/v2/batches/{id}`.
    pub(super) fn request(&self) -> &str {
        &self.0.request
    }

    /// How many times it was tried; 0 if nothing was sent.
    pub(super) fn attempts(&self) -> u32 {
        self.0.attempts.count
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts {
            kind,
            request,
            attempts: Attempts { count, elapsed, .. },
            ..
        } = &*self.0;
        let s = if *count == 1 { "" } else { "s" };
        let elapsed_ms = elapsed.as_millis();
        write!(formatter, "{request}: {kind}; {count} attempt{s} in {elapsed_ms} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llamacloud::{Detail, TlsProblem};

    fn error(kind: ErrorKind) -> Error {
        let attempts = Attempts {
            count: 1,
            elapsed: Duration::from_millis(12),
            no_effect: true,
        };
        let reason = Some("word of the API".to_owned());
        Error::new(kind, reason, "GET /api/v2/batches/{id}".to_owned(), attempts).at(Some("api.example"))
    }

    fn every_kind() -> Vec<ErrorKind> {
        let later = Some(Duration::from_secs(2));
        let mut kinds = vec![
            ErrorKind::MissingKey {
                reason: "it is empty".to_owned(),
            },
            ErrorKind::Unauthorized,
            ErrorKind::PaymentRequired,
            ErrorKind::Forbidden,
            ErrorKind::NotFound,
            ErrorKind::NoSuchPath { status: 405 },
            ErrorKind::Conflict,
            ErrorKind::TooLarge,
            ErrorKind::Rejected {
                status: 422,
                details: vec![
                    Detail {
                        path: "query.page_size".to_owned(),
                        message: "bad".to_owned(),
                    },
                    Detail {
                        path: String::new(),
                        message: "worse".to_owned(),
                    },
                ],
            },
            ErrorKind::RateLimited { retry_after: later },
            ErrorKind::Unavailable {
                status: 503,
                correlation_id: Some("32763f53-1".to_owned()),
                retry_after: None,
            },
            ErrorKind::Intercepted {
                status: 403,
                retry_after: None,
            },
            ErrorKind::TimedOut,
            ErrorKind::Unreachable,
            ErrorKind::Proxy {
                variable: "HTTPS_PROXY".to_owned(),
            },
        ];
        kinds.extend(
            [
                TlsProblem::UnknownIssuer,
                TlsProblem::NotYetValid,
                TlsProblem::Expired,
                TlsProblem::WrongName,
                TlsProblem::NoCertificates,
                TlsProblem::Other,
            ]
            .map(ErrorKind::Tls),
        );
        kinds.extend([
            ErrorKind::Redirected {
                host: Some("login.example".to_owned()),
            },
            ErrorKind::OversizedBody { limit_bytes: 8 << 20 },
            ErrorKind::UnreadableBody,
        ]);
        kinds
    }

    /// What each kind reads as and what it advises: the whole vocabulary on one page.
    #[test]
    fn every_kind_has_a_cause_and_an_advice() {
        let describe = |error: Error| format!("{}\n    {:?}\n", error.cause(), error.advice());
        let page: String = every_kind().into_iter().map(error).map(describe).collect();
        expect_test::expect![[r#"
            there is no usable LlamaCloud API key (it is empty), so nothing was sent: "word of the API"
                Fix(ApiKey)
            api.example rejected the API key (401): "word of the API"
                Fix(ApiKey)
            the account has no credits left (402): "word of the API"
                Fix(Credits)
            this API key is not allowed to do that (403): "word of the API"
                Fix(Access)
            LlamaCloud found nothing with that ID in this project (404): "word of the API"
                Never
            api.example does not have this path of the LlamaCloud API (405): "word of the API"
                Fix(BaseUrl)
            the current state does not allow this (409): "word of the API"
                Never
            the request is too large for LlamaCloud (413): "word of the API"
                Never
            LlamaCloud rejected the request (422): query.page_size "bad"; "worse": "word of the API"
                Never
            too many requests for the account's plan (429): "word of the API"
                Later(Some(2s))
            LlamaCloud has an internal problem (503): "word of the API"
                Later(None)
            a proxy, firewall or login page answered in place of LlamaCloud, with a web page (403): "word of the API"
                Later(None)
            api.example did not answer in time: "word of the API"
                Later(None)
            api.example could not be reached, or the connection broke: "word of the API"
                Later(None)
            the proxy setting HTTPS_PROXY cannot be used, so nothing was sent: "word of the API"
                Fix(Proxy)
            this machine does not trust the issuer of the certificate that api.example presents: "word of the API"
                Fix(Certificates)
            by this machine's clock, the certificate of api.example is not valid yet: "word of the API"
                Fix(Clock)
            by this machine's clock, the certificate of api.example has expired: "word of the API"
                Fix(Clock)
            the certificate that api.example presents is for another host name: "word of the API"
                Fix(BaseUrl)
            no trusted certificates were found, so TLS connections cannot be verified: "word of the API"
                Fix(Certificates)
            no trusted TLS connection to api.example could be made: "word of the API"
                Fix(BaseUrl)
            api.example answered with a redirect to "login.example", which is never followed with an API key: "word of the API"
                Fix(BaseUrl)
            the response is larger than 8 MiB: "word of the API"
                Never
            the response of api.example does not match the LlamaCloud API: "word of the API"
                Never
        "#]].assert_eq(&page);
    }

    /// The log gets neither ids nor arguments nor words of the API.
    #[test]
    fn a_log_line_holds_no_word_of_the_api() {
        let mut page = String::new();
        for kind in every_kind() {
            let line = error(kind).to_string();
            for word in [
                "word of the API",
                "bad",
                "worse",
                "32763f53",
                "login.example",
                "it is empty",
            ] {
                assert!(!line.contains(word), "{line}");
            }
            page.push_str(&line);
            page.push('\n');
        }
        expect_test::expect![[r#"
            GET /api/v2/batches/{id}: no usable API key; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: API key rejected (401); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: payment required (402); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: forbidden (403); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: not found (404); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no such path (405); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: conflict (409); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: too large (413); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: rejected (422); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: rate limited (429), retry after 2000 ms; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: unavailable (503); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: a web page (403); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: timed out; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: unreachable; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: proxy setting HTTPS_PROXY cannot be used; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no trusted TLS connection (UnknownIssuer); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no trusted TLS connection (NotYetValid); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no trusted TLS connection (Expired); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no trusted TLS connection (WrongName); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no trusted TLS connection (NoCertificates); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: no trusted TLS connection (Other); 1 attempt in 12 ms
            GET /api/v2/batches/{id}: redirected; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: response larger than 8388608 bytes; 1 attempt in 12 ms
            GET /api/v2/batches/{id}: response not readable; 1 attempt in 12 ms
        "#]]
        .assert_eq(&page);
    }
}

//! What went wrong on the wire: a kind to decide by, and the facts for a log line.
//!
//! Never in it: the key, request or response bodies, file paths.

use std::{fmt, time::Duration};

/// A failed operation.
///
/// Display is one log line: `GET /api/v2/batches/bat-1: not found (404): "no such batch"; 1 attempt in 12 ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Facts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    kind: ErrorKind,
    reason: Option<String>,
    request: String,
    attempts: u32,
    elapsed: Duration,
    no_effect: bool,
}

/// What a caller would decide by. The module documentation of the room lists what leads to each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// There is no usable API key; nothing was sent.
    #[error("no usable API key: {reason}")]
    MissingKey {
        /// Why, in words of the configuration.
        reason: String,
    },
    /// 401: the key is wrong, revoked, or of the other region.
    #[error("the API key was rejected (401)")]
    Unauthorized,
    /// 402: no credits left.
    #[error("payment required (402)")]
    PaymentRequired,
    /// 403: this key may not do that.
    #[error("forbidden (403)")]
    Forbidden,
    /// 404: no such thing for this key and project.
    #[error("not found (404)")]
    NotFound,
    /// 409: the state of things forbids it.
    #[error("conflict (409)")]
    Conflict,
    /// 413: the request asks for too much.
    #[error("too large (413)")]
    TooLarge,
    /// 400, 422 or another 4xx: the request is not acceptable as it is.
    #[error("rejected ({status}){}", Details(details))]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// What the API says about each argument; empty if it only gave a reason. At most ten.
        details: Vec<Detail>,
    },
    /// 429: too many requests, or more than the plan allows.
    #[error("rate limited (429){}", Wait(retry_after))]
    RateLimited {
        /// How long to wait, counted from the answer, if the API said so.
        retry_after: Option<Duration>,
    },
    /// 408 or 5xx: LlamaCloud, or something in front of it, has a problem.
    #[error("unavailable ({status}){}{}", Correlation(correlation_id), Wait(retry_after))]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The id to give to LlamaCloud's support. Shape: a UUID.
        correlation_id: Option<String>,
        /// How long to wait, counted from the answer, if the API said so.
        retry_after: Option<Duration>,
    },
    /// No complete answer in time.
    #[error("timed out")]
    TimedOut,
    /// No connection, or a connection that broke before the answer was whole.
    #[error("unreachable")]
    Unreachable,
    /// The peer's certificate or TLS version is not acceptable.
    #[error("no trusted TLS connection")]
    Tls,
    /// The API answered with a redirect, which is never followed: the key stays with the configured host.
    #[error("redirected{}", To(host))]
    Redirected {
        /// Where to, if that is another place that can be named.
        host: Option<String>,
    },
    /// The answer is larger than the client accepts.
    #[error("the answer is larger than {limit_bytes} bytes")]
    OversizedBody {
        /// The limit after decompression.
        limit_bytes: usize,
    },
    /// A success whose body is not what the API documents.
    #[error("the answer is not readable")]
    UnreadableBody,
}

impl ErrorKind {
    /// How long the API asks to wait before another attempt, counted from its answer.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What the API finds wrong with one part of a request.
///
/// Shape: `{ path: "body.config.job.type", message: "Input should be 'parse_v2' or 'extract_v2'" }`, both cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Where: the API's own names, joined with dots; empty if it did not say.
    pub path: String,
    /// What.
    pub message: String,
}

/// The facts about an attempt series that only the client's loop knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) attempts: u32,
    pub(super) elapsed: Duration,
    pub(super) no_effect: bool,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, reason: Option<String>, request: String, account: Account) -> Self {
        let Account {
            attempts,
            elapsed,
            no_effect,
        } = account;
        Self(Box::new(Facts {
            kind,
            reason,
            request,
            attempts,
            elapsed,
            no_effect,
        }))
    }

    /// What to decide by.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The reason in the words of the API or of the network, cleaned and at most 300 characters. To be quoted, not trusted.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The request without host and query. Shape: `GET /api/v2/batches/bat-1`.
    pub fn request(&self) -> &str {
        &self.0.request
    }

    /// How many times it was tried; 0 if nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long it took, waits between attempts included.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The HTTP status that decided, if an answer came.
    pub fn status(&self) -> Option<u16> {
        match self.kind() {
            ErrorKind::Unauthorized => Some(401),
            ErrorKind::PaymentRequired => Some(402),
            ErrorKind::Forbidden => Some(403),
            ErrorKind::NotFound => Some(404),
            ErrorKind::Conflict => Some(409),
            ErrorKind::TooLarge => Some(413),
            ErrorKind::RateLimited { .. } => Some(429),
            ErrorKind::Rejected { status, .. } | ErrorKind::Unavailable { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the operation surely did not happen: nothing reached the API, or the API refused it.
    ///
    /// `false` means unknown, which for a create means that a batch may exist: a timeout, a broken connection, a 5xx, or a
    /// success that could not be read.
    pub fn had_no_effect(&self) -> bool {
        self.0.no_effect
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts {
            kind,
            reason,
            request,
            attempts,
            elapsed,
            ..
        } = &*self.0;
        write!(formatter, "{request}: {kind}")?;
        if let Some(reason) = reason {
            write!(formatter, ": \"{reason}\"")?;
        }
        let s = if *attempts == 1 { "" } else { "s" };
        write!(formatter, "; {attempts} attempt{s} in {} ms", elapsed.as_millis())
    }
}

struct Details<'a>(&'a [Detail]);

impl fmt::Display for Details<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = ": ";
        for Detail { path, message } in self.0 {
            write!(formatter, "{separator}{path} \"{message}\"")?;
            separator = ", ";
        }
        Ok(())
    }
}

struct Wait<'a>(&'a Option<Duration>);

impl fmt::Display for Wait<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |wait| {
            write!(formatter, ", retry after {} ms", wait.as_millis())
        })
    }
}

struct Correlation<'a>(&'a Option<String>);

impl fmt::Display for Correlation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |id| write!(formatter, ", correlation id {id}"))
    }
}

struct To<'a>(&'a Option<String>);

impl fmt::Display for To<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |host| write!(formatter, " to {host}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_log_line() {
        let check = |kind: ErrorKind, reason: Option<&str>, attempts: u32, expected: &str| {
            let account = Account {
                attempts,
                elapsed: Duration::from_millis(12),
                no_effect: true,
            };
            let error = Error::new(
                kind,
                reason.map(str::to_owned),
                "GET /api/v2/batches".to_owned(),
                account,
            );
            assert_eq!(error.to_string(), format!("GET /api/v2/batches: {expected} in 12 ms"));
        };
        let missing = ErrorKind::MissingKey {
            reason: "it is not set".to_owned(),
        };
        check(missing, None, 0, "no usable API key: it is not set; 0 attempts");
        check(
            ErrorKind::NotFound,
            Some("gone"),
            1,
            "not found (404): \"gone\"; 1 attempt",
        );
        let detail = |path: &str| Detail {
            path: path.to_owned(),
            message: "bad".to_owned(),
        };
        let details = vec![detail("query.page_size"), detail("query.status")];
        let rejected = ErrorKind::Rejected { status: 422, details };
        check(
            rejected,
            None,
            1,
            "rejected (422): query.page_size \"bad\", query.status \"bad\"; 1 attempt",
        );
        let limited = ErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(2)),
        };
        check(
            limited,
            Some("slow down"),
            3,
            "rate limited (429), retry after 2000 ms: \"slow down\"; 3 attempts",
        );
        let unavailable = |correlation_id: Option<&str>| ErrorKind::Unavailable {
            status: 503,
            correlation_id: correlation_id.map(str::to_owned),
            retry_after: None,
        };
        check(unavailable(None), None, 4, "unavailable (503); 4 attempts");
        check(
            unavailable(Some("32763f53-1")),
            None,
            4,
            "unavailable (503), correlation id 32763f53-1; 4 attempts",
        );
        let redirected = ErrorKind::Redirected {
            host: Some("login.example".to_owned()),
        };
        check(redirected, None, 1, "redirected to login.example; 1 attempt");
        check(
            ErrorKind::OversizedBody { limit_bytes: 9 },
            None,
            1,
            "the answer is larger than 9 bytes; 1 attempt",
        );
    }
}

//! What went wrong: a kind to decide by, the clause that says it, and what can be done about it.
//!
//! This is the one table of failures. Tools, waiting, lookups and `doctor` use it, so that a new kind is described here alone:
//!
//! | asks | answer |
//! |---|---|
//! | what happened, for a reader? | [`Error::cause`](super::Error::cause): a clause, with the reason of the API or the network in quotation marks |
//! | what can be done? | [`ErrorKind::advice`]: [`Advice`], a type to decide by |
//! | what must the user change? | [`Setting::remedy`] |
//! | what happened, for the log? | `Display`: no id, no argument and no word of the API |
//!
//! Never in any of them: the key, request or response bodies.

use std::{fmt, time::Duration};

use super::advice::{Advice, Setting};
use crate::untrusted::{clean, quote};

/// Units: characters.
const MAX_REASON_CHARS: usize = 300;
const MAX_PATH_CHARS: usize = 100;
/// How many details of a rejection a clause repeats.
const MAX_DETAILS: usize = 5;

/// What went wrong. The documentation of `llamacloud` lists what leads to each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no usable API key; nothing was sent.
    MissingKey {
        /// Why, in words of the configuration.
        reason: String,
    },
    /// 401: the key is wrong, revoked, or of the other region.
    Unauthorized,
    /// 402: no credits left.
    PaymentRequired,
    /// 403: this key is not allowed to do that.
    Forbidden,
    /// 404: nothing with that id for this key and project.
    NotFound,
    /// 404 or 405 where only the base URL can be the reason: the path names nothing that may be missing.
    NoSuchPath {
        /// The HTTP status.
        status: u16,
    },
    /// 409: the current state does not allow it.
    Conflict,
    /// 413: the request is too large.
    TooLarge,
    /// 400, 422 or another 4xx: the request is not acceptable.
    Rejected {
        /// The HTTP status.
        status: u16,
        /// What the API says about each argument; empty if it only gave a reason. At most ten.
        details: Vec<Detail>,
    },
    /// 429: too many requests, or more than the plan allows.
    RateLimited {
        /// How long to wait, counted from the answer, if the API said so.
        retry_after: Option<Duration>,
    },
    /// 408 or 5xx: LlamaCloud has a problem.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The id to give to LlamaCloud's support. Shape: a UUID.
        correlation_id: Option<String>,
        /// How long to wait, counted from the answer, if the API said so.
        retry_after: Option<Duration>,
    },
    /// A web page, with whatever status: the API never sends one, so something in between answered.
    Intercepted {
        /// The HTTP status.
        status: u16,
        /// How long to wait, counted from the answer, if it said so.
        retry_after: Option<Duration>,
    },
    /// No complete answer in time.
    TimedOut,
    /// No connection, or a connection that broke before the answer was complete.
    Unreachable,
    /// A proxy setting that cannot be used. The reason says why; nothing was sent.
    Proxy {
        /// The variable that holds it. Shape: `HTTPS_PROXY`.
        variable: String,
    },
    /// No trusted TLS connection.
    Tls(TlsProblem),
    /// The API answered with a redirect, which is never followed: the key stays with the configured host.
    Redirected {
        /// Where to, if that is another place that can be named.
        host: Option<String>,
    },
    /// The answer is larger than the client accepts.
    OversizedBody {
        /// The limit after decompression.
        limit_bytes: usize,
    },
    /// A success whose body is not what the API documents.
    UnreadableBody,
}

/// Why there is no trusted TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsProblem {
    /// The certificate's issuer is not among the authorities that this machine trusts.
    UnknownIssuer,
    /// By this machine's clock, the certificate is not valid yet.
    NotYetValid,
    /// By this machine's clock, the certificate has expired.
    Expired,
    /// The certificate is for another name.
    WrongName,
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` is set and contains no certificate. The reason names variable and path.
    NoCertificates,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// What can be done about it.
    pub const fn advice(&self) -> Advice {
        match self {
            Self::NotFound
            | Self::Conflict
            | Self::TooLarge
            | Self::Rejected { .. }
            | Self::OversizedBody { .. }
            | Self::UnreadableBody => Advice::Never,
            Self::MissingKey { .. } | Self::Unauthorized => Advice::Fix(Setting::ApiKey),
            Self::PaymentRequired => Advice::Fix(Setting::Credits),
            Self::Forbidden => Advice::Fix(Setting::Access),
            Self::NoSuchPath { .. }
            | Self::Redirected { .. }
            | Self::Tls(TlsProblem::WrongName | TlsProblem::Other) => Advice::Fix(Setting::BaseUrl),
            Self::Proxy { .. } => Advice::Fix(Setting::Proxy),
            Self::Tls(TlsProblem::UnknownIssuer | TlsProblem::NoCertificates) => Advice::Fix(Setting::Certificates),
            Self::Tls(TlsProblem::NotYetValid | TlsProblem::Expired) => Advice::Fix(Setting::Clock),
            Self::RateLimited { retry_after }
            | Self::Unavailable { retry_after, .. }
            | Self::Intercepted { retry_after, .. } => Advice::Later(*retry_after),
            Self::TimedOut | Self::Unreachable => Advice::Later(None),
        }
    }

    /// How long the API asks to wait before another attempt, counted from its answer.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.advice() {
            Advice::Later(after) => after,
            Advice::Never | Advice::Fix(_) => None,
        }
    }

    /// What the user has to check if waiting does not help, without a subject and a full stop.
    pub const fn last_resort(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable => Some("check the network, the proxy and the base URL"),
            Self::Intercepted { .. } => Some(
                "check whether a network login page, a proxy or a firewall intercepts the connection, and check the base URL",
            ),
            _ => None,
        }
    }

    /// What happened, as a clause without a full stop; `host` is where the request went.
    pub(super) fn cause(&self, host: &str) -> String {
        match self {
            Self::MissingKey { reason } => {
                format!("there is no usable LlamaCloud API key ({reason}), so nothing was sent")
            }
            Self::Unauthorized => format!("{host} rejected the API key (401)"),
            Self::PaymentRequired => "the account has no credits left (402)".to_owned(),
            Self::Forbidden => "this API key is not allowed to do that (403)".to_owned(),
            Self::NotFound => "LlamaCloud found nothing with that ID in this project (404)".to_owned(),
            Self::NoSuchPath { status } => format!("{host} does not have this path of the LlamaCloud API ({status})"),
            Self::Conflict => "the current state does not allow this (409)".to_owned(),
            Self::TooLarge => "the request is too large for LlamaCloud (413)".to_owned(),
            Self::Rejected { status, details } => {
                format!("LlamaCloud rejected the request ({status}){}", list(details))
            }
            Self::RateLimited { .. } => "too many requests for the account's plan (429)".to_owned(),
            Self::Unavailable { status, .. } => format!("LlamaCloud has an internal problem ({status})"),
            Self::Intercepted { status, .. } => {
                format!("a proxy, firewall or login page answered in place of LlamaCloud, with a web page ({status})")
            }
            Self::TimedOut => format!("{host} did not answer in time"),
            Self::Unreachable => format!("{host} could not be reached, or the connection broke"),
            Self::Proxy { variable } => format!("the proxy setting {variable} cannot be used, so nothing was sent"),
            Self::Tls(problem) => problem.cause(host),
            Self::Redirected { host: target } => {
                let target = target
                    .as_ref()
                    .map_or(String::new(), |target| format!(" to {}", quote(target, 100)));
                format!("{host} answered with a redirect{target}, which is never followed with an API key")
            }
            Self::OversizedBody { limit_bytes } => match limit_bytes >> 20 {
                0 => format!("the response is larger than {} KiB", limit_bytes >> 10),
                mebibytes => format!("the response is larger than {mebibytes} MiB"),
            },
            Self::UnreadableBody => format!("the response of {host} does not match the LlamaCloud API"),
        }
    }
}

impl TlsProblem {
    fn cause(self, host: &str) -> String {
        match self {
            Self::UnknownIssuer => {
                format!("this machine does not trust the issuer of the certificate that {host} presents")
            }
            Self::NotYetValid => format!("by this machine's clock, the certificate of {host} is not valid yet"),
            Self::Expired => format!("by this machine's clock, the certificate of {host} has expired"),
            Self::WrongName => format!("the certificate that {host} presents is for another host name"),
            Self::NoCertificates => {
                "no trusted certificates were found, so TLS connections cannot be verified".to_owned()
            }
            Self::Other => format!("no trusted TLS connection to {host} could be made"),
        }
    }
}

/// For the log: what happened in a few words.
impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingKey { .. } => formatter.write_str("no usable API key"),
            Self::Unauthorized => formatter.write_str("API key rejected (401)"),
            Self::PaymentRequired => formatter.write_str("payment required (402)"),
            Self::Forbidden => formatter.write_str("forbidden (403)"),
            Self::NotFound => formatter.write_str("not found (404)"),
            Self::NoSuchPath { status } => write!(formatter, "no such path ({status})"),
            Self::Conflict => formatter.write_str("conflict (409)"),
            Self::TooLarge => formatter.write_str("too large (413)"),
            Self::Rejected { status, .. } => write!(formatter, "rejected ({status})"),
            Self::RateLimited { .. } => formatter.write_str("rate limited (429)"),
            Self::Unavailable { status, .. } => write!(formatter, "unavailable ({status})"),
            Self::Intercepted { status, .. } => write!(formatter, "a web page ({status})"),
            Self::TimedOut => formatter.write_str("timed out"),
            Self::Unreachable => formatter.write_str("unreachable"),
            Self::Proxy { variable } => write!(formatter, "proxy setting {variable} cannot be used"),
            Self::Tls(problem) => write!(formatter, "no trusted TLS connection ({problem:?})"),
            Self::Redirected { .. } => formatter.write_str("redirected"),
            Self::OversizedBody { limit_bytes } => write!(formatter, "response larger than {limit_bytes} bytes"),
            Self::UnreadableBody => formatter.write_str("response not readable"),
        }?;
        self.retry_after().map_or(Ok(()), |wait| {
            write!(formatter, ", retry after {} ms", wait.as_millis())
        })
    }
}

/// What the API finds wrong with one part of a request.
///
/// Shape: `{ path: "body.config.job.type", message: "Input should be 'parse_v2' or 'extract_v2'" }`, both cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Where: the API's own names, joined with dots; empty if it did not say.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

fn list(details: &[Detail]) -> String {
    let mut clause = String::new();
    for Detail { path, message } in details.iter().take(MAX_DETAILS) {
        clause.push_str(if clause.is_empty() { ": " } else { "; " });
        if !path.is_empty() {
            clause.push_str(&clean(path, MAX_PATH_CHARS));
            clause.push(' ');
        }
        clause.push_str(&quote(message, MAX_REASON_CHARS));
    }
    clause
}

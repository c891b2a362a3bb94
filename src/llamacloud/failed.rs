//! Why one request got no usable answer, before this becomes an error of the client.

use jiff::Timestamp;

use super::{error_kind::ErrorKind, retry::Failure};

/// What an answer says about its server.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Server {
    /// Its clock: the `Date` header.
    pub(super) date: Option<Timestamp>,
    pub(super) is_sandbox: bool,
}

/// A request that got no 2xx answer.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) kind: ErrorKind,
    pub(super) reason: Option<String>,
    pub(super) server: Server,
}

impl Failed {
    pub(super) fn new(failure: Failure, kind: ErrorKind, reason: Option<String>) -> Self {
        Self {
            failure,
            kind,
            reason,
            server: Server::default(),
        }
    }

    pub(super) fn timed_out() -> Self {
        Self::new(Failure::TimedOut, ErrorKind::TimedOut, None)
    }
}

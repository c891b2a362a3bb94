//! One way to the API: address, credential, attempts, deadline, decoding.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};
use url::Url;

use super::{
    error::{Attempts, Error},
    error_body,
    error_kind::ErrorKind,
    exchange::Answer,
    failed::Failed,
    request::{Request, decode},
    retry::{self, Failure, Method},
    sending::Sending,
    settings::{Credential, KeySource, Settings},
    transport::{MAX_KEPT, Transport},
};

/// How many reads of one queue are in progress at the same time; the others wait for their turn. Each needs a connection, or two
/// while a kept one stays silent, and a process may have as few as 256 descriptors. Connections are kept for a minute and a half.
pub(super) const MAX_AT_ONCE: usize = MAX_KEPT;

/// The REST client. Clones share connections.
///
/// Reads take turns, of which each queue has `MAX_AT_ONCE`. Calls share one queue; creates and uploads each have their own. A change
/// never waits: a cancelled one must not be sent later.
///
/// Making one does no work: TLS and the connection pool are built by the first operation, once.
#[derive(Clone)]
pub struct Client(Arc<Shared>, Arc<Semaphore>);

struct Shared {
    settings: Settings,
    transport: Transport,
    sandbox: AtomicBool,
    /// The API's clock as last seen, and when that was.
    clock: Mutex<Option<(Timestamp, Instant)>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("base_url", &self.0.settings.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has done nothing yet.
    pub fn new(settings: Settings) -> Self {
        let (transport, sandbox, clock) = Default::default();
        let shared = Shared {
            settings,
            transport,
            sandbox,
            clock,
        };
        Self(Arc::new(shared), Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }

    /// The same client with its own queue of reads, for reads that others must not delay.
    #[must_use]
    pub(super) fn with_own_turns(&self) -> Self {
        Self(Arc::clone(&self.0), Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }

    /// Where the API key comes from, or should come from.
    pub fn key_source(&self) -> KeySource {
        self.0.settings.key_source
    }

    /// Where it sends its requests.
    pub fn base_url(&self) -> &Url {
        &self.0.settings.base_url
    }

    /// Whether an answer so far came from the simulated LlamaCloud, which says so in its `Server` header.
    pub fn is_sandbox(&self) -> bool {
        self.0.sandbox.load(Ordering::Relaxed)
    }

    /// The earliest possible time at the API: its last `Date` plus the time since. `None` before the first answer with one.
    pub fn api_time(&self) -> Option<Timestamp> {
        let (date, seen) = (*self.0.clock.lock())?;
        date.checked_add(SignedDuration::try_from(seen.elapsed()).ok()?).ok()
    }

    /// Performs one operation: attempts until it succeeds, is not worth repeating, or `deadline` is reached.
    ///
    /// # Cancel safety
    /// Dropping the future aborts the attempt in progress: harmless for a read, and an unknown outcome for a change.
    pub(super) async fn execute<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        deadline: Instant,
    ) -> Result<T, Error> {
        self.execute_checked(request, deadline, Ok).await
    }

    /// The same for an answer that `check` has to accept. One that it refuses counts as unreadable, for the reason that it returns.
    pub(super) async fn execute_checked<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        deadline: Instant,
        check: impl FnOnce(T) -> Result<T, String>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let mut attempts = 0;
        let failed = self.repeat(&request, deadline, &mut attempts).await;
        let Failed {
            failure, kind, reason, ..
        } = match failed {
            Ok(Answer { body, status, .. }) => match decode(&body).and_then(check) {
                Ok(body) => return Ok(body),
                Err(_) if error_body::is_web_page(&body) => {
                    let retry_after = None;
                    let kind = ErrorKind::Intercepted { status, retry_after };
                    Failed::new(Failure::Unusable, kind, None)
                }
                Err(reason) => Failed::new(Failure::Unusable, ErrorKind::UnreadableBody, Some(reason)),
            },
            Err(failed) => failed,
        };
        let kind = match (failure, kind) {
            (Failure::Status(status @ 404), ErrorKind::NotFound) if request.must_be_found() => {
                ErrorKind::NoSuchPath { status }
            }
            (Failure::Status(status @ 405), ErrorKind::Rejected { .. }) => ErrorKind::NoSuchPath { status },
            (_, kind) => kind,
        };
        let attempts = Attempts {
            count: attempts,
            elapsed: started.elapsed(),
            no_effect: failure.had_no_effect(),
        };
        Err(Error::new(kind, reason, request.line(), attempts).at(self.base_url().host_str()))
    }

    async fn repeat(&self, request: &Request<'_>, deadline: Instant, attempts: &mut u32) -> Result<Answer, Failed> {
        let retry = self.0.settings.retry;
        let key = self.key()?;
        let mut waits = retry::waits(&retry);
        let mut earlier = None;
        if Instant::now() >= deadline {
            return Err(Failed::new(Failure::NotConnected, ErrorKind::TimedOut, None));
        }
        loop {
            let turn = match request.method {
                Method::Get => Some(
                    timeout_at(deadline, self.1.acquire())
                        .await
                        .map_err(|_| Failed::new(Failure::NotConnected, ErrorKind::TimedOut, None))?,
                ),
                Method::Post => None,
            };
            let begun = Instant::now();
            let sending = Sending {
                transport: &self.0.transport,
                settings: &self.0.settings,
                request,
                key,
                deadline,
            };
            // Boxed: otherwise the state of an attempt would be part of every future that may make a request, and several times
            // over in some of them.
            let outcome = Box::pin(sending.run(attempts)).await;
            drop(turn);
            let (status, server) = match &outcome {
                Ok(answer) => (Some(answer.status), answer.server),
                Err(Failed {
                    failure: Failure::Status(status),
                    server,
                    ..
                }) => (Some(*status), *server),
                Err(failed) => (None, failed.server),
            };
            self.0.sandbox.fetch_or(server.is_sandbox, Ordering::Relaxed);
            if let Some(date) = server.date {
                *self.0.clock.lock() = Some((date, Instant::now()));
            }
            let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(
                http.status = status,
                attempt = *attempts,
                duration_ms,
                "{}",
                request.line()
            );
            let failed = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let remaining = deadline.saturating_duration_since(Instant::now());
            let wait = retry::wait(
                request.method,
                failed.failure,
                waits.next(),
                failed.kind.retry_after(),
                remaining,
            );
            // If the last attempt of a read timed out, the failure before it says more.
            let failed = match (request.method, failed.failure, earlier) {
                (Method::Get, Failure::TimedOut, Some(earlier)) => earlier,
                _ => failed,
            };
            let Some(wait) = wait else {
                return Err(failed);
            };
            sleep(wait).await;
            earlier = Some(failed);
        }
    }

    fn key(&self) -> Result<&str, Failed> {
        let reason = match &self.0.settings.credential {
            Credential::Key(key) if key.expose_secret().is_empty() => "it is empty".to_owned(),
            Credential::Key(key) if !key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) => {
                "it holds characters that no API key has, such as a space, a line break or a typographic quote"
                    .to_owned()
            }
            Credential::Key(key) => return Ok(key.expose_secret()),
            Credential::Missing { reason } => reason.clone(),
        };
        Err(Failed::new(
            Failure::NotSendable,
            ErrorKind::MissingKey { reason },
            None,
        ))
    }
}

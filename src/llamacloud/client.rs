//! One way to the API: address, credential, attempts, deadline, decoding.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use reqwest::{
    RequestBuilder,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    redirect::Policy,
};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};
use url::Url;

use super::{
    attempt::{self, Answer, Failed, Limits},
    batches::Batches,
    error::{Account, Error},
    error_kind::{ErrorKind, TlsProblem},
    jobs::Jobs,
    projects::Projects,
    refusal,
    request::{Reply, Request, decode, is_loopback},
    retry::{self, Decision, Failure, Method},
    settings::{Credential, KeySource, Settings},
};
use crate::tally;

/// How many reads are under way at the same time; the others wait for their turn. Each needs a connection, and a process may
/// have as few as 256 descriptors. Connections are kept for a minute and a half.
pub(super) const MAX_AT_ONCE: usize = 64;
/// How long a connection of uploads is kept without use.
const UPLOADS_IDLE: std::time::Duration = std::time::Duration::from_secs(2);

/// The REST client. Clones share connections.
///
/// Reads take turns, of which there are [`MAX_AT_ONCE`]. A change never waits: what is given up must not be sent later.
///
/// Making one does no work: TLS and the connection pool are built by the first operation, once.
#[derive(Clone)]
pub struct Client(Arc<Shared>, Arc<Semaphore>);

struct Shared {
    settings: Settings,
    /// Keeps connections alive between requests.
    reads: OnceLock<Result<reqwest::Client, String>>,
    /// A connection for each request. On an idle connection that the peer is just closing, a POST would be re-sent below us.
    creates: OnceLock<Result<reqwest::Client, String>>,
    /// Keeps connections between the files of a folder. A file that streams cannot be re-sent below us.
    uploads: OnceLock<Result<reqwest::Client, String>>,
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
        let (reads, creates, uploads, sandbox, clock) = Default::default();
        let shared = Shared {
            settings,
            reads,
            creates,
            uploads,
            sandbox,
            clock,
        };
        Self(Arc::new(shared), Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }

    /// The same client, whose reads wait only for each other: for reads that the others must not delay.
    #[must_use]
    pub(super) fn with_own_turns(&self) -> Self {
        Self(Arc::clone(&self.0), Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }

    /// The batch operations.
    pub fn batches(&self) -> Batches<'_> {
        Batches::new(self)
    }

    /// The job operations.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs::new(self)
    }

    /// The project operations.
    pub fn projects(&self) -> Projects<'_> {
        Projects::new(self)
    }

    /// Whether a connection to the API stands, TLS included: one request without the key, to which every answer will do.
    ///
    /// # Errors
    /// Why none stands.
    pub async fn reach(&self, deadline: Instant) -> Result<(), Error> {
        let started = Instant::now();
        let outcome = match self.http(Pool::Reads) {
            Ok(http) => attempt::run(http.get(self.base_url().clone()), self.limits(), deadline, "").await,
            Err(failed) => Err(failed),
        };
        let failed = match outcome {
            Err(failed) if !matches!(failed.failure, Failure::Status(_) | Failure::Unusable) => failed,
            _ => return Ok(()),
        };
        let account = Account {
            attempts: 1,
            elapsed: started.elapsed(),
            no_effect: true,
        };
        let error = Error::new(failed.kind, failed.reason, "GET /".to_owned(), account);
        Err(error.at(self.base_url().host_str()))
    }

    fn limits(&self) -> Limits {
        let Settings {
            connect_timeout,
            read_timeout,
            max_body_bytes,
            ..
        } = self.0.settings;
        Limits {
            connect_timeout,
            read_timeout,
            max_body_bytes,
        }
    }

    /// Where the API key comes from, or would have to come from.
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

    /// What time it is at the API, at least: its last `Date` and what has passed since. `None` before the first answer with one.
    pub fn api_time(&self) -> Option<Timestamp> {
        let (date, seen) = (*self.clock())?;
        date.checked_add(SignedDuration::try_from(seen.elapsed()).ok()?).ok()
    }

    fn clock(&self) -> MutexGuard<'_, Option<(Timestamp, Instant)>> {
        self.0.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs one operation: attempts until it succeeds, is not worth repeating, or `deadline` is reached.
    ///
    /// # Cancel safety
    /// Dropping the future aborts the attempt in progress: harmless for a read, and an unknown outcome for a change.
    pub(super) async fn execute<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        deadline: Instant,
    ) -> Result<Reply<T>, Error> {
        let started = Instant::now();
        let line = request.line();
        let mut attempts = 0;
        let failed = self.repeat(&request, &line, deadline, &mut attempts).await;
        let Failed {
            failure, kind, reason, ..
        } = match failed {
            Ok(Answer { body, server, status }) => match decode(&body) {
                Ok(body) => {
                    return Ok(Reply {
                        body,
                        date: server.date,
                    });
                }
                Err(_) if refusal::is_web_page(&body) => {
                    let retry_after = None;
                    let kind = ErrorKind::Intercepted { status, retry_after };
                    Failed::new(Failure::Unusable, kind, None)
                }
                Err(reason) => Failed::new(Failure::Unusable, ErrorKind::UnreadableBody, Some(reason)),
            },
            Err(failed) => failed,
        };
        let account = Account {
            attempts,
            elapsed: started.elapsed(),
            no_effect: failure.had_no_effect(),
        };
        Err(Error::new(kind, reason, line, account).at(self.base_url().host_str()))
    }

    async fn repeat(
        &self,
        request: &Request<'_>,
        line: &str,
        deadline: Instant,
        attempts: &mut u32,
    ) -> Result<Answer, Failed> {
        let Settings {
            attempt_timeout, retry, ..
        } = self.0.settings;
        let mut limits = self.limits();
        let mut attempt_timeout = attempt_timeout;
        if request.is_for_document {
            limits.max_body_bytes = self.0.settings.max_document_bytes;
        }
        if request.is_for_document || request.form.is_some() {
            attempt_timeout = deadline.saturating_duration_since(Instant::now());
        }
        let key = self.key()?;
        let mut waits = retry::waits(&retry);
        if Instant::now() >= deadline {
            return Err(Failed::new(Failure::NotConnected, ErrorKind::TimedOut, None));
        }
        // A POST that runs out of time while it connects cannot be told from one that was sent.
        let latest = match request.method {
            Method::Post => deadline
                .checked_sub(self.0.settings.connect_timeout)
                .unwrap_or(deadline),
            Method::Get => deadline,
        };
        loop {
            let prepared = self.prepare(request, key)?;
            let turn = match request.method {
                Method::Get => Some(
                    timeout_at(latest, self.1.acquire())
                        .await
                        .map_err(|_| Failed::new(Failure::NotConnected, ErrorKind::TimedOut, None))?,
                ),
                Method::Post => None,
            };
            let begun = Instant::now();
            *attempts += 1;
            tally::note_request();
            let running = attempt::run(prepared, limits, deadline.min(begun + attempt_timeout), key);
            let outcome = match &request.form {
                None => running.await,
                Some(form) => form.unless_stalled(running, self.0.settings.stall_timeout).await,
            };
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
                *self.clock() = Some((date, Instant::now()));
            }
            let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(http.status = status, attempt = *attempts, duration_ms, "{line}");
            let failed = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let remaining = latest.saturating_duration_since(Instant::now());
            match retry::decide(
                request.method,
                failed.failure,
                waits.next(),
                failed.kind.retry_after(),
                remaining,
            ) {
                Decision::Wait(wait) => sleep(wait).await,
                Decision::GiveUp => return Err(failed),
            }
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

    fn http(&self, pool: Pool) -> Result<&reqwest::Client, Failed> {
        let http = match pool {
            Pool::Reads => &self.0.reads,
            Pool::Creates => &self.0.creates,
            Pool::Uploads => &self.0.uploads,
        };
        let http = http.get_or_init(|| build(&self.0.settings, pool));
        http.as_ref().map_err(|reason| {
            Failed::new(
                Failure::NotSendable,
                ErrorKind::Tls(TlsProblem::Other),
                Some(reason.clone()),
            )
        })
    }

    /// The request as the HTTP library wants it; made anew for each attempt.
    fn prepare(&self, request: &Request<'_>, key: &str) -> Result<RequestBuilder, Failed> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
            let reason = "no HTTP header can carry it".to_owned();
            Failed::new(Failure::NotSendable, ErrorKind::MissingKey { reason }, None)
        })?;
        bearer.set_sensitive(true);
        let http = self.http(match (request.method, &request.form) {
            (Method::Get, _) => Pool::Reads,
            (Method::Post, None) => Pool::Creates,
            (Method::Post, Some(_)) => Pool::Uploads,
        })?;
        let url = request.url(self.base_url());
        let builder = match request.method {
            Method::Get => http.get(url),
            Method::Post => http.post(url),
        };
        let builder = builder.header(ACCEPT, "application/json").header(AUTHORIZATION, bearer);
        if let Some(form) = &request.form {
            return Ok(builder.header(CONTENT_TYPE, form.content_type()).body(form.body()));
        }
        Ok(match &request.body {
            Some(body) => builder.header(CONTENT_TYPE, "application/json").body(body.clone()),
            // The library leaves it out, and some proxies then answer 411.
            None if request.method == Method::Post => builder.header(CONTENT_LENGTH, "0"),
            None => builder,
        })
    }
}

/// The connections that a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    Reads,
    Creates,
    Uploads,
}

/// Builds one of the HTTP clients. The library's own repeating and redirecting is off: both are decided here.
fn build(settings: &Settings, pool: Pool) -> Result<reqwest::Client, String> {
    // Fails only if a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let loopback = is_loopback(&settings.base_url);
    let user_agent: String = settings.user_agent.chars().filter(|c| matches!(c, ' '..='~')).collect();
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .connect_timeout(settings.connect_timeout)
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .http1_only()
        .https_only(!loopback);
    if loopback {
        builder = builder.no_proxy();
    }
    if settings.base_url.scheme() == "http" {
        // Plain loopback: the system's certificates, milliseconds to read, are never asked for.
        builder = builder.tls_certs_only([]);
    }
    builder = match pool {
        Pool::Reads => builder.pool_max_idle_per_host(MAX_AT_ONCE),
        Pool::Creates => builder.pool_max_idle_per_host(0),
        // Shorter than servers keep connections, so that none is used while it is being closed.
        Pool::Uploads => builder
            .pool_max_idle_per_host(MAX_AT_ONCE)
            .pool_idle_timeout(UPLOADS_IDLE),
    };
    builder.build().map_err(|error| attempt::root_cause(&error))
}

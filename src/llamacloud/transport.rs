//! The HTTP clients of the library, built when they are first needed: certificates, proxies, connections that are kept.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use reqwest::{ClientBuilder, redirect::Policy};
use tower::util::MapResponseLayer;

use super::{
    error_kind::{ErrorKind, TlsProblem},
    exchange,
    failed::Failed,
    proxy::{self, Route},
    request::is_loopback,
    retry::Failure,
    settings::Settings,
    tls,
};

/// How many idle connections are kept: as many as one queue of reads may have in progress.
pub(super) const MAX_KEPT: usize = 64;
/// How long a connection of uploads is kept without use: shorter than servers keep it, so that none is used while it is being closed.
const UPLOADS_IDLE: Duration = Duration::from_secs(2);

/// Certificates and proxy settings are read by the first request, once.
#[derive(Default)]
pub(super) struct Transport {
    tls: OnceLock<Result<Option<rustls::ClientConfig>, Failed>>,
    reads: Mutex<Reads>,
    uploads: OnceLock<Result<reqwest::Client, Failed>>,
}

/// The connections of reads.
#[derive(Default)]
struct Reads {
    http: Option<reqwest::Client>,
    /// Counts how often they were replaced.
    generation: u64,
    /// How long the slowest answer over these connections took to begin; `None` before the first, when there is none that could be
    /// kept.
    slowest: Option<Duration>,
}

/// The connections of reads, as one request uses them.
pub(super) struct Lease {
    pub(super) http: reqwest::Client,
    generation: u64,
    slowest: Option<Duration>,
}

impl Lease {
    /// How long this request may stay without an answer before its connection is suspect. `None`: it is a new one, or answers
    /// are so slow that silence means nothing.
    pub(super) fn patience(&self, left: Duration) -> Option<Duration> {
        let patience = (left / 3).max(self.slowest? * 2);
        (patience < left).then_some(patience)
    }
}

/// The connection of one change.
pub(super) struct NewConnection {
    pub(super) http: reqwest::Client,
    is_made: Arc<AtomicBool>,
}

impl NewConnection {
    /// Whether it was made, proxy and TLS included. Until then, nothing of the request has been sent.
    pub(super) fn is_made(&self) -> bool {
        self.is_made.load(Ordering::Relaxed)
    }
}

impl Transport {
    /// Connections for a read.
    ///
    /// # Errors
    /// For settings with which no connection can be made.
    pub(super) fn reads(&self, settings: &Settings) -> Result<Lease, Failed> {
        let mut reads = self.reads.lock();
        let http = if let Some(http) = &reads.http {
            http.clone()
        } else {
            let http = finish(self.builder(settings)?)?;
            reads.http.insert(http).clone()
        };
        Ok(Lease {
            http,
            generation: reads.generation,
            slowest: reads.slowest,
        })
    }

    /// Notes that a read was answered over these connections, and after how long.
    pub(super) fn answered(&self, lease: &Lease, after: Duration) {
        let mut reads = self.reads.lock();
        if reads.generation == lease.generation {
            reads.slowest = reads.slowest.max(Some(after));
        }
    }

    /// Drops every kept connection as old as this request's: if one broke silently, the others did, too. Requests that
    /// are in progress on them continue.
    pub(super) fn drop_kept(&self, lease: &Lease) {
        let mut reads = self.reads.lock();
        if reads.generation == lease.generation {
            *reads = Reads {
                generation: reads.generation + 1,
                ..Reads::default()
            };
        }
    }

    /// A connection for one change, which has to be done within `left`. None is kept or shared: on an idle connection that the peer
    /// is just closing, the library would send a POST again, and `is_made` would say nothing about it.
    ///
    /// # Errors
    /// For settings with which no connection can be made.
    pub(super) fn change(&self, settings: &Settings, left: Duration) -> Result<NewConnection, Failed> {
        let is_made = Arc::new(AtomicBool::new(false));
        let made = Arc::clone(&is_made);
        let note = MapResponseLayer::new(move |connection| {
            made.store(true, Ordering::Relaxed);
            connection
        });
        let builder = self.builder(settings)?.pool_max_idle_per_host(0).connector_layer(note);
        // The addresses of a name share this time. If the first is dead, the others must get theirs before the deadline.
        let http = finish(builder.connect_timeout(settings.connect_timeout.min(left)))?;
        Ok(NewConnection { http, is_made })
    }

    /// Connections that are kept between the files of a folder. Keeping them is safe: the library cannot repeat a request whose
    /// body is a streamed file.
    ///
    /// # Errors
    /// For settings with which no connection can be made.
    pub(super) fn uploads(&self, settings: &Settings) -> Result<reqwest::Client, Failed> {
        let build = || finish(self.builder(settings)?.pool_idle_timeout(UPLOADS_IDLE));
        self.uploads.get_or_init(build).clone()
    }

    /// The library's own retries and redirects are off: both are decided here.
    fn builder(&self, settings: &Settings) -> Result<ClientBuilder, Failed> {
        let loopback = is_loopback(&settings.base_url);
        if let Route::Unusable { variable, why } = proxy::route(&settings.base_url, &settings.network) {
            let variable = variable.to_owned();
            return Err(Failed::new(
                Failure::NotSendable,
                ErrorKind::Proxy { variable },
                Some(why),
            ));
        }
        // Fails only if a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let user_agent: String = settings.user_agent.chars().filter(|c| matches!(c, ' '..='~')).collect();
        let mut builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .connect_timeout(settings.connect_timeout)
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .https_only(!loopback)
            .pool_max_idle_per_host(MAX_KEPT);
        if loopback {
            builder = builder.no_proxy();
        }
        // Plain loopback needs no certificates, which take milliseconds to read.
        let tls = match settings.base_url.scheme() {
            "http" => None,
            _ => self.tls.get_or_init(|| tls::config(&settings.network)).clone()?,
        };
        Ok(match tls {
            Some(config) => builder.tls_backend_preconfigured(config),
            None if settings.base_url.scheme() == "http" => builder.tls_certs_only([]),
            None => builder,
        })
    }
}

fn finish(builder: ClientBuilder) -> Result<reqwest::Client, Failed> {
    builder.build().map_err(|error| {
        let reason = Some(exchange::root_cause(&error));
        Failed::new(Failure::NotSendable, ErrorKind::Tls(TlsProblem::Other), reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kept_connection_is_suspected_and_only_if_answers_are_quick() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seconds = Duration::from_secs;
        for (slowest, left, expected) in [
            (None, 15, None),
            (Some(0), 15, Some(5)),
            (Some(1), 15, Some(5)),
            (Some(4), 15, Some(8)),
            (Some(8), 15, None),
        ] {
            let lease = Lease {
                http: reqwest::Client::builder().tls_certs_only([]).build().unwrap(),
                generation: 0,
                slowest: slowest.map(seconds),
            };
            assert_eq!(lease.patience(seconds(left)), expected.map(seconds), "{slowest:?}");
        }
    }
}

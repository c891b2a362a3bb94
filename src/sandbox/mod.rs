//! A simulated LlamaCloud: an HTTP server on loopback that behaves like the Batches API and the lookups around it.
//!
//! It speaks raw JSON and shares no type with the client that is tested against it. What it knows comes from the API's
//! published document; where that is silent, a comment says what was chosen. Nothing leaves the process and nothing is kept after it.
//!
//! | file | holds |
//! |---|---|
//! | `router` | every operation with its path, and what happens around each |
//! | `batches`, `directories`, `files`, `uploads`, `configurations`, `parses`, `extracts`, `usage`, `projects` | the operations |
//! | `batch`, `directory`, `document`, `configuration` | what there is, and how it changes with time |
//! | `known` | the directories from the start |
//! | `cloud` | the account, its clock and its locks |
//! | `extract`, `paging`, `refusal`, `jobs` | what the operations share |
//! | `faults`, `control`, `ledger` | switches for tests, and counts |
//! | `gate` | connections that can be cut |

mod batch;
mod batches;
mod cloud;
mod configuration;
mod configurations;
mod control;
mod directories;
mod directory;
mod document;
mod extract;
mod extracts;
mod faults;
mod files;
mod gate;
mod jobs;
mod known;
mod ledger;
mod paging;
mod parses;
mod product;
mod projects;
mod refusal;
mod router;
mod status;
#[cfg(test)]
mod tests;
mod uploads;
mod usage;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use self::{
    batch::Speed,
    cloud::{ORGANIZATION_ID, PROJECT_ID},
    configuration::{
        PRESET_PARSE, SAVED_EXTRACT, SAVED_EXTRACT_CITED, SAVED_EXTRACT_ROWS, SAVED_PARSE, SAVED_PARSE_FAST,
        SAVED_PARSE_TABLES,
    },
    faults::{FAULTS_HELP, Fault, Faults},
    known::{
        DIR_BROKEN, DIR_CONNECTOR, DIR_DOCUMENTS, DIR_EMPTY, DIR_FAILING, DIR_FLAKY, DIR_HUNDRED, DIR_ONE,
        DIR_OVERSIZED, DIR_SMALL, DIR_STRAGGLERS, DIR_TEN, DIR_THOUSAND, DIR_THROTTLED,
    },
    ledger::Ledger,
};
use self::{cloud::Cloud, gate::ConnectionHandle, gate::Gate};

/// The key that a sandbox accepts unless it is given another.
pub const API_KEY: &str = "llx-sandbox";

/// Documented: "512 MB".
const UPLOAD_LIMIT: u64 = 512 << 20;

/// How a sandbox behaves. The default is a fast one without faults on a free port.
#[derive(Clone, Default)]
pub struct Settings {
    /// How fast batches go.
    pub speed: Speed,
    /// The faults in force from the start.
    pub faults: Faults,
    /// The only key that is accepted; [`API_KEY`] if `None`.
    pub api_key: Option<String>,
    /// The port on 127.0.0.1; a free one if `None`.
    pub port: Option<u16>,
    /// The largest upload in bytes, beyond which the answer is 413; LlamaCloud's 512 MB if `None`.
    pub upload_limit: Option<u64>,
}

/// A running sandbox. Dropping it stops the server.
pub struct Sandbox {
    address: SocketAddr,
    cloud: Arc<Cloud>,
    stop: watch::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// Starts a sandbox on the current tokio runtime.
///
/// # Errors
/// When the port cannot be bound.
pub async fn start(settings: Settings) -> io::Result<Sandbox> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port.unwrap_or(0))).await?;
    let address = listener.local_addr()?;
    let api_key = settings.api_key.unwrap_or_else(|| API_KEY.to_owned());
    let upload_limit = settings.upload_limit.unwrap_or(UPLOAD_LIMIT);
    let cloud = Arc::new(Cloud::new(settings.speed, settings.faults, api_key, upload_limit));
    let service = router::router(&cloud).into_make_service_with_connect_info::<ConnectionHandle>();
    let (stop, mut stopped) = watch::channel(());
    let serve = axum::serve(Gate(listener), service).with_graceful_shutdown(async move {
        // Nothing is ever sent: it ends when the sender is dropped.
        let _ = stopped.changed().await;
    });
    let task = tokio::spawn(async move { serve.await });
    tracing::debug!(%address, "the sandbox is listening");
    Ok(Sandbox {
        address,
        cloud,
        stop,
        task,
    })
}

impl Sandbox {
    /// Where it listens. Shape: `http://127.0.0.1:43210`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key it accepts.
    pub fn api_key(&self) -> &str {
        &self.cloud.api_key
    }

    /// The requests it has received so far.
    pub fn ledger(&self) -> Ledger {
        let batches = self.cloud.account().batches.len();
        Ledger {
            batches,
            ..self.cloud.ledger().clone()
        }
    }

    /// Puts one more fault in force.
    pub fn inject(&self, fault: Fault) {
        self.cloud.faults().push(fault);
    }

    /// Moves the API's clock forward. Batches, expiries and the `Date` header follow it.
    pub fn advance(&self, by: Duration) {
        self.cloud
            .advance(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
    }

    /// Waits until the server ends, which it never does by itself.
    ///
    /// # Errors
    /// When it could not continue.
    pub async fn stopped(self) -> io::Result<()> {
        let Self { task, stop, .. } = self;
        let ended = task.await;
        drop(stop);
        ended.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Stops accepting, lets the requests in progress end, and waits for that.
    ///
    /// # Errors
    /// When the server had failed before.
    pub async fn shutdown(self) -> io::Result<()> {
        let Self { task, stop, .. } = self;
        drop(stop);
        task.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

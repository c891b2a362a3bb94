//! A simulated LlamaCloud: an HTTP server on loopback that behaves like the Batches API and the lookups around it.
//!
//! It speaks raw JSON and shares no type with the client that is tested against it. What it knows comes from the API's
//! published document; where that is silent, a comment says what was chosen. Nothing leaves the process and nothing is kept after it.
//!
//! | file | holds |
//! |---|---|
//! | `server`, `gate` | HTTP: headers, key, faults on the wire, connections that can be cut |
//! | `route`, `query`, `body`, `errors` | reading requests and refusing them as the API's framework does |
//! | `batches`, `jobs`, `lookups` | the operations |
//! | `cloud`, `account`, `state` | what there is: directories, configurations, batches and their life cycle |
//! | `ready_made` | batches that need no create |
//! | `faults`, `ledger` | switches, and counts for tests |

mod account;
mod batches;
mod body;
mod cloud;
mod errors;
mod faults;
mod gate;
mod jobs;
mod ledger;
mod lookups;
mod query;
mod ready_made;
mod route;
mod server;
mod state;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use self::{
    account::{
        DIR_BROKEN, DIR_EMPTY, DIR_FAILING, DIR_HUNDRED, DIR_ONE, DIR_OVERSIZED, DIR_SMALL, DIR_STRAGGLERS, DIR_TEN,
        DIR_THOUSAND, DIR_THROTTLED, ORGANIZATION_ID, PRESET_PARSE, PROJECT_ID, SAVED_EXTRACT, SAVED_PARSE,
    },
    faults::{FAULTS_HELP, Fault, Faults},
    ledger::Ledger,
    state::Speed,
};
use self::{cloud::Cloud, gate::Gate, gate::Hangup};

/// The key that a sandbox accepts unless it is given another.
pub const API_KEY: &str = "llx-sandbox";

/// How a sandbox is to behave. The default is a fast one without faults on a free port.
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
    let cloud = Arc::new(Cloud::new(settings.speed, settings.faults, api_key));
    let service = Router::new().fallback(server::handle).with_state(Arc::clone(&cloud));
    let service = service.into_make_service_with_connect_info::<Hangup>();
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

    /// What it has been asked so far.
    pub fn ledger(&self) -> Ledger {
        let batches = self.cloud.batches().len();
        Ledger {
            batches,
            ..self.cloud.ledger().clone()
        }
    }

    /// Puts one more fault in force.
    pub fn inject(&self, fault: Fault) {
        self.cloud.faults().push(fault);
    }

    /// Waits until the server ends, which by itself it never does.
    ///
    /// # Errors
    /// When it could not go on.
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

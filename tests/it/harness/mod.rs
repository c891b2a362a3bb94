//! A server over an in-memory pipe, and a sandbox behind it.
//!
//! | file | holds |
//! |---|---|
//! | `peer` | the client's side of a connection: asks, claims answers |
//! | `oracle`, `schemas` | what each line of the server must be |
//! | `reference` | documents of others, and what is said where one is missing |
//! | `child` | the built binary as a process |
//! | `masks` | texts without what differs from run to run |
//! | `rpc` | JSON-RPC, as the clients of all suites speak it |
//! | `http`, `upstream` | the HTTP server of all suites; an API that answers what a test says, byte for byte |

pub(crate) mod child;
#[path = "../../support/http.rs"]
#[expect(
    dead_code,
    reason = "these tests leave what was seen where it is, and take no connection of their own"
)]
#[expect(
    clippy::duplicate_mod,
    reason = "the fuzz targets, a crate of their own, bring it along as well"
)]
pub(crate) mod http;
pub(crate) mod masks;
pub(crate) mod oracle;
pub(crate) mod peer;
#[path = "../../support/reference.rs"]
mod reference;
#[path = "../../support/rpc.rs"]
#[expect(dead_code, reason = "these tests want results and errors told apart")]
#[expect(
    clippy::duplicate_mod,
    reason = "the fuzz targets, a crate of their own, bring it along as well"
)]
pub(crate) mod rpc;
pub(crate) mod schemas;
pub(crate) mod upstream;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use llamacloud_batches_mcp::app;
use llamacloud_batches_mcp::cli::{Environment, Flags};
use llamacloud_batches_mcp::config::Config;
use llamacloud_batches_mcp::mcp::{End, Limits, Revision, Transport, serve};
use llamacloud_batches_mcp::sandbox::{self, Ledger, Sandbox, Speed};
use peer::Peer;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::Upstream;

/// The API key of every test. It must never come back.
pub(crate) const CANARY: &str = "llx-canary-9f86d081884c7d65";

/// No step of a test takes longer, however busy the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How a server under test differs from the usual one.
pub(crate) struct Setup {
    /// Flags of the command line.
    pub(crate) flags: Flags,
    /// How fast the sandbox's batches go.
    pub(crate) speed: Speed,
    /// Faults of the sandbox from the start, separated by commas.
    pub(crate) faults: &'static str,
    /// The API, if it is not the sandbox.
    pub(crate) base_url: Option<String>,
    /// The key, if it is not the canary; an empty one is none.
    pub(crate) key: Option<&'static str>,
    /// Within which a call is answered.
    pub(crate) timeout: Duration,
    /// The first pause of a call that waits.
    pub(crate) poll_interval: Duration,
    /// What the client declares that it can do.
    pub(crate) capabilities: Value,
    /// How many bytes the pipe holds in each direction.
    pub(crate) pipe_bytes: usize,
    /// Bounds of the connection.
    pub(crate) limits: Limits,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            flags: flags(&[]),
            speed: Speed::Instant,
            faults: "",
            base_url: None,
            key: None,
            timeout: Duration::from_secs(20),
            poll_interval: Duration::from_millis(1),
            capabilities: json!({}),
            pipe_bytes: 64 * 1024,
            limits: Limits::default(),
        }
    }
}

/// Flags as the command line would give them.
pub(crate) fn flags(arguments: &[&str]) -> Flags {
    use clap::Parser;

    let line = std::iter::once("llamacloud-batches-mcp").chain(arguments.iter().copied());
    llamacloud_batches_mcp::cli::Cli::try_parse_from(line).unwrap().flags
}

/// A running server and its client. Ends with [`Harness::close`]; dropping it earlier fails the test.
pub(crate) struct Harness {
    peer: Peer,
    sandbox: Sandbox,
    serving: JoinHandle<End>,
    settling: TaskTracker,
    closed: bool,
}

impl Harness {
    /// The usual server; nothing has been said yet.
    pub(crate) async fn start() -> Self {
        Setup::default().start().await
    }

    /// The usual server, spoken to in a revision.
    pub(crate) async fn open(revision: Revision) -> Self {
        Setup::default().open(revision).await
    }

    /// What the sandbox was asked so far.
    pub(crate) fn ledger(&self) -> Ledger {
        self.sandbox.ledger()
    }

    /// Moves the API's clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.sandbox.advance(by);
    }

    /// Puts one more fault in force.
    pub(crate) fn inject(&self, fault: &str) {
        self.sandbox.inject(fault.parse().unwrap());
    }

    /// Where the sandbox listens.
    pub(crate) fn base_url(&self) -> String {
        self.sandbox.base_url()
    }

    /// Ends where requests to the sandbox were counted on the way, or do not matter.
    pub(crate) async fn end(self) {
        let hits = self.ledger().total();
        self.close(hits).await;
    }

    /// The same, once it is sure that so many creates were sent.
    pub(crate) async fn end_after_creates(self, creates: usize) {
        let ledger = self.ledger();
        assert_eq!(ledger.count("POST /api/v2/batches"), creates, "{ledger:#?}");
        self.close(ledger.total()).await;
    }

    /// Ends the input without reading what is left, and waits for the end.
    pub(crate) async fn end_unread(mut self) -> End {
        self.closed = true;
        self.peer.end_input();
        timeout(PATIENCE, &mut self.serving).await.unwrap().unwrap()
    }

    /// Ends the input and waits for the end. No message may be left unclaimed, and the sandbox must have had `hits` requests.
    pub(crate) async fn close(mut self, hits: usize) {
        self.closed = true;
        self.peer.end_input();
        self.peer.finish().await;
        let end = timeout(PATIENCE, &mut self.serving).await.unwrap().unwrap();
        assert_eq!(end, End::InputEnded);
        self.settling.close();
        timeout(PATIENCE, self.settling.wait())
            .await
            .expect("a create goes on and on");
        let ledger = self.sandbox.ledger();
        assert_eq!(ledger.total(), hits, "requests to the sandbox: {:#?}", ledger.lines);
    }
}

impl Setup {
    /// A server over an API whose answers the test gives, with these arguments.
    pub(crate) fn over(upstream: &Upstream, arguments: &[&str]) -> Self {
        Self {
            base_url: Some(upstream.base_url()),
            flags: flags(arguments),
            ..Self::default()
        }
    }

    /// Starts the server.
    pub(crate) async fn start(self) -> Harness {
        let settings = sandbox::Settings {
            speed: self.speed,
            faults: self.faults.parse().unwrap(),
            api_key: Some(CANARY.to_owned()),
            ..sandbox::Settings::default()
        };
        let sandbox = sandbox::start(settings).await.unwrap();
        let mut flags = self.flags;
        flags.base_url = Some(self.base_url.unwrap_or_else(|| sandbox.base_url()));
        let environment = Environment::of([("LLAMA_CLOUD_API_KEY", self.key.unwrap_or(CANARY))]);
        let mut config = Config::resolve(&flags, &environment).unwrap();
        config.timeout = self.timeout;
        config.poll_interval = self.poll_interval;
        let settling = TaskTracker::new();
        let server = app::server(&config, &settling).unwrap();
        let (to_server, input) = tokio::io::duplex(self.pipe_bytes);
        let (output, from_server) = tokio::io::duplex(self.pipe_bytes);
        let serving = tokio::spawn(async move {
            let transport = Transport::new(input, output);
            serve(&server, transport, &self.limits, &CancellationToken::new()).await
        });
        let mut peer = Peer::new(from_server, to_server);
        peer.declare(self.capabilities);
        Harness {
            peer,
            sandbox,
            serving,
            settling,
            closed: false,
        }
    }

    /// Starts the server and opens a conversation in a revision.
    pub(crate) async fn open(self, revision: Revision) -> Harness {
        let mut harness = self.start().await;
        harness.speak(revision).await;
        harness
    }
}

impl Deref for Harness {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Harness {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        assert!(
            self.closed || std::thread::panicking(),
            "close the harness: it has checks to make"
        );
    }
}

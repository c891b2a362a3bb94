//! A client of the server in this process: JSON-RPC over a pipe in memory, one request at a time.
//!
//! It speaks 2026-07-28, in which each request stands for itself and a question to the user may take as long as the user likes, and
//! declares that it can ask. It follows no tasks: calls that wait are kept open and report their progress.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::mcp::{End, Limits, Server, Transport, serve};

/// How often what is shown of a call that takes long is shown anew.
pub(super) const REDRAWN_EVERY: Duration = Duration::from_secs(1);
const PIPE_BYTES: usize = 64 << 10;
/// What the server calls its host in sentences and in the log.
const NAME: &str = "terminal";

/// One connection to a server. Ends with [`Client::close`].
pub(super) struct Client {
    to_server: DuplexStream,
    from_server: BufReader<DuplexStream>,
    /// What has come of a line so far.
    line: Vec<u8>,
    last_id: u64,
    serving: JoinHandle<End>,
}

/// How far a call has come. Source: `ProgressNotificationParams`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Progress {
    /// Units: milliseconds.
    pub(super) progress: u64,
    /// Shape: `RUNNING after 12 s`.
    #[serde(default)]
    pub(super) message: String,
}

/// The server refuses to serve a request as it is. Source: JSON-RPC, error object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Refusal {
    code: i64,
    pub(super) message: String,
}

impl Refusal {
    /// Whether the request names a tool that cannot be called, or is wrong in itself.
    pub(super) const fn is_usage(&self) -> bool {
        self.code == -32602
    }

    fn ended() -> Self {
        let message = "The server has ended. This is a bug: please report it.".to_owned();
        Self { code: -32603, message }
    }
}

#[derive(Deserialize)]
struct Message {
    id: Option<Value>,
    result: Option<Box<RawValue>>,
    error: Option<Refusal>,
    params: Option<Box<RawValue>>,
}

impl Client {
    /// Starts serving. What is in flight when the connection is closed gets `drain` to end.
    pub(super) fn connect(server: &Server, drain: Duration) -> Self {
        let (to_server, input) = tokio::io::duplex(PIPE_BYTES);
        let (output, from_server) = tokio::io::duplex(PIPE_BYTES);
        let server = server.clone();
        let serving = tokio::spawn(async move {
            let limits = Limits {
                drain,
                ..Limits::default()
            };
            let transport = Transport::new(input, output);
            serve(&server, transport, &limits, &CancellationToken::new()).await
        });
        Self {
            to_server,
            from_server: BufReader::new(from_server),
            line: Vec::new(),
            last_id: 0,
            serving,
        }
    }

    /// Calls a tool, and ticks at once and each second until the answer is there. `None`: `stop` came first, and the call is given up.
    pub(super) async fn call_tool(
        &mut self,
        params: Value,
        stop: &CancellationToken,
        on_progress: impl FnMut(Progress),
        mut tick: impl FnMut(),
    ) -> Option<Result<Box<RawValue>, Refusal>> {
        {
            let asking = self.ask("tools/call", params, on_progress);
            tokio::pin!(asking);
            let mut ticks = interval(REDRAWN_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    answer = &mut asking => return Some(answer),
                    () = stop.cancelled() => break,
                    _ = ticks.tick() => tick(),
                }
            }
        }
        self.cancel().await;
        None
    }

    /// Asks in the modern way, and hands on every report of progress. The result is as the server wrote it.
    ///
    /// # Errors
    /// What the server answers in place of a result.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the request in flight.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        mut params: Value,
        on_progress: impl FnMut(Progress),
    ) -> Result<Box<RawValue>, Refusal> {
        if let Some(members) = params.as_object_mut() {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": { "name": NAME, "version": env!("CARGO_PKG_VERSION") },
                "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
                "progressToken": "progress",
            });
            members.insert("_meta".to_owned(), meta);
        }
        self.ask_as_it_is(method, params, on_progress).await
    }

    /// The same with parameters as they are, which may be those of an older revision.
    ///
    /// # Errors
    /// What the server answers in place of a result.
    pub(super) async fn ask_as_it_is(
        &mut self,
        method: &str,
        params: Value,
        mut on_progress: impl FnMut(Progress),
    ) -> Result<Box<RawValue>, Refusal> {
        self.last_id += 1;
        let id = json!(self.last_id);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request).await?;
        loop {
            let Message {
                id: answered,
                result,
                error,
                params,
            } = self.next().await?;
            if let Some(params) = params {
                on_progress(serde_json::from_str(params.get()).unwrap_or_default());
            } else if answered == Some(id.clone()) {
                return result.ok_or_else(|| error.unwrap_or_else(Refusal::ended));
            }
        }
    }

    /// Sends a notification.
    pub(super) async fn notify(&mut self, method: &str, params: Value) {
        // A server that has ended needs to be told nothing.
        drop(
            self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
                .await,
        );
    }

    /// Gives up the request in flight; it gets no answer.
    async fn cancel(&mut self) {
        let params = json!({ "requestId": self.last_id, "reason": "the user pressed Ctrl-C" });
        self.notify("notifications/cancelled", params).await;
    }

    /// Ends the connection, and waits until the server has.
    pub(super) async fn close(self) {
        let Self {
            to_server,
            from_server,
            serving,
            ..
        } = self;
        drop(to_server);
        // A server that failed has said so in the log.
        drop(serving.await);
        drop(from_server);
    }

    async fn send(&mut self, message: &Value) -> Result<(), Refusal> {
        let line = format!("{message}\n");
        self.to_server
            .write_all(line.as_bytes())
            .await
            .map_err(|_| Refusal::ended())
    }

    async fn next(&mut self) -> Result<Message, Refusal> {
        let read = self.from_server.read_until(b'\n', &mut self.line).await;
        if !matches!(read, Ok(count) if count > 0) {
            return Err(Refusal::ended());
        }
        let message = serde_json::from_slice(&self.line).map_err(|_| Refusal::ended());
        self.line.clear();
        message
    }
}

//! A client of the server in this process: JSON-RPC over a pipe in memory, one request at a time.
//!
//! It speaks 2026-07-28, in which each request is independent and the user may take any time to answer a question, and declares
//! that it can ask the user. It follows no tasks: calls that wait are kept open and report their progress.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Ask};
use super::progress::Progress;
use crate::hosts::TERMINAL;
use crate::mcp::{End, Limits, Server, Transport, serve};

const PIPE_BYTES: usize = 64 << 10;

/// One connection to a server. Ends with [`Client::close`].
pub(super) struct Client {
    to_server: DuplexStream,
    from_server: BufReader<DuplexStream>,
    /// The part of a line that has arrived so far.
    line: Vec<u8>,
    last_id: u64,
    serving: JoinHandle<End>,
}

/// One `tools/call`. Arguments go out byte for byte, so that the server judges what was written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolCall<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a RawValue,
    /// The user's answer to a question, by its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_responses: Option<Value>,
    /// What came with the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_state: Option<String>,
    #[serde(rename = "_meta")]
    meta: Value,
}

impl<'a> ToolCall<'a> {
    pub(super) fn new(name: &'a str, arguments: &'a RawValue) -> Self {
        Self {
            name,
            arguments,
            input_responses: None,
            request_state: None,
            meta: meta(),
        }
    }

    /// The user agrees: the same call continues.
    pub(super) fn agree(&mut self, ask: Ask) {
        self.input_responses = Some(json!({ "confirm": { "action": "accept", "content": { "confirm": true } } }));
        self.request_state = Some(ask.state);
    }
}

/// What a call was answered with.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    /// The same as the server wrote it.
    pub(super) result: Box<RawValue>,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    Refused(Refusal),
    /// The user pressed Ctrl-C, and the call was cancelled.
    Interrupted,
}

/// How far a call has come. Source: `ProgressNotificationParams`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Reported {
    progress: f64,
    total: Option<f64>,
    #[serde(default)]
    message: String,
}

impl Reported {
    /// How much is done, and the total, if known.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a bar shows no fractions"
    )]
    fn share(&self) -> Option<(u64, u64)> {
        self.total.map(|total| (self.progress as u64, total as u64))
    }
}

/// The server refuses to serve a request as it is. Source: JSON-RPC, error object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Refusal {
    code: i64,
    pub(super) message: String,
}

impl Refusal {
    /// Whether the request names a tool that cannot be called, or is malformed.
    pub(super) const fn is_usage(&self) -> bool {
        matches!(self.code, -32700 | -32600 | -32602)
    }

    fn ended() -> Self {
        let message = "The server has ended. This is a bug: please report it.".to_owned();
        Self { code: -32603, message }
    }
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
struct Message {
    id: Option<Value>,
    result: Option<Box<RawValue>>,
    error: Option<Refusal>,
    params: Option<Box<RawValue>>,
}

impl Client {
    /// Starts serving. Requests in flight when the connection is closed have `drain` to end.
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

    /// Calls a tool, and shows how far the call has come.
    ///
    /// # Errors
    /// If the server refuses the request, or `stop` came first.
    pub(super) async fn call_tool(
        &mut self,
        call: &ToolCall<'_>,
        stop: &CancellationToken,
        progress: &Progress<'_>,
    ) -> Result<Answered, Unanswered> {
        let show = |reported: Reported| match reported.share() {
            Some((done, total)) => progress.set_of(done, total, &reported.message),
            None => progress.set(&reported.message),
        };
        tokio::select! {
            biased;
            result = self.ask("tools/call", call, show) => {
                let result = result.map_err(Unanswered::Refused)?;
                let answer = Answer::of(&result);
                return Ok(Answered { answer, result });
            }
            () = stop.cancelled() => {}
        }
        self.cancel().await;
        Err(Unanswered::Interrupted)
    }

    /// The tools on offer, as much of each as the caller reads; none if the list cannot be read.
    ///
    /// # Errors
    /// What the server answers in place of the list.
    pub(super) async fn list_tools<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, Refusal> {
        #[derive(Deserialize)]
        struct Listed<T> {
            tools: Vec<T>,
        }
        let listed = self.ask("tools/list", json!({ "_meta": meta() }), |_| {}).await?;
        Ok(serde_json::from_str::<Listed<T>>(listed.get()).map_or_else(|_| Vec::new(), |listed| listed.tools))
    }

    /// Sends a request. The result is as the server wrote it.
    ///
    /// # Errors
    /// What the server answers in place of a result.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the request in flight.
    async fn ask(
        &mut self,
        method: &str,
        params: impl Serialize,
        mut on_progress: impl FnMut(Reported),
    ) -> Result<Box<RawValue>, Refusal> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&Request {
            jsonrpc: "2.0",
            id,
            method,
            params,
        })
        .await?;
        loop {
            let message = self.next().await?;
            if let Some(params) = message.params {
                on_progress(serde_json::from_str(params.get()).unwrap_or_default());
                continue;
            }
            // An unreadable request is answered without an id. Only one request is in flight.
            match message.id.unwrap_or_default() {
                Value::Null => return Err(message.error.unwrap_or_else(Refusal::ended)),
                answered if answered == id => {
                    return message
                        .result
                        .ok_or_else(|| message.error.unwrap_or_else(Refusal::ended));
                }
                _ => {}
            }
        }
    }

    /// Cancels the request in flight; it gets no answer.
    async fn cancel(&mut self) {
        let params = json!({ "requestId": self.last_id, "reason": "the user pressed Ctrl-C" });
        let notification = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        // A server that has ended needs no notification.
        drop(self.send(&notification).await);
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

    async fn send(&mut self, message: &impl Serialize) -> Result<(), Refusal> {
        let mut line = serde_json::to_vec(message).map_err(|_| Refusal::ended())?;
        // JSON has line breaks only between values.
        for byte in &mut line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        self.to_server.write_all(&line).await.map_err(|_| Refusal::ended())
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

/// What a modern request says of its client.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": TERMINAL, "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        "progressToken": "progress",
    })
}

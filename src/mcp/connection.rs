//! One connection, from its first byte to its last: lines in, one task a request, lines out, an orderly end.
//!
//! Every request gets exactly one answer; a notification and a cancelled request get none. Whoever holds a [`Ticket`] answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use jsonrpsee::core::server::Methods;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::context::Connection;
use super::dispatch::{Answer, dispatch, refuse};
use super::envelope::{Line, Message, RequestId};
use super::error::{ProtocolError, clip};
use super::in_flight::{InFlight, Ticket};
use super::lines::{InputLine, LineReader};
use super::methods::Server;
use super::outbox::Outbox;
use super::pipe::Transport;
use super::unheard::Unheard;

/// How long calls may take to notice that they were given up; they do at their next step.
const GIVING_UP: Duration = Duration::from_secs(1);

/// Bounds of one connection.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest line that is read, in bytes.
    pub max_line_bytes: usize,
    /// Lines in flight and their answers, in bytes; above it nothing more is read.
    pub max_in_flight_bytes: usize,
    /// Unwritten answers, in bytes; above it nothing more is answered.
    pub max_unsent_bytes: usize,
    /// How long what is in flight may take once the input has ended.
    pub drain: Duration,
    /// How long a user may take to answer a question.
    pub question: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_line_bytes: 16 << 20,
            max_in_flight_bytes: 32 << 20,
            max_unsent_bytes: 256 << 10,
            drain: Duration::from_mins(1),
            question: Duration::from_mins(10),
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The input ended; what was in flight was answered.
    InputEnded,
    /// The output cannot be written: nobody reads it any more, or it is full.
    OutputClosed,
    /// The process was told to stop.
    Stopped,
}

/// Serves one connection until its input ends, its output is closed, or `stop` is cancelled.
///
/// # Errors
/// None of the peer's doing. A failing reader counts as ended input, a failing writer as closed output.
pub async fn serve(server: &Server, transport: Transport, limits: &Limits, stop: &CancellationToken) -> End {
    let outbox = Arc::new(Outbox::new(limits.max_unsent_bytes));
    let Transport { reader, writer, hangup } = transport;
    let mut writing = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.write_to(writer).await }
    });
    let session = Receiver {
        methods: server.methods.clone(),
        connection: Connection::new(Arc::clone(&outbox), limits.question),
        in_flight: InFlight::new(limits.max_in_flight_bytes),
        tasks: TaskTracker::new(),
    };
    let gone = async {
        tokio::select! {
            biased;
            () = stop.cancelled() => End::Stopped,
            () = outbox.closed() => End::OutputClosed,
            () = hangup => End::OutputClosed,
        }
    };
    let whole = async {
        if let Err(error) = session
            .receive_all(LineReader::new(reader, limits.max_line_bytes))
            .await
        {
            tracing::warn!(%error, "the input can not be read any more");
        }
        session.connection.draining.cancel();
        session.tasks.close();
        if timeout(limits.drain, session.tasks.wait()).await.is_err() {
            tracing::warn!(
                unanswered = session.tasks.len(),
                "gave up what was still in flight after the input ended"
            );
        }
        session.in_flight.cancel_all();
        outbox.close();
        match timeout(limits.drain, &mut writing).await {
            Ok(Ok(Err(_))) => End::OutputClosed,
            _ => End::InputEnded,
        }
    };
    let end = tokio::select! {
        biased;
        end = whole => end,
        end = gone => end,
    };
    session.in_flight.cancel_all();
    session.tasks.close();
    // What is given up goes now, and with it into the log what must not be lost: later, nobody may write it down.
    drop(timeout(GIVING_UP, session.tasks.wait()).await);
    if !writing.is_finished() {
        writing.abort();
        drop(writing.await);
    }
    end
}

/// What becomes of a message.
enum Begun {
    Nothing,
    Answer(String),
    Call(Call),
}

/// A request that is being answered.
struct Call {
    ticket: Ticket,
    answer: BoxFuture<'static, String>,
    unheard: Arc<Unheard>,
    span: tracing::Span,
}

struct Receiver {
    methods: Methods,
    connection: Connection,
    in_flight: Arc<InFlight>,
    tasks: TaskTracker,
}

impl Receiver {
    async fn receive_all(&self, mut lines: LineReader<Box<dyn tokio::io::AsyncRead + Send + Unpin>>) -> io::Result<()> {
        while let Some(line) = lines.next().await? {
            match line {
                InputLine::Text(text) => self.receive(text).await,
                InputLine::TooLong => {
                    let error = ProtocolError::invalid_request("the line is too long; it was skipped");
                    self.connection.outbox.send(&refuse(None, error)).await;
                }
            }
        }
        Ok(())
    }

    async fn receive(&self, text: &[u8]) {
        match Line::read(text) {
            Line::One(message) => match self.begin(message) {
                Begun::Nothing => {}
                Begun::Answer(line) => self.connection.outbox.send(&line).await,
                Begun::Call(call) => self.spawn(text.len(), call).await,
            },
            Line::Array(elements) => self.receive_array(text.len(), &elements).await,
        }
    }

    async fn spawn(&self, bytes: usize, call: Call) {
        let room = self.in_flight.room(bytes, 1).await;
        let outbox = Arc::clone(&self.connection.outbox);
        self.tasks.spawn(async move {
            let _room = room;
            let Call {
                ticket,
                answer,
                unheard,
                span,
            } = call;
            if let Some(line) = ticket.unless_cancelled(answer.instrument(span)).await {
                ticket.unless_cancelled(outbox.send_telling(&line, &[unheard])).await;
            }
        });
    }

    /// Several messages in one line, answered in one line. Source: 2025-03-26, basic, batching.
    async fn receive_array(&self, bytes: usize, elements: &[&RawValue]) {
        let allowed = self
            .connection
            .session()
            .is_some_and(|session| session.revision.has_message_arrays());
        let refused = match (allowed, elements.is_empty()) {
            (true, false) => None,
            (true, true) => Some("an array of messages must not be empty"),
            (false, _) => Some("arrays of messages are defined by revision 2025-03-26 alone, for its sessions"),
        };
        if let Some(reason) = refused {
            return self
                .connection
                .outbox
                .send(&refuse(None, ProtocolError::invalid_request(reason)))
                .await;
        }
        let mut answers = Vec::new();
        let mut calls = Vec::new();
        for element in elements {
            match self.begin_in_array(Message::read(element)) {
                Begun::Nothing => {}
                Begun::Answer(line) => answers.push(line),
                Begun::Call(call) => calls.push(call),
            }
        }
        let room = self.in_flight.room(bytes, calls.len()).await;
        let outbox = Arc::clone(&self.connection.outbox);
        self.tasks.spawn(async move {
            let _room = room;
            let calls = calls.into_iter().map(|call| async move {
                let line = call.ticket.unless_cancelled(call.answer.instrument(call.span)).await?;
                Some((line, call.unheard))
            });
            let (lines, unheard): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().flatten().unzip();
            answers.extend(lines);
            if !answers.is_empty() {
                outbox.send_telling(&format!("[{}]", answers.join(",")), &unheard).await;
            }
        });
    }

    fn begin_in_array(&self, message: Message<'_>) -> Begun {
        match message {
            Message::Request { id, method, .. } if method == "initialize" => Begun::Answer(refuse(
                Some(id),
                ProtocolError::invalid_request("`initialize` must not be part of an array"),
            )),
            message => self.begin(message),
        }
    }

    fn begin(&self, message: Message<'_>) -> Begun {
        match message {
            Message::Request { id, method, params } => self.begin_request(id, &method, params),
            Message::Notification { method, params } => {
                if method == "notifications/cancelled" {
                    self.cancel(params);
                }
                Begun::Nothing
            }
            Message::Response { id, result } => {
                let id = id.and_then(|id| serde_json::from_str::<String>(id.as_json()).ok());
                if let Some(id) = id {
                    self.connection
                        .elicitation
                        .answer(&id, result.map(ToOwned::to_owned).ok_or(()));
                }
                Begun::Nothing
            }
            Message::Invalid { id, error } => {
                tracing::debug!(code = error.code(), message = error.message(), "not a message");
                Begun::Answer(refuse(id, error))
            }
        }
    }

    fn begin_request(&self, id: RequestId<'_>, method: &str, params: Option<&RawValue>) -> Begun {
        let context = match self.connection.context(id, method, params) {
            Ok(context) => context,
            Err(error) => return Begun::Answer(refuse(Some(id), error)),
        };
        let Some(ticket) = self.in_flight.admit(id.key()) else {
            // Without the id: the answer that bears it is the first request's.
            let reason = format!(
                "request id {} is in flight already; this request was not served",
                clip(id.as_json())
            );
            return Begun::Answer(refuse(None, ProtocolError::invalid_request(&reason)));
        };
        let unheard = Arc::clone(&context.unheard);
        let span = tracing::debug_span!("request", method, request.id = id.as_json());
        match span.in_scope(|| dispatch(&self.methods, context, method, params)) {
            Answer::Now(line) => Begun::Answer(line),
            Answer::Later(answer) => Begun::Call(Call {
                ticket,
                answer,
                unheard,
                span,
            }),
        }
    }

    /// Source: basic/utilities/cancellation. An id that is not in flight is ignored: its answer was faster.
    fn cancel(&self, params: Option<&RawValue>) {
        #[derive(Deserialize)]
        struct Cancelled<'a> {
            #[serde(borrow, rename = "requestId")]
            request_id: &'a RawValue,
        }
        let cancelled = params.and_then(|params| serde_json::from_str::<Cancelled<'_>>(params.get()).ok());
        if let Some(id) = cancelled.and_then(|cancelled| RequestId::read(cancelled.request_id)) {
            self.in_flight.cancel(&id.key());
        }
    }
}

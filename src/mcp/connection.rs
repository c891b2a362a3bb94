//! One connection, from its first byte to its last: lines in, one task per request, lines out, an orderly end.
//!
//! Every request gets exactly one answer; a notification and a cancelled request get none. Whoever holds a [`Ticket`] answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, join_all};
use jsonrpsee::core::server::Methods;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::AsyncRead;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::context::Connection;
use super::dispatch::{Answer, Reply, dispatch, refuse};
use super::envelope::{Line, Message, RequestId};
use super::error::{ProtocolError, clip};
use super::framing::{InputLine, lines};
use super::in_flight::{InFlight, Ticket};
use super::methods::Server;
use super::outbox::{Delivery, Outbox};
use super::transport::Transport;

/// How long cancelled calls may take to end. Each notices at its next step.
const GIVING_UP: Duration = Duration::from_secs(1);
/// How many messages one array may hold. They are answered in one line, which is kept until the last answer is there.
const MAX_ARRAY: usize = 100;

/// Bounds of one connection.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest line that is read, in bytes.
    pub max_line_bytes: usize,
    /// Lines that are worked on, with the answers that are kept for them, in bytes; as many again may wait. Above it nothing more is
    /// read, or, if the client has read every answer, calls are refused.
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
            max_in_flight_bytes: 64 << 20,
            max_unsent_bytes: 256 << 10,
            drain: Duration::from_mins(1),
            question: Duration::from_mins(10),
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The input ended; what was in flight was answered, or cancelled when its time was over.
    InputEnded,
    /// The output cannot be written: its reader is gone or did not read the last answers in time, or it is full.
    OutputClosed,
    /// The process was told to stop.
    Stopped,
}

/// Serves one connection until its input ends, its output is closed, or `stop` is cancelled.
///
/// # Errors
/// None that the peer can cause. A failing reader counts as ended input, a failing writer as closed output.
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
        if let Err(error) = session.receive_all(reader, limits.max_line_bytes).await {
            tracing::warn!(%error, "the input can no longer be read");
        }
        session.connection.draining.cancel();
        session.tasks.close();
        if timeout(limits.drain, session.tasks.wait()).await.is_err() {
            tracing::warn!(
                unanswered = session.tasks.len(),
                "cancelled what was still in flight after the input ended"
            );
        }
        session.in_flight.cancel_all();
        outbox.close();
        match timeout(limits.drain, &mut writing).await {
            Ok(Ok(Ok(()))) => End::InputEnded,
            Ok(_) => End::OutputClosed,
            Err(_) => {
                tracing::warn!("the last answers are lost: nobody read them in time");
                End::OutputClosed
            }
        }
    };
    let end = tokio::select! {
        biased;
        end = whole => end,
        end = gone => end,
    };
    // Tasks outlive their calls, so cancelling the calls does not stop them.
    session.connection.draining.cancel();
    session.in_flight.cancel_all();
    session.tasks.close();
    // Cancelled calls end now and log what must not be lost. Later, there may be nothing left that could log it.
    drop(timeout(GIVING_UP, session.tasks.wait()).await);
    if !writing.is_finished() {
        writing.abort();
        drop(writing.await);
    }
    end
}

/// How a message is handled.
enum Dispatched {
    Nothing,
    Answer(Reply),
    Call(Call),
}

/// A request that is being answered.
struct Call {
    id: Box<RawValue>,
    ticket: Ticket,
    answer: BoxFuture<'static, Reply>,
    delivery: Arc<Delivery>,
    span: tracing::Span,
}

struct Receiver {
    methods: Methods,
    connection: Connection,
    in_flight: Arc<InFlight>,
    tasks: TaskTracker,
}

impl Receiver {
    async fn receive_all(&self, reader: impl AsyncRead + Unpin, max_line_bytes: usize) -> io::Result<()> {
        let mut lines = lines(reader, max_line_bytes);
        while let Some(line) = lines.next().await {
            match line? {
                InputLine::Text(text) => self.receive(&text).await,
                InputLine::TooLong => self.refuse(None, "the line is too long; it was skipped").await,
            }
        }
        Ok(())
    }

    async fn receive(&self, text: &[u8]) {
        match Line::read(text) {
            Line::One(message) => match self.begin(message) {
                Dispatched::Nothing => {}
                Dispatched::Answer(response) => self.connection.outbox.deliver(&response.pieces(), &[]).await,
                Dispatched::Call(call) => self.spawn(text.len(), call).await,
            },
            Line::Array(elements) => self.receive_array(text.len(), &elements).await,
        }
    }

    async fn refuse(&self, id: Option<RequestId<'_>>, reason: &str) {
        let response = refuse(id, ProtocolError::invalid_request(reason));
        self.connection.outbox.deliver(&response.pieces(), &[]).await;
    }

    /// Waits for a place in the queue. `None` if the queue is full although the client has read every answer so far: the request
    /// is then refused, so that pings and cancellations behind it can still be read.
    async fn queue(&self, bytes: usize, requests: usize) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            place = self.in_flight.queue(bytes, requests) => place,
            () = self.connection.outbox.idle() => None,
        }
    }

    async fn spawn(&self, bytes: usize, call: Call) {
        let Call {
            id,
            ticket,
            answer,
            delivery,
            span,
        } = call;
        let outbox = Arc::clone(&self.connection.outbox);
        let Some(place) = self.queue(bytes, 1).await else {
            let response = refuse(RequestId::read(&id), ProtocolError::busy());
            return outbox.deliver(&response.pieces(), &[]).await;
        };
        let in_flight = Arc::clone(&self.in_flight);
        self.tasks.spawn(async move {
            let work = async {
                let _room = in_flight.room(bytes, 1).await;
                drop(place);
                let response = answer.instrument(span).await;
                outbox.deliver(&response.pieces(), &[delivery]).await;
            };
            ticket.unless_cancelled(work).await;
        });
    }

    /// Several messages in one line, answered in one line. Source: 2025-03-26, basic, batching.
    async fn receive_array(&self, bytes: usize, elements: &[&RawValue]) {
        let allowed = self
            .connection
            .session()
            .is_some_and(|session| session.revision.has_message_arrays());
        let refused = match elements.len() {
            _ if !allowed => Some("arrays of messages are allowed only in sessions of revision 2025-03-26"),
            0 => Some("an array of messages must not be empty"),
            1..=MAX_ARRAY => None,
            _ => Some("an array has too many messages; none of them was served"),
        };
        if let Some(reason) = refused {
            return self.refuse(None, reason).await;
        }
        let mut answers = Vec::new();
        let mut calls = Vec::new();
        for element in elements {
            match self.begin_in_array(Message::read(element)) {
                Dispatched::Nothing => {}
                Dispatched::Answer(response) => answers.push(response),
                Dispatched::Call(call) => calls.push(call),
            }
        }
        let outbox = Arc::clone(&self.connection.outbox);
        if calls.is_empty() {
            if !answers.is_empty() {
                outbox.deliver(&in_one_line(&answers), &[]).await;
            }
            return;
        }
        // The answers so far are kept until the calls are answered, so they count as well.
        let bytes = bytes + in_one_line(&answers).iter().map(|piece| piece.len()).sum::<usize>();
        let requests = elements.len();
        let Some(place) = self.queue(bytes, requests).await else {
            let busy = |call: &Call| refuse(RequestId::read(&call.id), ProtocolError::busy());
            answers.extend(calls.iter().map(busy));
            return outbox.deliver(&in_one_line(&answers), &[]).await;
        };
        let in_flight = Arc::clone(&self.in_flight);
        self.tasks.spawn(async move {
            let _room = in_flight.room(bytes, requests).await;
            drop(place);
            let calls = calls.into_iter().map(|call| async move {
                let response = call.ticket.unless_cancelled(call.answer.instrument(call.span)).await?;
                Some((response, call.delivery))
            });
            let (responses, deliveries): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().flatten().unzip();
            answers.extend(responses);
            if !answers.is_empty() {
                outbox.deliver(&in_one_line(&answers), &deliveries).await;
            }
        });
    }

    fn begin_in_array(&self, message: Message<'_>) -> Dispatched {
        match message {
            Message::Request { id, method, .. } if method == "initialize" => Dispatched::Answer(refuse(
                Some(id),
                ProtocolError::invalid_request("`initialize` must not be part of an array"),
            )),
            message => self.begin(message),
        }
    }

    fn begin(&self, message: Message<'_>) -> Dispatched {
        match message {
            Message::Request { id, method, params } => self.begin_request(id, &method, params),
            Message::Notification { method, params } => {
                if method == "notifications/cancelled" {
                    self.cancel(params);
                }
                Dispatched::Nothing
            }
            Message::Response { id, result } => {
                let id = id.and_then(|id| serde_json::from_str::<String>(id.as_json()).ok());
                if let Some(id) = id {
                    self.connection
                        .elicitation
                        .answer(&id, result.map(ToOwned::to_owned).ok_or(()));
                }
                Dispatched::Nothing
            }
            Message::Invalid { id, error } => {
                tracing::debug!(code = error.code(), message = error.message(), "not a message");
                Dispatched::Answer(refuse(id, error))
            }
        }
    }

    fn begin_request(&self, id: RequestId<'_>, method: &str, params: Option<&RawValue>) -> Dispatched {
        let context = match self.connection.context(id, method, params) {
            Ok(context) => context,
            Err(error) => return Dispatched::Answer(refuse(Some(id), error)),
        };
        let Some(ticket) = self.in_flight.admit(id.key()) else {
            // The error has no id: the answer with this id belongs to the first request.
            let reason = format!(
                "request id {} is in flight already; this request was not served",
                clip(id.as_json())
            );
            return Dispatched::Answer(refuse(None, ProtocolError::invalid_request(&reason)));
        };
        let delivery = Arc::clone(&context.delivery);
        let span = tracing::debug_span!("request", method, request.id = id.as_json());
        match span.in_scope(|| dispatch(&self.methods, context, method, params)) {
            Answer::Now(response) => Dispatched::Answer(response),
            Answer::Later(answer) => Dispatched::Call(Call {
                id: id.to_owned_json(),
                ticket,
                answer,
                delivery,
                span,
            }),
        }
    }

    /// Source: basic/utilities/cancellation. An id that is not in flight is ignored: it was already answered.
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

/// The line of several answers in pieces, without its ending.
fn in_one_line(answers: &[Reply]) -> Vec<&str> {
    let mut pieces = Vec::new();
    for answer in answers {
        pieces.push(if pieces.is_empty() { "[" } else { "," });
        pieces.extend(answer.pieces());
    }
    pieces.push("]");
    pieces
}

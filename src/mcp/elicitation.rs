//! Elicitation: asking the user yes or no, in the way that the request's revision has for it.
//!
//! A legacy session whose client has elicitation gets a request of ours and answers it while the call waits. A modern call is answered
//! with the question, and the client repeats it with the answer and a state that we issued. Older revisions, and clients
//! without elicitation, cannot be asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::outbox::Outbox;
use super::outcome::InputRequired;

const KEY: &str = "confirm";
const NONCE_BYTES: usize = 16;
/// How long a state is valid.
const LIFETIME: Duration = Duration::from_mins(15);

/// A question that is answered with yes or no.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the user reads.
    pub message: String,
    /// The label of the checkbox.
    pub label: &'static str,
    /// What is confirmed, exactly: an answer given for something else does not count.
    pub subject: Value,
}

/// The outcome of a question.
#[derive(Debug)]
pub enum Verdict {
    /// The user agreed.
    Yes,
    /// The user did not agree: `decline`, `cancel`, or `accept` with the box left empty.
    No,
    /// The client says `accept`, but sends no content, so nothing shows that a person ticked the box.
    NoContent,
    /// The user did not answer in time.
    NoAnswer,
    /// The client cannot ask its user.
    CannotAsk,
    /// The client answered, but not with what the protocol defines.
    Unreadable,
    /// An answer came, but for another call, too late, or for the second time.
    WrongState,
    /// The client has to ask and call again: return this from the tool.
    Ask(InputRequired),
}

/// What a client sends when it calls again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    pub(crate) input_responses: Option<Box<RawValue>>,
    pub(crate) request_state: Option<String>,
}

/// The questions of one connection.
#[derive(Debug)]
pub(crate) struct Elicitation {
    outbox: Arc<Outbox>,
    /// Cancelled when an answer can no longer come.
    draining: CancellationToken,
    /// How long a user may take to answer.
    limit: Duration,
    states: States,
    pending: Pending,
}

impl Elicitation {
    pub(crate) fn new(outbox: Arc<Outbox>, draining: CancellationToken, limit: Duration) -> Self {
        Self {
            outbox,
            draining,
            limit,
            states: States::new(),
            pending: Pending::default(),
        }
    }

    /// Takes the client's answer to a request of ours.
    pub(crate) fn answer(&self, id: &str, reply: Reply) {
        self.pending.answer(id, reply);
    }

    /// A modern call: its answer is the question, or it contains the user's answer.
    pub(crate) fn confirm_by_calling_again(&self, answers: &Answers, question: &Question) -> Verdict {
        let subject = question.subject.to_string();
        // A missing answer is asked for again, as the protocol demands, also if `inputResponses` is not an object. An answer to our
        // question that cannot be read is not asked for again.
        let Some(answer) = answers.input_responses.as_deref().and_then(own_answer) else {
            let Some(request_state) = self.states.issue(&subject) else {
                return Verdict::CannotAsk;
            };
            let request = json!({ "method": "elicitation/create", "params": elicitation(question, true) });
            return Verdict::Ask(InputRequired {
                input_requests: json!({ KEY: request }),
                request_state,
            });
        };
        let state = answers.request_state.as_deref().unwrap_or_default();
        if self.states.redeem(state, &subject) {
            verdict(&answer)
        } else {
            Verdict::WrongState
        }
    }

    /// A legacy call: it waits for the answer.
    ///
    /// # Cancel safety
    /// If this is dropped before an answer comes, the question is withdrawn, as when none comes.
    pub(crate) async fn confirm_by_request(&self, question: &Question) -> Verdict {
        // `mode` came with 2025-11-25; if absent, it means a form.
        let params = elicitation(question, false);
        let mut waiting = self.pending.expect();
        let request = json!({ "jsonrpc": "2.0", "id": waiting.id, "method": "elicitation/create", "params": params });
        self.outbox.send(&request.to_string()).await;
        let mut open = Open {
            outbox: &self.outbox,
            id: Some(&waiting.id),
        };
        let reply = tokio::select! {
            reply = timeout(self.limit, &mut waiting.reply) => reply.ok(),
            () = self.draining.cancelled() => None,
        };
        if reply.is_some() {
            open.id = None;
        }
        match reply.and_then(Result::ok) {
            Some(Ok(result)) => verdict(&result),
            Some(Err(())) => Verdict::CannotAsk,
            None => Verdict::NoAnswer,
        }
    }
}

/// A request of ours without an answer yet. It is withdrawn when dropped. Source: basic/utilities/cancellation.
struct Open<'a> {
    outbox: &'a Outbox,
    /// `None` once there is an answer.
    id: Option<&'a str>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let params = json!({ "requestId": id, "reason": "the answer is no longer needed" });
            let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
            // There is at most one such line per call that waits for its user, and the number of those calls is bounded.
            self.outbox.push(&cancelled.to_string());
        }
    }
}

/// Reads an answer. Source: `ElicitResult`.
fn verdict(result: &RawValue) -> Verdict {
    #[derive(Deserialize)]
    struct ElicitResult {
        action: Action,
        content: Option<HashMap<String, Value>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Action {
        Accept,
        Decline,
        Cancel,
    }
    let Ok(ElicitResult { action, content }) = serde_json::from_str(result.get()) else {
        return Verdict::Unreadable;
    };
    let ticked = content.as_ref().and_then(|content| content.get(KEY));
    match (action, ticked) {
        // Only a ticked box spends money: a host that accepts without a person sends none.
        (Action::Accept, Some(Value::Bool(true))) => Verdict::Yes,
        (Action::Accept, None | Some(Value::Null)) => Verdict::NoContent,
        (Action::Accept, Some(Value::Bool(false))) | (Action::Decline | Action::Cancel, _) => Verdict::No,
        (Action::Accept, Some(_)) => Verdict::Unreadable,
    }
}

/// The answer to our question among those that the client sends; the others are ignored.
fn own_answer(responses: &RawValue) -> Option<Box<RawValue>> {
    let responses: HashMap<String, Box<RawValue>> = serde_json::from_str(responses.get()).ok()?;
    responses
        .into_iter()
        .find(|(key, _)| key == KEY)
        .map(|(_, answer)| answer)
}

/// Source: `ElicitRequestFormParams`.
fn elicitation(question: &Question, with_mode: bool) -> Value {
    let Question { message, label, .. } = question;
    let mut params = json!({
        "message": message,
        "requestedSchema": {
            "type": "object",
            "properties": { KEY: { "type": "boolean", "title": label } },
            "required": [KEY],
        },
    });
    if let Some(members) = params.as_object_mut().filter(|_| with_mode) {
        members.insert("mode".to_owned(), json!("form"));
    }
    params
}

/// A client's answer: its result, or a failure.
pub(crate) type Reply = Result<Box<RawValue>, ()>;

/// The requests that wait for an answer. Their IDs are strings of our own.
#[derive(Debug, Default)]
struct Pending {
    last: AtomicU64,
    waiting: Mutex<HashMap<String, oneshot::Sender<Reply>>>,
}

/// One request's place; released when dropped.
#[derive(Debug)]
struct Waiting<'a> {
    pending: &'a Pending,
    id: String,
    reply: oneshot::Receiver<Reply>,
}

impl Pending {
    /// Makes an ID and a place for the answer to it.
    fn expect(&self) -> Waiting<'_> {
        let id = format!("server-{}", self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, reply) = oneshot::channel();
        self.waiting.lock().insert(id.clone(), sender);
        Waiting {
            pending: self,
            id,
            reply,
        }
    }

    /// Passes on an answer. One that nobody waits for is ignored.
    fn answer(&self, id: &str, reply: Reply) {
        if let Some(sender) = self.waiting.lock().remove(id) {
            // The waiting call may have ended just now.
            let _ = sender.send(reply);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pending.waiting.lock().remove(&self.id);
    }
}

/// Makes and checks the states that clients return with the user's answer: authenticated, bound to one subject, short-lived, valid
/// once. Nothing in them is secret, but whoever could make one could answer in the user's place.
///
/// The key lives as long as the connection: after a restart the user is asked again.
#[derive(Debug)]
struct States {
    /// Made with the first question; most connections ask none. `None` if the system has no randomness.
    key: LazyLock<Option<hmac::Key>>,
    started: Instant,
    /// Nonces that have been used, with the time at which they expire anyway.
    used: Mutex<HashMap<[u8; NONCE_BYTES], Duration>>,
}

impl States {
    fn new() -> Self {
        Self {
            key: LazyLock::new(|| hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).ok()),
            started: Instant::now(),
            used: Mutex::default(),
        }
    }

    /// A state for this subject; `None` if the system has no randomness.
    fn issue(&self, subject: &str) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let expires = self.started.elapsed() + LIFETIME;
        let head = [&nonce[..], &expires.as_secs().to_be_bytes()].concat();
        let tag = hmac::sign(self.key.as_ref()?, &message(&head, subject));
        Some(BASE64_URL_SAFE_NO_PAD.encode([&head, tag.as_ref()].concat()))
    }

    /// Whether the state was issued for this subject, has not expired, and is used for the first time.
    fn redeem(&self, state: &str, subject: &str) -> bool {
        self.try_redeem(state, subject, self.started.elapsed()).is_some()
    }

    /// `now` is the time since `started`, as all times here are.
    fn try_redeem(&self, state: &str, subject: &str, now: Duration) -> Option<()> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(state).ok()?;
        let (head, tag) = bytes.split_at_checked(NONCE_BYTES + size_of::<u64>())?;
        hmac::verify(self.key.as_ref()?, &message(head, subject), tag).ok()?;
        let (nonce, expires) = head.split_first_chunk::<NONCE_BYTES>()?;
        let expires = Duration::from_secs(u64::from_be_bytes(*expires.first_chunk()?));
        let mut used = self.used.lock();
        used.retain(|_, expires| *expires > now);
        (now < expires && used.insert(*nonce, expires).is_none()).then_some(())
    }
}

fn message(head: &[u8], subject: &str) -> Vec<u8> {
    [head, subject.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_good_for_a_quarter_of_an_hour() {
        const SECOND: Duration = Duration::from_secs(1);
        let just_in_time = LIFETIME.saturating_sub(SECOND);
        let states = States::new();
        let redeem = |state: &str, now| states.try_redeem(state, "subject", now).is_some();
        let early = states.issue("subject").unwrap();
        let late = states.issue("subject").unwrap();
        assert!(!redeem(&late, states.started.elapsed() + LIFETIME + SECOND));
        assert!(redeem(&early, just_in_time));
        assert_eq!(states.used.lock().len(), 1);
        assert!(!redeem(&early, just_in_time), "used twice");
        // An expired nonce is no longer remembered, but is still refused.
        assert!(!redeem(&late, LIFETIME * 2));
        assert!(states.used.lock().is_empty());
        assert!(!redeem(&early, LIFETIME * 2));
    }

    #[test]
    fn a_state_is_good_for_its_subject_once() {
        let states = States::new();
        let state = states.issue("create_batch dir-1").unwrap();
        assert!(!states.redeem(&state, "create_batch dir-2"));
        assert!(states.redeem(&state, "create_batch dir-1"));
        assert!(!states.redeem(&state, "create_batch dir-1"), "used twice");
        let other = states.issue("create_batch dir-1").unwrap();
        assert!(
            !States::new().redeem(&other, "create_batch dir-1"),
            "another process's key"
        );
        for position in 0..other.len() {
            let mut changed = other.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(
                !states.redeem(&String::from_utf8(changed).unwrap(), "create_batch dir-1"),
                "{position}"
            );
        }
        assert!(states.redeem(&other, "create_batch dir-1"));
        assert!(!states.redeem("", "create_batch dir-1"));
    }
}

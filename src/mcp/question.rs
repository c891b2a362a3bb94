//! Asking the user yes or no, in the way that the request's revision has for it.
//!
//! Legacy sessions of clients with elicitation get a request of ours and answer it while the call waits. A modern call is answered
//! with the question, and made again by the client together with the answer. Older revisions, and clients without elicitation,
//! cannot be asked.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::context::RequestContext;
use super::outcome::InputRequired;
use super::version::Era;

const KEY: &str = "confirm";

/// A question that is answered with yes or no.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the user reads.
    pub message: String,
    /// What stands beside the box to tick.
    pub label: &'static str,
    /// What is confirmed, exactly: an answer given for something else does not count.
    pub subject: String,
}

/// What became of a question.
#[derive(Debug)]
pub enum Verdict {
    /// The user agreed.
    Yes,
    /// The user did not; the word is the protocol's: `decline`, `cancel`, or `accept` with the box left empty.
    No,
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

/// What a client brings when it calls again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    pub(crate) input_responses: Option<Box<RawValue>>,
    pub(crate) request_state: Option<String>,
}

/// Source: `ElicitResult`.
#[derive(Deserialize)]
struct ElicitResult {
    action: Action,
    content: Option<HashMap<String, Value>>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Action {
    Accept,
    Decline,
    Cancel,
}

impl RequestContext {
    /// Asks the user, and waits no longer than `limit` where the answer comes to this call.
    pub async fn confirm(&self, question: &Question, limit: Duration) -> Verdict {
        if !self.capabilities.elicitation {
            return Verdict::CannotAsk;
        }
        match self.revision.era() {
            Era::Modern => self.confirm_by_calling_again(question),
            Era::Legacy => self.confirm_by_request(question, limit).await,
        }
    }

    fn confirm_by_calling_again(&self, question: &Question) -> Verdict {
        let states = &self.connection.states;
        let answer = self.answers.input_responses.as_deref().and_then(own_answer);
        let Some(answer) = answer else {
            let Some(request_state) = states.issue(&question.subject) else {
                return Verdict::CannotAsk;
            };
            let request = json!({ "method": "elicitation/create", "params": elicitation(question, true) });
            return Verdict::Ask(InputRequired {
                input_requests: json!({ KEY: request }),
                request_state,
            });
        };
        let state = self.answers.request_state.as_deref().unwrap_or_default();
        if states.redeem(state, &question.subject) {
            answer.verdict()
        } else {
            Verdict::WrongState
        }
    }

    async fn confirm_by_request(&self, question: &Question, limit: Duration) -> Verdict {
        // `mode` came with 2025-11-25; a form is what it means where it is absent.
        let params = elicitation(question, false);
        match self.connection.ask("elicitation/create", params, limit).await {
            Some(Ok(result)) => serde_json::from_str::<ElicitResult>(result.get())
                .map_or(Verdict::Unreadable, |answer| answer.verdict()),
            Some(Err(())) => Verdict::CannotAsk,
            None => Verdict::NoAnswer,
        }
    }
}

impl ElicitResult {
    fn verdict(&self) -> Verdict {
        let answer = self.content.as_ref().and_then(|content| content.get(KEY));
        // Nothing but a ticked box spends money: a host that accepts by itself, without a person, sends none.
        let ticked = answer == Some(&Value::Bool(true));
        if self.action == Action::Accept && ticked {
            Verdict::Yes
        } else {
            Verdict::No
        }
    }
}

/// Our answer among those that the client brings; others are ignored.
fn own_answer(responses: &RawValue) -> Option<ElicitResult> {
    #[derive(Deserialize)]
    struct Responses<'a> {
        #[serde(borrow)]
        confirm: &'a RawValue,
    }
    let responses: Responses<'_> = serde_json::from_str(responses.get()).ok()?;
    serde_json::from_str(responses.confirm.get()).ok()
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

//! Waiting for a batch to be final: how long, and what is reported meanwhile.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio::time::{Instant, sleep};

use super::account::{Account, PollPolicy};
use super::outcomes::{Finality, Seen, files_in_directory};
use super::task_reference::TaskReference;
use super::wording::{self, number};
use crate::llamacloud::{Advice, Error, Scope};
use crate::mcp::{Progress, RequestContext, Task, TaskState};
use crate::untrusted::clean;

const MAX_SECONDS: u64 = 300;

/// How long a call may wait: 0 to 300 seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WaitSeconds(u64);

impl WaitSeconds {
    /// As a duration; `None` for a call that does not wait.
    pub(crate) fn limit(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_secs(self.0))
    }
}

impl<'de> Deserialize<'de> for WaitSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            seconds @ 0..=MAX_SECONDS => Ok(Self(seconds)),
            seconds => Err(D::Error::custom(format!(
                "{seconds} is not between 0 and {MAX_SECONDS}"
            ))),
        }
    }
}

impl JsonSchema for WaitSeconds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("WaitSeconds")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": MAX_SECONDS })
    }
}

/// The limits of a call that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// When the wait ends.
    until: Instant,
    /// When everything that its answer needs must have been read.
    pub(crate) read_by: Instant,
}

impl Limits {
    /// The limits of a call that began at `started` and may wait for `wait`: `--timeout` is added once.
    pub(crate) fn new(account: &Account, started: Instant, wait: Duration) -> Self {
        let until = started + wait;
        Self {
            until,
            read_by: time_to_read(account, until),
        }
    }
}

/// When a call that stops waiting at `from` must have read what its answer needs: a little before its deadline.
pub(crate) fn time_to_read(account: &Account, from: Instant) -> Instant {
    const TIME_TO_ANSWER: Duration = Duration::from_millis(250);
    let timeout = account.policy.timeout;
    from + timeout.saturating_sub(TIME_TO_ANSWER.min(timeout / 10))
}

/// How a call that waits continues.
pub(crate) enum Waited {
    /// The client follows the batch as a task; the call is answered with it now.
    AsTask(Task),
    /// The batch as it was last seen, and why it could not be read again, if that is so: a clause.
    Until(Seen, Option<String>),
}

/// Waits for a batch to be final in the way that the client supports. A batch that is final is not a task.
pub(crate) async fn wait_or_task(
    account: &Account,
    context: &RequestContext,
    reference: &TaskReference,
    seen: Seen,
    limits: Limits,
) -> Waited {
    if context.can_follow_tasks() && seen.finality() != Finality::Final {
        return Waited::AsTask(reference.task(account, &seen.batch, TaskState::Working));
    }
    // Most calls do not wait, and should not hold the room that waiting takes.
    let (seen, trouble) = Box::pin(until_final(account, context, &reference.scope, seen, limits)).await;
    Waited::Until(seen, trouble)
}

/// Polls a batch until it is final or cannot be read, the time is over, or the input has ended. Returns it as it was last seen.
///
/// A temporary failure, such as a rate limit, only makes the next pause longer.
async fn until_final(
    account: &Account,
    context: &RequestContext,
    scope: &Scope,
    mut seen: Seen,
    limits: Limits,
) -> (Seen, Option<String>) {
    let started = Instant::now();
    let PollPolicy { first, longest } = account.policy.poll;
    let batch = seen.batch.clone();
    let mut counting = pin!(files_in_directory(account, scope, &batch, limits.until));
    let mut counted = !seen.is_without_files();
    let (mut pause, mut trouble) = (first, None);
    loop {
        let left = limits.until.saturating_duration_since(Instant::now());
        if seen.finality() == Finality::Final || seen.hopeless().is_some() || left.is_zero() {
            return (seen, trouble);
        }
        let mut resting = pin!(sleep(pause.min(left)));
        loop {
            tokio::select! {
                () = &mut resting => break,
                files = &mut counting, if !counted => (counted, seen.files_in_directory) = (true, files),
                () = context.input_ended() => return (seen, trouble),
            }
        }
        // What `Retry-After` asked for may be too long to compute with.
        pause = (pause.min(longest) * 3 / 2).min(longest);
        // A poll that is cancelled midway must keep what was seen before it.
        let mut next = seen.clone();
        let looked = tokio::select! {
            looked = next.look_again(account, scope, limits.read_by) => looked,
            () = context.input_ended() => return (seen, trouble),
        };
        trouble = looked.as_ref().err().map(Error::cause);
        match looked {
            Ok(()) => seen = next,
            Err(error) => match error.advice() {
                Advice::Later(at_least) => pause = longest.max(at_least.unwrap_or_default()),
                Advice::Never | Advice::Fix(_) => return (seen, trouble),
            },
        }
        let elapsed = started.elapsed();
        let message = message(&seen, elapsed, trouble.as_deref());
        context.report_progress(Progress::Elapsed(elapsed), &message).await;
    }
}

/// Shape: `RUNNING after 34 s, 12 files`, `COMPLETED after 40 s, 10 of 12 files finished`.
fn message(seen: &Seen, elapsed: Duration, trouble: Option<&str>) -> String {
    let status = clean(seen.batch.status.as_str(), 60);
    let files = match (seen.files_ended(), seen.files_in_directory) {
        (Some((ended, all)), _) => format!(", {} of {} files finished", number(ended), number(all)),
        (None, Some(all)) => format!(", {}", wording::files(all)),
        (None, None) => String::new(),
    };
    let trouble = trouble.map_or(String::new(), |cause| format!("; {cause}; trying again"));
    format!("{status} after {} s{files}{trouble}", elapsed.as_secs())
}

//! Waiting for a batch to be final: how long, and what is told meanwhile.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::tasks::TaskReference;
use crate::llamacloud::{Advice, Batch, BatchId, Error, Scope};
use crate::mcp::{RequestContext, Task};

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

/// How often a batch is looked at while a call waits.
#[derive(Debug, Clone, Copy)]
pub struct PollPolicy {
    /// The pause before the first look; each further one is half as long again.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl PollPolicy {
    /// Pauses from `first` to five times as much.
    pub fn from(first: Duration) -> Self {
        Self {
            first,
            longest: first * 5,
        }
    }
}

/// Looks at a batch until it is final, the time is over, or the input has ended. Returns it as it was last seen, and why it could
/// not be looked at any more, if that is so.
///
/// Trouble that may pass, such as a rate limit, only makes the next pause longer.
pub(crate) async fn until_final(
    account: &Account,
    context: &RequestContext,
    scope: &Scope,
    mut batch: Batch,
    limit: Duration,
) -> (Batch, Option<Error>) {
    let started = Instant::now();
    let PollPolicy { first, longest } = account.policy.poll;
    let Ok(batch_id) = batch.id.parse::<BatchId>() else {
        return (batch, None);
    };
    let mut pause = first;
    loop {
        let left = limit.saturating_sub(started.elapsed());
        if batch.status.is_final() || left.is_zero() {
            return (batch, None);
        }
        tokio::select! {
            () = sleep(pause.min(left)) => {}
            () = context.input_ended() => return (batch, None),
        }
        // What `Retry-After` asked for may be too long to compute with.
        pause = (pause.min(longest) * 3 / 2).min(longest);
        match account
            .client
            .batches()
            .get(scope, &batch_id, &[], account.deadline())
            .await
        {
            Ok(seen) => batch = seen,
            Err(error) => match may_pass(&error) {
                Some(at_least) => pause = longest.max(at_least),
                None => return (batch, Some(error)),
            },
        }
        let elapsed = started.elapsed();
        let message = format!("{} after {} s", batch.status.as_str(), elapsed.as_secs());
        context
            .report_progress(milliseconds(elapsed.min(limit)), milliseconds(limit), &message)
            .await;
    }
}

/// How long to pause at least, if looking again may help.
fn may_pass(error: &Error) -> Option<Duration> {
    match error.advice() {
        Advice::Later(after) => Some(after.unwrap_or_default()),
        Advice::Never | Advice::Fix(_) => None,
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a call that waits comes to.
pub(crate) enum Waited {
    /// The client follows the batch as a task; the call is answered with it now.
    AsTask(Task),
    /// The batch as it was last seen, and why it could not be looked at any more, if that is so.
    Until(Batch, Option<Error>),
}

impl Waited {
    /// Waits for a batch in the way that the client can take: a batch that is final is no task.
    pub(crate) async fn begin(
        account: &Account,
        context: &RequestContext,
        reference: TaskReference,
        batch: Batch,
        limit: Duration,
    ) -> Self {
        if context.can_follow_tasks() && !batch.status.is_final() {
            return Self::AsTask(reference.working(account, &batch));
        }
        let (batch, trouble) = until_final(account, context, &reference.scope, batch, limit).await;
        Self::Until(batch, trouble)
    }
}

//! What follows a create, whichever tool made it: the wait for the batch, and what is answered about it.

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::batch::MAX_ID_CHARS;
use super::call::Call;
use super::outcomes::Seen;
use super::outcomes::report::BatchReport;
use super::outcomes::summary::Detail;
use super::task_reference::TaskReference;
use super::view;
use super::wait::{Limits, WaitSeconds, Waited, wait_or_task};
use crate::llamacloud::{How, Settled};
use crate::mcp::{InputRequired, Json, Outcome, ToolError};
use crate::untrusted::clean;

/// The batch that exists now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Creation {
    /// Whether this call created the batch; `false`: it existed already.
    created: bool,
    /// Whether LlamaCloud's response was lost and the batch was found in the list.
    #[serde(skip_serializing_if = "is_false")]
    recovered: bool,
    #[serde(flatten)]
    batch: BatchReport,
}

impl Creation {
    /// What is answered about a batch, and the sentences that follow those on how it came to be the answer. `trouble`: why the
    /// batch could not be read again during a wait.
    pub(super) fn of(call: &Call, seen: &Seen, how: &How, trouble: Option<&str>) -> (Self, String) {
        let (batch, sentences) = BatchReport::beside_status(&call.account, seen, trouble);
        let creation = Self {
            created: is_new(how),
            recovered: matches!(how, How::Recovered),
            batch,
        };
        (creation, format!("{sentences}{}", view::beside_answer(call)))
    }
}

/// How far a call has come.
pub(super) enum Step {
    Settled(Settled),
    Ask(InputRequired),
}

/// The end of a call that creates: the user is asked, or the batch is followed and answered with. `started`: when the call began.
pub(super) async fn finish<T>(
    call: &Call,
    step: Step,
    wait: Option<WaitSeconds>,
    mut started: Instant,
    answer: impl FnOnce(&Seen, &How, Option<&str>) -> Result<Json<T>, ToolError>,
) -> Result<Outcome<T>, ToolError> {
    let settled = match step {
        Step::Settled(settled) => settled,
        Step::Ask(question) => return Ok(Outcome::Ask(question)),
    };
    if call.account.policy.confirm_create {
        // The time that the user took does not count.
        started = Instant::now();
    }
    let how = settled.how.clone();
    match follow(call, settled, wait, started).await {
        Waited::AsTask(task) => Ok(Outcome::Task(task)),
        Waited::Until(seen, trouble) => answer(&seen, &how, trouble.as_deref()).map(Outcome::Done),
    }
}

/// Waits for the batch in the way that the client supports, if the call should wait. `started`: when the waiting began.
async fn follow(call: &Call, settled: Settled, wait: Option<WaitSeconds>, started: Instant) -> Waited {
    let Call {
        account,
        context,
        scope,
        ..
    } = call;
    let Settled { batch, how } = settled;
    if is_new(&how) {
        context.log_if_undelivered(format!("created batch {}", clean(&batch.id, MAX_ID_CHARS)));
    }
    let wait = wait.and_then(WaitSeconds::limit);
    let limits = Limits::new(account, started, wait.unwrap_or_default());
    let batch_id = batch.id.parse();
    let mut seen = Seen::of(account, scope, batch, limits.read_by).await;
    if let How::Created { files, .. } = how {
        seen.files_in_directory = files;
    }
    let (Some(_), Ok(batch_id)) = (wait, batch_id) else {
        return Waited::Until(seen, None);
    };
    let reference = TaskReference {
        batch_id,
        scope: scope.clone(),
        detail: Detail::Status,
        cursor: None,
    };
    wait_or_task(account, context, &reference, seen, limits).await
}

const fn is_new(how: &How) -> bool {
    matches!(how, How::Created { .. } | How::Recovered)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

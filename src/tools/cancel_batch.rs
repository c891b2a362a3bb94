//! `cancel_batch`: stops one batch. Offered only where the user started the server with `--allow-cancel`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::batch::{BatchFacts, check_again_in_seconds};
use super::call::{Answer, Call};
use super::error::{Failure, explain};
use crate::llamacloud::{Batch, BatchId, BatchStatus, Error, ErrorKind, Scope};
use crate::mcp::{Outcome, Tool, ToolAnnotations, ToolError};

/// Cancels one batch for good; there is no way to resume it. Use it only when the user asks to stop a batch. Files finished before
/// keep their results and their cost. Answers with the batch; it reaches CANCELLED once processing stops.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBatchInput {
    /// From `create_batch` or `list_batches`, `bat-…`.
    batch_id: BatchId,
}

/// The batch after the cancel.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CancelBatchOutput {
    /// Whether this call stopped it; `false`: there was nothing to cancel.
    cancelled: bool,
    #[serde(flatten)]
    batch: BatchFacts,
    /// How long to wait before looking again; absent once the status is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_again_in_seconds: Option<u32>,
}

pub(super) const FAILS: Failure = Failure {
    what: "The batch could not be cancelled",
    not_found: "Check `batch_id`: `list_batches` shows the batches that exist; batches of another project need its `project_id`.",
    ask_less: None,
};

/// The tool.
pub(crate) struct CancelBatch;

/// What a cancel came to.
pub(crate) enum Cancelled {
    /// The API took it.
    Taken(Batch),
    /// The batch was final already.
    WasFinal(Batch),
}

impl Tool<Call> for CancelBatch {
    const NAME: &'static str = "cancel_batch";
    const TITLE: &'static str = "Cancel batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::TAKES_AWAY;
    type Input = CancelBatchInput;
    type Output = Answer<CancelBatchOutput>;

    async fn call(
        &self,
        call: &Call,
        input: CancelBatchInput,
    ) -> Result<Outcome<Answer<CancelBatchOutput>>, ToolError> {
        let Call {
            context,
            account,
            scope,
            ..
        } = call;
        let CancelBatchInput { batch_id } = input;
        let ended = cancel(account, scope, &batch_id).await;
        let ended = ended.map_err(|error| explain(&FAILS, error, context, account))?;
        let (batch, cancelled) = match ended {
            Cancelled::Taken(batch) => (batch, true),
            Cancelled::WasFinal(batch) => (batch, false),
        };
        let facts = BatchFacts::from(&batch);
        let check_again = check_again_in_seconds(&batch, false, Timestamp::now());
        let BatchFacts { id, status, .. } = &facts;
        let sentence = match (cancelled, &batch.status) {
            (false, _) => format!("There was nothing to cancel: batch {id} is {status}, which is final."),
            (true, BatchStatus::Cancelled) => {
                format!(
                    "Batch {id} is CANCELLED. Files finished before that keep their results: `get_batch` shows them."
                )
            }
            (true, _) => format!(
                "Batch {id} is being cancelled and still {status}: it becomes CANCELLED once processing stops. Look again with \
                 `get_batch`{}.",
                check_again.map_or(String::new(), |seconds| format!(" in {seconds} seconds"))
            ),
        };
        let output = CancelBatchOutput {
            cancelled,
            batch: facts,
            check_again_in_seconds: check_again,
        };
        Outcome::done(&call.answer(&sentence, output))
    }
}

/// Cancels a batch; one that is final is no error. What the API answers for a final one is not documented, so its refusals are looked
/// into.
pub(crate) async fn cancel(account: &Account, scope: &Scope, batch_id: &BatchId) -> Result<Cancelled, Error> {
    let deadline = account.deadline();
    let error = match account.client.batches().cancel(scope, batch_id, deadline).await {
        Ok(batch) => return Ok(Cancelled::Taken(batch)),
        Err(error) => error,
    };
    if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Rejected { .. }) {
        let batch = account.client.batches().get(scope, batch_id, &[], deadline).await;
        if let Ok(batch) = batch
            && batch.status.is_final()
        {
            return Ok(Cancelled::WasFinal(batch));
        }
    }
    Err(error)
}

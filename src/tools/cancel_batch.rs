//! `cancel_batch`: stops one batch. Offered only where the user started the server with `--allow-cancel`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::account::Account;
use super::batch::BatchFacts;
use super::call::{Answer, Call};
use super::error::{Failure, NO_SUCH_BATCH, explain, with_advice};
use super::outcomes::Seen;
use super::outcomes::report::BatchReport;
use super::wait::time_to_read;
use crate::llamacloud::{Batch, BatchId, BatchStatus, Error, ErrorKind, Scope};
use crate::mcp::{Outcome, RequestContext, Tool, ToolAnnotations, ToolError};

/// Cancels one batch for good. Use it only when the user asks to stop a batch. Finished files keep their results and are still
/// charged; `retry_failed_files` can run the rest later. Returns the batch, which becomes CANCELLED once processing stops (see
/// `get_batch`); a final batch stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBatchInput {
    /// From `create_batch` or `list_batches`, `bat-…`.
    batch_id: BatchId,
}

/// The batch after the cancel.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CancelBatchOutput {
    /// Whether the batch was cancelled; `false`: it was final already, or it is not known yet. `summary` says which.
    cancelled: bool,
    #[serde(flatten)]
    batch: BatchReport,
}

const FAILS: Failure = Failure {
    what: "The batch could not be cancelled",
    not_found: NO_SUCH_BATCH,
    ask_less: None,
};

/// The tool.
pub(crate) struct CancelBatch;

/// Why there is no batch to show after a cancellation.
pub(crate) enum NotCancelled {
    /// Nothing was cancelled.
    Refused(Error),
    /// LlamaCloud's answer was lost or useless, and the batch could not be read afterwards.
    Unknown(Error),
}

/// How a cancellation ended, with the batch as it is now.
pub(crate) enum Cancelled {
    /// LlamaCloud accepted it.
    Accepted(Batch),
    /// The batch was final already.
    WasFinal(Batch),
    /// LlamaCloud's answer was lost or useless, for this reason (a clause).
    Unknown(Batch, String),
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
        let deadline = time_to_read(account, Instant::now());
        let ended = cancel(account, scope, &batch_id, deadline).await;
        let ended = ended.map_err(|failed| failed.explain(context, account))?;
        let sentence = ended.sentence();
        let cancelled = ended.is_cancelled();
        let (Cancelled::Accepted(batch) | Cancelled::WasFinal(batch) | Cancelled::Unknown(batch, _)) = ended;
        let seen = Seen::of(account, scope, batch, deadline).await;
        let (batch, sentences) = BatchReport::beside_status(account, &seen, None);
        let output = CancelBatchOutput { cancelled, batch };
        Outcome::done(&call.answer(format!("{sentence} {sentences}").trim_end(), output))
    }
}

impl Cancelled {
    fn is_cancelled(&self) -> bool {
        match self {
            Self::Accepted(_) => true,
            Self::WasFinal(_) => false,
            Self::Unknown(batch, _) => batch.status == BatchStatus::Cancelled,
        }
    }

    /// What happened to the batch.
    pub(crate) fn sentence(&self) -> String {
        let (Self::Accepted(batch) | Self::WasFinal(batch) | Self::Unknown(batch, _)) = self;
        let BatchFacts { id, status, .. } = BatchFacts::from(batch);
        match (self, &batch.status) {
            (Self::WasFinal(_), _) => format!("Nothing was cancelled: batch {id} is already {status}."),
            (_, BatchStatus::Cancelled) => {
                format!("Batch {id} is CANCELLED. Files that had finished keep their results.")
            }
            (Self::Accepted(_), _) => {
                format!(
                    "Batch {id} is being cancelled and is still {status}: it becomes CANCELLED once processing stops."
                )
            }
            (Self::Unknown(_, cause), is) if is.is_final() => {
                format!("LlamaCloud's response to the cancellation was lost ({cause}). Batch {id} is {status}.")
            }
            (Self::Unknown(_, cause), _) => format!(
                "LlamaCloud's response to the cancellation was lost ({cause}). Batch {id} is still {status}; if it is not \
                 CANCELLED at the next check, call `cancel_batch` again."
            ),
        }
    }
}

impl NotCancelled {
    /// What went wrong, and what to do next.
    pub(crate) fn explain(self, context: &RequestContext, account: &Account) -> ToolError {
        match self {
            Self::Refused(error) => explain(&FAILS, error, context, account),
            Self::Unknown(error) => {
                let text = format!(
                    "It is not known whether the batch was cancelled: LlamaCloud's response to the cancellation was lost ({}), and \
                     the batch could not be read afterwards. In a minute, call `get_batch`. If the batch is not CANCELLED then, \
                     call `cancel_batch` again.",
                    error.cause()
                );
                with_advice(text, error)
            }
        }
    }

    /// Whether LlamaCloud has no such batch.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(error) if *error.kind() == ErrorKind::NotFound)
    }
}

/// Cancels a batch; one that is final is no error.
///
/// LlamaCloud does not document what it answers for a final batch, and an answer can be lost: then the batch is read.
pub(crate) async fn cancel(
    account: &Account,
    scope: &Scope,
    batch_id: &BatchId,
    deadline: Instant,
) -> Result<Cancelled, NotCancelled> {
    // What is left of the time is for reading the batch.
    let send_by = deadline.checked_sub(account.policy.timeout / 3).unwrap_or(deadline);
    let error = match account.client.cancel_batch(scope, batch_id, send_by).await {
        Ok(batch) if matches!(batch.status, BatchStatus::Completed | BatchStatus::Failed) => {
            return Ok(Cancelled::WasFinal(batch));
        }
        Ok(batch) => return Ok(Cancelled::Accepted(batch)),
        Err(error) => error,
    };
    let was_refused = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Rejected { .. });
    if error.had_no_effect() && !was_refused {
        return Err(NotCancelled::Refused(error));
    }
    match account.client.get_batch(scope, batch_id, deadline).await {
        Ok(batch) if was_refused && batch.status.is_final() => Ok(Cancelled::WasFinal(batch)),
        Ok(batch) if !was_refused => Ok(Cancelled::Unknown(batch, error.cause())),
        _ if was_refused => Err(NotCancelled::Refused(error)),
        _ => Err(NotCancelled::Unknown(error)),
    }
}

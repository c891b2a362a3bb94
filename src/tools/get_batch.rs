//! `get_batch`: one batch, and on request what became of its files.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::account::Account;
use super::answer::{Answer, GetBatchOutput};
use super::batch::check_again_in_seconds;
use super::call::Call;
use super::cursor::Cursor;
use super::error::{Failure, explain};
use super::files::{Files, stale_cursor};
use super::lookups::Outcomes;
use super::summary::Detail;
use super::tasks::TaskReference;
use super::token::Token;
use super::wait::{WaitSeconds, Waited};
use crate::llamacloud::{BatchId, Expand};
use crate::mcp::{Json, Outcome, RequestContext, Tool, ToolAnnotations, ToolError};

/// What is left of a call's time when its lookups end, for the answer itself.
const TIME_TO_ANSWER: Duration = Duration::from_millis(250);

/// Reads one batch: its status and, with `expand`, what became of its files. Use it to follow a batch, waiting
/// `check_again_in_seconds` between calls until `final` is true. Changes and costs nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetBatchInput {
    /// From `create_batch` or `list_batches`, `bat-…`.
    batch_id: BatchId,
    /// `outcomes` adds each file's name, how its job ended and why it failed; `results` only job IDs, in one request,
    /// not up to 15. Default: the status alone.
    expand: Option<Vec<Expansion>>,
    /// `next_results_cursor` of the answer before, for more files.
    results_cursor: Option<Token>,
    /// Wait up to so long, 0 to 300 s, for a final status. Default: 0.
    wait_seconds: Option<WaitSeconds>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Expansion {
    Outcomes,
    Results,
}

pub(super) const FAILS: Failure = Failure {
    what: "The batch could not be read",
    not_found: "Check `batch_id`: `list_batches` shows the batches that exist; batches of another project need its `project_id`.",
    ask_less: Some("Ask for less: leave `expand` out."),
};

/// The tool.
pub(crate) struct GetBatch;

impl Tool<Call> for GetBatch {
    const NAME: &'static str = "get_batch";
    const TITLE: &'static str = "Get batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::READ_ONLY;
    type Input = GetBatchInput;
    type Output = GetBatchOutput;

    async fn call(&self, call: &Call, input: GetBatchInput) -> Result<Outcome<GetBatchOutput>, ToolError> {
        let started = Instant::now();
        let Call { context, account, .. } = call;
        let cursor = input
            .results_cursor
            .map(|Token(text)| Cursor::decode(&text).ok_or_else(stale_cursor));
        let cursor = cursor.transpose()?;
        let detail = detail(&input.expand.unwrap_or_default(), cursor.as_ref());
        let reference = TaskReference {
            batch_id: input.batch_id,
            scope: call.scope.clone(),
            detail,
        };
        if let Some(limit) = input.wait_seconds.and_then(WaitSeconds::limit) {
            let TaskReference { batch_id, scope, .. } = &reference;
            let batch = account
                .client
                .batches()
                .get(scope, batch_id, &[], account.deadline())
                .await;
            let batch = batch.map_err(|error| explain(&FAILS, error, context, account))?;
            let left = limit.saturating_sub(started.elapsed());
            if let Waited::AsTask(task) = Waited::begin(account, context, reference.clone(), batch, left).await {
                return Ok(Outcome::Task(task));
            }
        }
        Ok(answer(account, context, &reference, cursor.as_ref()).await?.into())
    }
}

/// What there is to say of a batch now.
///
/// # Errors
/// What the model reads when the batch cannot be read, or the cursor does not fit it.
pub(crate) async fn answer(
    account: &Account,
    context: &RequestContext,
    reference: &TaskReference,
    cursor: Option<&Cursor>,
) -> Result<Json<GetBatchOutput>, ToolError> {
    let TaskReference {
        batch_id,
        scope,
        detail,
    } = reference;
    let detail = *detail;
    let expand: &[Expand] = if detail == Detail::Status {
        &[]
    } else {
        &[Expand::Results]
    };
    let deadline = account.deadline();
    let batch = account.client.batches().get(scope, batch_id, expand, deadline).await;
    let mut batch = batch.map_err(|error| explain(&FAILS, error, context, account))?;
    let results = batch.results.take().filter(|_| detail != Detail::Status);
    if cursor.is_some() && results.is_none() {
        return Err(stale_cursor());
    }
    let outcomes = match &results {
        Some(results) if detail == Detail::Outcomes => {
            let deadline = deadline
                .checked_sub(TIME_TO_ANSWER)
                .unwrap_or(deadline)
                .max(Instant::now());
            Some(Outcomes::look_up(account, scope, &batch, results, deadline).await)
        }
        _ => None,
    };
    let files = results.map(|results| Files::of(&batch.id, &results, outcomes.as_ref(), cursor));
    let files = files.transpose()?;
    let unfinished = files.as_ref().is_some_and(|files| files.counts.unfinished() > 0);
    let answer = Answer {
        account,
        batch: &batch,
        detail,
        files: files.as_ref(),
        gaps: outcomes.as_ref().map_or(&[], |outcomes| &outcomes.gaps),
        check_again_in_seconds: check_again_in_seconds(&batch, unfinished, Timestamp::now()),
    };
    answer.within(account.policy.max_result_chars)
}

/// What is asked about the files: what `expand` says, else what the cursor was made for.
fn detail(expand: &[Expansion], cursor: Option<&Cursor>) -> Detail {
    match cursor {
        _ if expand.contains(&Expansion::Outcomes) => Detail::Outcomes,
        _ if !expand.is_empty() => Detail::Results,
        Some(cursor) if cursor.outcomes => Detail::Outcomes,
        Some(_) => Detail::Results,
        None => Detail::Status,
    }
}

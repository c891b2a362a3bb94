//! `get_batch`: one batch, and on request how each of its files ended.

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::account::Account;
use super::call::Call;
use super::error::{Failure, NO_SUCH_BATCH, explain};
use super::outcomes::files::{Cursor, Rows, stale_cursor};
use super::outcomes::page::{Answer, GetBatchOutput};
use super::outcomes::summary::Detail;
use super::outcomes::{Depth, Seen, files_in_directory};
use super::task_reference::TaskReference;
use super::token::Token;
use super::wait::{Limits, WaitSeconds, Waited, time_to_read, wait_or_task};
use crate::llamacloud::BatchId;
use crate::mcp::{Json, Outcome, Tool, ToolAnnotations, ToolError};

/// Reads one batch: `status`, `final` (true: nothing runs any more), and, once COMPLETED or CANCELLED, `files` (how many
/// succeeded or failed) and `problems` (reasons, grouped). COMPLETED alone is not done: jobs can still run. Until `final`, use
/// `wait_seconds` or call again after `check_again_in_seconds`; after a few waits, report the state and stop. FAILED: no reliable
/// results. For text or data use `read_result`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetBatchInput {
    /// From `create_batch` or `list_batches`, `bat-…`.
    batch_id: BatchId,
    /// Give one; rows come in `results`. `problems`: files that did not succeed (name, error). `outcomes`: all files, failed
    /// first (name, error, ID, `job_id`). `results`: job IDs only.
    expand: Option<Vec<Expansion>>,
    /// `next_results_cursor` of the previous page; other arguments unchanged.
    results_cursor: Option<Token>,
    /// Waits up to this many seconds for `final`; over 50, some hosts time out. Default: 0.
    wait_seconds: Option<WaitSeconds>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Expansion {
    Problems,
    Outcomes,
    Results,
}

pub(super) const FAILS: Failure = Failure {
    what: "The batch could not be read",
    not_found: NO_SUCH_BATCH,
    ask_less: Some("Ask for less: omit `expand`."),
};

impl GetBatchInput {
    /// Asks for the status of a batch and nothing else.
    pub(crate) const fn status_of(batch_id: BatchId) -> Self {
        Self {
            batch_id,
            expand: None,
            results_cursor: None,
            wait_seconds: None,
        }
    }
}

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
        let Call {
            context,
            account,
            scope,
            ..
        } = call;
        let cursor = input
            .results_cursor
            .map(|Token(text)| Cursor::decode(&text).ok_or_else(stale_cursor));
        let cursor = cursor.transpose()?;
        let reference = TaskReference {
            batch_id: input.batch_id,
            scope: scope.clone(),
            detail: detail(&input.expand.unwrap_or_default(), cursor.as_ref()),
            cursor,
        };
        let TaskReference {
            batch_id,
            detail,
            cursor,
            ..
        } = &reference;
        let wait = input.wait_seconds.and_then(WaitSeconds::limit);
        let first = if wait.is_some() { Depth::Ended } else { depth(*detail) };
        let deadline = time_to_read(account, started);
        let seen = Seen::read(account, scope, batch_id, first, deadline).await;
        let mut seen = seen.map_err(|error| explain(&FAILS, error, context, account))?;
        let Some(wait) = wait else {
            if *detail != Detail::Results && seen.is_without_files() && !seen.batch.status.is_final() {
                seen.files_in_directory = files_in_directory(account, scope, &seen.batch, deadline).await;
            }
            return Ok(answer(account, &seen, *detail, cursor.as_ref(), None)?.into());
        };
        let limits = Limits::new(account, started, wait);
        match wait_or_task(account, context, &reference, seen, limits).await {
            Waited::AsTask(task) => Ok(Outcome::Task(task)),
            Waited::Until(mut seen, trouble) => {
                if trouble.is_none() && !context.has_input_ended() {
                    seen.read_files(account, scope, depth(*detail), limits.read_by).await;
                }
                Ok(answer(account, &seen, *detail, cursor.as_ref(), trouble.as_deref())?.into())
            }
        }
    }
}

/// The answer about a batch as it was seen.
///
/// # Errors
/// What the model reads when the cursor does not fit the batch.
pub(crate) fn answer(
    account: &Account,
    seen: &Seen,
    detail: Detail,
    cursor: Option<&Cursor>,
    trouble: Option<&str>,
) -> Result<Json<GetBatchOutput>, ToolError> {
    let answer = Answer {
        account,
        seen,
        detail,
        cursor,
        trouble,
    };
    answer.within(account.policy.max_result_chars)
}

/// How much has to be read for an answer.
pub(crate) const fn depth(detail: Detail) -> Depth {
    match detail {
        Detail::Status => Depth::Ended,
        Detail::Results => Depth::Mapping,
        Detail::Problems | Detail::Outcomes => Depth::Outcomes,
    }
}

/// The requested details about the files: those of the cursor, else those of `expand`.
fn detail(expand: &[Expansion], cursor: Option<&Cursor>) -> Detail {
    let rows = cursor.map(|cursor| cursor.rows);
    match rows {
        Some(Rows::All) => Detail::Outcomes,
        Some(Rows::Problems) => Detail::Problems,
        Some(Rows::Mapping) => Detail::Results,
        None if expand.contains(&Expansion::Outcomes) => Detail::Outcomes,
        None if expand.contains(&Expansion::Problems) => Detail::Problems,
        None if expand.contains(&Expansion::Results) => Detail::Results,
        None => Detail::Status,
    }
}

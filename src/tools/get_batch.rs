//! `get_batch`: one batch, and on request what became of its files.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::account::Account;
use super::answer::{Answer, GetBatchOutput};
use super::batch::check_again_in_seconds;
use super::cursor::Cursor;
use super::error::{Operation, explain};
use super::files::{Files, stale_cursor};
use super::lookups::Outcomes;
use super::summary::Detail;
use crate::llamacloud::{BatchId, Expand, OrganizationId, ProjectId};
use crate::mcp::{RequestContext, Tool, ToolAnnotations, ToolError};

/// What is left of a call's time when its lookups end, for the answer itself.
const TIME_TO_ANSWER: Duration = Duration::from_millis(250);

/// Reads one LlamaCloud batch: its status, what that means and, on request, what became of its files. Use it to follow a batch from
/// `create_batch` or `list_batches`, waiting `check_again_in_seconds` between calls until `final` is true; then expand `outcomes` once.
/// Changes and costs nothing. Answers with `summary` and the batch; with `expand` also file counts, grouped problems and a page of files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetBatchInput {
    /// Batch ID, as `create_batch` or `list_batches` gave it.
    batch_id: BatchId,
    /// What to add, problem files first. `outcomes`: each file's name, how its own job ended, and why it failed. `results`: each file's
    /// job ID, or why it has none; one request instead of up to 15. Left out: the status alone.
    #[schemars(length(max = 2))]
    expand: Option<Vec<Expansion>>,
    /// `next_results_cursor` of the answer before, for the next page of files; implies its `expand`.
    #[schemars(length(min = 1, max = 2000))]
    results_cursor: Option<String>,
    /// Project UUID. Left out: the API key's own project.
    project_id: Option<ProjectId>,
    /// Organization UUID. Left out: the API key's own.
    organization_id: Option<OrganizationId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Expansion {
    Outcomes,
    Results,
}

/// The tool.
pub(crate) struct GetBatch {
    account: Account,
}

impl GetBatch {
    pub(crate) const fn new(account: Account) -> Self {
        Self { account }
    }
}

impl Tool for GetBatch {
    const NAME: &'static str = "get_batch";
    const TITLE: &'static str = "Get batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations {
        read_only_hint: true,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: false,
    };
    type Input = GetBatchInput;
    type Output = GetBatchOutput;

    async fn call(&self, context: &RequestContext, input: GetBatchInput) -> Result<GetBatchOutput, ToolError> {
        let GetBatchInput {
            batch_id,
            expand,
            results_cursor,
            project_id,
            organization_id,
        } = input;
        let account = &self.account;
        let scope = account.scope(project_id, organization_id)?;
        let cursor = results_cursor
            .as_deref()
            .map(|text| Cursor::decode(text).ok_or_else(stale_cursor));
        let cursor = cursor.transpose()?;
        let detail = detail(&expand.unwrap_or_default(), cursor.as_ref());
        let expand: &[Expand] = if detail == Detail::Status {
            &[]
        } else {
            &[Expand::Results]
        };
        let deadline = account.deadline();
        let batch = account.client.batches().get(&scope, &batch_id, expand, deadline).await;
        let mut batch = batch.map_err(|error| explain(Operation::Get(&batch_id), error, context, account))?;
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
                Some(Outcomes::look_up(account, &scope, &batch, results, deadline).await)
            }
            _ => None,
        };
        let files = results.map(|results| Files::of(&batch.id, &results, outcomes.as_ref(), cursor.as_ref()));
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
        Ok(answer.within(account.policy.max_result_chars))
    }
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

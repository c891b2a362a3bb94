//! `list_batches`: the batches of the account, filtered, a page at a time.

mod entry;
mod summary;

use std::num::NonZeroU32;

use futures_util::future::FutureExt;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::entry::{Entry, InCommon, ListedBatch};
use self::summary::summarize;
use super::account::Account;
use super::call::{Answer, Call};
use super::date::DateOrInstant;
use super::error::Failure;
use super::listing::PageEnd;
use super::prefixed::Prefixed;
use super::token::Token;
use crate::llamacloud::{self, BatchStatus, DirectoryId, Page};
use crate::mcp::{Json, Outcome, Tool, ToolAnnotations, ToolError};

const DEFAULT_PAGE_SIZE: u32 = 20;
/// How many batches are counted on one page. Counting one of 1,000 files takes 14 requests.
const MAX_COUNTED: u32 = 10;
/// How many batches are counted at the same time.
const AT_ONCE: usize = 4;

/// Lists batches: finds a batch ID, or whether a timed-out `create_batch` succeeded; for a known batch use
/// `get_batch`. Returns `now` (UTC), `batches` (`id`, `status`, `created_at`, `source_directory_id`, `job_type`,
/// `configuration_id`), `in_common` (what all share, omitted from each), `next_page_token`, and `summary` (this page by status).
/// For failed or running files, set `expand: ["counts"]` and omit `status`: COMPLETED batches can have some.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListBatchesInput {
    /// Only this status.
    status: Option<Status>,
    /// Only this directory (a retry has its own).
    source_directory_id: Option<Prefixed<DirectoryId>>,
    /// Creation, not finish: RFC 3339 with offset, or a date (its start in UTC).
    created_at_on_or_after: Option<DateOrInstant>,
    /// Same formats; a date means its end in UTC.
    created_at_on_or_before: Option<DateOrInstant>,
    /// `counts`: adds `files` (`completed`, `failed`, `running`) to COMPLETED and CANCELLED batches; then at most 10 a page.
    expand: Option<Vec<Expansion>>,
    /// Default: 20; a page can be shorter.
    #[schemars(range(min = 1))]
    page_size: Option<NonZeroU32>,
    /// `next_page_token` of the previous page; other arguments unchanged.
    page_token: Option<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Expansion {
    Counts,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Pending,
    Throttled,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl From<Status> for BatchStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Throttled => Self::Throttled,
            Status::Running => Self::Running,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// One page of batches.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListBatchesOutput {
    /// Current time, UTC.
    now: String,
    /// Values that all `batches` share; omitted from each.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_common: Option<InCommon>,
    /// The batches. `updated_at` is omitted if it equals `created_at`.
    batches: Vec<ListedBatch>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

const FAILS: Failure = Failure {
    what: "The batches could not be listed",
    not_found: "No such directory or project: check `source_directory_id` (`list_directories` shows the directories) and `project_id`.",
    ask_less: Some("Ask for less with a smaller `page_size`."),
};

/// The tool.
pub(crate) struct ListBatches;

/// The answer for a page, shortened step by step until it fits.
fn answer(account: &Account, entries: &[Entry], end: &PageEnd, now: Timestamp) -> Answer<ListBatchesOutput> {
    const LEFT_OUT: [&[&str]; 3] = [&[], &["updated_at"], &["updated_at", "configuration_id"]];
    let [.., last] = LEFT_OUT;
    let answers = LEFT_OUT
        .into_iter()
        .map(|left_out| answer_without(account, entries, end, now, left_out));
    let max_chars = account.policy.max_result_chars;
    answers
        .into_iter()
        .find(|answer| Json::of(answer).is_ok_and(|json| json.chars() <= max_chars))
        .unwrap_or_else(|| answer_without(account, entries, end, now, last))
}

fn answer_without(
    account: &Account,
    entries: &[Entry],
    end: &PageEnd,
    now: Timestamp,
    left_out: &[&str],
) -> Answer<ListBatchesOutput> {
    let mut batches: Vec<ListedBatch> = entries.iter().map(Entry::facts).collect();
    let in_common = InCommon::take_out(&mut batches);
    for ListedBatch { batch, .. } in &mut batches {
        if batch.updated_at == batch.created_at || left_out.contains(&"updated_at") {
            batch.updated_at = None;
        }
        if left_out.contains(&"configuration_id") {
            batch.configuration_id.clear();
        }
    }
    Answer {
        summary: account.summary(&summarize(entries, end, left_out)),
        data: ListBatchesOutput {
            now: format!("{now:.0}"),
            in_common,
            batches,
            next_page_token: end.next_page_token.clone(),
        },
    }
}

impl Tool<Call> for ListBatches {
    const NAME: &'static str = "list_batches";
    const TITLE: &'static str = "List batches";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::READ_ONLY;
    type Input = ListBatchesInput;
    type Output = Answer<ListBatchesOutput>;

    async fn call(&self, call: &Call, input: ListBatchesInput) -> Result<Outcome<Self::Output>, ToolError> {
        let after = input.created_at_on_or_after.map(DateOrInstant::first);
        let before = input.created_at_on_or_before.map(DateOrInstant::last);
        if let (Some(after), Some(before)) = (after, before)
            && after > before
        {
            return Err(ToolError::about_arguments(
                "`created_at_on_or_after` is later than `created_at_on_or_before`, so nothing could match. Nothing was sent. \
                 Correct this and call `list_batches` again.",
            ));
        }
        let counts = input.expand.is_some_and(|expand| expand.contains(&Expansion::Counts));
        let filters = llamacloud::ListBatches {
            status: input.status.map(BatchStatus::from),
            source_directory_id: input.source_directory_id.map(|Prefixed(id)| id),
            created_at_on_or_after: after,
            created_at_on_or_before: before,
            ..llamacloud::ListBatches::default()
        };
        let fetch = async |window| {
            let query = llamacloud::ListBatches {
                window,
                ..filters.clone()
            };
            let page = call
                .account
                .client
                .list_batches(&call.scope, &query, call.deadline)
                .await?;
            let items = if counts {
                let entries = page.items.into_iter().map(|batch| Entry::counted(call, batch).boxed());
                stream::iter(entries.collect::<Vec<_>>())
                    .buffered(AT_ONCE)
                    .collect()
                    .await
            } else {
                page.items.into_iter().map(Entry::from).collect()
            };
            Ok(Page {
                items,
                next_page_token: page.next_page_token,
            })
        };
        let page_size = input.page_size.map_or(DEFAULT_PAGE_SIZE, NonZeroU32::get);
        let page_size = if counts { page_size.min(MAX_COUNTED) } else { page_size };
        let now = Timestamp::now();
        let answer = |entries: &[Entry], end| answer(&call.account, entries, &end, now);
        let json = call.list(&FAILS, page_size, input.page_token, fetch, answer).await?;
        Ok(json.into())
    }
}

#[cfg(test)]
mod tests;

//! `list_batches`: the batches of the account, filtered, a page at a time.

use std::num::NonZeroU32;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::batch::BatchFacts;
use super::call::{Answer, Call};
use super::date::DateOrInstant;
use super::error::Failure;
use super::listing::PageEnd;
use super::token::Token;
use super::wording::{number, plural};
use crate::llamacloud::{self, Batch, BatchStatus, DirectoryId, Page, Window};
use crate::mcp::{Json, Outcome, Tool, ToolAnnotations, ToolError};

const DEFAULT_PAGE_SIZE: u32 = 20;

/// Lists batches, newest first. Use it to find a batch without its ID, or to see whether an interrupted or timed-out
/// `create_batch` succeeded; use `get_batch` for one known batch. Returns `now` (UTC), `batches` (`id`, `status`, …) and
/// `next_page_token`; `summary` counts this page by status. COMPLETED does not mean that every file succeeded, and
/// `status: "FAILED"` does not find COMPLETED batches with failed files. Changes and costs nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListBatchesInput {
    /// Only batches in this status.
    status: Option<Status>,
    /// Only batches of this directory, `dir-…`.
    source_directory_id: Option<DirectoryId>,
    /// Creation time, not finish time. RFC 3339 with offset, or a date: from its first instant in UTC.
    created_at_on_or_after: Option<DateOrInstant>,
    /// The same; a date: to its last instant in UTC.
    created_at_on_or_before: Option<DateOrInstant>,
    /// At least 1; fewer are returned if the answer would be too long. Default: 20.
    #[schemars(range(min = 1))]
    page_size: Option<NonZeroU32>,
    /// `next_page_token` of the previous page; repeat the other arguments unchanged.
    page_token: Option<Token>,
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
    /// What all of `batches` have in common; left out of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_common: Option<InCommon>,
    /// The batches, newest first. `updated_at` is left out where it equals `created_at`.
    batches: Vec<BatchFacts>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// What several batches share. A member that differs between them, or that none has, is left out.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct InCommon {
    /// Type of their jobs.
    #[serde(skip_serializing_if = "String::is_empty")]
    job_type: String,
    /// Configuration of their jobs.
    #[serde(skip_serializing_if = "String::is_empty")]
    configuration_id: String,
    /// Directory whose files they process.
    #[serde(skip_serializing_if = "String::is_empty")]
    source_directory_id: String,
    /// Project they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
}

impl InCommon {
    /// Takes what is the same for all out of each; nothing from a single batch.
    fn take_out(batches: &mut [BatchFacts]) -> Option<Self> {
        if batches.len() < 2 {
            return None;
        }
        let common = Self {
            job_type: take_shared(batches, |batch| &mut batch.job_type),
            configuration_id: take_shared(batches, |batch| &mut batch.configuration_id),
            source_directory_id: take_shared(batches, |batch| &mut batch.source_directory_id),
            project_id: take_shared(batches, |batch| &mut batch.project_id),
        };
        (common != Self::default()).then_some(common)
    }
}

/// The value that a member has in all batches, taken out of them; nothing where it differs.
fn take_shared<T: Default + PartialEq>(batches: &mut [BatchFacts], member: impl Fn(&mut BatchFacts) -> &mut T) -> T {
    let Some((first, others)) = batches.split_first_mut() else {
        return T::default();
    };
    let first = member(first);
    if others.iter_mut().any(|other| member(other) != first) {
        return T::default();
    }
    for other in others {
        *member(other) = T::default();
    }
    std::mem::take(first)
}

const FAILS: Failure = Failure {
    what: "The batches could not be listed",
    not_found: "Check `source_directory_id` and `project_id` with the user.",
    ask_less: Some("Ask for less with a smaller `page_size`."),
};

/// The tool.
pub(crate) struct ListBatches;

/// The answer for a page: the first of ever shorter ones that fits.
fn answer(account: &Account, batches: &[Batch], end: &PageEnd, now: Timestamp) -> Answer<ListBatchesOutput> {
    const LEFT_OUT: [&[&str]; 3] = [&[], &["updated_at"], &["updated_at", "configuration_id"]];
    let [.., last] = LEFT_OUT;
    let answers = LEFT_OUT
        .into_iter()
        .map(|left_out| answer_without(account, batches, end, now, left_out));
    let max_chars = account.policy.max_result_chars;
    answers
        .into_iter()
        .find(|answer| Json::of(answer).is_ok_and(|json| json.chars() <= max_chars))
        .unwrap_or_else(|| answer_without(account, batches, end, now, last))
}

fn answer_without(
    account: &Account,
    batches: &[Batch],
    end: &PageEnd,
    now: Timestamp,
    left_out: &[&str],
) -> Answer<ListBatchesOutput> {
    let mut facts: Vec<BatchFacts> = batches.iter().map(BatchFacts::from).collect();
    let in_common = InCommon::take_out(&mut facts);
    for batch in &mut facts {
        if batch.updated_at == batch.created_at || left_out.contains(&"updated_at") {
            batch.updated_at = None;
        }
        if left_out.contains(&"configuration_id") {
            batch.configuration_id.clear();
        }
    }
    Answer {
        summary: account.summary(&summarize(batches, end, left_out)),
        data: ListBatchesOutput {
            now: format!("{now:.0}"),
            in_common,
            batches: facts,
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
        let filters = llamacloud::ListBatches {
            status: input.status.map(BatchStatus::from),
            source_directory_id: input.source_directory_id,
            created_at_on_or_after: after,
            created_at_on_or_before: before,
            ..llamacloud::ListBatches::default()
        };
        let fetch = async |Window { page_size, page_token }| {
            let query = llamacloud::ListBatches {
                page_size,
                page_token,
                ..filters.clone()
            };
            let batches = call.account.client.batches();
            let page = batches.list(&call.scope, &query, call.deadline).await?;
            Ok(Page {
                items: page.items,
                next_page_token: page.next_page_token,
            })
        };
        let page_size = input.page_size.map_or(DEFAULT_PAGE_SIZE, NonZeroU32::get);
        let now = Timestamp::now();
        let answer = |batches: &[Batch], end| answer(&call.account, batches, &end, now);
        let json = call.list(&FAILS, page_size, input.page_token, fetch, answer).await?;
        Ok(json.into())
    }
}

fn summarize(batches: &[Batch], end: &PageEnd, left_out: &[&str]) -> String {
    if batches.is_empty() {
        return end.more().map_or_else(
            || "No batch matches. Use fewer filters, or another project.".to_owned(),
            |more| format!("This page has no batches. {more}"),
        );
    }
    let on_this_page = if end.has_more() || end.hidden > 0 {
        " on this page"
    } else {
        ""
    };
    let count = number(batches.len() + end.hidden);
    let noun = plural(batches.len() + end.hidden, "batch", "batches");
    let mut sentences = vec![if end.hidden == 0 {
        format!("{count} {noun}{on_this_page}: {}.", by_status(batches))
    } else {
        format!(
            "{count} {noun}{on_this_page}, of which the first {} fit into this answer: {}. Filter by status, directory or date to see \
             the others.",
            number(batches.len()),
            by_status(batches)
        )
    }];
    if batches.iter().any(|batch| batch.status == BatchStatus::Completed) {
        sentences
            .push("COMPLETED does not mean that every file succeeded: `get_batch` counts the failed ones.".to_owned());
    }
    sentences.extend(oldest_unfinished(batches));
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|name| format!("`{name}`")).collect();
        let are = plural(names.len(), "is", "are");
        let names = names.join(" and ");
        sentences.push(format!("To save space, {names} {are} left out; `get_batch` has them."));
    }
    sentences.extend(end.more().map(str::to_owned));
    sentences.join(" ")
}

fn by_status(batches: &[Batch]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for batch in batches {
        let status = batch.status.as_str();
        match counts.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => counts.push((status, 1)),
        }
    }
    let counts = counts
        .iter()
        .map(|(status, count)| format!("{count} {}", crate::foreign::clean(status, 60)));
    counts.collect::<Vec<_>>().join(", ")
}

fn oldest_unfinished(batches: &[Batch]) -> Option<String> {
    let unfinished = || batches.iter().filter(|batch| !batch.status.is_final());
    let oldest = unfinished().min_by_key(|batch| (batch.created().is_none(), batch.created()))?;
    let BatchFacts {
        id, status, created_at, ..
    } = BatchFacts::from(oldest);
    let since = created_at.map_or(String::new(), |created_at| format!(", created {created_at}"));
    let which = if unfinished().count() == 1 {
        "Unfinished"
    } else {
        "The oldest unfinished batch"
    };
    Some(format!("{which}: {id} ({status}{since}); follow it with `get_batch`."))
}

#[cfg(test)]
mod tests;

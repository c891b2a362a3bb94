//! `list_batches`: the batches of the account, filtered, a page at a time.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::batch::BatchFacts;
use super::call::Call;
use super::error::{Failure, explain};
use super::moment::Moment;
use super::token::Token;
use super::wording::{number, plural};
use crate::llamacloud::{self, Batch, BatchPage, BatchStatus, DirectoryId};
use crate::mcp::{Outcome, Tool, ToolAnnotations, ToolError};

const DEFAULT_PAGE_SIZE: u32 = 20;

/// Lists batches, filtered. Use it to find a batch without its ID, or to see whether an interrupted `create_batch`
/// worked; for one known batch use `get_batch`. Changes and costs nothing. `summary` counts by status.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListBatchesInput {
    /// Only this status.
    status: Option<Status>,
    /// Only this directory, `dir-…`.
    source_directory_id: Option<DirectoryId>,
    /// RFC 3339 with offset, or a date: its start in UTC.
    created_at_on_or_after: Option<Moment>,
    /// Same forms; not before the other.
    created_at_on_or_before: Option<Moment>,
    /// At least 1; fewer come if the answer got too long. Default: 20.
    #[schemars(range(min = 1))]
    page_size: Option<NonZeroU32>,
    /// `next_page_token` of the page before, all else unchanged.
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
    /// The answer in a few sentences, with what to do next.
    summary: String,
    /// What is the same for all of `batches`, told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_common: Option<InCommon>,
    /// The batches, in the API's order. `updated_at` is left out where it equals `created_at`.
    batches: Vec<BatchFacts>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
    /// How many there are in all, where the API says so; an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_size: Option<u64>,
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

/// The answer for a page, the first of ever briefer ones that fits.
fn output(account: &Account, page: &BatchPage, max_chars: usize) -> ListBatchesOutput {
    let mut output = output_without(account, page, &[]);
    for left_out in [&["updated_at"][..], &["updated_at", "configuration_id"]] {
        if length(&output) <= max_chars {
            break;
        }
        output = output_without(account, page, left_out);
    }
    output
}

fn output_without(account: &Account, page: &BatchPage, left_out: &[&str]) -> ListBatchesOutput {
    let mut batches: Vec<BatchFacts> = page.items.iter().map(BatchFacts::from).collect();
    let in_common = InCommon::take_out(&mut batches);
    for batch in &mut batches {
        if batch.updated_at == batch.created_at || left_out.contains(&"updated_at") {
            batch.updated_at = None;
        }
        if left_out.contains(&"configuration_id") {
            batch.configuration_id.clear();
        }
    }
    ListBatchesOutput {
        summary: account.summary(&summarize(page, left_out)),
        in_common,
        batches,
        next_page_token: page.next_page_token.clone(),
        total_size: page.total_size,
    }
}

impl Tool<Call> for ListBatches {
    const NAME: &'static str = "list_batches";
    const TITLE: &'static str = "List batches";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::READ_ONLY;
    type Input = ListBatchesInput;
    type Output = ListBatchesOutput;

    async fn call(&self, call: &Call, input: ListBatchesInput) -> Result<Outcome<ListBatchesOutput>, ToolError> {
        let Call {
            context,
            account,
            scope,
            deadline,
        } = call;
        let (after, before) = (input.created_at_on_or_after, input.created_at_on_or_before);
        if let (Some(after), Some(before)) = (after, before)
            && after > before
        {
            return Err(ToolError::new(
                "argument `created_at_on_or_after`: it is later than `created_at_on_or_before`, so nothing could match. \
                 Correct this and call again.",
            ));
        }
        let mut query = llamacloud::ListBatches {
            status: input.status.map(BatchStatus::from),
            source_directory_id: input.source_directory_id,
            created_at_on_or_after: after.map(|moment| moment.0),
            created_at_on_or_before: before.map(|moment| moment.0),
            page_size: Some(input.page_size.map_or(DEFAULT_PAGE_SIZE, NonZeroU32::get)),
            page_token: input.page_token.map(|token| token.0),
        };
        for last in [false, false, true] {
            let page = account.client.batches().list(scope, &query, *deadline).await;
            let page = page.map_err(|error| explain(&FAILS, error, context, account))?;
            let max_chars = account.policy.max_result_chars;
            let output = output(account, &page, max_chars);
            match smaller_page(&output, max_chars) {
                // Asked for again, and not cut off here: only the API can make the token that goes on after the cut.
                Some(page_size) if !last => query.page_size = Some(page_size),
                // An API that serves pages of its own size will not serve smaller ones.
                Some(_) => {
                    return call
                        .fit(&page.items, |shown| cut(account, &page, shown))
                        .map(Outcome::Done);
                }
                None => return Outcome::done(&output),
            }
        }
        Err(ToolError::new("The batches could not be listed."))
    }
}

/// The answer that shows some of a page only.
fn cut(account: &Account, page: &BatchPage, shown: &[Batch]) -> ListBatchesOutput {
    let part = BatchPage {
        items: shown.to_vec(),
        ..page.clone()
    };
    let mut output = output_without(account, &part, &["updated_at"]);
    let hidden = page.items.len() - shown.len();
    output.summary = format!(
        "{} {hidden} more {} of this page did not fit, since the answer would be too long: filter by status, directory or date to see {}.",
        output.summary,
        plural(hidden, "batch", "batches"),
        plural(hidden, "it", "them")
    );
    output
}

/// The page size that fits, if this page does not.
fn smaller_page(output: &ListBatchesOutput, max_chars: usize) -> Option<u32> {
    let chars = length(output);
    let shown = output.batches.len();
    if chars <= max_chars || shown <= 1 {
        return None;
    }
    let fits = (shown * max_chars / chars * 9 / 10).clamp(1, shown - 1);
    u32::try_from(fits).ok()
}

fn length(output: &ListBatchesOutput) -> usize {
    serde_json::to_string(output).map_or(0, |json| json.chars().count())
}

fn summarize(page: &BatchPage, left_out: &[&str]) -> String {
    let more = page.next_page_token.is_some();
    if page.items.is_empty() {
        return if more {
            "This page has no batches, but there are more: pass `next_page_token` as `page_token`.".to_owned()
        } else {
            "No batch matches. Fewer filters or another project may show more.".to_owned()
        };
    }
    let where_they_are = if more { " on this page" } else { "" };
    let count = number(page.items.len());
    let batches = plural(page.items.len(), "batch", "batches");
    let mut sentences = vec![format!("{count} {batches}{where_they_are}: {}.", by_status(page))];
    sentences.extend(oldest_unfinished(page));
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|name| format!("`{name}`")).collect();
        let are = plural(names.len(), "is", "are");
        let names = names.join(" and ");
        sentences.push(format!(
            "To keep this short, {names} {are} left out; `get_batch` tells more."
        ));
    }
    if more {
        sentences.push("There are more: pass `next_page_token` as `page_token`.".to_owned());
    }
    sentences.join(" ")
}

fn by_status(page: &BatchPage) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for batch in &page.items {
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

fn oldest_unfinished(page: &BatchPage) -> Option<String> {
    let unfinished = || page.items.iter().filter(|batch| !batch.status.is_final());
    let age = |batch: &&Batch| {
        let created = batch.created();
        (created.is_none(), created)
    };
    let oldest = BatchFacts::from(unfinished().min_by_key(age)?);
    let since = oldest
        .created_at
        .map_or(String::new(), |created_at| format!(", created {created_at}"));
    let which = if unfinished().count() == 1 {
        "Not final"
    } else {
        "The oldest that is not final"
    };
    Some(format!(
        "{which}: {} ({}{since}); follow it with `get_batch`.",
        oldest.id, oldest.status
    ))
}

#[cfg(test)]
mod tests;

//! The outcome of a retry, as a model reads it.

use schemars::JsonSchema;
use serde::Serialize;

use super::plan::{FAILS, Plan};
use crate::llamacloud::{BatchStatus, DirectoryNotMade, Error, How, NotSettled, Order};
use crate::mcp::{Json, ToolError};
use crate::tools::batch::{BatchFacts, when_created};
use crate::tools::call::{Answer, Call};
use crate::tools::create_sentences::tell;
use crate::tools::creation::Creation;
use crate::tools::error::{explain, explain_unknown, try_again, with_advice};
use crate::tools::outcomes::Seen;
use crate::tools::outcomes::reasons::Problem;
use crate::tools::reason::{Reason, group};
use crate::tools::wording::{and, files, number, plural};
use crate::untrusted::quote;

/// How many reasons the summary names.
const MAX_REASONS: usize = 3;
const MAX_REASON_CHARS: usize = 160;

/// The batch over the files that are retried.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RetryFailedFilesOutput {
    #[serde(flatten)]
    creation: Creation,
    /// The batch whose files are retried.
    retry_of: String,
    /// Number of files that are retried.
    retried: usize,
    /// Files that did not succeed, or may not have, and are not retried; grouped by reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cannot_be_retried: Vec<Reason>,
}

/// The answer to the call, as long as it may be.
///
/// # Errors
/// Only for a bug.
pub(super) fn output(
    call: &Call,
    plan: &Plan,
    seen: &Seen,
    how: &How,
    trouble: Option<&str>,
) -> Result<Json<Answer<RetryFailedFilesOutput>>, ToolError> {
    let reasons = group(plan.left_out.clone());
    call.fit(&reasons, |shown| {
        let (creation, next) = Creation::of(call, seen, how, trouble);
        let summary = format!("{} {next}", sentences(call, plan, seen, how).join(" "));
        let output = RetryFailedFilesOutput {
            creation,
            retry_of: plan.batch_id.to_string(),
            retried: plan.files.len(),
            cannot_be_retried: shown.to_vec(),
        };
        call.answer(&summary, output)
    })
}

fn sentences(call: &Call, plan: &Plan, seen: &Seen, how: &How) -> Vec<String> {
    let count = plan.files.len();
    let mut sentences = if matches!(how, How::AlreadyThere(_)) {
        vec![already_there(plan, seen)]
    } else {
        let directory_id = seen.batch.source_directory_id.parse();
        let order = directory_id.map(|directory_id| plan.order(&call.scope, directory_id));
        let told = order.map(|order| tell(&seen.batch, how, &order, true));
        let what = format!(
            "The retry covers {} that did not succeed in batch {}.",
            files(count),
            plan.batch_id
        );
        told.unwrap_or_default().into_iter().chain([what]).collect()
    };
    sentences.extend(why_they_failed(&plan.problems));
    let left_out: usize = plan.left_out.values().map(Vec::len).sum();
    if left_out > 0 {
        let is = plural(left_out, "is", "are");
        sentences.push(format!(
            "{} {is} not retried: `cannot_be_retried` says why.",
            files(left_out)
        ));
    }
    sentences
}

fn already_there(plan: &Plan, seen: &Seen) -> String {
    let BatchFacts { id, status, .. } = BatchFacts::from(&seen.batch);
    let created = when_created(&seen.batch);
    let what = format!(
        "the {} that did not succeed in batch {}",
        files(plan.files.len()),
        plan.batch_id
    );
    match seen.batch.status {
        BatchStatus::Completed => {
            format!("Nothing was created: batch {id}{created} for {what} already exists and is COMPLETED.")
        }
        BatchStatus::Other(_) => format!(
            "Nothing was created: batch {id}{created} exists for {what}. Whether it is still being processed is unknown."
        ),
        _ => format!("Nothing was created: batch {id}{created} is {status} and already retries {what}."),
    }
}

/// Shape: `Why they failed: "Page … is damaged" (3 files) and "File is empty" (1 file).`
fn why_they_failed(problems: &[Problem]) -> Option<String> {
    let named = problems.iter().take(MAX_REASONS).map(|problem| {
        let reason = problem.reason.as_deref();
        let reason = reason.map_or_else(
            || "no reason given".to_owned(),
            |reason| quote(reason, MAX_REASON_CHARS),
        );
        format!("{reason} ({})", files(problem.count))
    });
    let others = problems.len().saturating_sub(MAX_REASONS);
    let others = (others > 0).then(|| format!("{} other {}", number(others), plural(others, "reason", "reasons")));
    let parts: Vec<String> = named.chain(others).collect();
    (!parts.is_empty()).then(|| format!("Why they failed: {}.", and(&parts)))
}

/// The error of a call that leaves files to be added.
pub(super) fn explain_unfilled(there: usize, total: usize, trouble: Option<Error>) -> ToolError {
    let text = |cause: &str, when: &str| {
        format!(
            "No batch was created yet: the directory for the retry has {} of {} so far{cause}. Call `retry_failed_files` \
             again{when} with the same arguments: it continues, and nothing is added twice.",
            number(there),
            files(total)
        )
    };
    match trouble {
        Some(error) => with_advice(text(&format!(" ({})", error.cause()), " in a minute"), error),
        None => ToolError::new(text("", "")),
    }
}

/// The error of a call that has no directory.
pub(super) fn explain_not_made(why: DirectoryNotMade, call: &Call) -> ToolError {
    match why {
        DirectoryNotMade::NotMade(error) => explain(&FAILS, error, &call.context, &call.account),
        DirectoryNotMade::Unknown(error) => with_advice(
            format!(
                "No batch was created: it is not known whether the directory for the retry exists ({}). Call \
                 `retry_failed_files` again in a minute with the same arguments: it uses the directory if it exists, and \
                 creates it only if not.",
                error.cause()
            ),
            error,
        ),
        DirectoryNotMade::StillTrying => try_again(
            "No batch was created yet: LlamaCloud is slow to create the directory for the retry. Call `retry_failed_files` again with \
             the same arguments: it continues.",
        ),
    }
}

/// The error of a call that has no batch over its directory.
pub(super) fn explain_not_settled(call: &Call, why: NotSettled, order: &Order) -> ToolError {
    let directory = &order.request.source_directory_id;
    match why {
        NotSettled::NotCreated(error) => explain(&FAILS, error, &call.context, &call.account),
        NotSettled::NotChecked(error) => {
            let text = format!(
                "No batch was created by this call: the list of batches could not be read ({}), and a batch for this retry may \
                 already exist. Call `retry_failed_files` again in a minute with the same arguments: it continues.",
                error.cause()
            );
            with_advice(text, error)
        }
        NotSettled::Unknown { error, look_after } => explain_unknown(
            "retry_failed_files",
            order,
            look_after,
            error,
            &call.context,
            &call.account,
        ),
        NotSettled::NoFiles | NotSettled::TooManyFiles | NotSettled::OtherFiles { .. } => {
            let now = match why {
                NotSettled::NoFiles => "lists no files".to_owned(),
                NotSettled::OtherFiles { now: Some(now), .. } => format!("lists {}", files(now)),
                NotSettled::TooManyFiles => "lists too many files".to_owned(),
                _ => "could not be listed".to_owned(),
            };
            ToolError::new(format!(
                "No batch was created: directory {directory}, which was made for this retry, {now}; it should hold the {} to be \
                 retried. Call `retry_failed_files` again in a minute with the same arguments; if that does not help, ask the \
                 user to delete from this directory, in LlamaCloud, duplicate entries and entries that do not belong to the \
                 retry.",
                order.agreed_files.map_or_else(|| "files".to_owned(), files)
            ))
        }
    }
}

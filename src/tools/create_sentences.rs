//! The summary of `create_batch`: one or two sentences for each way in which a batch came to be the answer.

use super::batch::{shown_id, when_created};
use super::wording::{files, plural};
use crate::llamacloud::{Batch, BatchStatus, Change, Duplicates, Earlier, How, Input, Order};
use crate::untrusted::quote;

/// How the batch came to be the answer. What follows is how its files ended, and what to do next.
///
/// `can_retry`: what follows advises `retry_failed_files`, which costs less than another batch.
pub(super) fn tell(batch: &Batch, how: &How, order: &Order, can_retry: bool) -> Vec<String> {
    match how {
        How::Created { files, earlier } => created(batch, *files, earlier, order),
        How::Recovered => vec![format!(
            "Batch {} was created and {}. LlamaCloud's response was lost, but the batch was found in the list: do not create it \
             again.",
            shown_id(batch),
            state(batch)
        )],
        How::Shared => vec![format!(
            "Batch {} {}. An identical call at the same time created it, so this call created nothing.",
            shown_id(batch),
            state(batch)
        )],
        How::AlreadyThere(input) if can_retry => vec![already_there(batch, *input)],
        How::AlreadyThere(input) => vec![
            already_there(batch, *input),
            "Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`.".to_owned(),
        ],
    }
}

fn created(batch: &Batch, count: Option<usize>, earlier: &[Earlier], order: &Order) -> Vec<String> {
    let over = count.map_or(String::new(), |count| format!(" over {}", files(count)));
    let mut sentences = vec![format!(
        "Batch {}{over} was created and {}.",
        shown_id(batch),
        state(batch)
    )];
    if order.duplicates == Duplicates::Allow {
        sentences.push(
            "`allow_duplicate` was true, so it was created without regard to earlier batches of the same work."
                .to_owned(),
        );
    }
    sentences.extend(earlier.iter().map(|earlier| before(earlier, order)));
    sentences
}

/// An earlier batch of the same work, and why it was not the answer.
fn before(Earlier { batch, change }: &Earlier, order: &Order) -> String {
    let earlier = format!("The earlier batch {}{}", shown_id(batch), when_created(batch));
    let directory = &order.request.source_directory_id;
    let happened = |count: usize, what: &str| format!("{} {} {what}", files(count), plural(count, "was", "were"));
    let changed = match change {
        None if batch.status == BatchStatus::Failed => return format!("{earlier} for the same work FAILED."),
        None => return format!("{earlier} for the same work was CANCELLED."),
        Some(Change::FilesAdded(count)) => format!("{} to directory {directory}", happened(*count, "added")),
        Some(Change::FilesUpdated(count)) => {
            format!(
                "{} in directory {directory} by its connector",
                happened(*count, "updated")
            )
        }
        Some(Change::Configuration) => format!(
            "configuration {} was changed",
            order.request.config.job.configuration_id
        ),
    };
    format!(
        "{earlier} did the same work and is COMPLETED, but {changed} since then. The new batch processes all files again, and all of \
         them cost credits."
    )
}

fn already_there(batch: &Batch, input: Input) -> String {
    const SAME_WORK: &str = "the same work (same directory, job type and configuration)";
    let batch_id = format!("batch {}{}", shown_id(batch), when_created(batch));
    match (&batch.status, input) {
        (BatchStatus::Completed, Input::Unknown) => format!(
            "Nothing was created: {batch_id} for {SAME_WORK} already exists and is COMPLETED. It could not be determined \
             whether files were added or the configuration was changed since then."
        ),
        (BatchStatus::Completed, _) => format!(
            "Nothing was created: {batch_id} for {SAME_WORK} already exists and is COMPLETED. No files were added and the \
             configuration was not changed since then."
        ),
        (BatchStatus::Other(_), _) => format!(
            "Nothing was created: {batch_id} exists for {SAME_WORK}. It {}. Whether it is still being processed is unknown.",
            state(batch)
        ),
        _ => format!("Nothing was created: {batch_id} does {SAME_WORK} and {}.", state(batch)),
    }
}

/// The status as the end of a sentence.
fn state(batch: &Batch) -> String {
    match &batch.status {
        BatchStatus::Other(word) if word.is_empty() => "has no status in LlamaCloud's response".to_owned(),
        BatchStatus::Other(word) => format!("has the status {}, which this server does not know", quote(word, 60)),
        status => format!("is {status}"),
    }
}

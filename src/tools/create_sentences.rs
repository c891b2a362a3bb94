//! What `create_batch` says of a batch that exists: one sentence for each way in which it came to be.

use jiff::Timestamp;

use super::batch::{BatchFacts, check_again_in_seconds};
use crate::foreign::quote;
use crate::llamacloud::{Batch, Duplicates, Existing, Guard};

/// This call created it, and knows so from the API's answer.
pub(super) fn created(batch: &Batch, duplicates: Duplicates, mentions: &[Batch], guard: &Guard) -> Vec<String> {
    let BatchFacts { id, status, .. } = BatchFacts::from(batch);
    let mut sentences = vec![match duplicates {
        Duplicates::Refuse => format!("Batch {id} was created and is {status}."),
        Duplicates::Allow => format!(
            "Batch {id} was created and is {status}. It is one more, whatever was there before: `allow_duplicate` was true."
        ),
    }];
    if let Guard::Skipped { reason } = guard
        && duplicates == Duplicates::Refuse
    {
        sentences.push(format!(
            "Whether another batch does the same already could not be checked ({}); `list_batches` can tell.",
            quote(reason, 200)
        ));
    }
    if let Some(earlier) = mentions.first().map(BatchFacts::from) {
        let others = if mentions.len() > 1 { ", as did others" } else { "" };
        let how = if earlier.status == "FAILED" {
            "FAILED"
        } else {
            "was CANCELLED"
        };
        sentences.push(format!(
            "Earlier, batch {} with the same directory and job {how}{others}.",
            earlier.id
        ));
    }
    sentences.extend(look_again(batch));
    sentences
}

/// This call created it, and knows so only from the list.
pub(super) fn recovered(batch: &Batch) -> Vec<String> {
    let BatchFacts { id, status, .. } = BatchFacts::from(batch);
    let mut sentences = vec![format!(
        "Batch {id} was created and is {status}. LlamaCloud's answer was lost on the way, but the batch was found in the list: do not \
         create it again."
    )];
    sentences.extend(look_again(batch));
    sentences
}

/// This call created nothing, because the batch is there.
pub(super) fn already_there(batch: &Batch, kind: Existing) -> Vec<String> {
    let BatchFacts {
        id,
        status,
        source_directory_id: directory,
        created_at,
        ..
    } = BatchFacts::from(batch);
    let created_at = created_at.map_or(String::new(), |created_at| format!(", created {created_at},"));
    match kind {
        Existing::Running => vec![
            format!("Nothing was created: batch {id}{created_at} runs the same job over directory {directory} and is {status}."),
            "Follow it with `get_batch`. Only if the user wants to pay for another one, call again with `allow_duplicate: true`."
                .to_owned(),
        ],
        Existing::JustCompleted => vec![
            format!(
                "Nothing was created: batch {id}{created_at} has just done the same job over directory {directory} and is {status}."
            ),
            "Its results are there: `get_batch` with `expand: [\"results\"]`. If files came into the directory since and the user wants \
             to pay for all of them again, call again with `allow_duplicate: true`."
                .to_owned(),
        ],
        Existing::SharedAttempt => {
            let mut sentences = vec![format!(
                "Batch {id} is {status}: an identical call at the same time created it, so this call created nothing."
            )];
            sentences.extend(look_again(batch));
            sentences
        }
    }
}

fn look_again(batch: &Batch) -> Option<String> {
    let seconds = check_again_in_seconds(batch, Timestamp::now())?;
    Some(format!("Look at it with `get_batch` in {seconds} seconds."))
}

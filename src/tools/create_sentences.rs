//! What `create_batch` says of a batch that exists: one sentence for each way in which it came to be.

use jiff::Timestamp;

use super::batch::{BatchFacts, check_again_in_seconds};
use super::wording::{number, plural};
use crate::llamacloud::{Batch, BatchStatus, Duplicates, Error, Existing, Guard};

/// How a batch came to be what a call answers with.
#[derive(Debug)]
pub(super) enum News {
    /// The call created it, and knows so from the API's answer.
    Created {
        files: Option<usize>,
        duplicates: Duplicates,
        mentions: Vec<Batch>,
        guard: Guard,
    },
    /// The call created it, and knows so only from the list.
    Recovered,
    /// The call created nothing, because the batch is there.
    AlreadyThere(Existing),
}

/// The sentences, about the batch as it is now. `trouble`: why the call could not go on waiting for it.
pub(super) fn tell(batch: &Batch, news: &News, trouble: Option<&Error>) -> Vec<String> {
    let facts = BatchFacts::from(batch);
    let mut sentences = match news {
        News::Created {
            files,
            duplicates,
            mentions,
            guard,
        } => created(&facts, *files, *duplicates, mentions, guard),
        News::Recovered => vec![format!(
            "Batch {} was created and is {}. LlamaCloud's answer was lost on the way, but the batch was found in the list: do not \
             create it again.",
            facts.id, facts.status
        )],
        News::AlreadyThere(kind) => already_there(&facts, *kind),
    };
    if let Some(trouble) = trouble {
        sentences.push(format!("Waiting for it ended early: {}.", trouble.cause()));
    }
    sentences.push(next_step(batch, news));
    sentences
}

fn created(
    facts: &BatchFacts,
    files: Option<usize>,
    duplicates: Duplicates,
    mentions: &[Batch],
    guard: &Guard,
) -> Vec<String> {
    let BatchFacts { id, status, .. } = facts;
    let over = files.map_or(String::new(), |files| {
        format!(" over {} {}", number(files), plural(files, "file", "files"))
    });
    let mut sentences = vec![match duplicates {
        Duplicates::Refuse => format!("Batch {id}{over} was created and is {status}."),
        Duplicates::Allow => format!(
            "Batch {id}{over} was created and is {status}. It is one more, whatever was there before: `allow_duplicate` was true."
        ),
    }];
    if let Guard::Skipped { reason } = guard
        && duplicates == Duplicates::Refuse
    {
        sentences.push(format!(
            "Whether another batch does the same already could not be checked: {reason}; `list_batches` can tell.",
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
    sentences
}

fn already_there(facts: &BatchFacts, kind: Existing) -> Vec<String> {
    let BatchFacts {
        id,
        status,
        source_directory_id: directory,
        created_at,
        ..
    } = facts;
    let created_at = created_at
        .as_ref()
        .map_or(String::new(), |created_at| format!(", created {created_at},"));
    vec![match kind {
        Existing::Running => format!(
            "Nothing was created: batch {id}{created_at} runs the same job over directory {directory} and is {status}. Only if the user \
             wants to pay for another one, call again with `allow_duplicate: true`."
        ),
        Existing::JustCompleted => format!(
            "Nothing was created: batch {id}{created_at} has just done the same job over directory {directory} and is {status}. If files \
             came into the directory since and the user wants to pay for all of them again, call again with `allow_duplicate: true`."
        ),
        Existing::SharedAttempt => format!(
            "Batch {id} is {status}: an identical call at the same time created it, so this call created nothing."
        ),
    }]
}

fn next_step(batch: &Batch, news: &News) -> String {
    let word = match news {
        News::AlreadyThere(Existing::Running) => "Follow it with `get_batch`",
        _ => "Look at it with `get_batch`",
    };
    match (check_again_in_seconds(batch, false, Timestamp::now()), &batch.status) {
        (Some(seconds), _) => format!("{word} in {seconds} seconds."),
        (None, BatchStatus::Failed) => {
            "LlamaCloud has no reliable result for any of its files; tell the user.".to_owned()
        }
        (None, _) => "What became of its files, `get_batch` tells with `expand: [\"outcomes\"]`.".to_owned(),
    }
}

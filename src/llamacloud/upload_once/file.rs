//! One file of a directory.

use std::{io, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{upstream::Upstream, wanted::Wanted};
use crate::llamacloud::{
    DirectoryFile, DirectoryId, Error, ErrorKind, Reading, Scope, UploadError, error::Attempts, single_flight::Attempt,
};
use crate::untrusted::clean;

const PAGES: [Option<u32>; 3] = [Some(100), Some(20), None];

/// What makes two uploads the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FileKey {
    pub(super) directory_id: DirectoryId,
    pub(super) unique_id: String,
}

/// Why a file is not stored, or not known to be.
#[derive(Debug, Clone)]
pub enum NotStored {
    /// It could not be read whole, or changed meanwhile.
    Source(Arc<io::Error>),
    /// LlamaCloud refused it.
    Refused(Error),
    /// It may be stored or not. It is not sent again before the list can be trusted to show it.
    Unknown(Error),
}

pub(super) type Outcome = Result<DirectoryFile, NotStored>;

/// An outcome, with the content of the file that it is about.
pub(super) type Ended = (String, Outcome);

/// What earlier attempts of this process for the same file have left.
#[derive(Default)]
pub(super) struct Memory {
    /// When it expires, its content, and its outcome.
    last: Option<(Instant, String, Last)>,
}

#[derive(Clone)]
enum Last {
    Stored(DirectoryFile),
    Unknown(Error),
}

impl Memory {
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.last.as_ref().is_some_and(|(until, ..)| *until > Instant::now())
    }
}

pub(super) async fn run(
    upstream: &Upstream,
    scope: &Scope,
    key: &FileKey,
    file: Wanted,
    attempt: &Attempt<Memory, Ended>,
    deadline: Instant,
    listed_at: Instant,
) -> Outcome {
    let file = &file;
    let mut memory = attempt.slot.memory.lock().await;
    memory
        .last
        .take_if(|(until, content, _)| *until <= Instant::now() || content != file.content());
    match &memory.last {
        Some((_, _, Last::Stored(stored))) => return Ok(stored.clone()),
        Some((_, _, Last::Unknown(error))) => {
            let error = error.clone();
            let outcome = look(upstream, scope, key, file, error).await;
            // An outcome that stays unknown expires all the same, however often the call is repeated.
            if outcome.is_ok() {
                remember(upstream, &mut memory, file, &outcome);
            }
            return outcome;
        }
        None => {}
    }
    // Since the caller read the list, the same file may have been stored and forgotten again.
    if listed_at.elapsed() >= upstream.policy.list_lag / 2 {
        let found = find(upstream, scope, key, file, deadline).await;
        if let Some(stored) = found.map_err(NotStored::Refused)? {
            return Ok(stored);
        }
    }
    if attempt.is_abandoned() {
        return Err(NotStored::Source(Arc::new(io::ErrorKind::Interrupted.into())));
    }
    let sent = file.send(&upstream.client, scope, &key.directory_id, deadline).await;
    let outcome = match sent {
        Ok(stored) if file.is(&stored) => Ok(stored),
        // An answer about something else says nothing about what was sent.
        Ok(_) => look(upstream, scope, key, file, other_file()).await,
        Err(UploadError::Source(error)) => Err(NotStored::Source(error)),
        // A file of this name is there; perhaps this very one.
        Err(UploadError::Refused(error)) if matches!(error.kind(), ErrorKind::Conflict) => {
            let until = upstream.look_until();
            let found = find(upstream, scope, key, file, until).await;
            found.ok().flatten().ok_or(NotStored::Refused(error))
        }
        Err(UploadError::Refused(error)) => Err(NotStored::Refused(error)),
        Err(UploadError::Unknown(error)) => look(upstream, scope, key, file, error).await,
    };
    remember(upstream, &mut memory, file, &outcome);
    outcome
}

/// The error of an answer that is about another file.
fn other_file() -> Error {
    let attempts = Attempts {
        count: 1,
        elapsed: Duration::ZERO,
        no_effect: false,
    };
    let request = "POST /api/v1/beta/directories/{id}/files".to_owned();
    Error::new(
        ErrorKind::UnreadableBody,
        Some("the response names another file".to_owned()),
        request,
        attempts,
    )
}

fn remember(upstream: &Upstream, memory: &mut Memory, file: &Wanted, outcome: &Outcome) {
    let last = match outcome {
        Ok(stored) => Last::Stored(stored.clone()),
        Err(NotStored::Unknown(error)) => Last::Unknown(error.clone()),
        Err(NotStored::Source(_) | NotStored::Refused(_)) => return,
    };
    memory.last = Some((
        Instant::now() + upstream.policy.list_lag,
        file.content().to_owned(),
        last,
    ));
}

/// Looks for a file whose upload has an unknown outcome.
async fn look(upstream: &Upstream, scope: &Scope, key: &FileKey, file: &Wanted, because: Error) -> Outcome {
    let until = upstream.look_until();
    for pause in upstream.pauses() {
        sleep(pause.min(until.saturating_duration_since(Instant::now()) / 2)).await;
        if let Ok(Some(stored)) = find(upstream, scope, key, file, until).await {
            return Ok(stored);
        }
        if until.saturating_duration_since(Instant::now()) < upstream.policy.first_look {
            break;
        }
    }
    Err(NotStored::Unknown(because))
}

/// The file in the directory's list.
///
/// # Errors
/// Why the list could not be read.
async fn find(
    upstream: &Upstream,
    scope: &Scope,
    key: &FileKey,
    file: &Wanted,
    deadline: Instant,
) -> Result<Option<DirectoryFile>, Error> {
    let mut found = None;
    let mut reading = Reading::new(PAGES);
    while let Some(window) = reading.next() {
        let files = upstream
            .client
            .find_directory_files(scope, &key.directory_id, &key.unique_id, &window, deadline);
        reading.take(files.await, |stored| {
            if file.is(stored) {
                found = Some(stored.clone());
            }
            found.is_none()
        });
    }
    match (found, reading.error) {
        (None, Some(error)) => Err(error),
        (found, _) => Ok(found),
    }
}

/// Logs a file that was stored although its call was cancelled. The next call finds it in the list.
pub(super) fn log_unreceived((_, outcome): &Ended) {
    if let Ok(stored) = outcome {
        tracing::debug!(
            file.id = clean(&stored.id, 128),
            "stored a file; the call that sent it was cancelled"
        );
    }
}

//! One directory for a name.

use tokio::time::{Instant, sleep};

use super::upstream::Upstream;
use crate::llamacloud::{Client, Directory, Error, ErrorKind, ListDirectories, Reading, Scope, single_flight::Attempt};

const PAGES: [Option<u32>; 3] = [Some(100), Some(20), None];
/// The kind of directory that LlamaCloud cleans up by itself, and that costs no storage.
const EPHEMERAL: &str = "ephemeral";

/// Why there is no directory, or no known one.
#[derive(Debug, Clone)]
pub enum DirectoryNotMade {
    /// There is no new directory.
    NotMade(Error),
    /// One may or may not exist. The same call may be repeated: names are unique.
    Unknown(Error),
    /// The attempt continues beyond the deadline.
    StillTrying,
}

/// A directory that is there now.
#[derive(Debug, Clone)]
pub struct Made {
    /// The directory.
    pub directory: Directory,
    /// Whether this process made it. If not, another process may be filling it at this moment.
    pub by_this_process: bool,
}

impl Made {
    const fn found(directory: Directory) -> Self {
        Self {
            directory,
            by_this_process: false,
        }
    }

    const fn here(directory: Directory) -> Self {
        Self {
            directory,
            by_this_process: true,
        }
    }
}

pub(super) type Outcome = Result<Made, DirectoryNotMade>;
/// The directory that this process made, and until when the list may not show it yet.
pub(super) type MadeDirectory = Option<(Instant, Directory)>;

pub(super) async fn run(
    upstream: &Upstream,
    (scope, name): &(Scope, String),
    attempt: &Attempt<MadeDirectory, Outcome>,
    deadline: Instant,
) -> Outcome {
    let mut made = attempt.slot.memory.lock().await;
    match find(&upstream.client, scope, name, deadline).await {
        Ok(Some(directory)) => {
            return Ok(Made {
                by_this_process: made.as_ref().is_some_and(|(_, made)| made.id == directory.id),
                directory,
            });
        }
        Ok(None) => {}
        Err(error) => return Err(DirectoryNotMade::NotMade(error)),
    }
    if let Some((until, directory)) = &*made
        && *until > Instant::now()
    {
        return Ok(Made::here(directory.clone()));
    }
    let error = match upstream.client.create_directory(scope, name, EPHEMERAL, deadline).await {
        // An answer about something else says nothing about the request.
        Ok(directory) if directory.name == *name && !directory.id.is_empty() => {
            *made = Some((Instant::now() + upstream.policy.list_lag, directory.clone()));
            return Ok(Made::here(directory));
        }
        Ok(_) => return look(upstream, scope, name, None).await,
        Err(error) => error,
    };
    // A conflict: the name is taken, perhaps since a moment ago.
    if error.had_no_effect() && !matches!(error.kind(), ErrorKind::Conflict) {
        return Err(DirectoryNotMade::NotMade(error));
    }
    look(upstream, scope, name, Some(error)).await
}

async fn look(upstream: &Upstream, scope: &Scope, name: &str, because: Option<Error>) -> Outcome {
    let until = upstream.look_until();
    let mut last = because;
    for pause in upstream.pauses() {
        sleep(pause.min(until.saturating_duration_since(Instant::now()) / 2)).await;
        match find(&upstream.client, scope, name, until).await {
            Ok(Some(directory)) => return Ok(Made::found(directory)),
            Ok(None) => {}
            Err(error) => {
                last.get_or_insert(error);
            }
        }
        if until.saturating_duration_since(Instant::now()) < upstream.policy.first_look {
            break;
        }
    }
    match last {
        Some(error) if error.had_no_effect() => Err(DirectoryNotMade::NotMade(error)),
        Some(error) => Err(DirectoryNotMade::Unknown(error)),
        None => Err(DirectoryNotMade::StillTrying),
    }
}

/// The oldest directory of exactly this name that people or programs fill.
pub(super) async fn find(
    client: &Client,
    scope: &Scope,
    name: &str,
    deadline: Instant,
) -> Result<Option<Directory>, Error> {
    let (found, error) = named(client, scope, name, false, deadline).await;
    match (found.into_iter().next(), error) {
        (None, Some(error)) => Err(error),
        (found, _) => Ok(found),
    }
}

/// All such directories that are or were there.
pub(super) async fn find_all(
    client: &Client,
    scope: &Scope,
    name: &str,
    deadline: Instant,
) -> Result<Vec<Directory>, Error> {
    let (found, error) = named(client, scope, name, true, deadline).await;
    error.map_or(Ok(found), Err)
}

/// The list is read to its end only if deleted directories count; otherwise one directory is enough, since names are unique.
async fn named(
    client: &Client,
    scope: &Scope,
    name: &str,
    include_deleted: bool,
    deadline: Instant,
) -> (Vec<Directory>, Option<Error>) {
    let mut found = Vec::new();
    let mut reading = Reading::new(PAGES);
    while let Some(window) = reading.next() {
        let query = ListDirectories {
            name: Some(name.to_owned()),
            kind: None,
            include_deleted,
            window,
        };
        let page = client.list_directories(scope, &query, deadline).await;
        reading.take(page, |directory| {
            if directory.name == name && directory.connector_subscription_id.is_none() {
                found.push(directory.clone());
            }
            include_deleted || found.is_empty()
        });
    }
    (found, reading.error)
}

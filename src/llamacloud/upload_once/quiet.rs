//! Waiting until no other process fills a directory.

use std::collections::HashSet;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::{directory::Made, upstream::Upstream};
use crate::llamacloud::{DirectoryFile, DirectoryId, Error, FilesOf, Scope};

/// See [`super::UploadOnce::files_when_quiet`].
pub(super) async fn files(
    upstream: &Upstream,
    scope: &Scope,
    made: &Made,
    directory_id: &DirectoryId,
    deadline: Instant,
) -> Result<Option<Vec<DirectoryFile>>, Error> {
    let Some(mut files) = list(upstream, scope, directory_id, deadline).await? else {
        return Ok(None);
    };
    while !made.by_this_process && !is_old(upstream, made, &files) {
        // No shorter: a process that does not know whether it added a file looks for it that long. If it found what another process
        // has added meanwhile, both would create the batch.
        let pause = upstream.policy.reconcile_reserve;
        if Instant::now() + pause >= deadline {
            return Ok(None);
        }
        sleep(pause).await;
        let Some(now) = list(upstream, scope, directory_id, deadline).await? else {
            return Ok(None);
        };
        let is_quiet = ids(&now) == ids(&files);
        files = now;
        if is_quiet {
            break;
        }
    }
    Ok(Some(files))
}

/// Whether nothing was added for so long that no process can be at work, however much the API's clocks differ.
fn is_old(upstream: &Upstream, made: &Made, files: &[DirectoryFile]) -> bool {
    let added = files.iter().map(|file| file.created_at);
    let last = added.chain([made.directory.created_at]).max().flatten();
    let (Some(last), Some(now)) = (last, upstream.client.api_time()) else {
        return false;
    };
    SignedDuration::try_from(upstream.policy.clock_slack).is_ok_and(|slack| now.duration_since(last) > slack)
}

fn ids(files: &[DirectoryFile]) -> HashSet<&str> {
    files.iter().map(|file| file.id.as_str()).collect()
}

/// `None` for a list that never ends.
async fn list(
    upstream: &Upstream,
    scope: &Scope,
    directory_id: &DirectoryId,
    deadline: Instant,
) -> Result<Option<Vec<DirectoryFile>>, Error> {
    let client = &upstream.client;
    let reading = client.directory_files(scope, directory_id, FilesOf::Now, deadline, |_| true);
    let reading = reading.await;
    match reading.error {
        Some(error) => Err(error),
        None => Ok(reading.is_whole().then_some(reading.items)),
    }
}

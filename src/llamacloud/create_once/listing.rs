//! What the API lists of a directory: its batches and its files.

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::types::{Access, MAX_FILES, Order, failed};
use crate::llamacloud::{Batch, Client, DirectoryFile, Error, ErrorKind, FilesOf, ListBatches, Reading};

/// The API documents no limits for the size of a page: where it refuses one, the next is tried.
const BATCHES_A_PAGE: [Option<u32>; 3] = [Some(100), Some(20), None];

/// The batches of a directory.
pub(super) struct Listing {
    pub(super) batches: Vec<Batch>,
    /// Why there may be more.
    pub(super) gap: Option<Error>,
}

/// Lists the batches of a directory, page by page. An error leaves a gap, but what was read is kept.
pub(super) async fn batches(client: &Client, order: &Order, since: Option<Timestamp>, deadline: Instant) -> Listing {
    let started = Instant::now();
    let mut reading = Reading::new(BATCHES_A_PAGE);
    while let Some(window) = reading.next() {
        let query = ListBatches {
            source_directory_id: Some(order.request.source_directory_id.clone()),
            created_at_on_or_after: since,
            window,
            ..ListBatches::default()
        };
        reading.take(client.list_batches(&order.scope, &query, deadline).await, |_| true);
    }
    let gap = (!reading.is_whole()).then(|| {
        reading.error.take().unwrap_or_else(|| {
            let reason = "the list of batches does not end";
            failed(ErrorKind::UnreadableBody, started, true, reason)
        })
    });
    Listing {
        batches: reading.items,
        gap,
    }
}

/// Lists the files of a directory; at most one more than a batch may cover. An empty directory is read twice.
///
/// # Errors
/// Those of the API. They do not prevent a create.
pub(super) async fn files(access: &Access, order: &Order, deadline: Instant) -> Result<Vec<DirectoryFile>, Error> {
    let files = files_once(&access.client, order, deadline).await?;
    if !files.is_empty() {
        return Ok(files);
    }
    let left = deadline.saturating_duration_since(Instant::now());
    sleep(access.policy.empty_pause.min(left / 2)).await;
    files_once(&access.client, order, deadline).await
}

async fn files_once(client: &Client, order: &Order, deadline: Instant) -> Result<Vec<DirectoryFile>, Error> {
    let directory_id = &order.request.source_directory_id;
    let mut count = 0;
    let wants_more = |_: &DirectoryFile| {
        count += 1;
        count <= MAX_FILES
    };
    let reading = client.directory_files(&order.scope, directory_id, FilesOf::Now, deadline, wants_more);
    let Reading { items, error, .. } = reading.await;
    match error {
        Some(error) if items.len() <= MAX_FILES => Err(error),
        _ => Ok(items),
    }
}

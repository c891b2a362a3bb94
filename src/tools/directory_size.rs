//! How many files a new batch would run over, looked up before it is created and paid for.

use std::time::Duration;

use tokio::time::Instant;

use super::account::Account;
use super::pages::Reading;
use super::wording::number;
use crate::llamacloud::{DirectoryId, FilesOf, Scope};
use crate::mcp::ToolError;

/// The most files that a batch may have. Source: LlamaCloud's documentation, "Getting started" of Batches.
const MAX_FILES: usize = 1000;
/// Within which the number has to be known. A create does not wait longer for what is only good to know.
const PATIENCE: Duration = Duration::from_secs(5);
/// One page tells for every directory that may be used; the smaller sizes are for an API that refuses it.
const PAGES: [Option<u32>; 3] = [Some(1000), Some(100), None];

/// The number of files in a directory; `None` if that could not be found out, which is no reason not to create the batch.
///
/// One request, as the API gives no count: the first page, of 1,000 files, ends the matter either way.
///
/// # Errors
/// For a directory over which no batch can run: an empty one, or one with more than 1,000 files.
pub(crate) async fn directory_size(
    account: &Account,
    scope: &Scope,
    directory_id: &DirectoryId,
    deadline: Instant,
) -> Result<Option<usize>, ToolError> {
    let patience = PATIENCE.min(account.policy.timeout / 6);
    let deadline = deadline.min(Instant::now() + patience);
    let directories = account.client.directories();
    let mut count = 0;
    let mut reading = Reading::new(PAGES);
    while let Some(window) = reading.next() {
        let page = directories.files(scope, directory_id, FilesOf::Now, &window, deadline);
        reading.take(page.await, |_| {
            count += 1;
            count <= MAX_FILES
        });
    }
    match reading.error {
        _ if count > MAX_FILES => Err(too_many(directory_id)),
        Some(error) => {
            tracing::debug!(%error, "the files of a directory could not be counted");
            Ok(None)
        }
        None if count == 0 => Err(empty(directory_id)),
        None => Ok(Some(count)),
    }
}

fn empty(directory_id: &DirectoryId) -> ToolError {
    ToolError::new(format!(
        "No batch was created: directory {directory_id} has no files, so there is nothing to run over, and nothing was sent. Ask the user \
         to upload files to it, or for another `source_directory_id`."
    ))
}

fn too_many(directory_id: &DirectoryId) -> ToolError {
    ToolError::new(format!(
        "No batch was created: directory {directory_id} has more than {} files, the most that LlamaCloud runs one batch over, and nothing \
         was sent. Ask the user to spread the files over several directories, each for a batch of its own.",
        number(MAX_FILES)
    ))
}

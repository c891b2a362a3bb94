//! A file that belongs in a directory: one of this machine, or one that LlamaCloud already stores.

use tokio::time::Instant;

use crate::llamacloud::{AddFile, Client, DirectoryFile, DirectoryId, NewFile, Scope, UploadError, upload_body::Open};

#[derive(Clone)]
pub(super) enum Wanted {
    /// A local file, which is sent.
    FromHere(NewFile, Open),
    /// A stored file: only its ID is sent.
    Stored(AddFile),
}

impl Wanted {
    pub(super) const fn unique_id(&self) -> &String {
        match self {
            Self::FromHere(file, _) => &file.unique_id,
            Self::Stored(file) => &file.unique_id,
        }
    }

    /// Distinguishes its content from that of another file with the same `unique_id`.
    pub(super) fn content(&self) -> &str {
        match self {
            Self::FromHere(file, _) => &file.sha256,
            Self::Stored(file) => file.file_id.as_str(),
        }
    }

    /// Whether a file of the directory is this one. What LlamaCloud leaves out does not count: metadata may not come back.
    pub(super) fn is(&self, stored: &DirectoryFile) -> bool {
        let content = match self {
            Self::FromHere(..) => stored.sha256(),
            Self::Stored(_) => stored.file_id.as_deref(),
        };
        !stored.id.is_empty()
            && stored.unique_id == *self.unique_id()
            && content.is_none_or(|content| content == self.content())
    }

    /// Sends it. A file of this machine has as much time as it needs on a slow line.
    pub(super) async fn send(
        &self,
        client: &Client,
        scope: &Scope,
        directory_id: &DirectoryId,
        deadline: Instant,
    ) -> Result<DirectoryFile, UploadError> {
        match self {
            Self::FromHere(file, open) => {
                let deadline = Instant::now() + file.patience();
                client
                    .upload_file(scope, directory_id, file, open.clone(), deadline)
                    .await
            }
            Self::Stored(file) => {
                let added = client.add_directory_file(scope, directory_id, file, deadline).await;
                added.map_err(|error| {
                    if error.had_no_effect() {
                        UploadError::Refused(error)
                    } else {
                        UploadError::Unknown(error)
                    }
                })
            }
        }
    }
}

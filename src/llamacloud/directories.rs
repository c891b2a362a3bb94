//! Directories: which files they hold.

use serde::Deserialize;
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::DirectoryId,
    lenient::lenient,
    request::{Page, Request, Scope, Window},
};

/// The directory operations of a [`Client`]. All end at their deadline at the latest.
#[derive(Debug, Clone, Copy)]
pub struct Directories<'c> {
    client: &'c Client,
}

/// Which files of a directory to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesOf {
    /// Those that are there now, which a new batch would run over.
    Now,
    /// Also those that were removed since.
    Ever,
}

/// A file of a directory.
///
/// Shape: `{ id: "dfl-…", display_name: Some("invoice-0417.pdf") }`. Source: API schema `DirectoryFileResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DirectoryFile {
    /// Shape: `dfl-…`; what results of a batch refer to. Empty if the API did not say.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// The name for people. Upstream text, not cleaned.
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: Option<String>,
}

impl<'c> Directories<'c> {
    pub(super) fn new(client: &'c Client) -> Self {
        Self { client }
    }

    /// One page of a directory's files.
    ///
    /// Source: `GET /api/v1/beta/directories/{directory_id}/files`. The bounds of `page_size` are not documented there.
    pub async fn files(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        which: FilesOf,
        window: &Window,
        deadline: Instant,
    ) -> Result<Page<DirectoryFile>, Error> {
        let removed = (which == FilesOf::Ever).then_some(true);
        let request = Request::get(scope, "/api/v1/beta/directories/{id}/files", &[directory_id.as_str()])
            .query("include_deleted", removed)
            .window(window);
        Ok(self.client.execute::<Page<_>>(request, deadline).await?.body)
    }
}

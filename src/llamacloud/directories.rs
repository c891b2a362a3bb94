//! Directories and the files that they hold.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::DirectoryId,
    lenient::{instant, lenient},
    paging::Reading,
    request::{Page, Request, Scope, Window},
};

const DIRECTORIES: &str = "/api/v1/beta/directories";
/// As large a page as the API's other lists of files take, then what any list takes, then the API's own default.
const FILES_A_PAGE: [Option<u32>; 3] = [Some(1000), Some(100), None];

/// A directory.
///
/// Shape: `{ id: "dir-…", name: "Invoices", kind: Some("user") }`. Source: API schema `DirectoryResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Directory {
    /// Shape: `dir-…`. Empty if the API sent none.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// The name for people. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// `user`, `index` or `ephemeral`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    /// The connector that fills it; `None` if people do.
    #[serde(default, deserialize_with = "lenient")]
    pub connector_subscription_id: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When LlamaCloud deletes it.
    #[serde(default, deserialize_with = "instant")]
    pub expires_at: Option<Timestamp>,
}

/// Which directories to list; absent means no restriction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListDirectories {
    /// A name "to match"; whether a part of it is enough is not documented.
    pub name: Option<String>,
    /// `user`, `index` or `ephemeral`.
    pub kind: Option<String>,
    /// Also those that were deleted.
    pub include_deleted: bool,
    /// Which part of the list to read.
    pub window: Window,
}

/// Which files of a directory to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesOf {
    /// Those that are there now, which a new batch would process.
    Now,
    /// Also those that were removed.
    Ever,
}

/// A file of a directory.
///
/// Shape: `{ id: "dfl-…", display_name: Some("invoice-0417.pdf"), … }`. Source: API schema `DirectoryFileResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DirectoryFile {
    /// Shape: `dfl-…`; results of a batch refer to it. Empty if the API sent none.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// The name for people. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: Option<String>,
    /// Distinguishes it from the directory's other files. Empty if the API sent none. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub unique_id: String,
    /// The stored file, which other directories may hold as well.
    #[serde(default, deserialize_with = "lenient")]
    pub file_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    metadata: Metadata,
    /// When it was added to the directory.
    #[serde(default, deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed; processing may count as a change.
    #[serde(default, deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
}

/// Metadata that the uploader of a file stored. The API merges it with its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Metadata {
    #[serde(default, deserialize_with = "lenient")]
    sha256: Option<String>,
}

impl DirectoryFile {
    /// The hash of its content, if it was stored by this program. In lower-case hexadecimal.
    pub fn sha256(&self) -> Option<&str> {
        self.metadata.sha256.as_deref()
    }
}

impl Client {
    /// Creates a directory.
    ///
    /// Source: `POST /api/v1/beta/directories`.
    pub async fn create_directory(
        &self,
        scope: &Scope,
        name: &str,
        kind: &str,
        deadline: Instant,
    ) -> Result<Directory, Error> {
        let request = Request::post(scope, DIRECTORIES, &[]).json(&json!({ "name": name, "type": kind }));
        self.execute(request, deadline).await
    }

    /// One page of the directories.
    ///
    /// Source: `GET /api/v1/beta/directories`.
    pub async fn list_directories(
        &self,
        scope: &Scope,
        query: &ListDirectories,
        deadline: Instant,
    ) -> Result<Page<Directory>, Error> {
        let request = Request::get(scope, DIRECTORIES, &[])
            .query("name", query.name.as_ref())
            .query("type", query.kind.as_ref())
            .query("include_deleted", query.include_deleted.then_some(true))
            .window(&query.window);
        self.execute(request, deadline).await
    }

    /// One directory.
    ///
    /// Source: `GET /api/v1/beta/directories/{directory_id}`.
    pub async fn get_directory(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        deadline: Instant,
    ) -> Result<Directory, Error> {
        let request = Request::get(scope, "/api/v1/beta/directories/{id}", &[directory_id.as_str()]);
        self.execute(request, deadline).await
    }

    /// One page of a directory's files.
    ///
    /// Source: `GET /api/v1/beta/directories/{directory_id}/files`. The limits of `page_size` are not documented there.
    pub async fn list_directory_files(
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
        self.execute(request, deadline).await
    }

    /// The files of a directory, page after page: to the end, or until `wants_more` returns false for the last file of a page.
    pub(crate) async fn directory_files(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        which: FilesOf,
        deadline: Instant,
        mut wants_more: impl FnMut(&DirectoryFile) -> bool,
    ) -> Reading<DirectoryFile> {
        let mut reading = Reading::new(FILES_A_PAGE);
        while let Some(window) = reading.next() {
            let page = self.list_directory_files(scope, directory_id, which, &window, deadline);
            reading.take(page.await, &mut wants_more);
        }
        reading
    }
}

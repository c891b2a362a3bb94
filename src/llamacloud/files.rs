//! Files of a directory: sent from this machine, or added by their id.

use std::{io, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use super::{
    DirectoryFile, Page, Window,
    client::Client,
    error::Error,
    ids::{DirectoryId, FileId},
    request::{Request, Scope},
    upload_body::{Form, Open},
};

const FILES: &str = "/api/v1/beta/directories/{id}/files";
const UPLOAD: &str = "/api/v1/beta/directories/{id}/files/upload";

/// A file to send.
///
/// Shape: `{ unique_id: "2026/invoice-0417.pdf", name: "invoice-0417.pdf", sha256: "ba78…", length: 48213 }`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NewFile {
    /// Distinguishes it from the directory's other files, and is what people see: its path relative to the folder.
    pub unique_id: String,
    /// The file's own name.
    pub name: String,
    /// Of its content, in lower-case hexadecimal; kept in the file's metadata.
    pub sha256: String,
    /// Units: bytes.
    pub length: u64,
}

/// Why an upload failed, or has an unknown outcome.
#[derive(Debug, Clone)]
pub enum UploadError {
    /// The file could not be read whole, or changed meanwhile. Nothing was stored.
    Source(Arc<io::Error>),
    /// The network failed or the API refused it. Nothing was stored.
    Refused(Error),
    /// All of it was sent, and the file may be stored or not.
    Unknown(Error),
}

/// The minimum average speed of an upload. Units: bytes per second.
const SLOWEST: u64 = 16 << 10;

impl NewFile {
    /// How long sending it may take on a slow line. An upload that makes no progress ends much earlier.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(120 + self.length / SLOWEST)
    }
}

impl Client {
    /// Sends a file into a directory. Its bytes are read as they are sent; memory does not grow with its length.
    ///
    /// The POST is repeated only where it cannot have had an effect. `open` is called for each attempt.
    ///
    /// Source: `POST /api/v1/beta/directories/{directory_id}/files/upload`.
    pub(super) async fn upload_file(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        file: &NewFile,
        open: Open,
        deadline: Instant,
    ) -> Result<DirectoryFile, UploadError> {
        let metadata = serde_json::json!({ "sha256": file.sha256 }).to_string();
        let fields = [
            ("display_name", file.unique_id.as_str()),
            ("metadata", &metadata),
            ("unique_id", &file.unique_id),
        ];
        let form = Form::new(&fields, &file.name, file.length, open);
        let request = Request::post(scope, UPLOAD, &[directory_id.as_str()]).form(form.clone());
        let reply = self.execute(request, deadline).await;
        match (reply, form.failure()) {
            (Ok(file), _) => Ok(file),
            (Err(_), Some(failure)) => Err(UploadError::Source(Arc::new(failure))),
            (Err(error), None) if error.had_no_effect() || !form.is_sent() => Err(UploadError::Refused(error)),
            (Err(error), None) => Err(UploadError::Unknown(error)),
        }
    }

    /// Adds a stored file to a directory.
    ///
    /// Source: `POST /api/v1/beta/directories/{directory_id}/files`.
    pub async fn add_directory_file(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        file: &AddFile,
        deadline: Instant,
    ) -> Result<DirectoryFile, Error> {
        let request = Request::post(scope, FILES, &[directory_id.as_str()]).json(file);
        self.execute(request, deadline).await
    }

    /// One page of the files of a directory that have this `unique_id`. An API that ignores the filter answers with others as well.
    ///
    /// Source: `GET /api/v1/beta/directories/{directory_id}/files`.
    pub async fn find_directory_files(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        unique_id: &str,
        window: &Window,
        deadline: Instant,
    ) -> Result<Page<DirectoryFile>, Error> {
        let request = Request::get(scope, FILES, &[directory_id.as_str()])
            .query("unique_id", Some(unique_id))
            .window(window);
        self.execute(request, deadline).await
    }
}

/// A stored file to add. Source: API schema of the body of `POST …/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddFile {
    /// The stored file.
    pub file_id: FileId,
    /// Distinguishes it from the directory's other files.
    pub unique_id: String,
    /// The name for people; the stored file's own where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

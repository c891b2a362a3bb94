//! Directories, the files in them, and how a batch over them goes.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::Document;

/// How a batch over a directory goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Course {
    #[default]
    Smooth,
    Throttled,
    Broken,
}

/// How a file ends in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Completed,
    /// Its job fails, with this error.
    JobFailed(String),
    /// Its job fails in the first batch over it, with this error, and completes in any later one.
    FailsOnce(String),
    /// No job is created, for this reason.
    NotMapped(String),
    /// No job and no error: "no job reference yet".
    Unreferenced,
    /// Its job continues after the batch is COMPLETED.
    Straggler,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    User,
    Index,
    Ephemeral,
}

#[derive(Debug)]
pub(super) struct Directory {
    pub(super) id: String,
    /// Position in the order of creation.
    pub(super) serial: u64,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kind: Kind,
    pub(super) course: Course,
    /// Set where a connector fills the directory.
    pub(super) connector: Option<String>,
    pub(super) system_metadata: Option<Value>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// When a request deleted it.
    pub(super) deleted_at: Option<Timestamp>,
    /// When the last batch over it began, which touches the `updated_at` of its files.
    pub(super) processed_at: Option<Timestamp>,
    pub(super) files: Vec<Arc<DirectoryFile>>,
}

#[derive(Clone, Debug)]
pub(super) struct DirectoryFile {
    pub(super) id: String,
    /// Position in the order of creation.
    pub(super) serial: u64,
    pub(super) unique_id: String,
    pub(super) display_name: String,
    pub(super) metadata: Map<String, Value>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) stored: Arc<Stored>,
}

/// A file's content, which several directories may share.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) document: Document,
    pub(super) fate: Fate,
    /// The id of the first batch over it.
    pub(super) first_run: OnceLock<String>,
}

impl Directory {
    pub(super) fn exists(&self, now: Timestamp) -> bool {
        self.gone_at(now).is_none()
    }

    /// When it was deleted or expired. Whether the API shows an expired directory as deleted is undocumented; here it does.
    pub(super) fn gone_at(&self, now: Timestamp) -> Option<Timestamp> {
        let expired_at = self.expires_at.filter(|expires_at| *expires_at <= now);
        self.deleted_at.or(expired_at)
    }

    /// When a file last changed. Whether processing touches this is undocumented; here it does.
    pub(super) fn updated_at(&self, file: &DirectoryFile) -> Timestamp {
        let processed = self.processed_at.filter(|at| *at >= file.created_at);
        processed.map_or(file.updated_at, |at| at.max(file.updated_at))
    }
}

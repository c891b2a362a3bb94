//! `manifest.json`: what is known of each result. It is updated during the work, so that the next call knows what is done.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::files::OutputFolder;
use crate::tools::results::Format;

pub(super) const NAME: &str = "manifest.json";
/// A thousand files with long names and many failed pages stay far below. Units: bytes.
const MAX_BYTES: u64 = 64 << 20;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) batch_id: String,
    pub(super) job_type: String,
    pub(super) files: Vec<Entry>,
}

/// One file of the batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name, as LlamaCloud shows it.
    pub(super) file: String,
    pub(super) file_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job_id: Option<String>,
    pub(super) status: String,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) failed_pages: Vec<FailedPage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credits: Option<f64>,
    /// What was saved, by format.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) saved: BTreeMap<Format, SavedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FailedPage {
    pub(super) page: u64,
    pub(super) error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedFile {
    /// Relative to the folder of the manifest.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Manifest {
    /// The manifest in a folder; `None` if there is none.
    ///
    /// # Errors
    /// `InvalidData` for a file that is not a manifest, or is one of another batch.
    pub(super) fn read(folder: &OutputFolder, batch_id: &str) -> io::Result<Option<Self>> {
        let Some(text) = folder.read(NAME, MAX_BYTES)? else {
            return Ok(None);
        };
        let manifest = serde_json::from_slice::<Self>(&text).map_err(|_| io::ErrorKind::InvalidData)?;
        if manifest.batch_id != batch_id {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(manifest))
    }

    pub(super) fn write(&self, folder: &OutputFolder) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        folder.replace(NAME, &text)
    }
}

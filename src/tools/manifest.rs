//! `manifest.json`: what is known of each result of a batch. `save_results` updates it during the work, so that the next call knows
//! what is done. `upload_files` recognises results by it.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::files::{OutputFolder, ResultsMark};
use crate::tools::results::Format;

pub(crate) const NAME: &str = "manifest.json";
/// A thousand files with long names and many failed pages stay far below. Units: bytes.
const MAX_BYTES: u64 = 64 << 20;

/// By this file, a folder of results is told from one of documents.
pub(crate) const MARK: ResultsMark = ResultsMark {
    name: NAME,
    max_bytes: MAX_BYTES,
    saved_paths,
};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) batch_id: String,
    pub(crate) job_type: String,
    pub(crate) files: Vec<Entry>,
}

/// One file of the batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its name, as LlamaCloud shows it.
    pub(crate) file: String,
    pub(crate) file_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    pub(crate) status: String,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed_pages: Vec<FailedPage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credits: Option<f64>,
    /// What was saved, by format.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) saved: BTreeMap<Format, SavedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedPage {
    pub(crate) page: u64,
    pub(crate) error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedFile {
    /// Relative to the folder of the manifest.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

fn saved_paths(text: &[u8]) -> Option<Vec<String>> {
    let manifest: Manifest = serde_json::from_slice(text).ok()?;
    let saved = manifest.files.into_iter().flat_map(|entry| entry.saved.into_values());
    Some(saved.map(|saved| saved.path).collect())
}

impl Manifest {
    /// The manifest in a folder; `None` if there is none.
    ///
    /// # Errors
    /// `InvalidData` for a file that is not a manifest, or is one of another batch.
    pub(crate) fn read(folder: &OutputFolder, batch_id: &str) -> io::Result<Option<Self>> {
        let Some(text) = folder.read(NAME, MAX_BYTES)? else {
            return Ok(None);
        };
        let manifest = serde_json::from_slice::<Self>(&text).map_err(|_| io::ErrorKind::InvalidData)?;
        if manifest.batch_id != batch_id {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(manifest))
    }

    pub(crate) fn write(&self, folder: &OutputFolder) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        folder.replace(NAME, &text)
    }
}

//! The folder for results, before anything is paid for: it takes the results of one batch only.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::commands::caller::Stopped;
use crate::untrusted::{clean, quote};

/// What `save_results` writes beside the results.
const MANIFEST: &str = "manifest.json";
/// `save_results` does not read longer ones.
const MAX_BYTES: u64 = 64 << 20;
const MAX_PATH_CHARS: usize = 300;
const MAX_ID_CHARS: usize = 128;

/// The folder of `--out` when the command starts.
pub(super) struct Out<'a> {
    pub(super) folder: &'a Path,
    /// The batch whose results it holds.
    batch_id: Option<String>,
}

impl<'a> Out<'a> {
    /// Looks into the folder.
    ///
    /// # Errors
    /// If it holds a manifest of somebody else, or one that cannot be read: `save_results` would refuse the folder.
    pub(super) fn look_into(folder: &'a Path) -> Result<Self, Stopped> {
        let batch_id = held_by(folder).map_err(|problem| {
            Stopped::for_good(format!(
                "--out: {} holds a {MANIFEST} that {problem}. Nothing was sent. Choose another folder, or move that file.",
                shown(folder)
            ))
        })?;
        Ok(Self { folder, batch_id })
    }

    /// Refuses to go on if a new batch is certain, since its results could not be saved here.
    pub(super) fn check_for_new_batch(&self) -> Result<(), Stopped> {
        match &self.batch_id {
            None => Ok(()),
            Some(held) => Err(Stopped::for_good(format!(
                "--out: {} holds the results of batch {held}, but files will be uploaded, so there will be a new batch. Nothing was \
                 sent. Choose another folder for its results.",
                shown(self.folder)
            ))),
        }
    }

    /// Refuses to go on if the folder holds the results of another batch.
    pub(super) fn check(&self, batch_id: &str, is_sandbox: bool) -> Result<(), Stopped> {
        let Some(held) = self.batch_id.as_ref().filter(|held| *held != batch_id) else {
            return Ok(());
        };
        let next = if is_sandbox {
            "Choose another folder.".to_owned()
        } else {
            format!(
                "Run the same command with another --out: it follows batch {batch_id}, and nothing is uploaded or paid for again."
            )
        };
        Err(Stopped::for_good(format!(
            "The results of batch {batch_id} are not saved, because {} holds those of batch {held}. {next}",
            shown(self.folder)
        )))
    }
}

/// The batch whose manifest is in the folder, if any.
fn held_by(folder: &Path) -> Result<Option<String>, String> {
    let foreign = || "this program did not write".to_owned();
    let path = folder.join(MANIFEST);
    let text = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if !metadata.is_file() || metadata.len() > MAX_BYTES => return Err(foreign()),
        Ok(_) => fs::read(&path),
        Err(error) => Err(error),
    };
    let text = text.map_err(|error| format!("cannot be read ({error})"))?;
    batch_of(&text).map(Some).ok_or_else(foreign)
}

/// The batch that a manifest is about. `None`: it is not a manifest of `save_results`.
fn batch_of(text: &[u8]) -> Option<String> {
    let manifest: Value = serde_json::from_slice(text).ok()?;
    let is_ours = manifest.get("job_type")?.is_string() && manifest.get("files")?.is_array();
    let id = manifest.get("batch_id")?.as_str().filter(|_| is_ours)?;
    Some(clean(id, MAX_ID_CHARS))
}

fn shown(folder: &Path) -> String {
    quote(&folder.to_string_lossy(), MAX_PATH_CHARS)
}

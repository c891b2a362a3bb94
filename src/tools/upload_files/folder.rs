//! A user's folder, scanned and hashed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::files::{Allowed, Candidate, Content, Locked, Place, Refusal, Selection, Stamp, sha256_hex};
use crate::mcp::ToolError;
use crate::tools::error::in_use;
use crate::untrusted::clean;

/// Units: characters.
const MAX_NAME_CHARS: usize = 60;
/// Of the hash in a directory's name. Units: characters.
const HASH_CHARS: usize = 16;
/// How many hashes of files are remembered.
const MAX_HASHES: usize = 10_000;
const LOCK_PAUSE: Duration = Duration::from_millis(500);

/// The allowed folders, and what is known of the files in them.
pub(super) struct Folders {
    allowed: Allowed,
    /// Only spares reading a file again: what is sent is hashed while it is sent.
    hashes: Arc<Mutex<HashMap<Stamp, Content>>>,
    locks: Mutex<HashMap<PathBuf, Weak<Locked>>>,
}

/// A file to upload, with its content.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) file: Candidate,
    pub(super) content: Content,
}

/// A folder, as one call sees it.
pub(super) struct Folder {
    /// For people.
    pub(super) name: String,
    /// Made from the folder's name and what it holds.
    pub(super) directory_name: String,
    pub(super) documents: Vec<Document>,
    pub(super) refused: Vec<(String, Refusal)>,
    /// Other processes with the same folder wait while this is held.
    pub(super) lock: Arc<Locked>,
}

impl Folders {
    pub(super) fn new(allowed: Allowed) -> Self {
        Self {
            allowed,
            hashes: Arc::default(),
            locks: Mutex::default(),
        }
    }

    /// Looks through a folder and hashes what is in it, in half of the time that a call has. `None`: there was not enough time; the
    /// next call goes on.
    ///
    /// # Errors
    /// For a path that is not allowed, a folder with too many files, and one that another process is uploading.
    pub(super) async fn look_into(
        &self,
        path: &str,
        selection: Selection,
        timeout: Duration,
    ) -> Result<Option<Folder>, ToolError> {
        let until = Instant::now() + timeout / 2;
        let (allowed, wanted) = (self.allowed.clone(), path.to_owned());
        let place = blocking(move || allowed.place(&wanted)).await?;
        let place = place.map_err(|error| ToolError::new(format!("Nothing was sent. `path` {error}.")))?;
        let Some(lock) = self.lock(&place, until).await else {
            return Err(in_use(
                "Nothing was sent: another process is uploading this folder. Try again in a few seconds. What that process uploads is \
                 not sent again.",
            ));
        };
        let (hashes, inner) = (Arc::clone(&self.hashes), place.clone());
        let looked = blocking(move || {
            let found = inner
                .files(&selection)
                .map_err(|error| ToolError::new(format!("Nothing was sent: {error}.")))?;
            let mut refused = found.refused;
            let mut documents = Vec::with_capacity(found.files.len());
            for file in found.files {
                if Instant::now() >= until {
                    return Ok(None);
                }
                match hash(&file, &hashes) {
                    Ok(content) => documents.push(Document { file, content }),
                    Err(refusal) => refused.push((file.path, refusal)),
                }
            }
            Ok(Some((documents, refused)))
        });
        let Some((documents, refused)) = looked.await?? else {
            return Ok(None);
        };
        Ok(Some(Folder {
            name: place.name(),
            directory_name: directory_name(&place.name(), &documents),
            documents,
            refused,
            lock,
        }))
    }

    /// Waits for other processes; `None`: too long. Calls of this process share the lock: they join each other's uploads.
    async fn lock(&self, place: &Place, until: Instant) -> Option<Arc<Locked>> {
        loop {
            if let Some(lock) = self.try_lock(place) {
                return Some(lock);
            }
            if Instant::now() + LOCK_PAUSE >= until {
                return None;
            }
            sleep(LOCK_PAUSE).await;
        }
    }

    fn try_lock(&self, place: &Place) -> Option<Arc<Locked>> {
        let mut locks = lock(&self.locks);
        locks.retain(|_, lock| lock.strong_count() > 0);
        let key = place.folder_path();
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return Some(lock);
        }
        let lock = Arc::new(place.lock()?);
        locks.insert(key, Arc::downgrade(&lock));
        Some(lock)
    }
}

fn hash(file: &Candidate, hashes: &Mutex<HashMap<Stamp, Content>>) -> Result<Content, Refusal> {
    if let Some(content) = lock(hashes).get(&file.stamp) {
        return Ok(content.clone());
    }
    let content = file.content()?;
    let mut hashes = lock(hashes);
    if hashes.len() >= MAX_HASHES {
        hashes.clear();
    }
    hashes.insert(file.stamp.clone(), content.clone());
    Ok(content)
}

/// Shape: `invoices-3f5a09c1b2d4e6f8`. The same files in a folder of the same name always give the same.
fn directory_name(folder: &str, documents: &[Document]) -> String {
    let lines = documents
        .iter()
        .map(|Document { file, content }| format!("{}\0{}\n", file.path, content.sha256));
    let hash = sha256_hex([lines.collect::<String>().as_bytes()]);
    let hash: String = hash.chars().take(HASH_CHARS).collect();
    format!("{}-{hash}", clean(folder, MAX_NAME_CHARS))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ToolError> {
    let done = crate::files::blocking(work).await;
    done.map_err(|error| ToolError::caused_by("The folder could not be read. This is a bug: please report it.", error))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

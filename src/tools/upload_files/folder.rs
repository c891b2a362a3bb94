//! A user's folder, scanned and hashed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::files::{Allowed, Candidate, Content, Found, Locked, Place, Refusal, Selection, Stamp, sha256_hex};
use crate::mcp::ToolError;
use crate::tools::call::Call;
use crate::tools::error::in_use;
use crate::tools::manifest;
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
    hashes: Arc<Hashes>,
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
    /// Which files were asked for: the path on this machine, and the choice among its files.
    pub(super) source: String,
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

    /// Looks through a folder and hashes what is in it, in two thirds of the time that a call has. `None`: there was not enough time
    /// to read the files; the next call goes on, because each reads at least one file that no earlier call has read.
    ///
    /// # Errors
    /// For a path that is not allowed, a folder with too many files or one that cannot be listed in half of the time, and one that
    /// another process is uploading.
    pub(super) async fn look_into(
        &self,
        call: &Call,
        path: &str,
        include: &[String],
        recursive: bool,
    ) -> Result<Option<Folder>, ToolError> {
        let sixth = call.account.policy.timeout / 6;
        let [locked, listed, read] = [4, 3, 2].map(|left| call.deadline - sixth * left);
        let selection = Selection::new(include, recursive)
            .map_err(|problem| ToolError::about_arguments(format!("`include`: {problem}. Nothing was sent.")))?
            .without_results(manifest::MARK);
        let choice = format!("{recursive} {include:?}");
        let (allowed, wanted) = (self.allowed.clone(), path.to_owned());
        let place = blocking(move || allowed.place(&wanted)).await?;
        let place = place.map_err(|error| ToolError::new(format!("Nothing was sent. `path` {error}.")))?;
        let Some(lock) = self.lock(&place, locked).await else {
            return Err(in_use(
                "Nothing was sent: another process is uploading this folder. Try again in a few seconds. What that process uploads is \
                 not sent again.",
            ));
        };
        let (inner, selection) = (place.clone(), selection.until(listed));
        let found = blocking(move || inner.files(&selection)).await?;
        let found = found.map_err(|error| ToolError::new(format!("Nothing was sent: {error}.")))?;
        let hashes = Arc::clone(&self.hashes);
        // A file that is still being read then is read to its end, for the next call.
        let Ok(contents) = timeout_at(read, blocking(move || hash_all(found, &hashes, read))).await else {
            return Ok(None);
        };
        let Some((documents, refused)) = contents? else {
            return Ok(None);
        };
        Ok(Some(Folder {
            name: place.name(),
            source: format!("{choice} {}", place.path().display()),
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
        let mut locks = self.locks.lock();
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

/// The files with their contents, and those that cannot be read, with the reasons.
type Contents = (Vec<Document>, Vec<(String, Refusal)>);

/// Reads files. `None`: `until` came first. Even then, one new file is read.
fn hash_all(found: Found, hashes: &Hashes, until: Instant) -> Option<Contents> {
    let Found { files, mut refused } = found;
    let mut documents = Vec::with_capacity(files.len());
    let mut has_read = false;
    for file in files {
        let hash = hashes.of(&file.stamp);
        let is_new = hash.get().is_none();
        if is_new && has_read && Instant::now() >= until {
            return None;
        }
        match hash.get_or_init(|| file.content()) {
            Ok(content) => {
                has_read |= is_new;
                documents.push(Document {
                    content: content.clone(),
                    file,
                });
            }
            Err(refusal) => {
                hashes.forget(&file.stamp);
                refused.push((file.path, *refusal));
            }
        }
    }
    Some((documents, refused))
}

/// What is known of files. Only spares reading a file again: what is sent is hashed while it is sent.
#[derive(Default)]
struct Hashes(Mutex<HashMap<Stamp, Hash>>);

/// Whoever is first reads the file; the others wait for that.
type Hash = Arc<OnceLock<Result<Content, Refusal>>>;

impl Hashes {
    fn of(&self, stamp: &Stamp) -> Hash {
        let mut known = self.0.lock();
        if known.len() >= MAX_HASHES && !known.contains_key(stamp) {
            known.clear();
        }
        Arc::clone(known.entry(stamp.clone()).or_default())
    }

    fn forget(&self, stamp: &Stamp) {
        self.0.lock().remove(stamp);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Forbidden;

    /// However slow the disk is, each call reads another file, and the files that were read need no time.
    #[test]
    fn a_call_without_time_reads_one_more_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = std::fs::canonicalize(folder.path()).unwrap();
        for name in ["a.txt", "b.txt", "c.txt"] {
            std::fs::write(path.join(name), name).unwrap();
        }
        let place = Allowed::open(&[path], &Forbidden::default())
            .unwrap()
            .place(".")
            .unwrap();
        let hashes = Hashes::default();
        let read = || {
            let found = place.files(&Selection::default()).unwrap();
            hash_all(found, &hashes, Instant::now()).map(|(documents, _)| documents.len())
        };
        assert_eq!([read(), read(), read(), read()], [None, None, Some(3), Some(3)]);
    }

    #[test]
    fn a_file_that_could_not_be_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = std::fs::canonicalize(folder.path()).unwrap();
        let (file, moved) = (path.join("a.txt"), path.join("b.tmp"));
        std::fs::write(&file, "a").unwrap();
        let place = Allowed::open(&[path], &Forbidden::default())
            .unwrap()
            .place(".")
            .unwrap();
        let hashes = Hashes::default();
        let found = || place.files(&Selection::default()).unwrap();
        let (first, second) = (found(), found());
        std::fs::rename(&file, &moved).unwrap();
        let (_, refused) = hash_all(first, &hashes, Instant::now()).unwrap();
        std::fs::rename(&moved, &file).unwrap();
        let (documents, _) = hash_all(second, &hashes, Instant::now()).unwrap();
        assert_eq!((refused.len(), documents.len()), (1, 1));
    }
}

//! Each file at most once, and each directory at most once.
//!
//! The API cannot identify an upload: no hash, no idempotency key, and what a second upload of the same `unique_id` does is
//! not documented. So, for each file and each directory:
//! 1. **Guard.** The caller has read the directory's list; what is in it is not sent. If that was a while ago, the list is asked for
//!    the file once more. A directory is looked for by its name, which is made from the contents of the files.
//! 2. **Send once.** The POST, which the client repeats only where it cannot have had an effect.
//! 3. **Reconcile.** If the outcome is unknown, look into the list, by `unique_id` or by name, until some time has passed.
//! 4. **One at a time.** Identical calls share one attempt. An attempt is a separate task: a caller that goes away does not
//!    abort it, and a later call joins it.
//!
//! **Guaranteed**, if the API lists a file once it is stored: one process stores each file at most once, and so do processes that run
//! one after the other, wherever the first was killed. Names of directories are unique, so a directory may be created again after
//! one look. Where the list lags, memory helps: what was made or stored is remembered, and so is an unknown
//! outcome, for [`CreatePolicy::list_lag`].
//!
//! **Not guaranteed**: two processes that send the same files to the same directory at the same moment both find nothing and both
//! send. `upload_files` takes turns with a lock on the folder, which works on one machine and not on Windows. Where there is no
//! folder, a process that did not make the directory waits until nothing more is added to it ([`UploadOnce::files_when_quiet`]):
//! names are unique, so one process alone has made it. A process that pauses for longer than that while it adds files is not noticed.

mod directory;
mod file;
mod filling;
mod quiet;

#[cfg(test)]
mod tests;
mod upstream;
mod wanted;

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

pub use directory::{DirectoryNotMade, Made};
pub use file::NotStored;
pub use filling::{Filling, Unfinished};

use self::{directory::MadeDirectory, file::FileKey, filling::Fillings, upstream::Upstream, wanted::Wanted};
use super::{
    AddFile, Client, CreatePolicy, Directory, DirectoryFile, DirectoryId, NewFile, Scope,
    single_flight::{Sharing, SingleFlight},
    upload_body::Open,
};

/// Stores files by the protocol above. Clones share their memory.
#[derive(Clone)]
pub struct UploadOnce(Arc<Shared>);

struct Shared {
    upstream: Upstream,
    files: SingleFlight<FileKey, file::Memory, file::Ended>,
    directories: SingleFlight<(Scope, String), MadeDirectory, directory::Outcome>,
    fillings: Arc<Fillings>,
}

impl UploadOnce {
    /// Attempts run on `settling`: wait for it before the process ends.
    pub fn new(client: &Client, policy: CreatePolicy, settling: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            upstream: Upstream {
                client: client.with_own_turns(),
                policy,
            },
            files: SingleFlight::new(settling.clone(), file::Memory::is_worth_keeping, file::log_unreceived),
            directories: SingleFlight::new(settling, MadeDirectory::is_some, |_| ()),
            fillings: Arc::default(),
        }))
    }

    /// Stores a file that the directory's list did not hold when it was read, at `listed_at` or later. `None`: the attempt continues
    /// beyond the deadline, or one for another content of this file had to end first; call again.
    ///
    /// # Errors
    /// The file was not stored, or it is unknown whether it was.
    ///
    /// # Cancel safety
    /// Dropping the future stops the attempt only before the POST.
    pub async fn store(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        file: &NewFile,
        open: Open,
        deadline: Instant,
        listed_at: Instant,
    ) -> Option<Result<DirectoryFile, NotStored>> {
        let file = Wanted::FromHere(file.clone(), open);
        self.bring(scope, directory_id, file, deadline, listed_at).await
    }

    /// The same for a file that LlamaCloud has stored already, which is added by its ID.
    ///
    /// # Errors
    /// As for [`UploadOnce::store`].
    ///
    /// # Cancel safety
    /// As for [`UploadOnce::store`].
    pub async fn add(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        file: AddFile,
        deadline: Instant,
        listed_at: Instant,
    ) -> Option<Result<DirectoryFile, NotStored>> {
        self.bring(scope, directory_id, Wanted::Stored(file), deadline, listed_at)
            .await
    }

    async fn bring(
        &self,
        scope: &Scope,
        directory_id: &DirectoryId,
        file: Wanted,
        deadline: Instant,
        listed_at: Instant,
    ) -> Option<Result<DirectoryFile, NotStored>> {
        let key = FileKey {
            directory_id: directory_id.clone(),
            unique_id: file.unique_id().clone(),
        };
        let content = file.content().to_owned();
        let (shared, scope, sent) = (Arc::clone(&self.0), scope.clone(), content.clone());
        let call = self.0.files.call(key.clone(), Sharing::Allowed, |attempt| async move {
            let outcome = file::run(&shared.upstream, &scope, &key, file, &attempt, deadline, listed_at).await;
            (sent, outcome)
        });
        // The attempt that was joined may be for an older content of the same file, and then says nothing about this one.
        let (sent, outcome) = call.outcome(deadline).await?;
        (sent == content).then_some(outcome)
    }

    /// The ephemeral directory of this name: the one that is there, or a new one.
    ///
    /// # Errors
    /// No directory was created, or it is unknown whether one was.
    pub async fn directory(&self, scope: &Scope, name: &str, deadline: Instant) -> Result<Made, DirectoryNotMade> {
        let (shared, key) = (Arc::clone(&self.0), (scope.clone(), name.to_owned()));
        let call = self
            .0
            .directories
            .call(key.clone(), Sharing::Allowed, |attempt| async move {
                directory::run(&shared.upstream, &key, &attempt, deadline).await
            });
        call.outcome(deadline)
            .await
            .unwrap_or(Err(DirectoryNotMade::StillTrying))
    }

    /// The directory of this name, if there is one. Sends nothing that changes anything.
    ///
    /// # Errors
    /// Why the list could not be read.
    pub async fn find_directory(
        &self,
        scope: &Scope,
        name: &str,
        deadline: Instant,
    ) -> Result<Option<Directory>, super::Error> {
        directory::find(&self.0.upstream.client, scope, name, deadline).await
    }

    /// All directories of this name, also those that were deleted. Sends nothing that changes anything.
    ///
    /// # Errors
    /// Why the list could not be read to its end.
    pub async fn find_directories(
        &self,
        scope: &Scope,
        name: &str,
        deadline: Instant,
    ) -> Result<Vec<Directory>, super::Error> {
        directory::find_all(&self.0.upstream.client, scope, name, deadline).await
    }

    /// The files of a directory, once no other process seems to be filling it. `None`: another one still is at the deadline.
    ///
    /// # Errors
    /// Why the list could not be read.
    pub async fn files_when_quiet(
        &self,
        scope: &Scope,
        made: &Made,
        directory_id: &DirectoryId,
        deadline: Instant,
    ) -> Result<Option<Vec<DirectoryFile>>, super::Error> {
        quiet::files(&self.0.upstream, scope, made, directory_id, deadline).await
    }

    /// Notes that files of a source, such as a folder, are being sent to a directory. Until all of them are there, the directory counts
    /// as unfinished.
    pub fn begin(&self, directory_id: &DirectoryId, source: &str) -> Filling {
        Fillings::begin(&self.0.fillings, directory_id, source)
    }

    /// Notes that files are about to be sent: the directory counts as unfinished until the [`Filling`] is dropped.
    pub fn hold(&self, directory_id: &DirectoryId, source: &str) -> Filling {
        Fillings::hold(&self.0.fillings, directory_id, source)
    }

    /// Whether this process is filling the directory, or has left it incomplete.
    pub fn unfinished(&self, directory_id: &DirectoryId) -> Option<Unfinished> {
        self.0.fillings.state(directory_id)
    }
}

//! A batch and how its files ended: what was read of them, and whether anything will still change.
//!
//! | file | holds |
//! |---|---|
//! | `lookup`, `missing` | names of files and states of jobs, read from LlamaCloud, and what of them could not be read |
//! | `states` | what LlamaCloud says about each file |
//! | `finality` | whether anything will still change |
//! | `kinds`, `reasons` | kinds of files and their counts; error messages in groups |
//! | `mapping` | which job each file has, and what it is called |
//! | `files` | the files of a batch, problem files first, and the cursor through them |
//! | `report` | what every answer about one batch holds |
//! | `page` | the answer of `get_batch` within its limit |
//! | `summary` | what is said about a batch |

pub(crate) mod files;
mod finality;
mod kinds;
mod lookup;
mod mapping;
mod missing;
pub(crate) mod page;
pub(crate) mod reasons;
pub(crate) mod report;
mod states;
pub(crate) mod summary;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use self::files::{Files, Rows, has_problems};
pub(crate) use self::finality::Finality;
pub(crate) use self::kinds::{FileCounts, Kind};
use self::lookup::{FoundJobs, Lookup, Names};
pub(crate) use self::lookup::{files_in_directory, product, read_names};
use self::missing::Unread;
use self::states::{EndedBatch, FileStates};
use super::account::Account;
use super::batch::seconds_between_checks;
use crate::llamacloud::{Batch, BatchId, BatchResult, BatchStatus, Error, ErrorKind, FileJob, Scope};

/// How much to read about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The batch, in one request.
    Status,
    /// The batch with the API's mapping of files to jobs, in one request.
    Mapping,
    /// The same with the names of its files.
    Named,
    /// The batch, and once it is COMPLETED or CANCELLED how many of its files ended in which way; not which files they are.
    Counts,
    /// The batch, and how its files ended once it is COMPLETED or CANCELLED.
    Ended,
    /// The batch, and how each file ended or is doing now.
    Outcomes,
}

/// A batch as it was last seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Without its results.
    pub(crate) batch: Batch,
    /// Its files; `None`: not read, or there are no results.
    files: Option<Arc<FileStates>>,
    /// Whether the API was asked for results and had none.
    pub(crate) has_no_results: bool,
    names: Option<Arc<Names>>,
    /// The files in the order in which they are shown, once nothing about them can change.
    arranged: Option<Arc<Files>>,
    /// Why its files could not be read.
    unread: Option<Unread>,
    /// How many files its directory holds, for a batch that has not ended.
    pub(crate) files_in_directory: Option<usize>,
}

impl Seen {
    /// A batch of whose files nothing was read.
    pub(crate) const fn new(batch: Batch) -> Self {
        Self {
            batch,
            files: None,
            has_no_results: false,
            names: None,
            arranged: None,
            unread: None,
            files_in_directory: None,
        }
    }

    /// Reads a batch. What is known about a final batch costs no request.
    ///
    /// # Errors
    /// If the batch cannot be read. What cannot be read about its files is said in the answer.
    pub(crate) async fn read(
        account: &Account,
        scope: &Scope,
        batch_id: &BatchId,
        depth: Depth,
        deadline: Instant,
    ) -> Result<Self, Error> {
        if let Some(mut seen) = Self::known(account, scope, batch_id) {
            seen.read_files(account, scope, depth, deadline).await;
            return Ok(seen);
        }
        let mut seen = Self::ask(account, scope, batch_id, depth, deadline).await?;
        seen.read_files(account, scope, depth, deadline).await;
        Ok(seen)
    }

    /// The batch from LlamaCloud, with its results unless only the status matters.
    async fn ask(
        account: &Account,
        scope: &Scope,
        batch_id: &BatchId,
        depth: Depth,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let client = &account.client;
        if depth == Depth::Status {
            return Ok(Self::new(client.get_batch(scope, batch_id, deadline).await?));
        }
        match client.get_batch_with_results(scope, batch_id, deadline).await {
            Ok(batch) => Ok(Self::with_results(batch)),
            // The status alone is better than nothing.
            Err(error) if depth == Depth::Ended && matches!(error.kind(), ErrorKind::OversizedBody { .. }) => {
                Ok(Self {
                    unread: Some(Unread::refused(&error)),
                    ..Self::new(client.get_batch(scope, batch_id, deadline).await?)
                })
            }
            Err(error) => Err(error),
        }
    }

    /// What is kept about a batch that has ended.
    fn known(account: &Account, scope: &Scope, batch_id: &BatchId) -> Option<Self> {
        let known = account.cache.get::<EndedBatch>(scope, batch_id.as_str())?;
        Some(Self {
            files: Some(Arc::clone(&known.files)),
            names: account.cache.get(scope, batch_id.as_str()),
            arranged: account.cache.get(scope, batch_id.as_str()),
            ..Self::new(known.batch.clone())
        })
    }

    /// A batch from another answer, and how its files ended once it has.
    pub(crate) async fn of(account: &Account, scope: &Scope, batch: Batch, deadline: Instant) -> Self {
        let mut seen = Self::new(batch);
        seen.read_files(account, scope, Depth::Ended, deadline).await;
        seen
    }

    /// A batch from a list, and how many of its files ended in which way once it has. What is known costs no request.
    pub(crate) async fn counted(account: &Account, scope: &Scope, batch: Batch, deadline: Instant) -> Self {
        let known = has_ended(&batch.status).then(|| batch.id.parse().ok()).flatten();
        let known = known.and_then(|batch_id| Self::known(account, scope, &batch_id));
        let mut seen = known.unwrap_or_else(|| Self::new(batch));
        seen.read_files(account, scope, Depth::Counts, deadline).await;
        seen
    }

    fn with_results(mut batch: Batch) -> Self {
        let results = batch.results.take();
        let files = results.map(|results| {
            Arc::new(FileStates {
                results,
                ..FileStates::default()
            })
        });
        Self {
            has_no_results: files.is_none(),
            files,
            ..Self::new(batch)
        }
    }

    /// Reads what `depth` requires and is not known yet, or may have changed. It never fails: the answer says what is missing.
    pub(crate) async fn read_files(&mut self, account: &Account, scope: &Scope, depth: Depth, deadline: Instant) {
        if self.is_whole() {
            return;
        }
        let wanted = match depth {
            Depth::Status => false,
            Depth::Counts | Depth::Ended => has_ended(&self.batch.status),
            Depth::Mapping | Depth::Named | Depth::Outcomes => true,
        };
        if wanted && self.files.is_none() && !self.has_no_results && self.unread.is_none() {
            self.read_results(account, scope, deadline).await;
        }
        if wanted && depth != Depth::Mapping {
            self.look_up(account, scope, depth, deadline).await;
        }
        self.keep(account, scope);
    }

    /// Whether everything is known, and nothing of it will change.
    fn is_whole(&self) -> bool {
        if self.arranged.is_some() {
            return true;
        }
        let status = &self.batch.status;
        let has_names = self.names.as_ref().is_some_and(|names| names.unread.is_none());
        status.is_final() && has_names && self.files.as_ref().is_some_and(|files| files.is_whole(status))
    }

    /// Looks up the jobs that are not known or have not ended, except where only names matter; and looks up the names, except
    /// where only counts matter.
    async fn look_up(&mut self, account: &Account, scope: &Scope, depth: Depth, deadline: Instant) {
        let Some(files) = self.files.take() else { return };
        let mut files = Arc::unwrap_or_clone(files);
        let lookup = Lookup::new(account, scope, deadline);
        let jobs_matter = depth != Depth::Named;
        let unsettled = files
            .results
            .iter()
            .filter(|result| jobs_matter && !files.is_settled(&self.batch.status, result));
        let names_of = (depth != Depth::Counts && self.names.is_none() && !files.results.is_empty())
            .then_some((self.batch.source_directory_id.as_str(), files.results.as_slice()));
        let (names, FoundJobs { jobs, unread }) = lookup.run(unsettled, names_of).await;
        files.jobs.extend(jobs.into_iter().map(|job| (job.id.clone(), job)));
        if jobs_matter {
            files.looked_up = true;
            files.unread = unread;
        }
        self.files = Some(Arc::new(files));
        self.names = names.map(Arc::new).or_else(|| self.names.take());
    }

    /// Reads the batch again and, once it has ended, the jobs that had not ended.
    ///
    /// # Errors
    /// If the batch cannot be read; `self` is then unchanged.
    pub(crate) async fn look_again(
        &mut self,
        account: &Account,
        scope: &Scope,
        deadline: Instant,
    ) -> Result<(), Error> {
        let Ok(batch_id) = self.batch.id.parse::<BatchId>() else {
            return Ok(());
        };
        let known = std::mem::replace(
            self,
            Self::ask(account, scope, &batch_id, Depth::Ended, deadline).await?,
        );
        self.files_in_directory = known.files_in_directory;
        if has_ended(&known.batch.status) {
            self.names = known.names;
            if let (Some(files), Some(known)) = (&mut self.files, known.files) {
                Arc::make_mut(files).jobs.clone_from(&known.jobs);
            }
        }
        self.read_files(account, scope, Depth::Ended, deadline).await;
        Ok(())
    }

    async fn read_results(&mut self, account: &Account, scope: &Scope, deadline: Instant) {
        let Ok(batch_id) = self.batch.id.parse::<BatchId>() else {
            return;
        };
        match Self::ask(account, scope, &batch_id, Depth::Mapping, deadline).await {
            Ok(Self {
                batch,
                files,
                has_no_results,
                ..
            }) => (self.batch, self.files, self.has_no_results) = (batch, files, has_no_results),
            Err(error) => self.unread = Some(Unread::refused(&error)),
        }
    }

    /// Keeps what can no longer change: the mapping of a batch that has ended, its ended jobs, its names, and all of that in order.
    fn keep(&mut self, account: &Account, scope: &Scope) {
        if !self.batch.status.is_final() {
            return;
        }
        let id = &self.batch.id;
        // An empty mapping may only be late.
        let files = self.files.as_ref().filter(|files| !files.results.is_empty());
        let will_not_change = |files: &&Arc<FileStates>| files.is_mapped() || self.finality() == Finality::Final;
        if let Some(files) = files.filter(will_not_change) {
            let files = if files.is_settled_whole(&self.batch.status) {
                Arc::clone(files)
            } else {
                Arc::new(files.settled(&self.batch.status))
            };
            let batch = self.batch.clone();
            account.cache.keep(scope, id, Arc::new(EndedBatch { batch, files }));
        }
        if let Some(names) = self.names.as_ref().filter(|names| names.unread.is_none()) {
            account.cache.keep(scope, id, Arc::clone(names));
        }
        if self.is_whole()
            && let Some(files) = self.files(Rows::All)
        {
            account.cache.keep(scope, id, Arc::clone(&files));
            self.arranged = Some(files);
        }
    }

    /// Whether anything will still change. A job whose status is new to this server, or that LlamaCloud does not list, is not
    /// taken for one that waits or runs: otherwise its batch would never be final.
    pub(crate) fn finality(&self) -> Finality {
        if self.batch.status == BatchStatus::Failed {
            return Finality::Final;
        }
        if !self.batch.status.is_final() {
            return Finality::Going;
        }
        if let Some(unread) = &self.unread {
            return unread.finality();
        }
        let files = match &self.files {
            None if self.has_no_results => return Finality::Final,
            Some(files) if files.looked_up => files,
            _ => return Finality::Unknown,
        };
        let goes_on = |job: &FileJob| Kind::of_job(&job.status, &self.batch.status).is_unfinished();
        if files.jobs.values().any(goes_on) {
            return Finality::Going;
        }
        files.unread.as_ref().map_or(Finality::Final, Unread::finality)
    }

    /// How long to wait before polling again; `None` if nothing can change, or this was not looked up.
    pub(crate) fn check_again_in_seconds(&self, now: Timestamp) -> Option<u32> {
        let may_change = self.finality().known() == Some(false);
        may_change.then(|| seconds_between_checks(&self.batch, now))
    }

    /// Whether nothing is known about its files.
    pub(crate) const fn is_without_files(&self) -> bool {
        self.files.is_none()
    }

    /// How many files have ended, and how many there are, once their jobs were looked up.
    pub(crate) fn files_ended(&self) -> Option<(usize, usize)> {
        let files = self.files.as_ref().filter(|files| files.looked_up)?;
        let has_ended = |result: &&BatchResult| files.is_settled(&self.batch.status, result);
        Some((files.results.iter().filter(has_ended).count(), files.results.len()))
    }

    /// Why not all could be read, where reading it again does not help.
    pub(crate) fn hopeless(&self) -> Option<&Unread> {
        let unread = self.files.as_ref().and_then(|files| files.unread.as_ref());
        unread.or(self.unread.as_ref()).filter(|unread| !unread.may_pass)
    }

    /// The files, problem files first; `None` if they were not read, or the API has none.
    pub(crate) fn files(&self, rows: Rows) -> Option<Arc<Files>> {
        if let Some(files) = self.arranged.as_ref().filter(|_| rows != Rows::Mapping) {
            return Some(Arc::clone(files));
        }
        let files = self.files.as_ref()?;
        Some(Arc::new(Files::of(&self.batch, files, self.names.as_deref(), rows)))
    }

    /// Whether files of it did not end well, as [`FileCounts::problems`] counts them.
    pub(crate) fn has_problems(&self) -> bool {
        match (&self.arranged, &self.files) {
            (Some(files), _) => files.counts.problems() > 0,
            (None, Some(states)) => has_problems(&self.batch, states),
            (None, None) => false,
        }
    }

    /// What could not be read, as whole sentences.
    pub(crate) fn missing(&self) -> Vec<String> {
        if let Some(files) = &self.arranged {
            let names = missing::names(files.nameless(), files.iter().count(), None);
            return names.into_iter().collect();
        }
        let Some(files) = self.files.as_ref().filter(|files| files.looked_up) else {
            let unread = self.unread.iter();
            return unread
                .map(|unread| format!("The results of the batch's files could not be read: {}.", unread.cause))
                .collect();
        };
        let results = &files.results;
        let (names, no_names) = match self.names.as_deref() {
            Some(names) => (Some(names), names.unread.as_ref()),
            None => (None, None),
        };
        let without_name = names.map_or(0, |names| {
            let nameless = |result: &&BatchResult| names.get(&result.source_directory_file_id).is_none();
            results.iter().filter(nameless).count()
        });
        let names = missing::names(without_name, results.len(), no_names);
        let no_jobs = files.unread.clone().or_else(|| files.unsupported());
        let jobs = missing::jobs(files.jobs_not_found(), files.jobs_due().count(), no_jobs.as_ref());
        names.into_iter().chain(jobs).collect()
    }
}

/// Whether a batch has results that count: COMPLETED or CANCELLED.
fn has_ended(status: &BatchStatus) -> bool {
    matches!(status, BatchStatus::Completed | BatchStatus::Cancelled)
}

//! What LlamaCloud says about each file of a batch, and which part of it can no longer change.

use std::collections::HashMap;
use std::sync::Arc;

use super::kinds::Kind;
use super::lookup::product;
use super::missing::Unread;
use crate::llamacloud::{Batch, BatchResult, BatchStatus, FileJob, JobReference};
use crate::tools::cache::Keep;

/// What the API says about each file of a batch.
#[derive(Debug, Clone, Default)]
pub(super) struct FileStates {
    pub(super) results: Vec<BatchResult>,
    /// By job id.
    pub(super) jobs: HashMap<String, FileJob>,
    /// Whether the jobs were looked up.
    pub(super) looked_up: bool,
    pub(super) unread: Option<Unread>,
}

/// A batch that has ended, with the part of its files that can no longer change.
pub(super) struct EndedBatch {
    pub(super) batch: Batch,
    pub(super) files: Arc<FileStates>,
}

impl FileStates {
    /// The job of a file, if it was found.
    pub(super) fn job(&self, result: &BatchResult) -> Option<&FileJob> {
        self.jobs.get(&result.job_reference.as_ref()?.id)
    }

    /// Whether a file's job is known and can no longer change.
    pub(super) fn is_settled(&self, batch: &BatchStatus, result: &BatchResult) -> bool {
        let has_ended = |job: &FileJob| {
            let kind = Kind::of_job(&job.status, batch);
            !kind.is_unfinished() && kind != Kind::Other
        };
        result.job_reference.is_none() || self.job(result).is_some_and(has_ended)
    }

    pub(super) fn is_settled_whole(&self, batch: &BatchStatus) -> bool {
        self.results.iter().all(|result| self.is_settled(batch, result))
    }

    /// Whether all jobs were looked up and read, and none of them can change.
    pub(super) fn is_whole(&self, batch: &BatchStatus) -> bool {
        self.looked_up && self.unread.is_none() && self.is_settled_whole(batch)
    }

    /// The jobs of the files, found or not.
    pub(super) fn jobs_due(&self) -> impl Iterator<Item = &JobReference> {
        self.results.iter().filter_map(|result| result.job_reference.as_ref())
    }

    /// How many of them were not found.
    pub(super) fn jobs_not_found(&self) -> usize {
        self.jobs_due().filter(|job| !self.jobs.contains_key(&job.id)).count()
    }

    /// The part that can no longer change.
    pub(super) fn settled(&self, batch: &BatchStatus) -> Self {
        let results = self.results.iter().filter(|result| self.is_settled(batch, result));
        let jobs = results.filter_map(|result| self.job(result));
        Self {
            results: self.results.clone(),
            jobs: jobs.map(|job| (job.id.clone(), job.clone())).collect(),
            ..Self::default()
        }
    }

    /// Whether LlamaCloud has said of each file what its job is, or why it has none.
    pub(super) fn is_mapped(&self) -> bool {
        let is_mapped = |result: &BatchResult| result.job_reference.is_some() || result.error_message.is_some();
        !self.results.is_empty() && self.results.iter().all(is_mapped)
    }

    pub(super) fn unsupported(&self) -> Option<Unread> {
        let job = self.jobs_due().find(|job| product(&job.job_type).is_none())?;
        Some(Unread::job_type(&job.job_type))
    }
}

impl Keep for EndedBatch {
    fn bytes(&self) -> usize {
        let results = self.files.results.iter().map(|result| {
            let job = result.job_reference.as_ref().map_or(0, |job| job.id.len());
            let error = result.error_message.as_ref().map_or(0, String::len);
            size_of::<BatchResult>() + result.source_directory_file_id.len() + job + error
        });
        let jobs = self.files.jobs.values().map(|job| {
            let error = job.error_message.as_ref().map_or(0, String::len);
            size_of::<(String, FileJob)>() + 2 * job.id.len() + error
        });
        results.chain(jobs).sum()
    }
}

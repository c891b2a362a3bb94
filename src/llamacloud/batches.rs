//! Batches: the wire types and the four operations.
//!
//! Reading is lenient, because the API may grow: only `id` is required. Unknown fields are ignored, unknown words kept, and a
//! field of an unexpected type counts as absent, except where that would hide something (`items`, `results`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::{BatchId, ConfigurationId, DirectoryId},
    lenient::{WrittenInstant, lenient, words},
    request::{Page, Request, Scope, Window},
};

const BATCHES: &str = "/api/v2/batches";
const BATCH: &str = "/api/v2/batches/{id}";

/// The batch operations. All end at their deadline at the latest.
impl Client {
    /// Starts a batch, which costs credits.
    ///
    /// Repeated only if it cannot have had an effect. After an error, [`Error::had_no_effect`] says whether a batch may exist.
    ///
    /// # Cancel safety
    /// None: dropping the future may abort a request that was sent, and nobody learns whether the batch exists.
    ///
    /// Source: API operation `create_batch_api_v2_batches_post`.
    pub async fn create_batch(&self, scope: &Scope, request: &CreateBatch, deadline: Instant) -> Result<Batch, Error> {
        let request = Request::post(scope, BATCHES, &[]).json(request);
        self.execute(request, deadline).await
    }

    /// One page of batches, without per-file results. Their order is not documented.
    ///
    /// Source: API operation `list_batches_api_v2_batches_get`.
    pub async fn list_batches(
        &self,
        scope: &Scope,
        query: &ListBatches,
        deadline: Instant,
    ) -> Result<Page<Batch>, Error> {
        let request = Request::get(scope, BATCHES, &[])
            .window(&query.window)
            .query("created_at_on_or_after", query.created_at_on_or_after)
            .query("created_at_on_or_before", query.created_at_on_or_before)
            .query("status", query.status.as_ref())
            .query("source_directory_id", query.source_directory_id.as_ref());
        self.execute(request, deadline).await
    }

    /// One batch.
    ///
    /// Source: API operation `get_batch_api_v2_batches__batch_id__get`.
    pub async fn get_batch(&self, scope: &Scope, batch_id: &BatchId, deadline: Instant) -> Result<Batch, Error> {
        let request = Request::get(scope, BATCH, &[batch_id.as_str()]);
        self.execute_checked(request, deadline, about(batch_id)).await
    }

    /// One batch, with the result of each of its files.
    ///
    /// Source: API operation `get_batch_api_v2_batches__batch_id__get`.
    pub async fn get_batch_with_results(
        &self,
        scope: &Scope,
        batch_id: &BatchId,
        deadline: Instant,
    ) -> Result<Batch, Error> {
        let request = Request::get(scope, BATCH, &[batch_id.as_str()]).query("expand", Some("results"));
        self.execute_checked(request, deadline, about(batch_id)).await
    }

    /// Asks for a batch to stop; it reaches `CANCELLED` once processing stops.
    ///
    /// Repeated only if it cannot have had an effect, like a create.
    ///
    /// Source: API operation `cancel_batch_api_v2_batches__batch_id__cancel_post`.
    pub async fn cancel_batch(&self, scope: &Scope, batch_id: &BatchId, deadline: Instant) -> Result<Batch, Error> {
        let request = Request::post(scope, "/api/v2/batches/{id}/cancel", &[batch_id.as_str()]);
        self.execute_checked(request, deadline, about(batch_id)).await
    }
}

/// Accepts an answer about this batch. Only the case of its ID may differ.
fn about(batch_id: &BatchId) -> impl FnOnce(Batch) -> Result<Batch, String> {
    move |batch| {
        if batch.id.eq_ignore_ascii_case(batch_id.as_str()) {
            Ok(batch)
        } else {
            Err("the response names another batch".to_owned())
        }
    }
}

/// What a new batch should do.
///
/// Shape: `{ "source_directory_id": "dir-…", "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-…" } } }`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CreateBatch {
    /// The directory whose files it runs over.
    pub source_directory_id: DirectoryId,
    /// What it runs on each file.
    pub config: BatchConfig<NewJob>,
}

/// What a new batch shall run on each file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct NewJob {
    /// The kind of job.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// The saved configuration or preset of that kind.
    pub configuration_id: ConfigurationId,
}

/// How a batch runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchConfig<J> {
    /// The job that each file gets.
    #[serde(default)]
    pub job: J,
}

/// Which batches to list; absent means no restriction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListBatches {
    /// Only those in this status.
    pub status: Option<BatchStatus>,
    /// Only those of this directory.
    pub source_directory_id: Option<DirectoryId>,
    /// Only those created then or later.
    pub created_at_on_or_after: Option<Timestamp>,
    /// Only those created then or earlier.
    pub created_at_on_or_before: Option<Timestamp>,
    /// Which page. The API's bounds for its size are not documented.
    pub window: Window,
}

/// A batch. Ids and times are as the API sends them; a missing one is empty or `None`.
///
/// Source: API schema `BatchResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Batch {
    /// Shape: `bat-…`.
    pub id: String,
    /// Shape: `prj-…`.
    #[serde(default, deserialize_with = "lenient")]
    pub project_id: Option<String>,
    /// Shape: `dir-…`.
    #[serde(default, deserialize_with = "lenient")]
    pub source_directory_id: String,
    /// What it runs on each file.
    #[serde(default, deserialize_with = "lenient")]
    pub config: BatchConfig<Job>,
    /// Its status.
    #[serde(default)]
    pub status: BatchStatus,
    /// When it was created.
    #[serde(default, deserialize_with = "lenient")]
    pub created_at: Option<WrittenInstant>,
    /// When it last changed.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_at: Option<WrittenInstant>,
    /// The result of each file; `None` unless requested, or while the API does not know it yet.
    #[serde(default)]
    pub results: Option<Vec<BatchResult>>,
}

/// What a batch runs on each file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Job {
    /// The kind of job.
    #[serde(rename = "type", default)]
    pub job_type: JobType,
    /// Its configuration.
    #[serde(default, deserialize_with = "lenient")]
    pub configuration_id: String,
}

/// The result of one file of a batch.
///
/// Shape: a message means that no job could be made for it; a reference leads to its job, which may still fail; neither means
/// that there is no job yet. Source: API schema `BatchResult`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BatchResult {
    /// The file. Shape: `dfl-…`.
    #[serde(default, deserialize_with = "lenient")]
    pub source_directory_file_id: String,
    /// Its job, once known.
    #[serde(default, deserialize_with = "lenient")]
    pub job_reference: Option<JobReference>,
    /// Why it has none. Upstream text, not cleaned.
    #[serde(default, deserialize_with = "lenient")]
    pub error_message: Option<String>,
}

/// The job of one file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobReference {
    /// The kind of job.
    #[serde(rename = "type", default)]
    pub job_type: JobType,
    /// Shape: `pjb-…`.
    pub id: String,
}

words! {
    /// The kind of job a batch runs.
    JobType {
        /// Reads documents.
        ParseV2 = "parse_v2"
        /// Extracts structured data from documents.
        ExtractV2 = "extract_v2"
    }
}

words! {
    /// The status of a batch.
    BatchStatus {
        /// Not begun.
        Pending = "PENDING"
        /// Held back; the API does not document why.
        Throttled = "THROTTLED"
        /// In progress.
        Running = "RUNNING"
        /// Every file was mapped to a job, which does not mean that every job succeeded.
        Completed = "COMPLETED"
        /// The batch itself failed; its results mean nothing.
        Failed = "FAILED"
        /// Stopped on request; results of files that were finished are kept.
        Cancelled = "CANCELLED"
    }
}

impl Batch {
    /// When it was created, by the API's clock.
    pub fn created(&self) -> Option<Timestamp> {
        self.created_at.as_ref()?.at()
    }

    /// When it last changed, by the API's clock; for a final batch, when it ended.
    pub fn updated(&self) -> Option<Timestamp> {
        self.updated_at.as_ref()?.at()
    }
}

impl BatchStatus {
    /// Whether it can no longer change. An unknown status counts as one that may change.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

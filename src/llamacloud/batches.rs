//! Batches: the wire types and the four operations.
//!
//! Reading is lenient, for the API may grow: only `id` is indispensable. Unknown fields are ignored, unknown words kept, and a
//! field of an unexpected type counts as absent, except where that would hide something (`items`, `results`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::{BatchId, ConfigurationId, DirectoryId},
    lenient::{lenient, parse_instant, words},
    request::{Reply, Request, Scope, token},
};

const BATCHES: &str = "/api/v2/batches";
const BATCH: &str = "/api/v2/batches/{id}";

/// The batch operations. All end at their deadline at the latest.
impl Client {
    /// Starts a batch, which costs credits.
    ///
    /// Sent again only where it surely did nothing. After an error, [`Error::had_no_effect`] tells whether a batch may exist.
    ///
    /// # Cancel safety
    /// None: dropping the future may tear a request that has left, and nobody learns whether the batch exists.
    ///
    /// Source: API operation `create_batch_api_v2_batches_post`.
    pub async fn create_batch(&self, scope: &Scope, request: &CreateBatch, deadline: Instant) -> Result<Batch, Error> {
        let CreateBatch {
            source_directory_id,
            job_type,
            configuration_id,
        } = request;
        let job = JobBody {
            job_type,
            configuration_id,
        };
        let body = CreateBody {
            source_directory_id,
            config: ConfigBody { job },
        };
        let Reply { body, .. } = self
            .execute(Request::post(scope, BATCHES, &[]).json(&body), deadline)
            .await?;
        Ok(body)
    }

    /// One page of batches.
    ///
    /// Source: API operation `list_batches_api_v2_batches_get`.
    pub async fn list_batches(
        &self,
        scope: &Scope,
        query: &ListBatches,
        deadline: Instant,
    ) -> Result<BatchPage, Error> {
        let request = Request::get(scope, BATCHES, &[])
            .query("page_size", query.page_size)
            .query("page_token", query.page_token.as_ref())
            .query("created_at_on_or_after", query.created_at_on_or_after)
            .query("created_at_on_or_before", query.created_at_on_or_before)
            .query("status", query.status.as_ref())
            .query("source_directory_id", query.source_directory_id.as_ref());
        let Reply {
            body:
                PageBody {
                    items,
                    next_page_token,
                    total_size,
                },
            date,
        } = self.execute(request, deadline).await?;
        Ok(BatchPage {
            items,
            next_page_token,
            total_size,
            date,
        })
    }

    /// One batch; with [`Expand::Results`], what became of each of its files.
    ///
    /// Source: API operation `get_batch_api_v2_batches__batch_id__get`.
    pub async fn get_batch(
        &self,
        scope: &Scope,
        batch_id: &BatchId,
        expand: &[Expand],
        deadline: Instant,
    ) -> Result<Batch, Error> {
        let request = Request::get(scope, BATCH, &[batch_id.as_str()]);
        let request = expand
            .iter()
            .fold(request, |request, field| request.query("expand", Some(field.as_str())));
        Ok(self.execute(request, deadline).await?.body)
    }

    /// Asks for a batch to stop; it reaches `CANCELLED` once processing has.
    ///
    /// Sent again only where it surely did nothing, like a create.
    ///
    /// Source: API operation `cancel_batch_api_v2_batches__batch_id__cancel_post`.
    pub async fn cancel_batch(&self, scope: &Scope, batch_id: &BatchId, deadline: Instant) -> Result<Batch, Error> {
        let request = Request::post(scope, "/api/v2/batches/{id}/cancel", &[batch_id.as_str()]);
        Ok(self.execute(request, deadline).await?.body)
    }
}

/// What a new batch shall do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CreateBatch {
    /// The directory whose files it runs over.
    pub source_directory_id: DirectoryId,
    /// The kind of job.
    pub job_type: JobType,
    /// The saved configuration or preset of that kind.
    pub configuration_id: ConfigurationId,
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
    /// How many a page holds. The API's bounds are not documented.
    pub page_size: Option<u32>,
    /// Where to go on: [`BatchPage::next_page_token`] of the page before.
    pub page_token: Option<String>,
}

/// What `get` can add to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expand {
    /// The per-file results.
    Results,
}

impl Expand {
    fn as_str(self) -> &'static str {
        match self {
            Self::Results => "results",
        }
    }
}

/// A batch. Ids and times are as the API sends them; a missing one is empty or `None`.
///
/// Source: API schema `BatchResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "BatchBody")]
pub struct Batch {
    /// Shape: `bat-…`.
    pub id: String,
    /// Shape: `prj-…`.
    pub project_id: Option<String>,
    /// Shape: `dir-…`.
    pub source_directory_id: String,
    /// What it runs on each file.
    pub job: Job,
    /// Where it stands.
    pub status: BatchStatus,
    /// Shape: RFC 3339.
    pub created_at: Option<String>,
    /// Shape: RFC 3339.
    pub updated_at: Option<String>,
    /// What became of each file; `None` unless asked for, or while the API does not know yet.
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

/// What became of one file of a batch.
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

/// One page of batches. Their order is not documented.
///
/// Source: API schema `BatchQueryResponse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPage {
    /// The batches, without per-file results.
    pub items: Vec<Batch>,
    /// Where to go on; `None` on the last page.
    pub next_page_token: Option<String>,
    /// How many there are in all, estimated; the API usually does not say.
    pub total_size: Option<u64>,
    /// When the API gave this answer, by its own clock (`Date` header). Units: whole seconds, rounded down.
    pub date: Option<Timestamp>,
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
    /// Where a batch stands.
    BatchStatus {
        /// Not begun.
        Pending = "PENDING"
        /// Held back; the API does not document by what.
        Throttled = "THROTTLED"
        /// Under way.
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
        parse_instant(self.created_at.as_deref()?)
    }

    /// When it last changed, by the API's clock; for a final batch, when it ended.
    pub fn updated(&self) -> Option<Timestamp> {
        parse_instant(self.updated_at.as_deref()?)
    }
}

impl BatchStatus {
    /// Whether it will not change any more. An unknown word is taken for one that may.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

#[derive(Serialize)]
struct CreateBody<'a> {
    source_directory_id: &'a DirectoryId,
    config: ConfigBody<'a>,
}

#[derive(Serialize)]
struct ConfigBody<'a> {
    job: JobBody<'a>,
}

#[derive(Serialize)]
struct JobBody<'a> {
    #[serde(rename = "type")]
    job_type: &'a JobType,
    configuration_id: &'a ConfigurationId,
}

#[derive(Deserialize)]
struct BatchBody {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    project_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    source_directory_id: String,
    #[serde(default, deserialize_with = "lenient")]
    config: Config,
    #[serde(default)]
    status: BatchStatus,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<String>,
    #[serde(default)]
    results: Option<Vec<BatchResult>>,
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    job: Job,
}

#[derive(Deserialize)]
struct PageBody {
    items: Vec<Batch>,
    #[serde(default, deserialize_with = "token")]
    next_page_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    total_size: Option<u64>,
}

impl From<BatchBody> for Batch {
    fn from(body: BatchBody) -> Self {
        let BatchBody {
            id,
            project_id,
            source_directory_id,
            config,
            status,
            created_at,
            updated_at,
            results,
        } = body;
        Self {
            id,
            project_id,
            source_directory_id,
            job: config.job,
            status,
            created_at,
            updated_at,
            results,
        }
    }
}

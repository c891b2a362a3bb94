//! The jobs of single files, parse and extract: how each of them ended.

use serde::Deserialize;
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::JobId,
    lenient::{lenient, words},
    request::{Page, Request, Scope, Window},
};

/// The two kinds of jobs that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// `/api/v2/parse`
    Parse,
    /// `/api/v2/extract`
    Extract,
}

/// The job of one file.
///
/// Shape: `{ id: "pjb-…", status: Failed, error_message: Some("The document is encrypted.") }`.
/// Source: API schemas `ParseJobResponse` and `ExtractV2Job`, of which only these members are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FileJob {
    /// Shape: `pjb-…`. Empty if the API did not say.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// Its status.
    #[serde(default)]
    pub status: JobStatus,
    /// Why it failed. Upstream text, not cleaned.
    #[serde(default, deserialize_with = "lenient")]
    pub error_message: Option<String>,
}

words! {
    /// The status of a job. Parse jobs are never `THROTTLED`.
    JobStatus {
        /// Not begun.
        Pending = "PENDING"
        /// Held back; the API does not document why.
        Throttled = "THROTTLED"
        /// In progress.
        Running = "RUNNING"
        /// Succeeded.
        Completed = "COMPLETED"
        /// Ended with an error.
        Failed = "FAILED"
        /// Stopped on request.
        Cancelled = "CANCELLED"
    }
}

/// The job operations. All end at their deadline at the latest.
impl Client {
    /// One page of the jobs with these ids, in the API's order; ids that it does not know are left out.
    ///
    /// The ids are part of the address, whose length limits their number.
    ///
    /// Source: `GET /api/v2/parse` and `GET /api/v2/extract`, `job_ids` repeated.
    pub async fn list_jobs(
        &self,
        scope: &Scope,
        product: Product,
        job_ids: &[JobId],
        window: &Window,
        deadline: Instant,
    ) -> Result<Page<FileJob>, Error> {
        let path = match product {
            Product::Parse => "/api/v2/parse",
            Product::Extract => "/api/v2/extract",
        };
        let request = Request::get(scope, path, &[]).window(window);
        let request = job_ids
            .iter()
            .fold(request, |request, id| request.query("job_ids", Some(id)));
        self.execute(request, deadline).await
    }
}

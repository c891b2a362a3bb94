//! The result of a job, read once and kept while there is room.

use std::sync::Arc;

use super::file::{FAILS, Target};
use crate::llamacloud::{Error, ErrorKind, JobId, JobStatus};
use crate::mcp::ToolError;
use crate::tools::cache::Keep;
use crate::tools::call::Call;
use crate::tools::error::{Failure, explain};
use crate::tools::outcomes::Kind;
use crate::tools::results::Format;
use crate::tools::results::citations::{Citation, citations};
use crate::tools::results::data::Data;
use crate::tools::results::document::Document;
use crate::tools::results::json;
use crate::tools::results::reading::{Extracted, JobEnd, Parsed, Reader};
use crate::untrusted::quote;

/// A document as it can be shown.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) document: Document,
    /// What it is, which may differ from the request.
    pub(super) format: Format,
    pub(super) file_name: Option<String>,
}

/// Extracted data as it can be shown.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) data: Option<Data>,
    /// Where the values come from, if requested.
    pub(super) citations: Vec<Citation>,
    pub(super) parse_job_id: Option<JobId>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// LlamaCloud has no such job, or no longer its result.
    Gone(Error),
    /// A request failed for another reason.
    Failed(Error),
    /// The job has not ended, or did not succeed.
    NotDone(JobEnd),
    /// A job without text.
    NoText,
    /// A job without data.
    NoData,
    /// Anything else, as the model reads it.
    Said(ToolError),
}

/// The document of a parse job.
pub(super) async fn document(call: &Call, job_id: &JobId, format: Format) -> Result<Arc<Text>, Trouble> {
    let key = format!("{job_id} {}", format.as_str());
    let read = async {
        let Parsed { job, markdown, text } = reader(call).parsed(job_id, &[format]).await?;
        if job.status != JobStatus::Completed {
            return Err(Trouble::NotDone(job));
        }
        let (pages, format) = match (markdown, text) {
            (Some(pages), _) => (pages, Format::Markdown),
            (None, Some(pages)) => (pages, Format::Text),
            (None, None) => return Err(Trouble::NoText),
        };
        Ok(Text {
            document: Document::of(pages),
            format,
            file_name: job.file_name,
        })
    };
    call.account.cache.get_or_read(&call.scope, &key, read).await
}

/// The data of an extract job.
pub(super) async fn values(call: &Call, job_id: &JobId, with_origins: bool) -> Result<Arc<Values>, Trouble> {
    let cache = &call.account.cache;
    let key = |with_origins: bool| format!("{job_id} {}", if with_origins { "with origins" } else { "alone" });
    if let Some(values) = cache.get::<Values>(&call.scope, &key(true)) {
        return Ok(values);
    }
    let read = async {
        let Extracted {
            job,
            data,
            evidence,
            parse_job_id,
        } = reader(call).extracted(job_id, with_origins).await?;
        if job.status != JobStatus::Completed {
            return Err(Trouble::NotDone(job));
        }
        // The original goes before the next one is cleaned: at no time is there more than twice the size.
        let data = data.map(|data| json::clean(data.get()));
        let evidence = evidence.map(|evidence| json::clean(evidence.get()));
        Ok(Values {
            data: data.filter(|data| data != "null").map(Data::of),
            citations: evidence.as_deref().map_or_else(Vec::new, citations),
            parse_job_id,
        })
    };
    cache.get_or_read(&call.scope, &key(with_origins), read).await
}

fn reader(call: &Call) -> Reader<'_> {
    Reader {
        client: &call.account.client,
        scope: &call.scope,
        deadline: call.deadline,
    }
}

impl Keep for Text {
    fn bytes(&self) -> usize {
        self.document.bytes()
    }
}

impl Keep for Values {
    fn bytes(&self) -> usize {
        let citations: usize = self.citations.iter().map(Citation::bytes).sum();
        self.data.as_ref().map_or(0, Data::bytes) + citations
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Gone(error),
            _ => Self::Failed(error),
        }
    }
}

impl Trouble {
    /// What the model reads.
    pub(super) fn explain(self, call: &Call, target: &Target) -> ToolError {
        let what = target.label();
        match self {
            Self::Said(error) => error,
            Self::Failed(error) => explain(&FAILS, error, &call.context, &call.account),
            Self::Gone(error) => {
                let failure = Failure {
                    not_found: if target.batch.is_some() {
                        "LlamaCloud no longer has this result: results expire. `create_batch` with `allow_duplicate: true` \
                         creates it again, but processes all files of the directory and costs credits for all of them: ask the \
                         user first."
                    } else {
                        "Check `job_id`: `get_batch` with `expand: [\"outcomes\"]` shows the jobs of a batch. For a job of \
                         another project that the API key can use, also pass its `project_id`. If the ID is right, the \
                         result has expired: LlamaCloud no longer has it."
                    },
                    ..FAILS
                };
                explain(&failure, error, &call.context, &call.account)
            }
            Self::NotDone(job) => {
                let can_retry = target.batch.is_some() && call.account.policy.can_retry();
                let status = target.batch.clone().unwrap_or_default();
                let kind = Kind::of_job(&job.status, &status);
                ToolError::new(not_done(&what, &job, kind, can_retry))
            }
            Self::NoText => ToolError::new(format!(
                "LlamaCloud has no text for {what}. If it is an extract job, omit `format`, `pages` and `find` to read its data."
            )),
            Self::NoData => ToolError::new(format!(
                "LlamaCloud has no data for {what}, although the job is COMPLETED."
            )),
        }
    }
}

fn not_done(what: &str, job: &JobEnd, kind: Kind, can_retry: bool) -> String {
    let reason = job.error.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map_or(String::new(), |reason| format!(" ({})", quote(reason, 300)));
    let status = quote(job.status.as_str(), 60).replace('"', "");
    match kind {
        Kind::Failed | Kind::Cancelled => {
            let never_begun = if kind == Kind::Cancelled && job.status != JobStatus::Cancelled {
                ", and its batch was CANCELLED"
            } else {
                ""
            };
            let advice = if can_retry {
                "Once all jobs of the batch have ended, `retry_failed_files` can process its failed files again, which costs \
                 credits: ask the user first."
            } else {
                "Reading again does not change that. Tell the user."
            };
            format!("{what} has no result: the job is {status}{never_begun}{reason}. {advice}")
        }
        _ => format!(
            "{what} has no result yet: the job is {status}{reason}. Call `get_batch` with `wait_seconds` until `final` is true, then \
             call `read_result` again."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llamacloud::BatchStatus;

    #[test]
    fn a_job_that_never_starts_is_not_waited_for() {
        let job = JobEnd {
            status: JobStatus::Pending,
            error: None,
            credits: None,
            file_name: None,
        };
        for (batch, words) in [
            (
                BatchStatus::Cancelled,
                "the job is PENDING, and its batch was CANCELLED.",
            ),
            (BatchStatus::Completed, "has no result yet: the job is PENDING."),
        ] {
            let said = not_done("\"a.pdf\"", &job, Kind::of_job(&job.status, &batch), false);
            assert!(said.contains(words), "{said}");
        }
    }
}

//! The files of a batch: what they are called, and where their results go.

use std::collections::HashMap;

use super::report::explain_save;
use crate::files::{Claim, file_names};
use crate::llamacloud::{Batch, BatchResult, BatchStatus, ErrorKind, JobId, Product};
use crate::mcp::ToolError;
use crate::tools::call::Call;
use crate::tools::outcomes::{product, read_names};
use crate::untrusted::clean;

const MAX_REASON_CHARS: usize = 300;

/// One file of the batch.
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    /// Where its results go, without their extension.
    pub(super) path: String,
    /// Its job, or why there is none that can be read.
    pub(super) job: Result<(Product, JobId), NoJob>,
}

/// What the manifest says of a file without a job that can be read.
pub(super) struct NoJob {
    pub(super) status: &'static str,
    pub(super) reason: String,
}

impl File {
    pub(super) fn job_id(&self) -> Option<String> {
        self.job.as_ref().ok().map(|(_, id)| id.to_string())
    }
}

/// The names of the files, by id. Where LlamaCloud no longer has the directory, files are named after their ids.
pub(super) async fn names(call: &Call, batch: &Batch) -> Result<HashMap<String, String>, ToolError> {
    let results = batch.results.as_deref().unwrap_or_default();
    let directory_id = &batch.source_directory_id;
    let read = read_names(&call.account, &call.scope, directory_id, results, call.deadline);
    match read.await {
        // A saved result keeps its name, so after one bad answer it would be named after its ID for good.
        (_, Some(error)) if *error.kind() != ErrorKind::NotFound => Err(explain_save(error, call)),
        (names, _) => Ok(names),
    }
}

/// The files of the batch, sorted by name, each with a path of its own.
pub(super) fn files(batch: &Batch, names: &HashMap<String, String>) -> Vec<File> {
    let known = batch.results.iter().flatten().map(|result| {
        let id = &result.source_directory_file_id;
        (id, names.get(id).unwrap_or(id), result)
    });
    let mut results: Vec<_> = known.collect();
    results.sort_by_key(|(id, name, _)| (*name, *id));
    let claims: Vec<_> = results.iter().map(|(id, name, _)| Claim { id, name }).collect();
    // With the extension `.json` this would be the manifest.
    let paths = file_names(&claims, &["manifest"]);
    let with_path = results.into_iter().zip(paths);
    with_path
        .map(|((id, name, result), path)| File {
            id: clean(id, 128),
            name: name.clone(),
            path,
            job: job(result, &batch.status),
        })
        .collect()
}

fn job(result: &BatchResult, batch_status: &BatchStatus) -> Result<(Product, JobId), NoJob> {
    let (status, reason) = match (&result.job_reference, &result.error_message) {
        (Some(job), _) => match (product(&job.job_type), job.id.parse()) {
            (Some(product), Ok(id)) => return Ok((product, id)),
            _ => (
                "UNREADABLE",
                format!("this server cannot read its {} job", job.job_type),
            ),
        },
        (None, Some(error)) => ("FAILED", clean(error, MAX_REASON_CHARS)),
        (None, None) if *batch_status == BatchStatus::Cancelled => {
            ("CANCELLED", "LlamaCloud created no job for it".to_owned())
        }
        (None, None) => (
            "NO_JOB",
            "LlamaCloud lists neither a job nor an error for it, so it may still be processed".to_owned(),
        ),
    };
    Err(NoJob { status, reason })
}

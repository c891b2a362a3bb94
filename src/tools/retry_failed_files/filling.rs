//! Filling the directory of a retry with the files that it lacks.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::plan::{Again, FAILS, Plan};
use super::report::{explain_not_settled, explain_unfilled};
use crate::llamacloud::{
    Advice, Checked, CreateOnce, DirectoryFile, DirectoryId, Error, ErrorKind, Made, NotSettled, NotStored, Settled,
    UploadOnce,
};
use crate::mcp::{Progress, ToolError};
use crate::tools::call::Call;
use crate::tools::error::{Failure, explain};
use crate::tools::wording::number;

/// How many files are added at the same time.
const AT_ONCE: usize = 8;
/// After this many temporary failures, the call ends; the next one continues.
const MAX_FAILURES: usize = AT_ONCE;
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// The directory is gone, although it was made a moment ago.
const GONE: Failure = Failure {
    not_found: "The directory that was made for this retry is gone. Call `retry_failed_files` again in a minute with the same arguments: it makes another one.",
    ..FAILS
};

/// The state of a directory after filling.
pub(super) enum Filled {
    /// It holds all files of the plan.
    Ready,
    /// Another process has made the batch meanwhile.
    HasBatch(Box<Settled>),
}

/// The progress so far.
#[derive(Default)]
struct Adding {
    /// The `unique_id`s of files that are not in the directory and cannot be.
    refused: HashSet<String>,
    added: usize,
    failures: usize,
    /// The last temporary failure.
    trouble: Option<Error>,
}

/// The guards against creating anything twice.
pub(super) struct Guards {
    pub(super) create_once: CreateOnce,
    pub(super) upload_once: UploadOnce,
}

impl Guards {
    /// The batch over the directory that does the work, if there is one. Sends nothing that changes anything.
    pub(super) async fn find_batch(
        &self,
        call: &Call,
        plan: &Plan,
        directory_id: &DirectoryId,
        deadline: Instant,
    ) -> Result<Option<Settled>, ToolError> {
        let order = plan.order(&call.scope, directory_id.clone());
        match self.create_once.check(&order, deadline).await {
            Ok(Checked::AlreadyThere(settled)) => Ok(Some(settled)),
            // The directory is not filled yet.
            Ok(Checked::Free(_)) | Err(NotSettled::NoFiles) => Ok(None),
            Err(why) => Err(explain_not_settled(call, why, &order)),
        }
    }

    /// Adds the missing files to the directory. Files that LlamaCloud refuses are removed from the plan.
    ///
    /// # Errors
    /// If files remain to be added: then there must be no batch yet, and the next call continues.
    pub(super) async fn fill(
        &self,
        call: &Call,
        plan: &mut Plan,
        made: &Made,
        directory_id: &DirectoryId,
        until: Instant,
    ) -> Result<Filled, ToolError> {
        let filling = self.upload_once.begin(directory_id, &plan.directory_name);
        let listed_at = Instant::now();
        let listed = self
            .upload_once
            .files_when_quiet(&call.scope, made, directory_id, until);
        let listed = listed
            .await
            .map_err(|error| explain(&GONE, error, &call.context, &call.account))?;
        let Some(listed) = listed else {
            return Err(ToolError::new(
                "No batch was created by this call: another process is making the same retry at this moment. Call \
                 `retry_failed_files` again in a minute with the same arguments: it finds the batch, or continues.",
            ));
        };
        let is_there = |file: &&Again| listed.iter().any(|listed| is(listed, file));
        let missing: Vec<Again> = plan.files.iter().filter(|file| !is_there(file)).cloned().collect();
        if !missing.is_empty() && !made.by_this_process {
            let found = self.find_batch(call, plan, directory_id, until).await?;
            if let Some(settled) = found {
                filling.complete();
                return Ok(Filled::HasBatch(Box::new(settled)));
            }
        }
        let before = plan.files.len() - missing.len();
        let total = missing.len();
        let adding = self.add(call, plan, directory_id, missing, until, listed_at).await?;
        let remaining = total - adding.added - adding.refused.len();
        if remaining > 0 {
            return Err(explain_unfilled(
                before + adding.added,
                plan.files.len(),
                adding.trouble,
            ));
        }
        plan.files.retain(|file| !adding.refused.contains(&file.file.unique_id));
        if plan.files.is_empty() {
            return Err(plan.nothing_to_retry());
        }
        filling.complete();
        Ok(Filled::Ready)
    }

    async fn add(
        &self,
        call: &Call,
        plan: &mut Plan,
        directory_id: &DirectoryId,
        missing: Vec<Again>,
        until: Instant,
        listed_at: Instant,
    ) -> Result<Adding, ToolError> {
        let (started, total) = (Instant::now(), missing.len());
        let mut reported = started;
        let mut adding = Adding::default();
        let adds = missing.into_iter().map(|again| async move {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return (again, None);
            }
            // Stops waiting for a missing response well before another process with the same retry stops waiting for this one.
            // This process then creates the batch first, and the other one finds it.
            let by = until - left * 2 / 3;
            let added = self
                .upload_once
                .add(&call.scope, directory_id, again.file.clone(), by, listed_at);
            (again, added.await)
        });
        let mut adds = stream::iter(adds).buffer_unordered(AT_ONCE);
        while let Some((again, added)) = adds.next().await {
            match added {
                Some(Ok(_)) => adding.added += 1,
                Some(Err(NotStored::Refused(error))) if is_about_file(&error) => {
                    plan.leave_out(error.cause(), again.label);
                    adding.refused.insert(again.file.unique_id);
                }
                Some(Err(NotStored::Refused(error))) if matches!(error.advice(), Advice::Fix(_)) => {
                    return Err(explain(&FAILS, error, &call.context, &call.account));
                }
                Some(Err(NotStored::Refused(error) | NotStored::Unknown(error))) => {
                    adding.trouble = Some(error);
                    adding.failures += 1;
                }
                None | Some(Err(NotStored::Source(_))) => {}
            }
            if adding.failures >= MAX_FAILURES {
                break;
            }
            if reported.elapsed() >= REPORT_EVERY {
                reported = Instant::now();
                let message = format!(
                    "{} of {} files added to the new directory",
                    number(adding.added),
                    number(total)
                );
                let progress = Progress::Elapsed(started.elapsed());
                call.context.report_progress(progress, &message).await;
            }
        }
        Ok(adding)
    }
}

fn is(listed: &DirectoryFile, again: &Again) -> bool {
    listed.unique_id == again.file.unique_id
}

/// Whether LlamaCloud refuses only this file. If LlamaCloud no longer stores the file, the error is `NotFound`.
fn is_about_file(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::Rejected { .. } | ErrorKind::TooLarge | ErrorKind::Conflict
    )
}

//! Which files of a batch are retried, which cannot be, and why they had failed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::files::sha256_hex;
use crate::llamacloud::{
    AddFile, Batch, BatchConfig, BatchId, BatchStatus, CreateBatch, DirectoryFile, DirectoryId, Duplicates, Error,
    ErrorKind, FileId, FilesOf, MAX_FILES, NewJob, Order, Scope,
};
use crate::mcp::ToolError;
use crate::tools::batch::MAX_ID_CHARS;
use crate::tools::call::Call;
use crate::tools::error::{Failure, NO_SUCH_BATCH, explain, try_again};
use crate::tools::outcomes::files::{File, Files, Rows};
use crate::tools::outcomes::reasons::{self, Problem};
use crate::tools::outcomes::{Depth, Finality, Kind, Seen, product};
use crate::tools::wording::{self, files, number, plural};
use crate::untrusted::clean;

/// A job that LlamaCloud has not listed for so long after its batch ended is not waited for any more.
const UNLISTED: SignedDuration = SignedDuration::from_hours(1);
/// Of the hash in a directory's name. Units: characters.
const HASH_CHARS: usize = 16;

pub(super) const FAILS: Failure = Failure {
    what: "No batch was created",
    not_found: NO_SUCH_BATCH,
    ask_less: None,
};

/// What a retry of one batch does.
pub(super) struct Plan {
    pub(super) batch_id: BatchId,
    pub(super) job: NewJob,
    /// Made from the batch and the files that did not succeed, so that every call for them finds the same directory.
    pub(super) directory_name: String,
    pub(super) files: Vec<Again>,
    /// Names of the other files that did not succeed, by the reason why they cannot be retried.
    pub(super) left_out: BTreeMap<String, Vec<String>>,
    /// Why the files had failed. The most frequent reason first.
    pub(super) problems: Vec<Problem>,
}

/// A file that is retried.
#[derive(Debug, Clone)]
pub(super) struct Again {
    pub(super) file: AddFile,
    /// What it is called in sentences.
    pub(super) label: String,
}

impl Plan {
    fn of(batch: &Batch, batch_id: BatchId, files: &Files, stored: &HashMap<String, DirectoryFile>) -> Option<Self> {
        let is_retried = |file: &&File| file.kind().can_be_retried(&batch.status);
        let failed: Vec<&File> = files.iter().filter(is_retried).collect();
        let mut ids: Vec<&str> = failed.iter().map(|file| file.id()).collect();
        ids.sort_unstable();
        let mut left_out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut leave_out = |file: &File, reason: &str| {
            let names = left_out.entry(reason.to_owned()).or_default();
            names.push(file.label().to_owned());
        };
        for file in files.iter().filter(|file| !is_retried(file)) {
            if let Some(reason) = why_unclear(file.kind()) {
                leave_out(file, reason);
            }
        }
        let mut again = Vec::new();
        let mut retried = Vec::new();
        let mut seen = HashSet::new();
        for file in failed {
            match add(stored.get(file.id())) {
                Ok(add) => {
                    retried.push(file);
                    // Two entries of a directory may stand for one stored file.
                    if seen.insert(add.file_id.clone()) {
                        let label = file.label().to_owned();
                        again.push(Again { file: add, label });
                    }
                }
                Err(reason) => leave_out(file, reason),
            }
        }
        let problems = reasons::group(retried.into_iter().map(|file| (file.label(), why_failed(file))));
        Some(Self {
            directory_name: directory_name(&batch_id, &ids),
            batch_id,
            job: NewJob {
                job_type: batch.config.job.job_type.clone(),
                configuration_id: batch.config.job.configuration_id.parse().ok()?,
            },
            files: again,
            left_out,
            problems,
        })
    }

    /// The create over the directory of this retry.
    pub(super) fn order(&self, scope: &Scope, directory_id: DirectoryId) -> Order {
        Order {
            scope: scope.clone(),
            request: CreateBatch {
                source_directory_id: directory_id,
                config: BatchConfig { job: self.job.clone() },
            },
            duplicates: Duplicates::Refuse,
            agreed_files: None,
            fixed_files: true,
        }
    }

    pub(super) fn leave_out(&mut self, reason: String, label: String) {
        self.left_out.entry(reason).or_default().push(label);
    }

    /// Leaves out the files that the directory of an existing retry does not hold. If it is gone or cannot be read, nothing changes.
    pub(super) async fn keep_files_of(&mut self, call: &Call, directory_id: &DirectoryId) {
        let stored = stored_files(call, directory_id.as_str()).await.unwrap_or_default();
        let held: HashSet<&str> = stored.values().map(|file| file.unique_id.as_str()).collect();
        let is_held = |again: &Again| held.contains(again.file.unique_id.as_str());
        if !self.files.iter().any(is_held) {
            return;
        }
        let (held, absent) = std::mem::take(&mut self.files).into_iter().partition(is_held);
        self.files = held;
        for Again { label, .. } in absent {
            self.leave_out("not part of the existing retry".to_owned(), label);
        }
    }

    pub(super) fn nothing_to_retry(&self) -> ToolError {
        let reasons: Vec<String> = self
            .left_out
            .iter()
            .map(|(reason, names)| format!("{} ({})", reason, files(names.len())))
            .collect();
        ToolError::new(format!(
            "No batch was created: no file of batch {} can be retried: {}. Tell the user. Files that are no longer listed have \
             to be uploaded again.",
            self.batch_id,
            reasons.join("; ")
        ))
    }
}

/// Shape: `retry-bat-1-3f5a09c1b2d4e6f8`.
fn directory_name(batch_id: &BatchId, ids: &[&str]) -> String {
    let hash = sha256_hex([ids.join("\n").as_bytes()]);
    let hash: String = hash.chars().take(HASH_CHARS).collect();
    format!("retry-{batch_id}-{hash}")
}

fn why_failed(file: &File) -> Option<&str> {
    let cancelled = file.kind() == Kind::Cancelled;
    file.error().or(cancelled.then_some("the job was cancelled"))
}

/// Why a file that may not have succeeded is not retried.
const fn why_unclear(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::NoJobYet => Some("neither a job nor an error listed, so the file may still be processed"),
        Kind::Other => Some("job status that this server does not know"),
        Kind::Unknown | Kind::WithJob => Some("job could not be looked up"),
        _ => None,
    }
}

fn add(stored: Option<&DirectoryFile>) -> Result<AddFile, &'static str> {
    let stored = stored.ok_or("no longer listed in the batch's directory")?;
    let file_id = stored.file_id.as_deref().filter(|id| !id.is_empty());
    let file_id = file_id.ok_or("no `file_id` in LlamaCloud's response")?;
    let file_id: FileId = file_id.parse().map_err(|_| "unusable `file_id`")?;
    Ok(AddFile {
        unique_id: file_id.to_string(),
        file_id,
        display_name: stored.display_name.clone().filter(|name| !name.is_empty()),
    })
}

/// Reads the batch and decides.
///
/// # Errors
/// If the batch is not final, nothing failed, or this cannot be read.
pub(super) async fn find_plan(call: &Call, batch_id: &BatchId) -> Result<Plan, ToolError> {
    let Call {
        account,
        context,
        scope,
        deadline,
    } = call;
    let seen = Seen::read(account, scope, batch_id, Depth::Ended, *deadline).await;
    let seen = seen.map_err(|error| explain(&FAILS, error, context, account))?;
    // The ID as LlamaCloud writes it, which makes every retry of this batch the same.
    let own_id = seen.batch.id.parse();
    let batch_id = own_id.as_ref().unwrap_or(batch_id);
    let files = failed_files(&seen, batch_id, account.client.api_time())?;
    let stored = stored_files(call, &seen.batch.source_directory_id).await;
    let stored = stored.map_err(|error| explain(&FAILS, error, context, account))?;
    let plan = Plan::of(&seen.batch, batch_id.clone(), &files, &stored).ok_or_else(|| {
        ToolError::new(format!(
            "No batch was created: LlamaCloud does not name the configuration of batch {batch_id}. Tell the user."
        ))
    })?;
    match plan.files.len() {
        0 => Err(plan.nothing_to_retry()),
        count if count > MAX_FILES => Err(ToolError::new(format!(
            "No batch was created: {} files of batch {batch_id} did not succeed, and one batch can process {} at most. Tell the user.",
            number(count),
            number(MAX_FILES)
        ))),
        _ => Ok(plan),
    }
}

/// The files of a final batch, if some of them did not succeed.
fn failed_files(seen: &Seen, batch_id: &BatchId, now: Option<Timestamp>) -> Result<Arc<Files>, ToolError> {
    let refuse = |why: &str, next: &str| ToolError::new(format!("No batch was created: {why}. {next}"));
    let status = clean(seen.batch.status.as_str(), 60);
    let known = seen.files(Rows::All);
    match seen.finality() {
        Finality::Final => {}
        Finality::Going => {
            let unfinished = known.map_or(0, |files| files.counts.unfinished());
            let state = if unfinished > 0 {
                let verb = plural(unfinished, "has", "have");
                format!("{status}, but {} of its jobs {verb} not ended yet", number(unfinished))
            } else {
                status
            };
            return Err(refuse(
                &format!("batch {batch_id} is {state}; files can be retried only after all jobs have ended"),
                "Call `get_batch` with `wait_seconds` until `final` is true, then call `retry_failed_files` again.",
            ));
        }
        finality @ (Finality::Unreadable | Finality::Unknown) => {
            let text = format!(
                "No batch was created: files can be retried only after all jobs of batch {batch_id} have ended, and it is not \
                 known whether they have. {} Call again in a minute; if that does not help, tell the user.",
                seen.missing().join(" ")
            );
            return Err(if finality == Finality::Unreadable {
                try_again(text)
            } else {
                ToolError::new(text)
            });
        }
    }
    if seen.batch.status == BatchStatus::Failed {
        return Err(refuse(
            &format!("batch {batch_id} FAILED as a whole, so it is not known which of its files failed"),
            "To process all of them again, call `create_batch` with the same directory, job type and configuration. It costs \
             credits again: ask the user first.",
        ));
    }
    let files = known.ok_or_else(|| {
        refuse(
            &format!("LlamaCloud lists no files of batch {batch_id}"),
            "Tell the user.",
        )
    })?;
    // If a job is listed later and failed, the set of files is another one, and its retry would process all of them again. A job of a
    // type that this server does not know can never be looked up.
    let unread = files.counts.of(Kind::Unknown) + files.counts.of(Kind::WithJob);
    let may_be_listed = now
        .zip(seen.batch.updated())
        .is_none_or(|(now, ended)| now.duration_since(ended) < UNLISTED);
    if unread > 0 && may_be_listed && product(&seen.batch.config.job.job_type).is_some() {
        return Err(try_again(format!(
            "No batch was created: LlamaCloud does not list the {} of {} of batch {batch_id} at the moment, so it is not known \
             whether {} failed, too. Call `retry_failed_files` again in a minute with the same arguments; if that does not help, \
             tell the user.",
            plural(unread, "job", "jobs"),
            wording::files(unread),
            plural(unread, "it", "they")
        )));
    }
    let may_be_retried =
        |file: &File| file.kind().can_be_retried(&seen.batch.status) || why_unclear(file.kind()).is_some();
    if !files.iter().any(may_be_retried) {
        return Err(refuse(
            &format!("no file of batch {batch_id} failed"),
            "There is nothing to retry.",
        ));
    }
    Ok(files)
}

/// The entries of the batch's directory by their IDs, also those that were removed. None at all if the directory is gone.
async fn stored_files(call: &Call, directory_id: &str) -> Result<HashMap<String, DirectoryFile>, Error> {
    let Ok(directory_id) = DirectoryId::try_from(directory_id) else {
        return Ok(HashMap::new());
    };
    let client = &call.account.client;
    let reading = client.directory_files(&call.scope, &directory_id, FilesOf::Ever, call.deadline, |_| true);
    let reading = reading.await;
    match reading.error {
        Some(error) if *error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(reading
            .items
            .into_iter()
            .map(|file| (clean(&file.id, MAX_ID_CHARS), file))
            .collect()),
    }
}

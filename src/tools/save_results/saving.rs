//! Saving what is not saved yet.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::document::Document;
use super::plan::{File, NoJob, files, names};
use super::report::{Report, SaveResultsOutput, explain_save};
use crate::files::{OutputFolder, Saved, reason, sha256_hex};
use crate::llamacloud::{Advice, Batch, BatchId, BatchStatus, Client, Error, ErrorKind, JobStatus, JobType, Scope};
use crate::mcp::ToolError;
use crate::tools::call::Call;
use crate::tools::long_work::{Pace, Progress};
use crate::tools::manifest::{self, Entry, Manifest, SavedFile};
use crate::tools::next_step::Audience;
use crate::tools::outcomes::Kind;
use crate::tools::results::Format;
use crate::tools::results::reading::Reader;
use crate::tools::wording::number;
use crate::untrusted::{clean, quote};

const AT_ONCE: usize = 8;
/// How long one document of a task may take.
const LONGEST_READ: Duration = Duration::from_mins(10);
const MANIFEST_EVERY: Duration = Duration::from_secs(1);
const MAX_NAME_CHARS: usize = 1000;
/// After this many temporary failures in a row, the call ends; the next one continues.
const MAX_FAILURES: usize = AT_ONCE;

/// A batch whose results are being saved.
pub(super) struct Saving {
    saver: Arc<Saver>,
    files: Vec<File>,
    /// What earlier calls have saved, by file id.
    known: HashMap<String, Entry>,
}

/// What saving one file needs.
struct Saver {
    client: Client,
    scope: Scope,
    batch_id: BatchId,
    batch_status: BatchStatus,
    job_type: JobType,
    formats: Vec<Format>,
    folder: Arc<OutputFolder>,
    /// When the call must be answered.
    deadline: Instant,
}

/// The outcome of one file.
enum Outcome {
    Saved(Entry, bool),
    /// It has no result and will have none.
    Failed(Entry),
    /// Its job has not ended.
    Unfinished,
    /// The same call may succeed later.
    Remains(Option<Error>),
    /// Nothing more can be written.
    Stop(ToolError),
}

impl Saving {
    /// Finds out what the files are called, and what is saved already.
    ///
    /// # Errors
    /// For a folder that holds something else.
    pub(super) async fn prepare(
        call: &Call,
        batch_id: BatchId,
        batch: Batch,
        formats: Vec<Format>,
        folder: Arc<OutputFolder>,
    ) -> Result<Self, ToolError> {
        let names = names(call, &batch).await?;
        let (read, id) = (Arc::clone(&folder), batch_id.to_string());
        let manifest = blocking(move || Manifest::read(&read, &id)).await?;
        let known = match manifest {
            Ok(manifest) => manifest.map(|manifest| manifest.files).unwrap_or_default(),
            Err(error) => {
                let problem = match error.kind() {
                    io::ErrorKind::InvalidData => "does not belong to this batch".to_owned(),
                    _ => format!("cannot be read ({})", reason(&error)),
                };
                return Err(ToolError::caused_by(
                    format!(
                        "Nothing was saved: the folder {} holds a {} that {problem}. Use another `folder`.",
                        quote(&folder.to_string(), 300),
                        manifest::NAME
                    ),
                    error,
                ));
            }
        };
        Ok(Self {
            files: files(&batch, &names),
            known: known.into_iter().map(|entry| (entry.file_id.clone(), entry)).collect(),
            saver: Arc::new(Saver {
                client: call.account.client.clone(),
                scope: call.scope.clone(),
                batch_status: batch.status,
                job_type: batch.config.job.job_type,
                batch_id,
                formats,
                folder,
                deadline: call.deadline,
            }),
        })
    }

    /// Saves what remains while there is time. Returns the sentences and the data of the answer.
    ///
    /// # Errors
    /// Where nothing can be written, or LlamaCloud would refuse every read.
    pub(super) async fn save(self, call: &Call, pace: Pace) -> Result<(String, SaveResultsOutput), ToolError> {
        let Self {
            saver,
            files,
            mut known,
        } = self;
        let count = files.len();
        let mut report = Report::default();
        let mut entries: BTreeMap<usize, Entry> = BTreeMap::new();
        let mut pending = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let earlier = known.remove(&file.id).filter(|entry| entry.job_id == file.job_id());
            let Some(mut entry) = earlier else {
                pending.push((index, file, Entry::default()));
                continue;
            };
            if !saver.is_settled(&mut entry, &pace, &mut report).await? {
                pending.push((index, file, entry.clone()));
            }
            entries.insert(index, entry);
        }
        if !pending.is_empty() {
            // Marks the folder before it holds results, so that an upload never takes them for documents.
            saver.write_manifest(&entries).await?;
        }
        let (total, done, failures) = (pending.len(), AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let outcomes = pending.into_iter().map(|(index, file, earlier)| {
            let (saver, failures, pace) = (Arc::clone(&saver), Arc::clone(&failures), pace.clone());
            async move {
                if pace.is_over() || failures.load(Ordering::Relaxed) >= MAX_FAILURES {
                    return (index, Outcome::Remains(None));
                }
                (index, saver.save(&pace, &file, earlier).await)
            }
        });
        let mut outcomes = stream::iter(outcomes).buffer_unordered(AT_ONCE);
        let mut stop = None;
        let work = async {
            let mut written = Instant::now();
            while let Some((index, outcome)) = outcomes.next().await {
                done.fetch_add(1, Ordering::Relaxed);
                match outcome {
                    Outcome::Saved(entry, is_new) => {
                        failures.store(0, Ordering::Relaxed);
                        report.save(&entry, is_new);
                        entries.insert(index, entry);
                    }
                    Outcome::Failed(entry) => {
                        report.fail(&entry);
                        entries.insert(index, entry);
                    }
                    Outcome::Unfinished => report.unfinished += 1,
                    Outcome::Remains(None) => {}
                    Outcome::Remains(Some(error)) => {
                        failures.fetch_add(1, Ordering::Relaxed);
                        if matches!(error.advice(), Advice::Fix(_)) {
                            stop = Some(explain_save(error, call));
                            return;
                        }
                        report.trouble = Some(error);
                    }
                    Outcome::Stop(error) => {
                        stop = Some(error);
                        return;
                    }
                }
                if written.elapsed() >= MANIFEST_EVERY {
                    if let Err(error) = saver.write_manifest(&entries).await {
                        stop = Some(error);
                        return;
                    }
                    written = Instant::now();
                }
            }
        };
        let progress = || {
            let done = done.load(Ordering::Relaxed);
            Progress {
                done: done as u64,
                total: total as u64,
                message: format!("{} of {} results read", number(done), number(total)),
            }
        };
        pace.drive(work, progress).await;
        drop(outcomes);
        let written = saver.write_manifest(&entries).await;
        if let Some(error) = stop {
            return Err(error);
        }
        written?;
        report.remaining = count - report.settled();
        Ok((
            report.sentences(&saver.folder, Audience::of(&call.context)),
            report.output(&saver.folder),
        ))
    }
}

impl Saver {
    /// Whether everything that is wanted of a file is saved.
    fn has_all(&self, entry: &Entry) -> bool {
        self.formats.iter().all(|format| entry.saved.contains_key(format))
    }

    /// Whether a file of an earlier call needs nothing more; then it is reported.
    async fn is_settled(&self, entry: &mut Entry, pace: &Pace, report: &mut Report) -> Result<bool, ToolError> {
        let has_time = !pace.is_over();
        if has_time {
            self.forget_what_is_gone(entry).await?;
        }
        if is_final_failure(entry) {
            report.fail(entry);
            return Ok(true);
        }
        let has_all = self.has_all(entry);
        if has_all {
            report.save(entry, false);
            report.unchecked += usize::from(!has_time);
        }
        Ok(has_all)
    }

    /// Removes the wanted formats that are no longer in the folder. What was saved is read and compared, a file at a time, so that
    /// a call that is dropped stops soon.
    async fn forget_what_is_gone(&self, entry: &mut Entry) -> Result<(), ToolError> {
        let wanted = self
            .formats
            .iter()
            .filter_map(|format| entry.saved.remove_entry(format));
        let mut wanted: Vec<_> = wanted.collect();
        let folder = Arc::clone(&self.folder);
        let held = blocking(move || {
            wanted.retain(|(_, saved)| folder.holds(&saved.path, saved.bytes, &saved.sha256));
            wanted
        });
        entry.saved.extend(held.await?);
        Ok(())
    }

    /// `earlier`: what the manifest says of the file and its job.
    async fn save(&self, pace: &Pace, file: &File, earlier: Entry) -> Outcome {
        let entry = Entry {
            file: clean(&file.name, MAX_NAME_CHARS),
            file_id: file.id.clone(),
            job_id: file.job_id(),
            ..earlier
        };
        let without = |status: &str, error: String| {
            Outcome::Failed(Entry {
                status: status.to_owned(),
                error: Some(error),
                ..entry.clone()
            })
        };
        let (product, job_id) = match &file.job {
            Ok(job) => job,
            Err(NoJob { status, reason }) => return without(status, reason.clone()),
        };
        let reader = Reader {
            client: &self.client,
            scope: &self.scope,
            deadline: pace.until().max(self.deadline).min(Instant::now() + LONGEST_READ),
        };
        let document = match Document::read(reader, *product, job_id, &self.formats).await {
            Ok(document) => document,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::NotFound => without("GONE", "LlamaCloud no longer has the result (404)".to_owned()),
                    ErrorKind::OversizedBody { .. } | ErrorKind::UnreadableBody => without("UNREADABLE", error.cause()),
                    _ => Outcome::Remains(Some(error)),
                };
            }
        };
        self.store(file, entry, document).await
    }

    async fn store(&self, file: &File, mut entry: Entry, document: Document) -> Outcome {
        entry.status = document.status.to_string();
        entry.error = document.error;
        if !document.failed_pages.is_empty() {
            entry.failed_pages = document.failed_pages;
        }
        entry.credits = document.credits.or(entry.credits);
        match Kind::of_job(&document.status, &self.batch_status) {
            Kind::Completed => {}
            Kind::Failed => return Outcome::Failed(entry),
            Kind::Cancelled => {
                // Its job may still say PENDING, and will for ever.
                entry.status = JobStatus::Cancelled.to_string();
                return Outcome::Failed(entry);
            }
            _ => return Outcome::Unfinished,
        }
        let mut is_new = false;
        for content in document.contents {
            let path = format!("{}.{}", file.path, content.extension);
            let (folder, id) = (Arc::clone(&self.folder), file.id.clone());
            let (format, bytes) = (content.format, content.bytes.len() as u64);
            let write = move || {
                let sha256 = sha256_hex([content.bytes.as_slice()]);
                (folder.save(&path, &id, &content.bytes), sha256)
            };
            let (saved, sha256) = match blocking(write).await {
                Ok(written) => written,
                Err(error) => return Outcome::Stop(error),
            };
            let path = match saved {
                Ok(Saved::New(path)) => {
                    is_new = true;
                    path
                }
                Ok(Saved::AlreadyThere(path)) => path,
                Ok(Saved::NameTaken) => {
                    entry.error = Some("the folder already has another file with this name".to_owned());
                    return Outcome::Failed(entry);
                }
                Ok(Saved::NoFolder(path)) => {
                    let path = quote(&path, 200);
                    entry.error = Some(format!(
                        "{path} in the folder is not a folder. The user has to move it away; then repeat the call"
                    ));
                    return Outcome::Failed(entry);
                }
                Err(error) => return Outcome::Stop(self.not_writable(error)),
            };
            entry.saved.insert(format, SavedFile { path, bytes, sha256 });
        }
        if entry.error.is_some() && !self.has_all(&entry) {
            return Outcome::Failed(entry);
        }
        Outcome::Saved(entry, is_new)
    }

    async fn write_manifest(&self, entries: &BTreeMap<usize, Entry>) -> Result<(), ToolError> {
        let manifest = Manifest {
            batch_id: self.batch_id.to_string(),
            job_type: self.job_type.to_string(),
            files: entries.values().cloned().collect(),
        };
        let folder = Arc::clone(&self.folder);
        let written = blocking(move || manifest.write(&folder)).await?;
        written.map_err(|error| self.not_writable(error))
    }

    fn not_writable(&self, error: io::Error) -> ToolError {
        ToolError::caused_by(
            format!(
                "The results could not be written to {} ({}). Files saved earlier are kept. The user has to correct this; then \
                 repeat the call: it continues.",
                quote(&self.folder.to_string(), 300),
                reason(&error)
            ),
            error,
        )
    }
}

/// A job that ended without a result will never have one.
fn is_final_failure(entry: &Entry) -> bool {
    entry.job_id.is_some() && matches!(entry.status.as_str(), "FAILED" | "CANCELLED")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ToolError> {
    let done = crate::files::blocking(work).await;
    done.map_err(|error| {
        ToolError::caused_by(
            "The results could not be written. This is a bug: please report it.",
            error,
        )
    })
}

#[cfg(test)]
mod tests;

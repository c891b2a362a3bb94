//! Sending what the directory does not hold.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::folder::{Document, Folder};
use super::report::{Report, explain_upload, size};
use crate::files::{Locked, Refusal, sha256_hex};
use crate::llamacloud::{
    Advice, DirectoryFile, DirectoryId, Error, ErrorKind, FilesOf, NewFile, NotStored, Open, Scope, UploadOnce,
};
use crate::mcp::ToolError;
use crate::tools::call::Call;
use crate::tools::long_work::{Pace, Progress};
use crate::tools::wording::number;

/// How many files are sent at the same time.
const AT_ONCE: usize = 8;
/// After this many temporary failures in a row, the call ends; the next one continues.
const MAX_FAILURES: usize = AT_ONCE;

/// A folder on its way to a directory.
pub(super) struct Sending {
    pub(super) folder: Folder,
    pub(super) directory_id: Option<DirectoryId>,
    /// What has to be sent.
    pub(super) files: Vec<Document>,
    /// When the reading of the directory's list began.
    listed_at: Instant,
    report: Report,
    upload_once: UploadOnce,
}

/// The outcome of one file.
enum Sent {
    Stored(u64),
    Refused(String, String),
    /// It changed, or could not be read.
    Unread(String),
    /// It may be stored or not, or could be sent later.
    Remains(Option<Error>),
}

impl Sending {
    pub(super) fn new(upload_once: UploadOnce, mut folder: Folder, directory_id: Option<DirectoryId>) -> Self {
        let mut report = Report::default();
        for (path, refusal) in std::mem::take(&mut folder.refused) {
            report.refuse(&refusal.to_string(), &path);
        }
        Self {
            files: std::mem::take(&mut folder.documents),
            folder,
            directory_id,
            listed_at: Instant::now(),
            report,
            upload_once,
        }
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.files.iter().map(|document| document.content.length).sum()
    }

    /// Identifies the set of files.
    pub(super) fn set(&self) -> String {
        let lines = self
            .files
            .iter()
            .map(|Document { file, content }| format!("{}\0{}\n", file.path, content.sha256));
        sha256_hex([lines.collect::<String>().as_bytes()])
    }

    /// Removes the files that the directory already has.
    ///
    /// # Errors
    /// Where the directory's list cannot be read: then nothing is sent.
    pub(super) async fn compare(&mut self, call: &Call, is_own: bool) -> Result<(), ToolError> {
        let Some(directory_id) = &self.directory_id else {
            return Ok(());
        };
        self.listed_at = Instant::now();
        let mut stored: HashMap<String, Vec<DirectoryFile>> = HashMap::new();
        let client = &call.account.client;
        let reading = client
            .directory_files(&call.scope, directory_id, FilesOf::Now, call.deadline, |file| {
                stored.entry(file.unique_id.clone()).or_default().push(file.clone());
                true
            })
            .await;
        if let Some(error) = reading.error {
            return Err(explain_upload(error, call));
        }
        if !reading.is_whole() {
            return Err(ToolError::new(
                "No file was uploaded: the list of the directory's files could not be read to its end. Tell the user.",
            ));
        }
        let report = &mut self.report;
        self.files
            .retain(|Document { file, content }| match stored.get(&file.path) {
                None => true,
                // The name of our own directory is made from the contents, so a missing hash is no problem.
                Some(files)
                    if files
                        .iter()
                        .any(|stored| stored.sha256().map_or(is_own, |sha256| sha256 == content.sha256)) =>
                {
                    report.already_there += 1;
                    false
                }
                Some(_) => {
                    report.changed.push(file.path.clone());
                    false
                }
            });
        Ok(())
    }

    /// Marks the upload as complete.
    pub(super) fn finish(&self) {
        if let Some(directory_id) = &self.directory_id {
            self.upload_once.begin(directory_id, &self.folder.source).complete();
        }
    }

    pub(super) fn into_report(self) -> Report {
        let mut report = self.report;
        report.remaining = self.files.len();
        report.directory_id = self.directory_id;
        report.folder = self.folder.name;
        report
    }

    /// Sends what remains while there is time.
    ///
    /// # Errors
    /// Where LlamaCloud would refuse every file for the same reason.
    pub(super) async fn send(self, call: &Call, pace: Pace) -> Result<Report, ToolError> {
        let Self {
            folder,
            directory_id,
            files,
            listed_at,
            mut report,
            upload_once,
        } = self;
        let Some(directory_id) = directory_id else {
            return Err(ToolError::new(
                "No file was uploaded: there is no directory. This is a bug: please report it.",
            ));
        };
        let filling = upload_once.begin(&directory_id, &folder.source);
        let total: u64 = files.iter().map(|document| document.content.length).sum();
        let (count, refused_before) = (files.len(), report.refused_count());
        let (read, done) = (Arc::new(AtomicU64::new(0)), AtomicUsize::new(0));
        let failures = Arc::new(AtomicUsize::new(0));
        let uploads = files.into_iter().map(|document| {
            let upload = Upload {
                open: open(&document, &read, &folder.lock),
                file: new_file(&document),
                once: upload_once.clone(),
                scope: call.scope.clone(),
                directory_id: directory_id.clone(),
                listed_at,
                failures: Arc::clone(&failures),
            };
            upload.run(pace.clone())
        });
        let mut uploads = stream::iter(uploads).buffer_unordered(AT_ONCE);
        let mut stop = None;
        let work = async {
            while let Some(sent) = uploads.next().await {
                match sent {
                    Sent::Stored(bytes) => {
                        report.uploaded += 1;
                        report.bytes += bytes;
                        done.fetch_add(1, Ordering::Relaxed);
                        failures.store(0, Ordering::Relaxed);
                    }
                    Sent::Refused(reason, path) => {
                        report.has_sent = true;
                        report.refuse(&reason, &path);
                    }
                    Sent::Unread(path) => {
                        report.has_sent = true;
                        report.unread += 1;
                        report.refuse(&Refusal::Changed.to_string(), &path);
                    }
                    Sent::Remains(None) => {}
                    Sent::Remains(Some(error)) => {
                        failures.fetch_add(1, Ordering::Relaxed);
                        if is_about_all(&error) {
                            stop = Some(error);
                            return;
                        }
                        report.trouble = Some(error);
                    }
                }
            }
        };
        let progress = || Progress {
            done: read.load(Ordering::Relaxed).min(total),
            total,
            message: format!(
                "{} of {} files uploaded, {} of {} read",
                number(done.load(Ordering::Relaxed)),
                number(count),
                size(read.load(Ordering::Relaxed).min(total)),
                size(total)
            ),
        };
        pace.drive(work, progress).await;
        drop(uploads);
        if let Some(error) = stop {
            return Err(explain_upload(error, call));
        }
        report.remaining = count - report.uploaded - (report.refused_count() - refused_before);
        if report.remaining == 0 {
            filling.complete();
        }
        report.directory_id = Some(directory_id);
        report.folder = folder.name;
        Ok(report)
    }
}

fn new_file(document: &Document) -> NewFile {
    let Document { file, content } = document;
    NewFile {
        unique_id: file.path.clone(),
        name: file.name().to_owned(),
        sha256: content.sha256.clone(),
        length: content.length,
    }
}

/// Opens the file for an attempt, and counts what is read. The attempt may outlive the call, and so does the lock.
fn open(document: &Document, read: &Arc<AtomicU64>, lock: &Arc<Locked>) -> Open {
    let (document, read, lock) = (document.clone(), Arc::clone(read), Arc::clone(lock));
    Arc::new(move || {
        let (read, lock) = (Arc::clone(&read), Arc::clone(&lock));
        document.file.stream(&document.content, move |bytes| {
            let _held = &lock;
            read.fetch_add(bytes as u64, Ordering::Relaxed);
        })
    })
}

/// One file on its way.
struct Upload {
    open: Open,
    file: NewFile,
    once: UploadOnce,
    scope: Scope,
    directory_id: DirectoryId,
    listed_at: Instant,
    failures: Arc<AtomicUsize>,
}

impl Upload {
    async fn run(self, pace: Pace) -> Sent {
        if pace.is_over() || self.failures.load(Ordering::Relaxed) >= MAX_FAILURES {
            return Sent::Remains(None);
        }
        let stored = self
            .once
            .store(
                &self.scope,
                &self.directory_id,
                &self.file,
                self.open,
                pace.until(),
                self.listed_at,
            )
            .await;
        let NewFile { unique_id, length, .. } = self.file;
        match stored {
            None => Sent::Remains(None),
            Some(Ok(_)) => Sent::Stored(length),
            Some(Err(NotStored::Source(error))) if error.kind() == io::ErrorKind::Interrupted => Sent::Remains(None),
            Some(Err(NotStored::Source(_))) => Sent::Unread(unique_id),
            Some(Err(NotStored::Refused(error))) if is_about_file(&error) => Sent::Refused(error.cause(), unique_id),
            Some(Err(NotStored::Refused(error) | NotStored::Unknown(error))) => Sent::Remains(Some(error)),
        }
    }
}

/// Whether LlamaCloud refuses only this file.
fn is_about_file(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Rejected { .. } | ErrorKind::TooLarge | ErrorKind::Conflict
    )
}

/// Whether every other file would fail for the same reason.
fn is_about_all(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound) || matches!(error.advice(), Advice::Fix(_))
}

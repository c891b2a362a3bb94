//! The outcome of an upload, as a model reads it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::llamacloud::{DirectoryId, Error};
use crate::mcp::ToolError;
use crate::tools::call::{Answer, Call};
use crate::tools::error::{Failure, explain};
use crate::tools::next_step::Audience;
use crate::tools::reason::{Reason, group};
use crate::tools::wording::{files, plural};
use crate::untrusted::{clean, quote};

const MAX_NAME_CHARS: usize = 120;
/// How many changed files are named.
const MAX_CHANGED: usize = 15;

/// What is in the directory now.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct UploadFilesOutput {
    /// For `create_batch`. Absent if there is no directory yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory_id: Option<String>,
    /// Whether nothing remains. If false, call again with the same arguments.
    complete: bool,
    /// Number of files that this call uploaded.
    uploaded: usize,
    /// Number of files that were in the directory before.
    already_there: usize,
    /// Number of files that are still to be uploaded.
    remaining: usize,
    /// Bytes that this call uploaded.
    bytes: u64,
    /// Number of files that would be uploaded; only with `dry_run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_upload: Option<usize>,
    /// Files whose content differs from the directory's file of that name. They were not sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    /// Files that cannot be uploaded, grouped by reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Reason>,
    /// Number of refused files that changed, or could not be read, while they were sent. They may be readable later.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<usize>,
}

const FAILURE: Failure = Failure {
    what: "The upload was not completed",
    not_found: "The directory may have expired. Call again in a minute without `directory_id`, or with one that `list_directories` lists.",
    ask_less: None,
};

pub(super) fn explain_upload(error: Error, call: &Call) -> ToolError {
    explain(&FAILURE, error, &call.context, &call.account)
}

/// The tool.
const NAME: &str = "upload_files";

/// The progress so far.
#[derive(Default)]
pub(super) struct Report {
    /// For people.
    pub(super) folder: String,
    pub(super) directory_id: Option<DirectoryId>,
    pub(super) uploaded: usize,
    pub(super) already_there: usize,
    pub(super) remaining: usize,
    pub(super) bytes: u64,
    pub(super) changed: Vec<String>,
    refused: BTreeMap<String, Vec<String>>,
    /// How many of the refused files changed, or could not be read, while they were sent.
    pub(super) unread: usize,
    /// Whether a file was sent, or a part of it, even if none was stored.
    pub(super) has_sent: bool,
    /// The last temporary failure.
    pub(super) trouble: Option<Error>,
}

impl Report {
    pub(super) fn refuse(&mut self, reason: &str, path: &str) {
        self.refused.entry(reason.to_owned()).or_default().push(path.to_owned());
    }

    pub(super) fn refused_count(&self) -> usize {
        self.refused.values().map(Vec::len).sum()
    }

    /// Whether there is no file at all that could be in the directory.
    fn is_empty(&self) -> bool {
        self.uploaded + self.already_there + self.remaining + self.changed.len() == 0
    }

    /// The answer to the call.
    pub(super) fn answer(self, call: &Call, is_dry_run: bool) -> Answer<UploadFilesOutput> {
        let summary = self.sentences(is_dry_run, Audience::of(&call.context)).join(" ");
        let changed = self
            .changed
            .iter()
            .take(MAX_CHANGED)
            .map(|path| clean(path, MAX_NAME_CHARS))
            .collect();
        let output = UploadFilesOutput {
            complete: self.remaining == 0,
            uploaded: self.uploaded,
            already_there: self.already_there,
            remaining: self.remaining,
            bytes: self.bytes,
            would_upload: is_dry_run.then_some(self.remaining),
            changed,
            refused: group(self.refused),
            unread: (self.unread > 0).then_some(self.unread),
            directory_id: self.directory_id.map(|id| id.to_string()),
        };
        call.answer(&summary, output)
    }

    fn sentences(&self, is_dry_run: bool, audience: Audience<'_>) -> Vec<String> {
        let folder = quote(&self.folder, MAX_NAME_CHARS);
        let mut sentences = Vec::new();
        let directory = self
            .directory_id
            .as_ref()
            .map(|id| format!(" to directory {id}"))
            .unwrap_or_default();
        if self.is_empty() {
            sentences.push(if self.has_sent {
                format!("No file from {folder} could be uploaded.")
            } else {
                format!("{folder} has no files that can be uploaded. Nothing was sent.")
            });
        } else if is_dry_run {
            sentences.push(format!(
                "Dry run, nothing was sent: {} from {folder} would be uploaded{directory}.",
                files(self.remaining)
            ));
        } else if self.uploaded > 0 || self.remaining > 0 {
            sentences.push(format!(
                "Uploaded {} ({}) from {folder}{directory}.",
                files(self.uploaded),
                size(self.bytes)
            ));
        }
        if self.already_there > 0 {
            sentences.push(format!("{} already there.", were(self.already_there)));
        }
        if !self.changed.is_empty() {
            sentences.push(format!(
                "{} not sent: the directory has other content under the same name (`changed`). A batch over this directory \
                 processes the old content. To process the new content, call `upload_files` again without `directory_id`: that \
                 uploads all files of the call to a new directory, and a batch over it processes all of them.",
                were(self.changed.len())
            ));
        }
        let refused = self.refused_count();
        if refused > 0 {
            sentences.push(format!("{} cannot be uploaded: `refused` says why.", files(refused)));
        }
        if !is_dry_run {
            sentences.extend(self.next_step(audience));
        }
        sentences
    }

    fn next_step(&self, audience: Audience<'_>) -> Vec<String> {
        if self.remaining > 0 {
            let mut next = Vec::new();
            if let Some(error) = &self.trouble {
                next.push(format!("The last problem: {}.", error.cause()));
            }
            next.push(format!(
                "{} remaining. {} continues and sends nothing twice.",
                files(self.remaining),
                audience.repeat(NAME, if self.trouble.is_some() { " in a minute" } else { "" })
            ));
            return next;
        }
        match &self.directory_id {
            Some(id) if !self.is_empty() => {
                let others = if self.refused_count() > 0 || !self.changed.is_empty() {
                    "other "
                } else {
                    ""
                };
                let mut next = vec![format!("All {others}files are uploaded.")];
                if self.unread > 0 {
                    next.push(format!(
                        "{} changed, or could not be read, while being sent. {} sends {} again.",
                        files(self.unread),
                        audience.repeat(NAME, " before `create_batch`"),
                        plural(self.unread, "it", "them")
                    ));
                } else if self.changed.is_empty() {
                    next.push(format!(
                        "Next: `create_batch` with `source_directory_id` {id}, after the user agrees to the cost."
                    ));
                }
                next
            }
            _ => Vec::new(),
        }
    }
}

/// Nothing could be sent yet, because reading the files takes longer than a call may.
pub(super) fn still_reading(call: &Call) -> Answer<UploadFilesOutput> {
    let repeat = Audience::of(&call.context).repeat(NAME, "");
    let summary = format!("The files of the folder are still being read; nothing was sent yet. {repeat} continues.");
    call.answer(&summary, UploadFilesOutput::default())
}

fn were(count: usize) -> String {
    format!("{} {}", files(count), plural(count, "was", "were"))
}

/// Shape: `3.4 MB`.
#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{} KB", bytes / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_batch_is_advised_while_a_file_may_still_be_sent() {
        let mut report = Report {
            directory_id: Some("dir-1".parse().unwrap()),
            uploaded: 2,
            ..Report::default()
        };
        assert!(
            report
                .sentences(false, Audience::Model(None))
                .concat()
                .contains("Next: `create_batch`")
        );
        report.refuse("changed", "a.txt");
        report.unread = 1;
        let said = report.sentences(false, Audience::Model(None)).concat();
        assert!(
            said.contains("Call `upload_files` again") && !said.contains("Next: "),
            "{said}"
        );
    }
}

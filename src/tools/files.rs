//! What became of a batch's files: counts, reasons, and one page of entries that fits the answer.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::{Cursor, fingerprint};
use super::reasons::{self, Problem};
use crate::foreign::clean;
use crate::llamacloud::{Batch, BatchResult};
use crate::mcp::ToolError;

const MAX_ERROR_CHARS: usize = 120;

/// How many files there are of each kind. A kind without files is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FileCounts {
    /// All files of the batch.
    pub(crate) total: usize,
    /// Files with a job; the job itself may be running or have failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) with_job: usize,
    /// Files that could not be given a job.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) not_mapped: usize,
    /// Files whose job is not known yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) no_job_yet: usize,
}

/// What became of one file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct FileEntry {
    /// ID of the file in its directory.
    pub(crate) file_id: String,
    /// ID of its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    /// Why it has no job, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The files of one batch, problem files first.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) counts: FileCounts,
    pub(crate) problems: Vec<Problem>,
    entries: Vec<FileEntry>,
    fingerprint: u64,
    /// Files before the page that was asked for.
    pub(crate) offset: usize,
}

impl Files {
    /// The files of a batch, from where the cursor points on. `None` where the API has no per-file results.
    ///
    /// # Errors
    /// For a cursor that is none, or that was made for other results than these.
    pub(crate) fn of(batch: &Batch, cursor: Option<&str>) -> Result<Option<Self>, ToolError> {
        let Some(results) = &batch.results else {
            return match cursor {
                Some(_) => Err(stale_cursor()),
                None => Ok(None),
            };
        };
        let fingerprint = fingerprint(&batch.id, results);
        let offset = match cursor.map(Cursor::decode) {
            None => 0,
            Some(Some(cursor)) if cursor.fingerprint == fingerprint && cursor.offset < results.len() => cursor.offset,
            Some(_) => return Err(stale_cursor()),
        };
        let failures = results
            .iter()
            .filter_map(|result| Some((result, result.error_message.as_deref()?)));
        let failures = failures.map(|(result, message)| (result.source_directory_file_id.as_str(), message));
        Ok(Some(Self {
            counts: count(results),
            problems: reasons::group(failures),
            entries: sorted_entries(results),
            fingerprint,
            offset,
        }))
    }

    /// The largest page for which `length` stays within `max_chars`; at least one file, so that paging gets ahead.
    ///
    /// `length` builds the answer for a page and measures it.
    pub(crate) fn page(&self, max_chars: usize, length: impl Fn(&Page<'_>) -> usize) -> Page<'_> {
        let rest = self.entries.get(self.offset..).unwrap_or_default();
        let whole = |count| self.page_of(rest, count);
        let (mut fits, mut too_many) = (1.min(rest.len()), rest.len() + 1);
        while too_many - fits > 1 {
            let middle = usize::midpoint(fits, too_many);
            if length(&whole(middle)) <= max_chars {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        whole(fits)
    }

    fn page_of<'a>(&self, rest: &'a [FileEntry], count: usize) -> Page<'a> {
        let end = self.offset + count;
        let next = (end < self.counts.total).then(|| {
            Cursor {
                offset: end,
                fingerprint: self.fingerprint,
            }
            .encode()
        });
        Page {
            entries: rest.get(..count).unwrap_or_default(),
            first: self.offset + 1,
            last: end,
            next,
        }
    }
}

/// A run of files.
#[derive(Debug, Clone)]
pub(crate) struct Page<'a> {
    pub(crate) entries: &'a [FileEntry],
    /// Number of the first and the last file, counted from 1.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Cursor of the page after this one.
    pub(crate) next: Option<String>,
}

fn count(results: &[BatchResult]) -> FileCounts {
    let mut counts = FileCounts {
        total: results.len(),
        ..FileCounts::default()
    };
    for result in results {
        match (&result.error_message, &result.job_reference) {
            (_, Some(_)) => counts.with_job += 1,
            (Some(_), None) => counts.not_mapped += 1,
            (None, None) => counts.no_job_yet += 1,
        }
    }
    counts
}

fn sorted_entries(results: &[BatchResult]) -> Vec<FileEntry> {
    let mut sorted: Vec<_> = results.iter().collect();
    sorted.sort_by_key(|result| match (&result.error_message, &result.job_reference) {
        (Some(_), _) => 0,
        (None, None) => 1,
        (None, Some(_)) => 2,
    });
    let word = |text: &str| clean(text, 128);
    let entries = sorted.into_iter().map(|result| FileEntry {
        file_id: word(&result.source_directory_file_id),
        job_id: result.job_reference.as_ref().map(|job| word(&job.id)),
        error: result
            .error_message
            .as_deref()
            .map(|message| clean(message, MAX_ERROR_CHARS)),
    });
    entries.collect()
}

fn stale_cursor() -> ToolError {
    ToolError::new(
        "argument `results_cursor`: it does not fit the results of this batch as they are now; it was made for another batch, \
         or the results changed since. Call `get_batch` again without `results_cursor` to start from the first page.",
    )
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

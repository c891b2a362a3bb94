//! What became of a batch's files: their kinds, counts and reasons, and one page of entries that fits the answer.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::counts::{FileCounts, Kind};
use super::cursor::{Cursor, fingerprint};
use super::lookups::Outcomes;
use super::reasons::{self, Problem};
use crate::foreign::clean;
use crate::llamacloud::{BatchResult, FileJob};
use crate::mcp::ToolError;

const MAX_ID_CHARS: usize = 128;
const MAX_TEXT_CHARS: usize = 300;

/// What became of one file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct FileEntry {
    /// Name of the file in its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// How the file's own job stands (PENDING, RUNNING, COMPLETED, FAILED…), or `not_mapped`, `no_job_yet`, `unknown` as in `files`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// What went wrong, in the API's words, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// ID of its job, by which its result is fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    /// ID of the file in its directory; left out where the file is COMPLETED and no other has its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_id: Option<String>,
}

/// One file, its words cleaned.
#[derive(Debug)]
struct File {
    /// Position in an order that does not depend on what becomes of the files.
    place: usize,
    kind: Kind,
    id: String,
    name: Option<String>,
    has_own_name: bool,
    job_id: Option<String>,
    status: Option<String>,
    error: Option<String>,
}

/// The files of one batch, problem files first.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) counts: FileCounts,
    /// The most frequent first.
    pub(crate) problems: Vec<Problem>,
    /// Those that no page has shown yet.
    rest: Vec<File>,
    shown: Vec<bool>,
    outcomes: bool,
    fingerprint: u32,
}

impl Files {
    /// The files of a batch, without those that the pages before the cursor have shown.
    ///
    /// # Errors
    /// For a cursor that does not fit these files.
    pub(crate) fn of(
        batch_id: &str,
        results: &[BatchResult],
        outcomes: Option<&Outcomes>,
        cursor: Option<&Cursor>,
    ) -> Result<Self, ToolError> {
        let mut sorted: Vec<(usize, &str)> = results
            .iter()
            .map(|result| result.source_directory_file_id.as_str())
            .enumerate()
            .collect();
        sorted.sort_by_key(|(_, id)| *id);
        let fingerprint = fingerprint(batch_id, sorted.iter().map(|(_, id)| *id));
        let shown = match cursor {
            None => vec![false; results.len()],
            Some(cursor) => Some(cursor)
                .filter(|cursor| cursor.fingerprint == fingerprint)
                .and_then(|cursor| cursor.shown(results.len()))
                .ok_or_else(stale_cursor)?,
        };
        let mut files: Vec<File> = results.iter().map(|result| File::of(result, outcomes)).collect();
        for (place, (index, _)) in sorted.into_iter().enumerate() {
            if let Some(file) = files.get_mut(index) {
                file.place = place;
            }
        }
        mark_own_names(&mut files);
        let failures = files
            .iter()
            .filter(|file| file.kind.is_problem() || file.has_unexplained_error());
        let problems = reasons::group(failures.map(|file| (file.label(), file.error.as_deref())));
        let counts = files.iter().map(|file| file.kind).collect();
        files.sort_by_key(|file| (!file.has_unexplained_error(), file.kind));
        files.retain(|file| shown.get(file.place) == Some(&false));
        Ok(Self {
            counts,
            problems,
            rest: files,
            shown,
            outcomes: outcomes.is_some(),
            fingerprint,
        })
    }

    /// How many files no page has shown yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next so many files.
    pub(crate) fn page(&self, count: usize, max_text_chars: usize) -> Page {
        let before = self.shown.len() - self.rest.len();
        let files = self.rest.get(..count).unwrap_or(&self.rest);
        let last = before + files.len();
        let next = (last < self.shown.len()).then(|| {
            let mut shown = self.shown.clone();
            for file in files {
                if let Some(shown) = shown.get_mut(file.place) {
                    *shown = true;
                }
            }
            Cursor::new(self.outcomes, self.fingerprint, &shown).encode()
        });
        Page {
            entries: files.iter().map(|file| file.entry(max_text_chars)).collect(),
            first: before + 1,
            last,
            next,
        }
    }
}

/// A run of files.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<FileEntry>,
    /// Number of the first and the last file, counted from 1 in the order in which they are shown.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Cursor of the page after this one.
    pub(crate) next: Option<String>,
}

impl File {
    fn of(result: &BatchResult, outcomes: Option<&Outcomes>) -> Self {
        let job = result.job_reference.as_ref();
        let found = outcomes.and_then(|outcomes| outcomes.job(&job?.id));
        let text = |text: &str| Some(clean(text, MAX_TEXT_CHARS)).filter(|text| !text.is_empty());
        let kind = kind(result, outcomes.is_some(), found);
        let error = found.and_then(|job| job.error_message.as_deref()).and_then(text);
        let status = found.map_or_else(|| kind.own_word().to_owned(), |job| clean(job.status.as_str(), 60));
        Self {
            place: 0,
            kind,
            id: clean(&result.source_directory_file_id, MAX_ID_CHARS),
            name: outcomes
                .and_then(|outcomes| outcomes.name(&result.source_directory_file_id))
                .and_then(text),
            has_own_name: false,
            job_id: job.map(|job| clean(&job.id, MAX_ID_CHARS)),
            status: outcomes.map(|_| status),
            error: error.or_else(|| result.error_message.as_deref().and_then(text)),
        }
    }

    /// What the file is called in sentences.
    fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// An error of the batch beside a job whose state was not asked for.
    fn has_unexplained_error(&self) -> bool {
        self.kind == Kind::WithJob && self.error.is_some()
    }

    fn entry(&self, max_text_chars: usize) -> FileEntry {
        let shorten = |text: &String| clean(text, max_text_chars);
        let is_plain = self.kind == Kind::Completed && self.has_own_name;
        FileEntry {
            name: self.name.as_ref().map(shorten),
            status: self.status.as_ref().map(shorten),
            error: self.error.as_ref().map(shorten),
            job_id: self.job_id.clone(),
            file_id: (!is_plain).then(|| self.id.clone()),
        }
    }
}

fn kind(result: &BatchResult, asked_for_outcomes: bool, job: Option<&FileJob>) -> Kind {
    match (&result.job_reference, job) {
        (Some(_), Some(job)) => Kind::of_job(&job.status),
        (Some(_), None) if asked_for_outcomes => Kind::Unknown,
        (Some(_), None) => Kind::WithJob,
        (None, _) if result.error_message.is_some() => Kind::NotMapped,
        (None, _) => Kind::NoJobYet,
    }
}

/// Marks the files that their name alone tells from all others.
fn mark_own_names(files: &mut [File]) {
    let mut bearers: HashMap<String, usize> = HashMap::new();
    for name in files.iter().filter_map(|file| file.name.clone()) {
        *bearers.entry(name).or_default() += 1;
    }
    for file in files {
        file.has_own_name = file.name.as_ref().is_some_and(|name| bearers.get(name) == Some(&1));
    }
}

/// What is said about a cursor that leads nowhere.
pub(crate) fn stale_cursor() -> ToolError {
    ToolError::new(
        "argument `results_cursor`: it does not fit the files of this batch as they are now. It belongs to another batch, is damaged, \
         or the batch has other files since. Call `get_batch` without `results_cursor` to start from the first page.",
    )
}

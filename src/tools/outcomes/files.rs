//! The files of a batch, problem files first: kinds, counts, reasons, and the cursor through them.

use std::collections::HashMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::kinds::{FileCounts, Kind};
use super::lookup::Names;
use super::reasons::{self, Problem};
use super::states::FileStates;
use crate::llamacloud::{Batch, BatchResult, FileJob};
use crate::mcp::ToolError;
use crate::tools::cache::Keep;
use crate::untrusted::clean;

const MAX_ID_CHARS: usize = 128;
const MAX_TEXT_CHARS: usize = 300;

/// How one file ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct FileEntry {
    /// Name of the file in its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Status of the file's own job (PENDING, RUNNING, COMPLETED, FAILED…), or `not_mapped`, `no_job_yet`, `unknown` as in `files`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// What went wrong, in the API's words, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// ID of its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    /// ID of the file in its directory; omitted if the file is COMPLETED and no other file has its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_id: Option<String>,
}

/// Which files have a row in the answer, and what the rows say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Every file with the ID of its job: the API's mapping.
    Mapping,
    /// Every file, and how it ended.
    All,
    /// The files that did not succeed, and why.
    Problems,
}

/// A run of rows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<FileEntry>,
    /// Number of the first and the last row, counted from 1.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Cursor of the page after this one.
    pub(crate) next: Option<String>,
}

/// The place in the list after which a page begins. Shape: `o.3.pjb-…`; the key of the last file of the page before, which is the
/// ID of its job, or its own where it has none.
///
/// Pages follow the order of the keys, not positions, so that any process can continue. If a job ends between two pages, its file
/// may be shown twice or not at all; the pages of a final batch hold each file once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) rows: Rows,
    rank: u8,
    id: String,
}

/// One file, its words cleaned.
#[derive(Debug)]
pub(crate) struct File {
    /// Problem files come first.
    rank: u8,
    kind: Kind,
    id: String,
    name: Option<String>,
    has_own_name: bool,
    job_id: Option<String>,
    status: Option<String>,
    error: Option<String>,
}

/// The files of one batch.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) counts: FileCounts,
    /// The most frequent first.
    pub(crate) problems: Vec<Problem>,
    /// In the order of their keys.
    #[expect(clippy::struct_field_names, reason = "the files themselves")]
    files: Vec<File>,
}

impl Files {
    pub(super) fn of(batch: &Batch, states: &FileStates, names: Option<&Names>, rows: Rows) -> Self {
        // The mapping is the same whatever else is known of the jobs.
        let looked_up = states.looked_up && rows != Rows::Mapping;
        let file = |result| File::of(batch, result, Some(states).filter(|_| looked_up), names);
        let mut files: Vec<File> = states.results.iter().map(file).collect();
        mark_own_names(&mut files);
        let failures = files
            .iter()
            .filter(|file| file.kind.is_problem() || file.has_unexplained_error());
        let problems = reasons::group(failures.map(|file| (file.label(), file.error.as_deref())));
        let counts = files.iter().map(|file| file.kind).collect();
        files.sort_by(|one, other| one.key().cmp(&other.key()));
        Self {
            counts,
            problems,
            files,
        }
    }

    /// How many of them are known by their ID alone.
    pub(super) fn nameless(&self) -> usize {
        self.files.iter().filter(|file| file.name.is_none()).count()
    }

    /// All of them, problem files first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The files whose rows are left after the cursor, and how many rows come before them.
    ///
    /// # Errors
    /// For a cursor that does not fit these files.
    pub(crate) fn rows(&self, rows: Rows, cursor: Option<&Cursor>) -> Result<(Vec<&File>, usize), ToolError> {
        let files = self.files.iter();
        let mut files: Vec<&File> = files
            .filter(|file| rows != Rows::Problems || file.did_not_succeed())
            .collect();
        let Some(Cursor { rank, id, .. }) = cursor else {
            return Ok((files, 0));
        };
        if !self.files.iter().any(|file| file.key().1 == id) {
            return Err(stale_cursor());
        }
        let before = files.partition_point(|file| file.key() <= (*rank, id));
        Ok((files.split_off(before), before))
    }
}

impl Keep for Files {
    fn bytes(&self) -> usize {
        let texts = |file: &File| {
            let texts = [&file.name, &file.job_id, &file.status, &file.error];
            file.id.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
        };
        self.files.iter().map(|file| size_of::<File>() + texts(file)).sum()
    }
}

impl File {
    fn of(batch: &Batch, result: &BatchResult, states: Option<&FileStates>, names: Option<&Names>) -> Self {
        let text = |text: &str| Some(clean(text, MAX_TEXT_CHARS)).filter(|text| !text.is_empty());
        let job = states.and_then(|states| states.job(result));
        let kind = kind(batch, result, states.is_some(), job);
        let error = job.and_then(|job| job.error_message.as_deref()).and_then(text);
        let error = error.or_else(|| result.error_message.as_deref().and_then(text));
        let own_status = match (kind, job) {
            (Kind::Cancelled, _) => "CANCELLED".to_owned(),
            (_, Some(job)) => clean(job.status.as_str(), 60),
            (kind, None) => kind.member().to_owned(),
        };
        let rank = if kind == Kind::WithJob && error.is_some() {
            0
        } else {
            1 + kind as u8
        };
        Self {
            rank,
            kind,
            id: clean(&result.source_directory_file_id, MAX_ID_CHARS),
            name: names
                .and_then(|names| names.get(&result.source_directory_file_id))
                .and_then(text),
            has_own_name: false,
            job_id: result.job_reference.as_ref().map(|job| clean(&job.id, MAX_ID_CHARS)),
            status: states.map(|_| own_status),
            error,
        }
    }

    fn key(&self) -> (u8, &String) {
        (self.rank, self.job_id.as_ref().unwrap_or(&self.id))
    }

    /// How it ended.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its ID in the directory.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What went wrong, in the API's words.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What the file is called in sentences.
    pub(crate) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Whether the batch has an error for it although its job was not looked up.
    fn has_unexplained_error(&self) -> bool {
        self.kind == Kind::WithJob && self.error.is_some()
    }

    /// Whether the file has ended without success, as far as is known.
    fn did_not_succeed(&self) -> bool {
        self.kind != Kind::Completed && !self.kind.is_unfinished()
    }

    /// A number for comparing cursors by length: a file with a higher number has a longer cursor.
    pub(super) fn cursor_chars(&self) -> usize {
        let (rank, id) = self.key();
        id.chars().count() + usize::from(rank >= 10)
    }

    /// The cursor of the page that begins after this file.
    pub(crate) fn cursor(&self, rows: Rows) -> String {
        let cursor = Cursor {
            rows,
            rank: self.rank,
            id: self.key().1.clone(),
        };
        cursor.to_string()
    }

    pub(crate) fn entry(&self, rows: Rows, max_text_chars: usize) -> FileEntry {
        let shorten = |text: &String| clean(text, max_text_chars);
        let is_plain = self.kind == Kind::Completed && self.has_own_name && rows != Rows::Mapping;
        FileEntry {
            name: self.name.as_ref().filter(|_| rows != Rows::Mapping).map(shorten),
            status: self.status.as_ref().map(shorten),
            error: self.error.as_ref().map(shorten),
            job_id: self.job_id.clone(),
            file_id: (!is_plain).then(|| self.id.clone()),
        }
    }
}

fn kind(batch: &Batch, result: &BatchResult, looked_up: bool, job: Option<&FileJob>) -> Kind {
    match (&result.job_reference, job) {
        (Some(_), Some(job)) => Kind::of_job(&job.status, &batch.status),
        (Some(_), None) if looked_up => Kind::Unknown,
        (Some(_), None) => Kind::WithJob,
        (None, _) if result.error_message.is_some() => Kind::NotMapped,
        (None, _) => Kind::NoJobYet,
    }
}

/// Whether a file did not end well, as [`FileCounts::problems`] counts them.
pub(super) fn has_problems(batch: &Batch, states: &FileStates) -> bool {
    let mut results = states.results.iter();
    results.any(|result| kind(batch, result, states.looked_up, states.job(result)).is_problem())
}

/// Marks the files whose name no other file has.
fn mark_own_names(files: &mut [File]) {
    let mut bearers: HashMap<String, usize> = HashMap::new();
    for name in files.iter().filter_map(|file| file.name.clone()) {
        *bearers.entry(name).or_default() += 1;
    }
    for file in files {
        file.has_own_name = file.name.as_ref().is_some_and(|name| bearers.get(name) == Some(&1));
    }
}

impl Rows {
    const fn letter(self) -> &'static str {
        match self {
            Self::Mapping => "r",
            Self::All => "o",
            Self::Problems => "p",
        }
    }
}

impl Cursor {
    /// Reads a cursor that was handed out earlier; `None` if it never was one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (letter, rank, id) = (parts.next()?, parts.next()?, parts.next()?);
        let known = [Rows::Mapping, Rows::All, Rows::Problems];
        Some(Self {
            rows: known.into_iter().find(|rows| rows.letter() == letter)?,
            rank: rank.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, rank, id } = self;
        write!(formatter, "{}.{rank}.{id}", rows.letter())
    }
}

/// The error for a cursor that does not fit.
pub(crate) fn stale_cursor() -> ToolError {
    ToolError::new(
        "`results_cursor`: it does not fit the files of this batch as they are now: it is out of date, belongs to another \
         batch, or is damaged. Call `get_batch` without `results_cursor` to start from the first page.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        for rows in [Rows::Mapping, Rows::All, Rows::Problems] {
            let cursor = Cursor {
                rows,
                rank: 11,
                id: "dfl-1.2 x".to_owned(),
            };
            assert_eq!(Cursor::decode(&cursor.to_string()), Some(cursor));
        }
        for text in ["", "o", "o.1", "x.1.dfl-1", "o.256.dfl-1", "bm9uZQ", "%%"] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}

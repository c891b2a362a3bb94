//! The answer of `get_batch`: as many rows as fit.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Seen;
use super::files::{Cursor, File, FileEntry, Files, Page, Rows, stale_cursor};
use super::report::{BatchReport, Brevity, can_retry};
use super::summary::{Detail, Report};
use crate::mcp::{Json, ToolError};
use crate::tools::account::Account;

/// If fewer rows than this would fit on a page, the rest of the answer is shortened.
const WORTHWHILE_ROWS: usize = 5;

/// A batch, and what was asked about its files.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetBatchOutput {
    /// The answer in a few sentences, with what to do next.
    summary: String,
    #[serde(flatten)]
    batch: BatchReport,
    /// One page of files, problem files first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    results: Vec<FileEntry>,
    /// Where the next page of files begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_results_cursor: Option<String>,
}

/// What an answer is about.
pub(crate) struct Answer<'a> {
    pub(crate) account: &'a Account,
    pub(crate) seen: &'a Seen,
    pub(crate) detail: Detail,
    pub(crate) cursor: Option<&'a Cursor>,
    /// Why the batch could not be read again during a wait.
    pub(crate) trouble: Option<&'a str>,
}

/// The rows that are left, and their lengths.
struct Rest<'a> {
    rows: Rows,
    files: Vec<&'a File>,
    /// How many rows the previous pages have shown.
    before: usize,
}

impl Rest<'_> {
    /// The page with the next `count` rows.
    fn page(&self, count: usize, brevity: Brevity) -> Page {
        let shown = self.files.get(..count).unwrap_or(&self.files);
        let has_more = count < self.files.len();
        let last = shown.last().filter(|_| has_more);
        Page {
            entries: shown
                .iter()
                .map(|file| file.entry(self.rows, brevity.max_text_chars))
                .collect(),
            first: self.before + 1,
            last: self.before + shown.len(),
            next: last.map(|file| file.cursor(self.rows)),
        }
    }

    /// A page without rows, as long as the longest possible page apart from its rows.
    fn frame(&self) -> Page {
        let longest = self.files.iter().max_by_key(|file| file.cursor_chars());
        Page {
            entries: Vec::new(),
            first: self.before + 1,
            last: self.before + self.files.len(),
            next: longest.map(|file| file.cursor(self.rows)),
        }
    }

    /// The length of each row in JSON, its comma included.
    fn lengths(&self, brevity: Brevity) -> impl Iterator<Item = usize> {
        let entries = self
            .files
            .iter()
            .map(move |file| file.entry(self.rows, brevity.max_text_chars));
        entries.map(|entry| serde_json::to_string(&entry).map_or(usize::MAX, |json| json.chars().count() + 1))
    }
}

impl Answer<'_> {
    /// The answer with as many rows as fit within this many characters, counted in its JSON. A page holds at least one row.
    ///
    /// Problems and texts are shortened before pages become very short.
    ///
    /// # Errors
    /// For a cursor that does not fit the files.
    pub(crate) fn within(&self, max_chars: usize) -> Result<Json<GetBatchOutput>, ToolError> {
        let files = self.seen.files(self.detail.rows().unwrap_or(Rows::All));
        let rest = match (&files, self.detail.rows()) {
            (Some(files), Some(rows)) => {
                let (files, before) = files.rows(rows, self.cursor)?;
                Some(Rest { rows, files, before })
            }
            (None, _) if self.cursor.is_some() => return Err(stale_cursor()),
            _ => None,
        };
        let Some(rest) = rest.as_ref().filter(|rest| !rest.files.is_empty()) else {
            let page = |brevity| rest.as_ref().map(|rest| rest.page(0, brevity));
            let usual = Brevity::usual(max_chars);
            let json = self.output(files.as_deref(), page(usual), usual)?;
            if json.chars() <= max_chars {
                return Ok(json);
            }
            return self.output(files.as_deref(), page(Brevity::BARE), Brevity::BARE);
        };
        for brevity in [Brevity::usual(max_chars), Brevity::BARE] {
            let rows = self.rows_that_fit(files.as_deref(), rest, brevity, max_chars)?;
            if let Some(rows) = rows.filter(|rows| *rows >= rest.files.len().min(WORTHWHILE_ROWS)) {
                return self.output(files.as_deref(), Some(rest.page(rows, brevity)), brevity);
            }
        }
        let rows = self.rows_that_fit(files.as_deref(), rest, Brevity::BARE, max_chars)?;
        let page = rest.page(rows.unwrap_or_default().max(1), Brevity::BARE);
        self.output(files.as_deref(), Some(page), Brevity::BARE)
    }

    /// How many rows fit with the rest of the answer; `None` if that alone is too long. Each row is measured once.
    fn rows_that_fit(
        &self,
        files: Option<&Files>,
        rest: &Rest<'_>,
        brevity: Brevity,
        max_chars: usize,
    ) -> Result<Option<usize>, ToolError> {
        const AROUND_ROWS: usize = r#","results":[]"#.len();
        let chars = |page: Page| -> Result<usize, ToolError> { Ok(self.output(files, Some(page), brevity)?.chars()) };
        let whole = Page {
            next: None,
            ..rest.frame()
        };
        let room = max_chars.checked_sub(chars(whole)? + AROUND_ROWS);
        // No more rows are written than an answer has room for.
        let left = room.and_then(|room| rest.lengths(brevity).try_fold(room, usize::checked_sub));
        if left.is_some() {
            return Ok(Some(rest.files.len()));
        }
        let Some(mut room) = max_chars.checked_sub(chars(rest.frame())? + AROUND_ROWS) else {
            return Ok(None);
        };
        let fits = |length: &usize| {
            let left = room.checked_sub(*length);
            room = left.unwrap_or_default();
            left.is_some()
        };
        Ok(Some(rest.lengths(brevity).take_while(fits).count()))
    }

    fn output(
        &self,
        files: Option<&Files>,
        page: Option<Page>,
        brevity: Brevity,
    ) -> Result<Json<GetBatchOutput>, ToolError> {
        let now = Timestamp::now();
        let is_first = page.as_ref().is_none_or(|page| page.first == 1);
        let problems = match files {
            Some(files) if is_first => files.problems.as_slice(),
            _ => &[],
        };
        let batch = BatchReport::of(self.seen, files, problems, brevity, now);
        let report = Report {
            seen: self.seen,
            detail: self.detail,
            counts: batch.files.as_ref(),
            problems: if brevity.bare { &[] } else { problems },
            problems_shown: batch.problems.len(),
            page: page.as_ref(),
            can_retry: can_retry(self.account, self.seen),
            trouble: self.trouble,
            now,
        };
        let summary = self.account.summary(&report.sentences());
        let (results, next_results_cursor) =
            page.map_or_else(Default::default, |Page { entries, next, .. }| (entries, next));
        Json::of(&GetBatchOutput {
            summary,
            batch,
            results,
            next_results_cursor,
        })
    }
}

#[cfg(test)]
mod tests;

//! The answer of `get_batch`, as large as it may be.

use schemars::JsonSchema;
use serde::Serialize;

use super::account::Account;
use super::batch::BatchFacts;
use super::counts::FileCounts;
use super::files::{FileEntry, Files, Page};
use super::reasons::Problem;
use super::summary::{Detail, Report};
use crate::foreign::clean;
use crate::llamacloud::Batch;
use crate::mcp::{Json, ToolError};

/// How many files a page should hold at least before anything is told more briefly.
const WORTHWHILE_FILES: usize = 5;

/// A batch, and what was asked about its files.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetBatchOutput {
    /// The answer in a few sentences, with what to do next.
    summary: String,
    #[serde(flatten)]
    batch: BatchFacts,
    /// Number of files of each kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<FileCounts>,
    /// What went wrong, grouped, most frequent first; on the first page only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    /// One page of files, problem files first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    results: Vec<FileEntry>,
    /// Where the next page of files begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_results_cursor: Option<String>,
    /// How long to wait before looking again; absent once nothing changes any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_again_in_seconds: Option<u32>,
}

/// What there is to be told.
pub(crate) struct Answer<'a> {
    pub(crate) account: &'a Account,
    pub(crate) batch: &'a Batch,
    pub(crate) detail: Detail,
    /// `None` if not asked for, or if the API gives none.
    pub(crate) files: Option<&'a Files>,
    pub(crate) gaps: &'a [String],
    pub(crate) check_again_in_seconds: Option<u32>,
}

/// How much is told about problems and files.
#[derive(Debug, Clone, Copy)]
struct Brevity {
    problems: usize,
    examples: usize,
    max_reason_chars: usize,
    max_text_chars: usize,
    /// Whether only what identifies the batch is told of it.
    bare: bool,
}

/// From the first choice to the one that always fits.
const BREVITIES: [Brevity; 4] = [
    Brevity {
        problems: 5,
        examples: 3,
        max_reason_chars: 300,
        max_text_chars: 120,
        bare: false,
    },
    Brevity {
        problems: 3,
        examples: 2,
        max_reason_chars: 120,
        max_text_chars: 80,
        bare: false,
    },
    Brevity {
        problems: 1,
        examples: 1,
        max_reason_chars: 80,
        max_text_chars: 40,
        bare: false,
    },
    Brevity {
        problems: 0,
        examples: 0,
        max_reason_chars: 0,
        max_text_chars: 24,
        bare: true,
    },
];

impl Answer<'_> {
    /// The answer with the largest page of files that keeps it within so many characters, counted in its JSON.
    ///
    /// What is too long is told more briefly before pages become very short. A page holds at least one file.
    ///
    /// # Errors
    /// None but a bug's: see [`Json::of`].
    pub(crate) fn within(&self, max_chars: usize) -> Result<Json<GetBatchOutput>, ToolError> {
        let left = self.files.map_or(0, Files::left);
        let that_fits = |count: usize, brevity: Brevity| {
            let output = Json::of(&self.output(count, brevity)).ok()?;
            (output.chars() <= max_chars).then_some(output)
        };
        let worthwhile = left.min(WORTHWHILE_FILES);
        let [.., barest] = BREVITIES;
        let first = BREVITIES
            .into_iter()
            .find_map(|brevity| Some((that_fits(worthwhile, brevity)?, worthwhile, brevity)));
        let (mut best, mut enough, brevity) = match first {
            Some((output, count, brevity)) => (Some(output), count, brevity),
            None => (None, left.min(1), barest),
        };
        let mut too_many = left + 1;
        while too_many - enough > 1 {
            let middle = usize::midpoint(enough, too_many);
            match that_fits(middle, brevity) {
                Some(output) => (best, enough) = (Some(output), middle),
                None => too_many = middle,
            }
        }
        best.map_or_else(|| Json::of(&self.output(enough, brevity)), Ok)
    }

    fn output(&self, count: usize, brevity: Brevity) -> GetBatchOutput {
        let page = self.files.map(|files| files.page(count, brevity.max_text_chars));
        let mut batch = BatchFacts::from(self.batch);
        let is_first = page.as_ref().is_none_or(|page| page.first == 1);
        let problems = match self.files {
            Some(files) if is_first && !brevity.bare => files.problems.as_slice(),
            _ => &[],
        };
        let shown: Vec<Problem> = problems
            .iter()
            .take(brevity.problems)
            .map(|problem| brevity.shorten(problem))
            .collect();
        let counts = self.files.map(|files| files.counts);
        let report = Report {
            facts: &batch,
            status: &self.batch.status,
            job_type: &self.batch.job.job_type,
            detail: self.detail,
            counts,
            problems,
            problems_shown: shown.len(),
            page: page.as_ref(),
            gaps: self.gaps,
            check_again_in_seconds: self.check_again_in_seconds,
        };
        let summary = self.account.summary(&report.sentences());
        if brevity.bare {
            batch.keep_what_identifies();
        }
        let (results, next_results_cursor) =
            page.map_or_else(Default::default, |Page { entries, next, .. }| (entries, next));
        GetBatchOutput {
            summary,
            batch,
            files: counts,
            problems: shown,
            results,
            next_results_cursor,
            check_again_in_seconds: self.check_again_in_seconds,
        }
    }
}

impl Brevity {
    fn shorten(self, problem: &Problem) -> Problem {
        let examples = problem.examples.iter().take(self.examples);
        Problem {
            reason: problem
                .reason
                .as_ref()
                .map(|reason| clean(reason, self.max_reason_chars)),
            count: problem.count,
            examples: examples.map(|name| clean(name, self.max_text_chars)).collect(),
        }
    }
}

#[cfg(test)]
mod tests;

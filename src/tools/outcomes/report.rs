//! What every answer about one batch holds, whichever tool gives it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::files::{Files, Rows};
use super::kinds::FileCounts;
use super::reasons::Problem;
use super::summary::{Detail, Report};
use super::{Finality, Seen};
use crate::llamacloud::BatchStatus;
use crate::tools::account::Account;
use crate::tools::batch::BatchFacts;
use crate::untrusted::clean;

/// A batch, and how its files ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BatchReport {
    #[serde(flatten)]
    pub(crate) batch: BatchFacts,
    /// Number of files of each kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<FileCounts>,
    /// Number of files in its directory, before the files of the batch itself can be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_in_directory: Option<usize>,
    /// What went wrong, grouped, most frequent first; on the first page only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<Problem>,
    /// How long to wait before checking again; absent once nothing can change.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_again_in_seconds: Option<u32>,
}

/// How much of problems and texts is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brevity {
    problems: usize,
    examples: usize,
    max_reason_chars: usize,
    pub(crate) max_text_chars: usize,
    /// Whether only id and status of the batch are shown.
    pub(crate) bare: bool,
}

impl Brevity {
    /// What a result of this length has room for.
    pub(crate) fn usual(max_chars: usize) -> Self {
        Self {
            problems: (max_chars / 1200).clamp(1, 5),
            examples: 3,
            max_reason_chars: (max_chars / 20).clamp(80, 300),
            max_text_chars: (max_chars / 50).clamp(40, 120),
            bare: false,
        }
    }

    /// What always fits.
    pub(crate) const BARE: Self = Self {
        problems: 0,
        examples: 0,
        max_reason_chars: 0,
        max_text_chars: 24,
        bare: true,
    };

    fn shorten(self, problems: &[Problem]) -> Vec<Problem> {
        let shorten = |problem: &Problem| Problem {
            reason: problem
                .reason
                .as_ref()
                .map(|reason| clean(reason, self.max_reason_chars)),
            count: problem.count,
            examples: problem
                .examples
                .iter()
                .take(self.examples)
                .map(|name| clean(name, self.max_text_chars))
                .collect(),
        };
        problems.iter().take(self.problems).map(shorten).collect()
    }
}

/// Whether the next step is `retry_failed_files`: files of a final batch failed, and the tool is offered.
pub(crate) fn can_retry(account: &Account, seen: &Seen) -> bool {
    let has_results = seen.batch.status != BatchStatus::Failed;
    account.policy.can_retry() && has_results && seen.finality() == Finality::Final && seen.has_problems()
}

impl BatchReport {
    pub(super) fn of(
        seen: &Seen,
        files: Option<&Files>,
        problems: &[Problem],
        brevity: Brevity,
        now: Timestamp,
    ) -> Self {
        let mut batch = BatchFacts::of(&seen.batch, seen.finality().known());
        if brevity.bare {
            batch.keep_what_identifies();
        }
        Self {
            batch,
            files: files.map(|files| files.counts.clone()),
            files_in_directory: seen.files_in_directory.filter(|_| files.is_none()),
            problems: brevity.shorten(problems),
            check_again_in_seconds: seen.check_again_in_seconds(now),
        }
    }

    /// The report for an answer that says in its own words which batch it is about and what its status is, and the sentences that
    /// follow: how the files ended, why, and what to do next. `trouble`: why the batch could not be read again during a wait.
    pub(crate) fn beside_status(account: &Account, seen: &Seen, trouble: Option<&str>) -> (Self, String) {
        let files = seen.files(Rows::All);
        let problems = files.as_deref().map_or(&[][..], |files| &files.problems);
        let brevity = Brevity::usual(account.policy.max_result_chars);
        let now = Timestamp::now();
        let batch = Self::of(seen, files.as_deref(), problems, brevity, now);
        let report = Report {
            seen,
            detail: Detail::Status,
            counts: batch.files.as_ref(),
            problems,
            problems_shown: batch.problems.len(),
            page: None,
            can_retry: can_retry(account, seen),
            trouble,
            now,
        };
        let sentences = report.after_status();
        (batch, sentences)
    }
}

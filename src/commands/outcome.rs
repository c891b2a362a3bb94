//! How a batch ended, for the person who started or follows it.

use serde_json::{Map, Value};

use super::answer::text;
use super::context::Context;
use super::terminal::Output;
use crate::untrusted::quote;

const MAX_STATUS_CHARS: usize = 60;

/// A batch at its end, as `get_batch` answers.
#[derive(Clone, Copy)]
pub(super) struct Outcome<'a> {
    pub(super) batch_id: &'a str,
    pub(super) batch: &'a Map<String, Value>,
}

impl Outcome<'_> {
    /// Whether there are results to read or save.
    pub(super) fn has_results(self) -> bool {
        matches!(text(self.batch, "status"), "COMPLETED" | "CANCELLED")
    }

    /// Whether the batch is COMPLETED, and so is each of its files.
    pub(super) fn is_all_well(self) -> bool {
        let all_completed = self.counts().is_some_and(|(total, completed)| total == completed);
        text(self.batch, "status") == "COMPLETED" && all_completed
    }

    /// How many files there are, and how many of them succeeded. `None` if this is not known or there are none.
    pub(super) fn counts(self) -> Option<(u64, u64)> {
        let total = self.counted("total").filter(|total| *total > 0)?;
        Some((total, self.counted("completed").unwrap_or(0)))
    }

    fn counted(self, name: &str) -> Option<u64> {
        self.batch.get("files")?.get(name)?.as_u64()
    }

    /// How many files certainly did not succeed: those that `retry_failed_files` takes.
    pub(super) fn failed(self) -> u64 {
        let never_begun = (text(self.batch, "status") == "CANCELLED").then_some("no_job_yet");
        let kinds = ["failed", "not_mapped", "cancelled"].into_iter().chain(never_begun);
        kinds.filter_map(|kind| self.counted(kind)).sum()
    }

    /// For how many files no outcome is known.
    pub(super) fn unknown(self) -> u64 {
        let (total, completed) = self.counts().unwrap_or_default();
        total.saturating_sub(completed + self.failed())
    }

    /// What the batch did with the files.
    pub(super) fn sentence(self) -> String {
        let status = text(self.batch, "status");
        let of = |total: u64, completed: u64| match (self.failed(), self.unknown()) {
            (_, 0) => format!("{completed} of {total} files succeeded."),
            (0, unknown) => {
                format!("{completed} of {total} files are known to have succeeded; no outcome is known for {unknown}.")
            }
            (failed, unknown) => format!(
                "{completed} of {total} files are known to have succeeded, and {failed} did not; no outcome is known for {unknown}."
            ),
        };
        match (status, self.counts()) {
            ("COMPLETED", Some((1, 1))) => "The file succeeded.".to_owned(),
            ("COMPLETED", Some((total, completed))) if total == completed => format!("All {total} files succeeded."),
            ("COMPLETED", Some((total, completed))) => of(total, completed),
            ("CANCELLED", Some((total, completed))) => format!("The batch was cancelled; {}", of(total, completed)),
            ("FAILED", _) => "The batch failed as a whole, so no file has a reliable result.".to_owned(),
            (status, _) => format!(
                "Batch {} has the status {}, but the outcome of its files could not be read. To try again, follow this batch \
                 with the command `watch`.",
                self.batch_id,
                quote(status, MAX_STATUS_CHARS)
            ),
        }
    }

    /// The command that processes the failed files again. `None` if there are none.
    pub(super) fn retry(self, context: &Context<'_>, output: &Output) -> Option<String> {
        // The sandbox and its batch end with this command.
        if context.is_sandbox || !self.has_results() || self.failed() == 0 {
            return None;
        }
        let command = context.command(&["call", "retry_failed_files", &format!("batch_id={}", self.batch_id)]);
        let sentence = output.wrap("To process the failed files again as they are, which costs credits:");
        let then = output.wrap(
            "Its answer names the new batch. When that has ended, save its results, with its ID in place of NEW:",
        );
        let save = context.command(&["call", "save_results", "batch_id=NEW", "--output-dir", "FOLDER"]);
        Some(format!("{sentence}\n  {command}\n{then}\n  {save}"))
    }
}

//! How a run ended, for the person who started it: what succeeded, where it is, what failed, and what to do about that.

use std::path::Path;

use serde_json::{Map, Value};

use crate::commands::answer::{count, text};
use crate::commands::context::{Context, Exit};
use crate::commands::render::table;
use crate::commands::watch::is_all_well;
use crate::untrusted::quote;

const MAX_STATUS_CHARS: usize = 60;

type Object = Map<String, Value>;

/// A batch at its end.
pub(super) struct Ending<'a> {
    pub(super) batch_id: &'a str,
    /// As `get_batch` answers, with the files that did not succeed.
    pub(super) batch: &'a Object,
    /// The folder for results, and what `save_results` answered, if anything could be saved.
    pub(super) saved: Option<(&'a Path, &'a Object)>,
}

impl Ending<'_> {
    /// Whether a batch in this status has results to save.
    pub(super) fn has_results(batch: &Object) -> bool {
        matches!(text(batch, "status"), "COMPLETED" | "CANCELLED")
    }

    /// Prints it, and says how the command ends.
    pub(super) fn show(&self, context: &Context<'_>) -> Exit {
        let out = &context.terminal.out;
        let marker = if context.is_sandbox { "[sandbox] " } else { "" };
        let sentences = format!("{marker}{} {}", self.files(), self.results(context.is_sandbox));
        let mut paragraphs = vec![out.wrap(&sentences)];
        paragraphs.extend(self.not_done().map(|rows| table(&rows, out)));
        paragraphs.extend(self.not_shown());
        paragraphs.extend(self.not_saved().map(|rows| table(&rows, out)));
        if self.can_retry() && !context.is_sandbox {
            let command = context.command(&["call", "retry_failed_files", &format!("batch_id={}", self.batch_id)]);
            let sentence = out.wrap("To process the failed files again, which costs credits:");
            paragraphs.push(format!("{sentence}\n  {command}"));
        }
        out.line(&paragraphs.join("\n\n"));
        let err = &context.terminal.err;
        if out.failure().is_some() {
            err.say(&sentences);
        }
        if self.is_all_done() {
            return Exit::Done;
        }
        err.say(if self.failed() == 0 && self.unknown() > 0 {
            "Exit code 1: it is not known how every file ended."
        } else {
            "Exit code 1: not every file has a result."
        });
        Exit::Failed
    }

    fn counted(&self, name: &str) -> Option<u64> {
        self.batch.get("files")?.get(name)?.as_u64()
    }

    /// How many files there are, and how many of them succeeded.
    fn counts(&self) -> Option<(u64, u64)> {
        let total = self.counted("total").filter(|total| *total > 0)?;
        Some((total, self.counted("completed").unwrap_or(0)))
    }

    /// How many files certainly did not succeed: those that `retry_failed_files` takes.
    fn failed(&self) -> u64 {
        let never_begun = (text(self.batch, "status") == "CANCELLED").then_some("no_job_yet");
        let kinds = ["failed", "not_mapped", "cancelled"].into_iter().chain(never_begun);
        kinds.filter_map(|kind| self.counted(kind)).sum()
    }

    /// Of how many files LlamaCloud does not say how they ended.
    fn unknown(&self) -> u64 {
        let (total, completed) = self.counts().unwrap_or_default();
        total.saturating_sub(completed + self.failed())
    }

    fn is_all_done(&self) -> bool {
        is_all_well(self.batch) && self.saved.is_none_or(|(_, saved)| !saved.contains_key("failed"))
    }

    /// What the batch did with the files.
    fn files(&self) -> String {
        let status = text(self.batch, "status");
        let of = |total: u64, completed: u64| match self.unknown() {
            0 => format!("{completed} of {total} files succeeded."),
            unknown => format!(
                "{completed} of {total} files are known to have succeeded, and LlamaCloud does not say how {unknown} ended."
            ),
        };
        match (status, self.counts()) {
            ("COMPLETED", Some((1, 1))) => "The file succeeded.".to_owned(),
            ("COMPLETED", Some((total, completed))) if total == completed => format!("All {total} files succeeded."),
            ("COMPLETED", Some((total, completed))) => of(total, completed),
            ("CANCELLED", Some((total, completed))) => format!("The batch was cancelled; {}", of(total, completed)),
            ("FAILED", _) => "The batch failed as a whole, so no file has a reliable result.".to_owned(),
            (status, _) => format!(
                "Batch {} is {}, and how its files ended could not be read.",
                self.batch_id,
                quote(status, MAX_STATUS_CHARS)
            ),
        }
    }

    /// Where the results are.
    fn results(&self, is_sandbox: bool) -> String {
        let Some((folder, saved)) = self.saved else {
            return match (Self::has_results(self.batch), is_sandbox) {
                (false, _) => format!("Nothing was saved. The batch is {}.", self.batch_id),
                (true, true) => {
                    "The results were not saved, and they end with this command: add --out to keep them.".to_owned()
                }
                (true, false) => format!(
                    "The results of batch {} stay at LlamaCloud for a limited time. To save them, run the same command with --out: \
                     nothing is uploaded or paid for again.",
                    self.batch_id
                ),
            };
        };
        let folder = folder.display();
        let results = count(saved, "saved") + count(saved, "already_there");
        let mut sentences = vec![match results {
            0 => format!("No result was saved to {folder}."),
            1 => format!("1 result is in {folder}; manifest.json there describes it."),
            _ => format!("{results} results are in {folder}; manifest.json there lists them."),
        }];
        sentences.extend(match count(saved, "with_failed_pages") {
            0 => None,
            1 => Some("1 of them lacks pages that could not be parsed: manifest.json names the pages.".to_owned()),
            some => Some(format!(
                "{some} of them lack pages that could not be parsed: manifest.json names the pages."
            )),
        });
        sentences.extend(match self.counted("completed").unwrap_or(0).saturating_sub(results) {
            0 => None,
            1 => Some("1 more result could not be saved, for the reason below.".to_owned()),
            some => Some(format!(
                "{some} more results could not be saved, for the reasons below."
            )),
        });
        sentences.join(" ")
    }

    /// The files that the batch did not complete: enough to know which they are and what went wrong.
    fn not_done(&self) -> Option<Vec<&Object>> {
        objects(self.batch.get("results"))
    }

    /// How many more files than those of the table did not succeed.
    fn not_shown(&self) -> Option<String> {
        let (total, completed) = self.counts()?;
        let shown = self.not_done().map_or(0, |files| files.len() as u64);
        let more = total.saturating_sub(completed + shown);
        (shown > 0 && more > 0).then(|| format!("And {more} more."))
    }

    /// Results that could not be saved although the batch has them, by reason.
    fn not_saved(&self) -> Option<Vec<&Object>> {
        let (_, saved) = self.saved?;
        let reasons = objects(saved.get("failed"))?;
        let not_saved: u64 = reasons.iter().map(|reason| count(reason, "count")).sum();
        let (total, completed) = self.counts()?;
        (not_saved > total.saturating_sub(completed)).then_some(reasons)
    }

    fn can_retry(&self) -> bool {
        Self::has_results(self.batch) && self.failed() > 0
    }
}

fn objects(value: Option<&Value>) -> Option<Vec<&Object>> {
    let objects = value?.as_array()?.iter().filter_map(Value::as_object);
    let objects: Vec<_> = objects.collect();
    (!objects.is_empty()).then_some(objects)
}

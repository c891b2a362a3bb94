//! How a run ended, for the person who started it: what succeeded, where it is, what failed, and what to do about that.

use std::path::Path;

use serde_json::{Map, Value};

use crate::commands::answer::{count, text};
use crate::commands::context::{Context, Exit};
use crate::commands::outcome::Outcome;
use crate::commands::render::table;

type Object = Map<String, Value>;

/// A batch at its end.
pub(super) struct Ending<'a> {
    /// With the files that did not succeed.
    pub(super) outcome: Outcome<'a>,
    /// The folder for results, and what `save_results` answered, if anything could be saved.
    pub(super) saved: Option<(&'a Path, &'a Object)>,
    /// The files that could not be uploaded although the user agreed to them, by reason.
    pub(super) left_out: Vec<&'a Object>,
    /// How many files and subfolders were listed as not uploaded before the user agreed.
    pub(super) passed_over: u64,
}

impl Ending<'_> {
    /// Prints it, and says how the command ends.
    pub(super) fn show(&self, context: &Context<'_>) -> Exit {
        let out = &context.terminal.out;
        let marker = if context.is_sandbox { "[sandbox] " } else { "" };
        let left_out = self.left_out().map_or(String::new(), |sentence| format!("{sentence} "));
        let sentences = format!(
            "{marker}{left_out}{} {}{}",
            self.outcome.sentence(),
            self.results(context.is_sandbox),
            self.passed_over()
        );
        let mut paragraphs = vec![out.wrap(&sentences)];
        if !self.left_out.is_empty() {
            paragraphs.push(table(&self.left_out, out));
        }
        paragraphs.extend(self.not_done().map(|rows| table(&rows, out)));
        paragraphs.extend(self.not_shown());
        paragraphs.extend(self.not_saved().map(|rows| table(&rows, out)));
        paragraphs.extend(self.save_later(context));
        paragraphs.extend(self.outcome.retry(context, out));
        out.line(&paragraphs.join("\n\n"));
        let err = &context.terminal.err;
        if out.failure().is_some() {
            err.say(&sentences);
        }
        if self.is_all_done() {
            return Exit::Done;
        }
        err.say(if !self.left_out.is_empty() {
            "Exit code 1: some files could not be uploaded."
        } else if self.outcome.failed() == 0 && self.outcome.unknown() > 0 {
            "Exit code 1: the outcome of some files is not known."
        } else {
            "Exit code 1: some results are missing."
        });
        Exit::Failed
    }

    fn is_all_done(&self) -> bool {
        self.left_out.is_empty()
            && self.outcome.is_all_well()
            && self.saved.is_none_or(|(_, saved)| !saved.contains_key("failed"))
    }

    /// How many files are not part of the batch.
    fn left_out(&self) -> Option<String> {
        match self.left_out.iter().map(|reason| count(reason, "count")).sum() {
            0 => None,
            1 => {
                Some("1 file could not be uploaded, so the batch does not include it; the reason is below.".to_owned())
            }
            some => Some(format!(
                "{some} files could not be uploaded, so the batch does not include them; the reasons are below."
            )),
        }
    }

    /// A reminder of what the user has seen before agreeing.
    fn passed_over(&self) -> String {
        match self.passed_over {
            0 => String::new(),
            1 => " 1 file or subfolder was not uploaded; the list at the beginning says why.".to_owned(),
            some => format!(" {some} files or subfolders were not uploaded; the list at the beginning says why."),
        }
    }

    /// Where the results are.
    fn results(&self, is_sandbox: bool) -> String {
        let Some((folder, saved)) = self.saved else {
            return match (self.outcome.has_results(), is_sandbox) {
                (false, _) => format!("Nothing was saved. The batch is {}.", self.outcome.batch_id),
                (true, true) => {
                    "The results were not saved and are lost when this command ends. To keep them, run it again with --out.".to_owned()
                }
                (true, false) if self.would_run_again() => format!(
                    "The results of batch {} stay at LlamaCloud for a limited time. Running this command again may create a new \
                     batch, which costs credits.",
                    self.outcome.batch_id
                ),
                (true, false) => format!(
                    "The results of batch {} stay at LlamaCloud for a limited time. To save them, run the same command with --out: \
                     nothing is uploaded or paid for again.",
                    self.outcome.batch_id
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
            1 => Some("1 result lacks pages that could not be parsed; manifest.json lists those pages.".to_owned()),
            some => Some(format!(
                "{some} results lack pages that could not be parsed; manifest.json lists those pages."
            )),
        });
        sentences.extend(
            match self
                .outcome
                .counts()
                .map_or(0, |(_, completed)| completed.saturating_sub(results))
            {
                0 => None,
                1 => Some("1 result could not be saved; the reason is below.".to_owned()),
                some => Some(format!("{some} results could not be saved; the reasons are below.")),
            },
        );
        sentences.join(" ")
    }

    /// Whether the same command may create another batch: over all files again, or with those that were left out.
    fn would_run_again(&self) -> bool {
        text(self.outcome.batch, "status") == "CANCELLED" || !self.left_out.is_empty()
    }

    /// The command that saves what the batch has done, if the same run may create another one.
    fn save_later(&self, context: &Context<'_>) -> Option<String> {
        if context.is_sandbox || self.saved.is_some() || !self.would_run_again() {
            return None;
        }
        let batch_id = format!("batch_id={}", self.outcome.batch_id);
        let command = context.command(&["call", "save_results", &batch_id, "--output-dir", "FOLDER"]);
        let sentence = context
            .terminal
            .out
            .wrap("To save the results of the files that succeeded:");
        Some(format!("{sentence}\n  {command}"))
    }

    /// The files that the batch did not complete: enough to know which they are and what went wrong.
    fn not_done(&self) -> Option<Vec<&Object>> {
        objects(self.outcome.batch.get("results"))
    }

    /// How many more files than those of the table did not succeed.
    fn not_shown(&self) -> Option<String> {
        let (total, completed) = self.outcome.counts()?;
        let shown = self.not_done().map_or(0, |files| files.len() as u64);
        let more = total.saturating_sub(completed + shown);
        (shown > 0 && more > 0).then(|| format!("And {more} more."))
    }

    /// Results that could not be saved although the batch has them, by reason.
    fn not_saved(&self) -> Option<Vec<&Object>> {
        let (_, saved) = self.saved?;
        let reasons = objects(saved.get("failed"))?;
        let not_saved: u64 = reasons.iter().map(|reason| count(reason, "count")).sum();
        let (total, completed) = self.outcome.counts()?;
        (not_saved > total.saturating_sub(completed)).then_some(reasons)
    }
}

fn objects(value: Option<&Value>) -> Option<Vec<&Object>> {
    let objects = value?.as_array()?.iter().filter_map(Value::as_object);
    let objects: Vec<_> = objects.collect();
    (!objects.is_empty()).then_some(objects)
}

//! The outcome of a `save_results` call, as a model reads it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::files::OutputFolder;
use crate::llamacloud::Error;
use crate::mcp::ToolError;
use crate::tools::call::Call;
use crate::tools::error::{Failure, NO_SUCH_BATCH, explain};
use crate::tools::manifest::{self, Entry};
use crate::tools::next_step::Audience;
use crate::tools::reason::{Reason, group};
use crate::tools::wording::{files, number, plural};
use crate::untrusted::quote;

/// What is in the folder now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SaveResultsOutput {
    /// Where the files are.
    folder: String,
    /// Whether nothing remains. If false, call again with the same arguments.
    complete: bool,
    /// Number of files whose results this call saved.
    saved: usize,
    /// Number of files whose results were saved before.
    already_there: usize,
    /// Number of files whose results are still to be saved.
    remaining: usize,
    /// Number of saved files that lack pages, because those could not be parsed. The manifest names the pages.
    #[serde(skip_serializing_if = "is_zero")]
    with_failed_pages: usize,
    /// Files without a result, grouped by reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Reason>,
    /// The file that lists every result with its job, status, failed pages and credits.
    manifest: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

const FAILURE: Failure = Failure {
    what: "Not all results could be saved",
    not_found: NO_SUCH_BATCH,
    ask_less: None,
};

pub(super) fn explain_save(error: Error, call: &Call) -> ToolError {
    explain(&FAILURE, error, &call.context, &call.account)
}

/// The outcome of a call.
#[derive(Default)]
pub(super) struct Report {
    pub(super) saved: usize,
    pub(super) already_there: usize,
    /// How many of those are only listed in the manifest, because there was no time to look at them.
    pub(super) unchecked: usize,
    pub(super) remaining: usize,
    /// How many of those have a job that has not ended.
    pub(super) unfinished: usize,
    with_failed_pages: usize,
    failed: BTreeMap<String, Vec<String>>,
    pub(super) trouble: Option<Error>,
}

impl Report {
    pub(super) fn save(&mut self, entry: &Entry, is_new: bool) {
        *(if is_new {
            &mut self.saved
        } else {
            &mut self.already_there
        }) += 1;
        self.with_failed_pages += usize::from(!entry.failed_pages.is_empty());
    }

    pub(super) fn fail(&mut self, entry: &Entry) {
        let reason = match &entry.error {
            Some(error) => format!("{}: {error}", entry.status),
            None => entry.status.clone(),
        };
        self.failed.entry(reason).or_default().push(entry.file.clone());
    }

    /// How many files need nothing more.
    pub(super) fn settled(&self) -> usize {
        self.saved + self.already_there + self.failed_count()
    }

    fn failed_count(&self) -> usize {
        self.failed.values().map(Vec::len).sum()
    }

    pub(super) fn sentences(&self, folder: &OutputFolder, audience: Audience<'_>) -> String {
        let place = quote(&folder.to_string(), 300);
        let mut sentences = vec![match self.saved {
            0 => format!("No new result was saved to {place}."),
            saved => format!("Saved the results of {} to {place}.", files(saved)),
        }];
        if self.already_there > 0 {
            let verb = plural(self.already_there, "was", "were");
            sentences.push(format!("{} {verb} saved before.", files(self.already_there)));
        }
        if self.unchecked > 0 {
            sentences.push(format!(
                "There was no time to check whether {} of these {} unchanged; to check, repeat the call.",
                number(self.unchecked),
                plural(self.unchecked, "is", "are")
            ));
        }
        if self.with_failed_pages > 0 {
            sentences.push(format!(
                "{} {} pages that could not be parsed; `{}` names them.",
                files(self.with_failed_pages),
                plural(self.with_failed_pages, "lacks", "lack"),
                manifest::NAME
            ));
        }
        let failed = self.failed_count();
        if failed > 0 {
            let verb = plural(failed, "has", "have");
            sentences.push(format!("{} {verb} not been saved: `failed` says why.", files(failed)));
        }
        if self.remaining > 0 {
            if let Some(error) = &self.trouble {
                sentences.push(format!("The last problem: {}.", error.cause()));
            }
            sentences.push(format!("{} remaining.", files(self.remaining)));
            if self.unfinished > 0 {
                let wait = match audience {
                    Audience::Model(_) => ": first call `get_batch` with `wait_seconds` until `final` is true",
                    Audience::Person => "",
                };
                sentences.push(format!(
                    "The {} of {} not ended{wait}.",
                    plural(self.unfinished, "job", "jobs"),
                    plural(self.unfinished, "one of them has", "some of them have")
                ));
            }
            sentences.push(format!("{} continues.", audience.repeat("save_results", "")));
        }
        sentences.join(" ")
    }

    pub(super) fn output(self, folder: &OutputFolder) -> SaveResultsOutput {
        SaveResultsOutput {
            folder: folder.to_string(),
            complete: self.remaining == 0,
            saved: self.saved,
            already_there: self.already_there,
            remaining: self.remaining,
            with_failed_pages: self.with_failed_pages,
            failed: group(self.failed),
            manifest: manifest::NAME.to_owned(),
        }
    }
}

//! The summary of a batch: what is, what it means, what to do next, in sentences that stand without the data around them.

use super::batch::BatchFacts;
use super::counts::FileCounts;
use super::files::Page;
use super::reasons::Problem;
use super::wording::{and, number, plural};
use crate::foreign::quote;
use crate::llamacloud::{BatchStatus, JobType};

const MAX_REASON_CHARS: usize = 160;
const MAX_NAME_CHARS: usize = 60;

/// What was asked about the files of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Status,
    Results,
    Outcomes,
}

/// Everything that the summary tells of.
pub(crate) struct Report<'a> {
    pub(crate) facts: &'a BatchFacts,
    pub(crate) status: &'a BatchStatus,
    pub(crate) job_type: &'a JobType,
    pub(crate) detail: Detail,
    /// `None` if not asked for, or if the API gives none.
    pub(crate) counts: Option<FileCounts>,
    /// All of them, whether shown or not; empty where they were told on a page before.
    pub(crate) problems: &'a [Problem],
    /// How many of them the answer holds.
    pub(crate) problems_shown: usize,
    pub(crate) page: Option<&'a Page>,
    pub(crate) gaps: &'a [String],
    pub(crate) check_again_in_seconds: Option<u32>,
}

impl Report<'_> {
    pub(crate) fn sentences(&self) -> String {
        let mut sentences = vec![self.state()];
        sentences.extend_from_slice(self.gaps);
        sentences.extend(self.reason());
        sentences.extend(self.page.and_then(describe_page));
        sentences.extend(self.next_step());
        sentences.join(" ")
    }

    /// The status and, where known, the counts, in one or two sentences that do not contradict each other.
    fn state(&self) -> String {
        let id = &self.facts.id;
        let jobs = self.jobs();
        let clause = self
            .counts
            .filter(|counts| counts.total > 0)
            .map(|counts| self.clause(&counts));
        match (self.status, clause) {
            (BatchStatus::Completed, clause) => self.completed(clause),
            (BatchStatus::Cancelled, clause) => {
                let files = match clause {
                    Some(clause) => format!(" At the end, {clause}."),
                    None if self.detail == Detail::Status => String::new(),
                    None => " LlamaCloud lists none of its files.".to_owned(),
                };
                format!("Batch {id} was CANCELLED; what had finished before is kept.{files}")
            }
            (BatchStatus::Failed, Some(clause)) => format!(
                "Batch {id} FAILED as a whole: LlamaCloud's results of its files are not reliable. By them, {clause}."
            ),
            (BatchStatus::Failed, None) => {
                format!("Batch {id} FAILED as a whole: LlamaCloud has no reliable result for any of its files.")
            }
            (waiting, clause) => {
                let state = match waiting {
                    BatchStatus::Pending => format!("Batch {id} is PENDING: it has not started yet."),
                    BatchStatus::Throttled => {
                        format!("Batch {id} is THROTTLED: LlamaCloud holds it back for now and goes on by itself.")
                    }
                    BatchStatus::Running => {
                        format!("Batch {id} is RUNNING: LlamaCloud is going through its files and gives each a {jobs}.")
                    }
                    other => format!(
                        "Batch {id} has the status {}, which this server does not know.",
                        quote(other.as_str(), 60)
                    ),
                };
                match clause {
                    Some(clause) => format!("{state} So far, {clause}."),
                    None if self.detail == Detail::Status => state,
                    None => format!("{state} There are no results of single files yet."),
                }
            }
        }
    }

    fn completed(&self, clause: Option<String>) -> String {
        let id = &self.facts.id;
        let jobs = self.jobs();
        let (Some(counts), Some(clause)) = (self.counts, clause) else {
            return match (self.counts, self.detail) {
                (Some(_), _) => format!("Batch {id} is COMPLETED, but has no files."),
                (None, Detail::Status) => format!(
                    "Batch {id} is COMPLETED: LlamaCloud has gone through all files of its directory, which does not mean that each \
                     {jobs} succeeded."
                ),
                (None, _) => format!("Batch {id} is COMPLETED, but LlamaCloud gives no results of its files."),
            };
        };
        let all = number(counts.total);
        match self.detail {
            Detail::Outcomes if counts.completed == counts.total => match counts.total {
                1 => format!("Batch {id} is COMPLETED, and its one file succeeded."),
                _ => format!("Batch {id} is COMPLETED, and all {all} files succeeded."),
            },
            Detail::Outcomes if counts.unfinished() > 0 => format!(
                "Batch {id} is COMPLETED, which means that its jobs were given out, not that they have ended: {clause}."
            ),
            Detail::Outcomes => {
                format!("Batch {id} is COMPLETED, which does not mean that every file succeeded: {clause}.")
            }
            _ if counts.with_job == counts.total && counts.total > 1 => {
                format!("Batch {id} is COMPLETED: each of its {all} files has a {jobs}.")
            }
            _ => format!("Batch {id} is COMPLETED: {clause}."),
        }
    }

    fn jobs(&self) -> &'static str {
        match self.job_type {
            JobType::ParseV2 => "parse job",
            JobType::ExtractV2 => "extract job",
            JobType::Other(_) => "job",
        }
    }

    /// Shape: `of its 12 files, 4 succeeded, 5 failed, and 3 are still running`; `its one file failed`.
    fn clause(&self, counts: &FileCounts) -> String {
        let with_job = format!("{} a {}", plural(counts.with_job, "has", "have"), self.jobs());
        let kinds = [
            (counts.with_job, with_job.as_str()),
            (counts.completed, "succeeded"),
            (counts.failed, "failed"),
            (counts.not_mapped, "could not be given a job"),
            (
                counts.cancelled,
                plural(counts.cancelled, "was cancelled", "were cancelled"),
            ),
            (
                counts.running,
                plural(counts.running, "is still running", "are still running"),
            ),
            (
                counts.pending,
                plural(counts.pending, "has not begun", "have not begun"),
            ),
            (
                counts.throttled,
                plural(counts.throttled, "is held back", "are held back"),
            ),
            (
                counts.no_job_yet,
                plural(counts.no_job_yet, "has no known job", "have no known job"),
            ),
            (
                counts.other,
                plural(
                    counts.other,
                    "has a status new to this server",
                    "have a status new to this server",
                ),
            ),
            (counts.unknown, "could not be looked up"),
        ];
        let told = kinds.into_iter().filter(|(count, _)| *count > 0);
        if counts.total == 1 {
            return format!("its one file {}", told.map(|(_, words)| words).collect::<String>());
        }
        let none_succeeded = self.detail == Detail::Outcomes && counts.completed + counts.unknown + counts.other == 0;
        let none = none_succeeded.then(|| "none succeeded".to_owned());
        let told = told.map(|(count, words)| format!("{} {words}", number(count)));
        let told: Vec<String> = none.into_iter().chain(told).collect();
        format!("of its {}, {}", files(counts.total), and(&told))
    }

    /// The worst reason, and how it stands among the others.
    fn reason(&self) -> Option<String> {
        let (worst, others) = self.problems.split_first()?;
        let for_files = Self::for_files(worst);
        let Some(reason) = &worst.reason else {
            return Some(format!("LlamaCloud gives no reason for {for_files}."));
        };
        let reason = quote_sentence(reason);
        let Some(second) = others.first() else {
            return Some(format!("Reason for {for_files}: {reason}"));
        };
        let all = self.problems.len();
        let is_even = others.iter().all(|other| other.count == worst.count);
        let sentence = match (is_even, worst.count) {
            (true, 1) => format!("Each has a reason of its own; for {for_files} it is: {reason}"),
            (true, count) => {
                format!("There are {all} reasons, each for {count} files; of {for_files} it is: {reason}")
            }
            (false, count) if count == second.count => {
                format!("One of the most frequent reasons, for {for_files}: {reason}")
            }
            (false, _) => format!("Most frequent reason, for {for_files}: {reason}"),
        };
        Some(match self.problems_shown {
            0 => sentence,
            2 if all == 2 => format!("{sentence} `problems` has both reasons."),
            shown if shown == all => format!("{sentence} `problems` has all {all} reasons."),
            shown => format!("{sentence} `problems` has {shown} of {all} reasons."),
        })
    }

    /// Shape: `3 files such as "a.pdf" and "b.pdf"`, `"a.pdf"`.
    fn for_files(problem: &Problem) -> String {
        let names: Vec<String> = problem
            .examples
            .iter()
            .take(2)
            .map(|name| quote(name, MAX_NAME_CHARS))
            .collect();
        match problem.count {
            1 if !names.is_empty() => and(&names),
            2 if names.len() == 2 => and(&names),
            count if names.is_empty() => files(count),
            count => format!("{} such as {}", files(count), and(&names)),
        }
    }

    fn next_step(&self) -> Option<String> {
        let outcomes = "`expand: [\"outcomes\"]`";
        if let Some(seconds) = self.check_again_in_seconds {
            let with = if self.detail == Detail::Outcomes && self.facts.r#final {
                format!(" and {outcomes}")
            } else {
                String::new()
            };
            return Some(format!("Look again with `get_batch`{with} in {seconds} seconds."));
        }
        let counts = self.counts.unwrap_or_default();
        let next = match (self.status, self.detail) {
            (BatchStatus::Failed, _) => "Tell the user; a new batch costs credits again.".to_owned(),
            (_, Detail::Status) => format!("Call `get_batch` with {outcomes} to see how each file ended."),
            (_, Detail::Results) if counts.with_job > 0 => {
                format!(
                    "{outcomes} tells how the {} ended.",
                    plural(counts.with_job, "job", "jobs")
                )
            }
            (_, Detail::Outcomes) if counts.problems() > 0 => {
                "Next, tell the user what failed and why. LlamaCloud cannot run single files \
                 of a batch again: once corrected, they need a directory of their own and a new batch over it."
                    .to_owned()
            }
            (_, Detail::Outcomes) if counts.completed > 0 => {
                "LlamaCloud keeps each result under the file's `job_id`.".to_owned()
            }
            _ => return None,
        };
        Some(next)
    }
}

fn describe_page(page: &Page) -> Option<String> {
    let range = match (page.first, page.last) {
        (first, last) if first == last => format!("file {}", number(first)),
        (first, last) => format!("files {} to {}", number(first), number(last)),
    };
    match &page.next {
        Some(_) => Some(format!(
            "`results` shows {range}, problem files first; for more, pass `next_results_cursor` as `results_cursor`."
        )),
        None if page.first > 1 => Some(format!("`results` shows {range}, the last of them.")),
        None => None,
    }
}

/// The reason in quotation marks, with the full stop of our sentence unless it has its own.
fn quote_sentence(reason: &str) -> String {
    let quoted = quote(reason, MAX_REASON_CHARS);
    let has_stop = [".\"", "!\"", "?\""].iter().any(|end| quoted.ends_with(end));
    if has_stop { quoted } else { format!("{quoted}.") }
}

fn files(count: usize) -> String {
    format!("{} {}", number(count), plural(count, "file", "files"))
}

#[cfg(test)]
mod tests;

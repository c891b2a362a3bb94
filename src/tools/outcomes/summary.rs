//! The summary of a batch: its state, what that means and what to do next, in sentences that are clear without the data.

use jiff::Timestamp;

use super::files::{Page, Rows};
use super::kinds::{FileCounts, Kind};
use super::reasons::Problem;
use super::{Finality, Seen};
use crate::llamacloud::{BatchStatus, JobType};
use crate::tools::batch::shown_id;
use crate::tools::wording::{ago, and, files, number};
use crate::untrusted::quote;

const MAX_REASON_CHARS: usize = 160;
const MAX_NAME_CHARS: usize = 60;

/// What was asked about the files of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Status,
    Results,
    Problems,
    Outcomes,
}

impl Detail {
    /// Which files have a row in the answer.
    pub(crate) const fn rows(self) -> Option<Rows> {
        match self {
            Self::Status => None,
            Self::Results => Some(Rows::Mapping),
            Self::Problems => Some(Rows::Problems),
            Self::Outcomes => Some(Rows::All),
        }
    }
}

/// Everything that is said about a batch.
pub(crate) struct Report<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) detail: Detail,
    /// `None` if they are not known.
    pub(crate) counts: Option<&'a FileCounts>,
    /// All of them, whether shown or not; empty if a previous page had them.
    pub(crate) problems: &'a [Problem],
    /// How many of them the answer holds.
    pub(crate) problems_shown: usize,
    pub(crate) page: Option<&'a Page>,
    /// Whether `retry_failed_files` is the next step.
    pub(crate) can_retry: bool,
    /// Why the batch could not be read again during a wait: a clause.
    pub(crate) trouble: Option<&'a str>,
    pub(crate) now: Timestamp,
}

impl Report<'_> {
    /// All of it.
    pub(crate) fn sentences(&self) -> String {
        let mut sentences = vec![self.state()];
        sentences.extend(self.details());
        sentences.join(" ")
    }

    /// What follows the batch's status: for an answer that has said the status in its own words.
    pub(crate) fn after_status(&self) -> String {
        let counts = self.known_counts().map(Self::clause).map(|clause| {
            let mut letters = clause.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            format!("{}{}.", first.into_iter().collect::<String>(), letters.as_str())
        });
        let sentences: Vec<String> = counts.into_iter().chain(self.details()).collect();
        sentences.join(" ")
    }

    fn details(&self) -> Vec<String> {
        let mut sentences = self.seen.missing();
        if self.seen.hopeless().is_some() {
            sentences.push("It is therefore not known whether all jobs have ended.".to_owned());
        }
        sentences.extend(self.reason());
        sentences.extend(self.page.and_then(|page| self.describe_page(page)));
        sentences.extend(
            self.trouble
                .map(|cause| format!("The batch could not be read again: {cause}. This is its last known state.")),
        );
        sentences.extend(self.next_step());
        sentences
    }

    fn known_counts(&self) -> Option<&FileCounts> {
        self.counts.filter(|counts| counts.total() > 0)
    }

    /// The status and, where known, the counts, in one or two sentences that do not contradict each other.
    fn state(&self) -> String {
        let batch = &self.seen.batch;
        let id = shown_id(batch);
        let clause = self.known_counts().map(Self::clause);
        match (&batch.status, clause) {
            (BatchStatus::Completed, _) => self.completed(&id),
            (BatchStatus::Cancelled, Some(clause)) => {
                format!("Batch {id} was CANCELLED. Files that had finished keep their results: {clause}.")
            }
            (BatchStatus::Cancelled, None) => {
                let no_files = if self.seen.has_no_results {
                    " LlamaCloud lists no files for this batch."
                } else {
                    ""
                };
                format!("Batch {id} was CANCELLED. Files that had finished keep their results.{no_files}")
            }
            (BatchStatus::Failed, Some(clause)) => format!(
                "Batch {id} FAILED as a whole, so what LlamaCloud says about its files is not reliable: {clause}."
            ),
            (BatchStatus::Failed, None) => {
                format!("Batch {id} FAILED as a whole: LlamaCloud has no reliable result for any of its files.")
            }
            (waiting, clause) => {
                let state = self.waiting(&id, waiting);
                match clause {
                    Some(clause) => format!("{state} So far, {clause}."),
                    None if self.detail == Detail::Status => state,
                    None => format!("{state} There are no per-file results yet."),
                }
            }
        }
    }

    fn waiting(&self, id: &str, status: &BatchStatus) -> String {
        let jobs = self.jobs();
        let created = self
            .seen
            .batch
            .created()
            .map(|created| ago(self.now.as_second() - created.as_second()));
        let created = created.map(|ago| format!("created {ago}"));
        let files = self
            .seen
            .files_in_directory
            .map(|count| format!("{} in its directory", files(count)));
        let facts: Vec<String> = created.into_iter().chain(files).collect();
        let facts = if facts.is_empty() {
            String::new()
        } else {
            format!(" ({})", facts.join("; "))
        };
        match status {
            BatchStatus::Pending => format!("Batch {id} is PENDING{facts}: it has not started yet."),
            BatchStatus::Throttled => {
                format!("Batch {id} is THROTTLED{facts}: it is waiting for capacity and will continue automatically.")
            }
            BatchStatus::Running => {
                format!("Batch {id} is RUNNING{facts}: LlamaCloud is starting a {jobs} for each of its files.")
            }
            other => format!(
                "Batch {id} has the status {}{facts}, which this server does not know.",
                quote(other.as_str(), 60)
            ),
        }
    }

    fn completed(&self, id: &str) -> String {
        let Some(counts) = self.counts else {
            return if self.seen.has_no_results {
                format!("Batch {id} is COMPLETED, but LlamaCloud returned no results for its files.")
            } else {
                format!("Batch {id} is COMPLETED. That does not mean that every file succeeded.")
            };
        };
        let clause = Self::clause(counts);
        let is_known = |kind| counts.of(kind) == 0;
        match counts.total() {
            0 => format!("Batch {id} is COMPLETED and has no files."),
            1 if counts.of(Kind::Completed) == 1 => format!("Batch {id} is COMPLETED and its one file succeeded."),
            total if counts.of(Kind::Completed) == total => {
                format!("Batch {id} is COMPLETED and all {} files succeeded.", number(total))
            }
            total if counts.of(Kind::WithJob) == total && total > 1 => {
                format!(
                    "Batch {id} is COMPLETED: each of its {} files has a {}, but the status of these jobs was not looked up.",
                    number(total),
                    self.jobs()
                )
            }
            _ if counts.unfinished() > 0 => format!(
                "Batch {id} is COMPLETED, which means that its jobs were created, not that they have finished: {clause}."
            ),
            _ if [Kind::WithJob, Kind::Unknown, Kind::Other].into_iter().all(is_known) => {
                format!("Batch {id} is COMPLETED, but not every file succeeded: {clause}.")
            }
            _ => format!("Batch {id} is COMPLETED: {clause}."),
        }
    }

    fn jobs(&self) -> &'static str {
        match self.seen.batch.config.job.job_type {
            JobType::ParseV2 => "parse job",
            JobType::ExtractV2 => "extract job",
            JobType::Other(_) => "job",
        }
    }

    /// Shape: `of its 12 files, 4 succeeded, 5 failed, and 3 are still running`; `its one file failed`.
    fn clause(counts: &FileCounts) -> String {
        if counts.total() == 1 {
            let verbs: String = counts.iter().map(|(kind, count)| kind.verb(count)).collect();
            return format!("its one file {verbs}");
        }
        let unclear = [Kind::Completed, Kind::WithJob, Kind::Unknown, Kind::Other];
        let none_succeeded = unclear.into_iter().all(|kind| counts.of(kind) == 0);
        let none = none_succeeded.then(|| "none succeeded".to_owned());
        let kinds = counts
            .iter()
            .map(|(kind, count)| format!("{} {}", number(count), kind.verb(count)));
        let kinds: Vec<String> = none.into_iter().chain(kinds).collect();
        format!("of its {}, {}", files(counts.total()), and(&kinds))
    }

    /// The most frequent reason, and how it compares with the others.
    fn reason(&self) -> Option<String> {
        let (worst, others) = self.problems.split_first()?;
        let for_files = Self::for_files(worst);
        let Some(reason) = &worst.reason else {
            return Some(format!("LlamaCloud reported no reason for the failure of {for_files}."));
        };
        let reason = quote_sentence(reason);
        let Some(second) = others.first() else {
            return Some(format!("Reason for {for_files}: {reason}"));
        };
        let all = self.problems.len();
        let is_even = others.iter().all(|other| other.count == worst.count);
        let sentence = match (is_even, worst.count) {
            (true, 1) => format!("No two files failed for the same reason; the reason for {for_files} is: {reason}"),
            (true, count) => {
                format!("There are {all} reasons, each for {count} files; the reason for {for_files} is: {reason}")
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

    fn describe_page(&self, page: &Page) -> Option<String> {
        let range = match (page.first, page.last) {
            (first, last) if last < first => return None,
            (first, last) if first == last => format!("row {}", number(first)),
            (first, last) => format!("rows {} to {}", number(first), number(last)),
        };
        let goes_on = self.seen.finality() == Finality::Going && (page.first > 1 || page.next.is_some());
        let sentence = match &page.next {
            Some(_) => format!(
                "`results` has {range}, problem files first; for more, pass `next_results_cursor` as `results_cursor`."
            ),
            None if page.first > 1 => format!("`results` has {range}; there are no more."),
            None => return None,
        };
        Some(if goes_on {
            format!(
                "{sentence} Jobs are still running: for a complete list, start again without a cursor once they have ended."
            )
        } else {
            sentence
        })
    }

    fn next_step(&self) -> Option<String> {
        if let Some(seconds) = self.seen.check_again_in_seconds(self.now) {
            return Some(format!("Check again with `get_batch` in {seconds} seconds."));
        }
        let status = &self.seen.batch.status;
        if *status == BatchStatus::Failed {
            return Some("Tell the user; a new batch costs credits again.".to_owned());
        }
        let Some(counts) = self.counts else {
            let was_not_read = self.seen.finality() == Finality::Unknown && self.seen.hopeless().is_none();
            return was_not_read.then(|| "Call `get_batch` to see how its files ended.".to_owned());
        };
        if counts.of(Kind::WithJob) > 0 {
            return Some("Call `get_batch` with `expand: [\"outcomes\"]` to see how each file ended.".to_owned());
        }
        let mut steps = Vec::new();
        if counts.problems() > 0 {
            if self.detail == Detail::Status && counts.problems() > 1 {
                steps.push(
                    "Call `get_batch` with `expand: [\"problems\"]` to list the files that did not succeed.".to_owned(),
                );
            }
            steps.push("Tell the user what failed and why.".to_owned());
            steps.push(if self.can_retry {
                format!(
                    "To process the failed files again, which costs credits, call `retry_failed_files` with `batch_id` {}.",
                    shown_id(&self.seen.batch)
                )
            } else {
                "To process failed files again, which costs credits, put them into a new directory and create a batch over it."
                    .to_owned()
            });
        } else if counts.of(Kind::Completed) > 0 {
            steps.push(match self.detail {
                Detail::Status => {
                    "Call `get_batch` with `expand: [\"outcomes\"]` to get the `job_id` of each result.".to_owned()
                }
                _ => "LlamaCloud keeps each result under the file's `job_id`.".to_owned(),
            });
        }
        (!steps.is_empty()).then(|| steps.join(" "))
    }
}

/// The reason in quotation marks, with the full stop of our sentence unless it has its own.
fn quote_sentence(reason: &str) -> String {
    let quoted = quote(reason, MAX_REASON_CHARS);
    let has_stop = [".\"", "!\"", "?\""].iter().any(|end| quoted.ends_with(end));
    if has_stop { quoted } else { format!("{quoted}.") }
}

#[cfg(test)]
mod tests;

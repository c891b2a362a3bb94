//! The kinds of files by how they ended, and how many files there are of each. A kind is one entry of one table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::llamacloud::{BatchStatus, JobStatus};

/// Makes [`Kind`] from the table: variant, member in `files` with its description, and what is said of one file and of several.
macro_rules! kinds {
    ($($kind:ident: $member:literal, $about:literal, $one:literal, $many:literal;)+) => {
        /// How a file ended. In the order in which files are shown: problems first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind {
            $(#[doc = $about] $kind,)+
        }

        impl Kind {
            const ALL: [Self; [$($member),+].len()] = [$(Self::$kind),+];

            /// The member in `files`.
            pub(crate) const fn member(self) -> &'static str {
                match self { $(Self::$kind => $member,)+ }
            }

            const fn about(self) -> &'static str {
                match self { $(Self::$kind => $about,)+ }
            }

            /// The verb for this many files: `succeeded`, `is still running`.
            pub(crate) const fn verb(self, count: usize) -> &'static str {
                match self { $(Self::$kind => if count == 1 { $one } else { $many },)+ }
            }
        }
    };
}

kinds! {
    Failed: "failed", "Files whose job failed.", "failed", "failed";
    NotMapped: "not_mapped", "Files that LlamaCloud could not create a job for.", "could not be given a job", "could not be given a job";
    Cancelled: "cancelled", "Files whose job was cancelled.", "was cancelled", "were cancelled";
    Other: "other", "Files whose job has a status that this server does not know.", "has a status that this server does not know", "have a status that this server does not know";
    Unknown: "unknown", "Files whose job could not be looked up.", "has a job that could not be looked up", "have a job that could not be looked up";
    NoJobYet: "no_job_yet", "Files without a known job.", "has no known job", "have no known job";
    Throttled: "throttled", "Files whose job is waiting for capacity.", "is waiting for capacity", "are waiting for capacity";
    Pending: "pending", "Files whose job has not started.", "has not started", "have not started";
    Running: "running", "Files whose job is running.", "is still running", "are still running";
    WithJob: "with_job", "Files with a job whose status was not looked up.", "has a job", "have a job";
    Completed: "completed", "Files whose job succeeded.", "succeeded", "succeeded";
}

impl Kind {
    /// The kind of a file by its job. In a batch that was cancelled, a job that had not started counts as cancelled.
    pub(crate) fn of_job(status: &JobStatus, batch: &BatchStatus) -> Self {
        match status {
            JobStatus::Pending | JobStatus::Throttled if *batch == BatchStatus::Cancelled => Self::Cancelled,
            JobStatus::Pending => Self::Pending,
            JobStatus::Throttled => Self::Throttled,
            JobStatus::Running => Self::Running,
            JobStatus::Completed => Self::Completed,
            JobStatus::Failed => Self::Failed,
            JobStatus::Cancelled => Self::Cancelled,
            JobStatus::Other(_) => Self::Other,
        }
    }

    /// Whether something went wrong that has a reason.
    pub(crate) const fn is_problem(self) -> bool {
        matches!(self, Self::Failed | Self::NotMapped)
    }

    /// Whether the file of a final batch certainly did not succeed, so that it may be processed again. One without job and error may
    /// still get a job, unless its batch was cancelled.
    pub(crate) fn can_be_retried(self, batch: &BatchStatus) -> bool {
        match self {
            Self::Failed | Self::NotMapped | Self::Cancelled => true,
            Self::NoJobYet => *batch == BatchStatus::Cancelled,
            _ => false,
        }
    }

    /// Whether the file's job waits or runs.
    pub(crate) const fn is_unfinished(self) -> bool {
        matches!(self, Self::Throttled | Self::Pending | Self::Running)
    }

    /// Whether it is not known how the file ended.
    const fn is_unknown(self) -> bool {
        matches!(self, Self::Other | Self::Unknown | Self::NoJobYet | Self::WithJob)
    }

    /// The order in which the counts are shown: successes come first.
    fn in_counts() -> impl Iterator<Item = Self> {
        let (last, others) = (
            Self::ALL.iter().rev().take(2),
            Self::ALL.iter().take(Self::ALL.len() - 2),
        );
        last.chain(others).copied()
    }
}

/// How many files there are of each kind. A kind without files is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileCounts(BTreeMap<Kind, usize>);

impl FromIterator<Kind> for FileCounts {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut counts = BTreeMap::new();
        for kind in kinds {
            *counts.entry(kind).or_default() += 1;
        }
        Self(counts)
    }
}

impl FileCounts {
    /// How many files there are of a kind.
    pub(crate) fn of(&self, kind: Kind) -> usize {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// All files.
    pub(crate) fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Files whose job waits or runs.
    pub(crate) fn unfinished(&self) -> usize {
        self.sum(Kind::is_unfinished)
    }

    /// Files that failed or have no job.
    pub(crate) fn problems(&self) -> usize {
        self.sum(Kind::is_problem)
    }

    /// Files of a batch whose outcome is unknown.
    pub(crate) fn unknown(&self, batch: &BatchStatus) -> usize {
        self.sum(|kind| kind.is_unknown() && !kind.can_be_retried(batch))
    }

    /// The kinds that have files, in the order in which they are shown.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Kind, usize)> {
        Kind::in_counts()
            .map(|kind| (kind, self.of(kind)))
            .filter(|(_, count)| *count > 0)
    }

    fn sum(&self, which: impl Fn(Kind) -> bool) -> usize {
        self.0
            .iter()
            .filter(|(kind, _)| which(**kind))
            .map(|(_, count)| count)
            .sum()
    }
}

impl Serialize for FileCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("total", &self.total())?;
        for (kind, count) in self.iter() {
            map.serialize_entry(kind.member(), &count)?;
        }
        map.end()
    }
}

impl JsonSchema for FileCounts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("FileCounts")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let count = |about: &str| json!({ "type": "integer", "minimum": 0, "description": about });
        let total = ("total".to_owned(), count("All files of the batch."));
        let kinds = Kind::in_counts().map(|kind| (kind.member().to_owned(), count(kind.about())));
        let properties: Map<String, Value> = std::iter::once(total).chain(kinds).collect();
        json_schema!({ "type": "object", "properties": properties, "required": ["total"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_without_files_are_left_out() {
        let counts: FileCounts = [Kind::Failed, Kind::Completed, Kind::Running, Kind::Failed]
            .into_iter()
            .collect();
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"total":4,"completed":1,"failed":2,"running":1}"#);
        assert_eq!((counts.unfinished(), counts.problems()), (1, 2));
    }

    #[test]
    fn a_file_without_a_job_has_an_unknown_outcome_unless_its_batch_was_cancelled() {
        let counts: FileCounts = [Kind::NoJobYet, Kind::Completed].into_iter().collect();
        assert_eq!(counts.unknown(&BatchStatus::Completed), 1);
        assert_eq!(counts.unknown(&BatchStatus::Cancelled), 0);
    }

    #[test]
    fn a_job_that_had_not_started_when_its_batch_was_cancelled_counts_as_cancelled() {
        for (status, in_cancelled, in_completed) in [
            (JobStatus::Pending, Kind::Cancelled, Kind::Pending),
            (JobStatus::Throttled, Kind::Cancelled, Kind::Throttled),
            (JobStatus::Running, Kind::Running, Kind::Running),
            (JobStatus::Completed, Kind::Completed, Kind::Completed),
        ] {
            assert_eq!(Kind::of_job(&status, &BatchStatus::Cancelled), in_cancelled);
            assert_eq!(Kind::of_job(&status, &BatchStatus::Completed), in_completed);
        }
    }
}

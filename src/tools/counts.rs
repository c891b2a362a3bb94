//! The kinds of files by what became of them, and how many there are of each.

use schemars::JsonSchema;
use serde::Serialize;

use crate::llamacloud::JobStatus;

/// What became of a file. In the order in which files are shown: problems first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Failed,
    NotMapped,
    Cancelled,
    Other,
    Unknown,
    NoJobYet,
    Throttled,
    Pending,
    Running,
    WithJob,
    Completed,
}

impl Kind {
    pub(crate) fn of_job(status: &JobStatus) -> Self {
        match status {
            JobStatus::Pending => Self::Pending,
            JobStatus::Throttled => Self::Throttled,
            JobStatus::Running => Self::Running,
            JobStatus::Completed => Self::Completed,
            JobStatus::Failed => Self::Failed,
            JobStatus::Cancelled => Self::Cancelled,
            JobStatus::Other(_) => Self::Other,
        }
    }

    /// Whether something went wrong, for which there is a reason.
    pub(crate) fn is_problem(self) -> bool {
        matches!(self, Self::Failed | Self::NotMapped)
    }

    /// Our word for a file whose job has none of its own.
    pub(crate) fn own_word(self) -> &'static str {
        match self {
            Self::NotMapped => "not_mapped",
            Self::NoJobYet => "no_job_yet",
            _ => "unknown",
        }
    }
}

/// How many files there are of each kind. A kind without files is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FileCounts {
    /// All files of the batch.
    pub(crate) total: usize,
    /// Files with a job, where it was not asked how the jobs stand.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) with_job: usize,
    /// Files whose job succeeded.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) completed: usize,
    /// Files whose job failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) failed: usize,
    /// Files that could not be given a job.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) not_mapped: usize,
    /// Files whose job was cancelled.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) cancelled: usize,
    /// Files whose job is under way.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) running: usize,
    /// Files whose job has not begun.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) pending: usize,
    /// Files whose job is held back.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) throttled: usize,
    /// Files without a known job.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) no_job_yet: usize,
    /// Files whose job has a status that this server does not know.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) other: usize,
    /// Files of which it could not be found out how their job stands.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unknown: usize,
}

impl FromIterator<Kind> for FileCounts {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut counts = Self::default();
        for kind in kinds {
            counts.total += 1;
            *match kind {
                Kind::Failed => &mut counts.failed,
                Kind::NotMapped => &mut counts.not_mapped,
                Kind::Cancelled => &mut counts.cancelled,
                Kind::Other => &mut counts.other,
                Kind::Unknown => &mut counts.unknown,
                Kind::NoJobYet => &mut counts.no_job_yet,
                Kind::Throttled => &mut counts.throttled,
                Kind::Pending => &mut counts.pending,
                Kind::Running => &mut counts.running,
                Kind::WithJob => &mut counts.with_job,
                Kind::Completed => &mut counts.completed,
            } += 1;
        }
        counts
    }
}

impl FileCounts {
    /// Files whose job will still change.
    pub(crate) const fn unfinished(&self) -> usize {
        self.running + self.pending + self.throttled
    }

    /// Files that are lost unless somebody acts.
    pub(crate) const fn problems(&self) -> usize {
        self.failed + self.not_mapped
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

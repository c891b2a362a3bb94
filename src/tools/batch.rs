//! A batch as a model sees it, and when to look at it again.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::foreign::clean;
use crate::llamacloud::{Batch, BatchStatus};

pub(crate) const MAX_ID_CHARS: usize = 128;

/// The facts about one batch. Words of the API are kept as they are, also ones that are new.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct BatchFacts {
    /// Batch ID.
    pub(crate) id: String,
    /// PENDING, THROTTLED, RUNNING, COMPLETED, FAILED or CANCELLED.
    pub(crate) status: String,
    /// Whether the status will not change any more.
    pub(crate) r#final: bool,
    /// `parse_v2` or `extract_v2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) job_type: String,
    /// Configuration of the job.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) configuration_id: String,
    /// Directory whose files are processed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) source_directory_id: String,
    /// Project it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project_id: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<String>,
}

impl From<&Batch> for BatchFacts {
    fn from(batch: &Batch) -> Self {
        let word = |text: &str| clean(text, MAX_ID_CHARS);
        Self {
            id: word(&batch.id),
            status: word(batch.status.as_str()),
            r#final: batch.status.is_final(),
            job_type: word(batch.job.job_type.as_str()),
            configuration_id: word(&batch.job.configuration_id),
            source_directory_id: word(&batch.source_directory_id),
            project_id: batch.project_id.as_deref().map(word),
            created_at: batch.created_at.as_deref().map(to_the_second),
            updated_at: batch.updated_at.as_deref().map(to_the_second),
        }
    }
}

impl BatchFacts {
    /// Leaves out everything but id and status.
    pub(crate) fn keep_what_identifies(&mut self) {
        for word in [
            &mut self.job_type,
            &mut self.configuration_id,
            &mut self.source_directory_id,
        ] {
            word.clear();
        }
        for word in [&mut self.project_id, &mut self.created_at, &mut self.updated_at] {
            *word = None;
        }
    }
}

/// How long to wait before looking again, in seconds; `None` for a final status, unless jobs of its own still go on.
///
/// Grows with the batch's age, as a batch that has run for an hour will not end in the next seconds.
pub(crate) fn check_again_in_seconds(batch: &Batch, jobs_go_on: bool, now: Timestamp) -> Option<u32> {
    if batch.status.is_final() && !jobs_go_on {
        return None;
    }
    let created: Option<Timestamp> = batch.created_at.as_deref().and_then(|text| text.parse().ok());
    let age = created.map_or(0, |created| now.as_second() - created.as_second());
    let least = if batch.status == BatchStatus::Throttled { 60 } else { 15 };
    Some(u32::try_from(age / 10).unwrap_or(0).clamp(least, 300))
}

/// The instant without fractions of a second, in UTC; as it came if it is no instant.
fn to_the_second(text: &str) -> String {
    match text
        .parse::<Timestamp>()
        .and_then(|instant| Timestamp::from_second(instant.as_second()))
    {
        Ok(instant) => instant.to_string(),
        Err(_) => clean(text, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_short() {
        assert_eq!(
            to_the_second("2026-11-24T10:00:00.123456+02:00"),
            "2026-11-24T08:00:00Z"
        );
        assert_eq!(to_the_second("soon"), "soon");
    }
}

//! A batch as a model sees it, and when to poll it again.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::llamacloud::{Batch, BatchStatus, WrittenInstant};
use crate::untrusted::clean;

pub(crate) const MAX_ID_CHARS: usize = 128;

/// The facts about one batch. The API's words are kept unchanged, including new ones.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct BatchFacts {
    /// Batch ID.
    pub(crate) id: String,
    /// PENDING, THROTTLED, RUNNING, COMPLETED, FAILED or CANCELLED.
    pub(crate) status: String,
    /// Whether the batch and its jobs can no longer change; omitted if the jobs were not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) r#final: Option<bool>,
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
    /// From the batch alone, which does not say whether its jobs have ended.
    fn from(batch: &Batch) -> Self {
        Self::of(
            batch,
            match batch.status {
                BatchStatus::Failed => Some(true),
                BatchStatus::Completed | BatchStatus::Cancelled => None,
                _ => Some(false),
            },
        )
    }
}

impl BatchFacts {
    /// The facts about a batch. `is_final` is `None` if it is unknown.
    pub(crate) fn of(batch: &Batch, is_final: Option<bool>) -> Self {
        let word = |text: &str| clean(text, MAX_ID_CHARS);
        Self {
            id: shown_id(batch),
            status: word(batch.status.as_str()),
            r#final: is_final,
            job_type: word(batch.config.job.job_type.as_str()),
            configuration_id: word(&batch.config.job.configuration_id),
            source_directory_id: word(&batch.source_directory_id),
            project_id: batch.project_id.as_deref().map(word),
            created_at: batch.created_at.as_ref().map(to_the_second),
            updated_at: batch.updated_at.as_ref().map(to_the_second),
        }
    }

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

/// How many seconds to wait before looking again at a batch that may change.
///
/// Grows with the batch's age, as a batch that has run for an hour will not end in the next seconds.
pub(crate) fn seconds_between_checks(batch: &Batch, now: Timestamp) -> u32 {
    let age = batch
        .created()
        .map_or(0, |created| now.as_second() - created.as_second());
    let least = if batch.status == BatchStatus::Throttled { 60 } else { 15 };
    u32::try_from(age / 10).unwrap_or(0).clamp(least, 300)
}

/// The id of a batch, as it is shown.
pub(crate) fn shown_id(batch: &Batch) -> String {
    clean(&batch.id, MAX_ID_CHARS)
}

/// When a batch was created. Shape: ` (created 2026-11-24T10:00:00Z)`; empty where that is not known.
pub(crate) fn when_created(batch: &Batch) -> String {
    let at = batch.created_at.as_ref().map(to_the_second);
    at.map_or(String::new(), |at| format!(" (created {at})"))
}

/// The instant without fractions of a second, in UTC; as it came if it cannot be read.
fn to_the_second(written: &WrittenInstant) -> String {
    match written {
        WrittenInstant::At(at) => format!("{at:.0}"),
        WrittenInstant::Unreadable(text) => clean(text, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_short() {
        for (text, shown) in [
            ("2026-11-24T10:00:00.123456+02:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24T10:00:00.5", "2026-11-24T10:00:00Z"),
            ("soon", "soon"),
        ] {
            let body = serde_json::json!({ "id": "bat-1", "created_at": text, "updated_at": text });
            let facts = BatchFacts::from(&serde_json::from_str::<Batch>(&body.to_string()).unwrap());
            assert_eq!(facts.created_at.as_deref(), Some(shown));
            assert_eq!(facts.updated_at.as_deref(), Some(shown));
        }
    }
}

//! The batches of a page as a model sees them.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::batch::BatchFacts;
use super::super::call::Call;
use super::super::outcomes::files::Rows;
use super::super::outcomes::{FileCounts, Seen};
use crate::llamacloud::{Batch, BatchStatus};

/// A batch of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ListedBatch {
    #[serde(flatten)]
    pub(super) batch: BatchFacts,
    /// Number of its files by how they ended; omitted if not requested, or not readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<FileCounts>,
}

/// A batch as LlamaCloud lists it, with what was read about its files.
pub(super) struct Entry {
    pub(super) batch: Batch,
    /// `None` if counts were not requested, or the batch has not ended.
    pub(super) counted: Option<Counted>,
}

/// How the files of a finished batch ended.
pub(super) struct Counted {
    pub(super) files: Option<FileCounts>,
    is_final: Option<bool>,
}

impl Entry {
    pub(super) fn facts(&self) -> ListedBatch {
        let batch = self.counted.as_ref().map_or_else(
            || BatchFacts::from(&self.batch),
            |counted| BatchFacts::of(&self.batch, counted.is_final),
        );
        ListedBatch {
            batch,
            files: self.counted.as_ref().and_then(|counted| counted.files.clone()),
        }
    }

    pub(super) async fn counted(call: &Call, batch: Batch) -> Self {
        let seen = Seen::counted(&call.account, &call.scope, batch, call.deadline).await;
        let counted = matches!(seen.batch.status, BatchStatus::Completed | BatchStatus::Cancelled);
        Self {
            counted: counted.then(|| Counted {
                files: seen.files(Rows::Problems).map(|files| files.counts.clone()),
                is_final: seen.finality().known(),
            }),
            batch: seen.batch,
        }
    }
}

impl From<Batch> for Entry {
    fn from(batch: Batch) -> Self {
        Self { batch, counted: None }
    }
}

/// What several batches share. A member that differs, or that none has, is omitted.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct InCommon {
    /// Type of their jobs.
    #[serde(skip_serializing_if = "String::is_empty")]
    job_type: String,
    /// Configuration of their jobs.
    #[serde(skip_serializing_if = "String::is_empty")]
    configuration_id: String,
    /// Directory whose files they process.
    #[serde(skip_serializing_if = "String::is_empty")]
    source_directory_id: String,
    /// Project they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
}

impl InCommon {
    /// Removes from each batch what all share; nothing from a single batch.
    pub(super) fn take_out(batches: &mut [ListedBatch]) -> Option<Self> {
        if batches.len() < 2 {
            return None;
        }
        let common = Self {
            job_type: take_shared(batches, |listed| &mut listed.batch.job_type),
            configuration_id: take_shared(batches, |listed| &mut listed.batch.configuration_id),
            source_directory_id: take_shared(batches, |listed| &mut listed.batch.source_directory_id),
            project_id: take_shared(batches, |listed| &mut listed.batch.project_id),
        };
        (common != Self::default()).then_some(common)
    }
}

/// The value that a member has in all batches, removed from them; nothing if it differs.
fn take_shared<T: Default + PartialEq>(batches: &mut [ListedBatch], member: impl Fn(&mut ListedBatch) -> &mut T) -> T {
    let Some((first, others)) = batches.split_first_mut() else {
        return T::default();
    };
    let first = member(first);
    if others.iter_mut().any(|other| member(other) != first) {
        return T::default();
    }
    for other in others {
        *member(other) = T::default();
    }
    std::mem::take(first)
}

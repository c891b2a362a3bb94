//! What the API lists of a directory, and what of it matters to a create.

use std::{collections::HashSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{Existing, Key, Shared};
use crate::llamacloud::{Batch, BatchStatus, CreateBatch, Error, ErrorKind, ListBatches};

/// One look at a directory.
pub(super) struct Census {
    pub(super) batches: Vec<Batch>,
    /// When the first page was given, by the API's clock.
    pub(super) date: Option<Timestamp>,
    /// What is missing, if not everything was read.
    pub(super) gap: Option<Gap>,
}

/// Why a census is not complete.
pub(super) enum Gap {
    Failed(Error),
    TooManyPages(usize),
}

/// Lists the directory of `key`, page by page. An error is a gap in what was seen, not the loss of it.
pub(super) async fn take(shared: &Shared, key: &Key, since: Option<Timestamp>, deadline: Instant) -> Census {
    let mut census = Census {
        batches: Vec::new(),
        date: None,
        gap: None,
    };
    let mut query = ListBatches {
        source_directory_id: Some(key.request.source_directory_id.clone()),
        created_at_on_or_after: since,
        page_size: Some(shared.policy.page_size),
        ..ListBatches::default()
    };
    let mut pages = 0;
    loop {
        let page = match shared.client.batches().list(&key.scope, &query, deadline).await {
            Ok(page) => page,
            // The bounds of the page size are not documented.
            Err(error)
                if matches!(error.kind(), ErrorKind::Rejected { .. }) && query.page_size.is_some() && pages == 0 =>
            {
                query.page_size = None;
                continue;
            }
            Err(error) => {
                census.gap = Some(Gap::Failed(error));
                return census;
            }
        };
        pages += 1;
        census.date = census.date.or(page.date);
        census.batches.extend(page.items);
        let Some(token) = page.next_page_token else {
            return census;
        };
        if pages >= shared.policy.max_pages {
            census.gap = Some(Gap::TooManyPages(pages));
            return census;
        }
        query.page_token = Some(token);
    }
}

impl Census {
    /// The ids of everything seen.
    pub(super) fn ids(&self) -> HashSet<String> {
        self.batches.iter().map(|batch| batch.id.clone()).collect()
    }

    /// The newest batch that makes another one a duplicate.
    pub(super) fn duplicate(&self, request: &CreateBatch, recent: Duration) -> Option<(&Batch, Existing)> {
        let same = self.batches.iter().filter(|batch| is_same(batch, request));
        let duplicates = same.filter_map(|batch| match batch.status {
            BatchStatus::Completed if self.is_recent(batch, recent) => Some((batch, Existing::JustCompleted)),
            _ if !batch.status.is_final() => Some((batch, Existing::Running)),
            _ => None,
        });
        // One that still runs matters more than one that has ended, however new.
        duplicates.max_by_key(|(batch, kind)| (*kind == Existing::Running, batch.created()))
    }

    /// Recent batches that ended badly: they stop nothing, but whoever asks again should know.
    pub(super) fn mentions(&self, request: &CreateBatch, recent: Duration) -> Vec<Batch> {
        let ended_badly = |batch: &&Batch| matches!(batch.status, BatchStatus::Failed | BatchStatus::Cancelled);
        let same = self.batches.iter().filter(|batch| is_same(batch, request));
        same.filter(ended_badly)
            .filter(|batch| self.is_recent(batch, recent))
            .cloned()
            .collect()
    }

    fn is_recent(&self, batch: &Batch, recent: Duration) -> bool {
        let Some(created) = batch.created() else { return false };
        // An API that shows no clock leaves only ours.
        let now = self.date.unwrap_or_else(Timestamp::now);
        now.duration_since(created) <= SignedDuration::try_from(recent).unwrap_or(SignedDuration::MAX)
    }
}

/// Whether a batch runs the same job over the same directory.
pub(super) fn is_same(batch: &Batch, request: &CreateBatch) -> bool {
    // A batch that does not name its directory was listed for it.
    let directory = batch.source_directory_id.as_str();
    (directory.is_empty() || directory == request.source_directory_id.as_str())
        && batch.job.job_type == request.job_type
        && batch.job.configuration_id == request.configuration_id.as_str()
}

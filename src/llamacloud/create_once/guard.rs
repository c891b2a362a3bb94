//! What stops a create before anything is sent.

use std::{cmp::Reverse, collections::HashSet};

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{
    input::Present,
    listing::{self, Listing},
    types::{Access, Duplicates, Earlier, How, Input, MAX_FILES, Memory, NotSettled, Order, Settled},
};
use crate::llamacloud::{Advice, Batch, BatchId, BatchStatus, CreateBatch, DirectoryFile, Error, ErrorKind};

/// What a create finds.
#[derive(Debug, Clone)]
pub enum Checked {
    /// A batch that does the work.
    AlreadyThere(Settled),
    /// Nothing prevents it.
    Free(Free),
}

/// What is known before a POST.
#[derive(Debug, Clone)]
pub struct Free {
    /// How many files the batch will cover, if that could be read.
    pub files: Option<usize>,
    /// Earlier batches of the same work that a reader should know of, at most two.
    pub(super) earlier: Vec<Earlier>,
    /// The existing batches.
    pub(super) before: HashSet<String>,
    /// Whether `before` holds all of them.
    pub(super) is_complete: bool,
}

/// Looks at the directory and decides.
pub(super) async fn check(
    access: &Access,
    order: &Order,
    memory: &Memory,
    deadline: Instant,
) -> Result<Checked, NotSettled> {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    // If duplicates are refused, the list of batches decides, so it may take all of the time. Otherwise it is only information.
    let list_deadline = match order.duplicates {
        Duplicates::Refuse => deadline,
        Duplicates::Allow => now + left / 3,
    };
    let (listing, files) = tokio::join!(
        listing::batches(&access.client, order, None, list_deadline),
        listing::files(access, order, now + left / 2)
    );
    let files = files.ok();
    let mut earlier = Vec::new();
    if order.duplicates == Duplicates::Refuse {
        match same_work(access, order, memory, &listing, files.as_deref(), deadline).await {
            Ok(settled) => return Ok(Checked::AlreadyThere(settled)),
            Err(found) => earlier = found,
        }
        if let Some((at, error, look_after)) = &memory.unknown
            && at.elapsed() <= access.policy.list_lag
        {
            return Err(NotSettled::Unknown {
                error: error.clone(),
                look_after: *look_after,
            });
        }
    }
    match &listing.gap {
        Some(error) if stops_creates_too(error) => return Err(NotSettled::NotCreated(error.clone())),
        Some(error) if order.duplicates == Duplicates::Refuse => return Err(NotSettled::NotChecked(error.clone())),
        _ => {}
    }
    let files = files.map(|files| files.len());
    match (files, order.agreed_files) {
        (Some(0), _) => return Err(NotSettled::NoFiles),
        (Some(files), _) if files > MAX_FILES => return Err(NotSettled::TooManyFiles),
        (now, Some(agreed)) if now != Some(agreed) => return Err(NotSettled::OtherFiles { agreed, now }),
        _ => {}
    }
    Ok(Checked::Free(Free {
        files,
        earlier,
        before: listing.batches.into_iter().map(|batch| batch.id).collect(),
        is_complete: listing.gap.is_none(),
    }))
}

/// The batch that does the work, or earlier ones that no longer do it.
async fn same_work(
    access: &Access,
    order: &Order,
    memory: &Memory,
    listing: &Listing,
    files: Option<&[DirectoryFile]>,
    deadline: Instant,
) -> Result<Settled, Vec<Earlier>> {
    let mut batches = listed(order, memory, listing);
    batches.extend(unlisted(access, order, memory, listing, deadline).await);
    batches.sort_by_key(|batch| Reverse(batch.created()));
    if let Some(batch) = not_final(&batches) {
        return Ok(already_there(batch, Input::Unchanged));
    }
    let mut earlier = Vec::new();
    let completed = || batches.iter().filter(|batch| batch.status == BatchStatus::Completed);
    if let Some(newest) = completed().next() {
        let ended = completed().map(Batch::updated).min().flatten();
        let present = Present::read(access, order, files, newest, ended, deadline).await;
        for batch in completed() {
            match present.since(batch) {
                Input::Changed(change) if earlier.is_empty() => earlier.push(Earlier {
                    batch: batch.clone(),
                    change: Some(change),
                }),
                Input::Changed(_) => {}
                input => return Ok(already_there(batch, input)),
            }
        }
    }
    let ended_badly = batches
        .iter()
        .find(|batch| matches!(batch.status, BatchStatus::Failed | BatchStatus::Cancelled));
    earlier.extend(ended_badly.map(|batch| Earlier {
        batch: batch.clone(),
        change: None,
    }));
    Err(earlier)
}

/// A batch that may still be processed. One with a known status comes before one with an unknown status.
fn not_final(batches: &[Batch]) -> Option<&Batch> {
    let not_final = || batches.iter().filter(|batch| !batch.status.is_final());
    let is_known = |batch: &&Batch| !matches!(batch.status, BatchStatus::Other(_));
    not_final().find(is_known).or_else(|| not_final().next())
}

fn already_there(batch: &Batch, input: Input) -> Settled {
    Settled {
        batch: batch.clone(),
        how: How::AlreadyThere(input),
    }
}

/// The listed batches of the same work: those that look like it, and those that this process made for it, whatever they look like.
fn listed(order: &Order, memory: &Memory, listing: &Listing) -> Vec<Batch> {
    let is_ours = |batch: &&Batch| memory.made.contains_key(&batch.id) || is_same(batch, &order.request);
    listing.batches.iter().filter(is_ours).cloned().collect()
}

/// The batches that this process made and the list does not show, read one by one. One that is gone does not count.
async fn unlisted(access: &Access, order: &Order, memory: &Memory, listing: &Listing, deadline: Instant) -> Vec<Batch> {
    let is_listed = |id: &String| listing.batches.iter().any(|batch| batch.id == *id);
    let missing = memory.made.iter().filter(|(id, _)| !is_listed(id));
    let reads = missing.map(async |(id, last_seen)| {
        let Ok(batch_id) = id.parse::<BatchId>() else {
            return Some(last_seen.clone());
        };
        match access.client.get_batch(&order.scope, &batch_id, deadline).await {
            Ok(batch) => Some(batch),
            Err(error) if *error.kind() == ErrorKind::NotFound => None,
            Err(_) => Some(last_seen.clone()),
        }
    });
    join_all(reads).await.into_iter().flatten().collect()
}

/// Whether a batch runs the same job over the same directory.
pub(super) fn is_same(batch: &Batch, request: &CreateBatch) -> bool {
    // A batch that names no directory counts as one of this directory, because only its batches were listed.
    let directory = batch.source_directory_id.as_str();
    (directory.is_empty() || directory == request.source_directory_id.as_str())
        && batch.config.job.job_type == request.config.job.job_type
        && batch.config.job.configuration_id == request.config.job.configuration_id.as_str()
}

/// Whether a listing failed for a reason that would stop the create as well: its error is then the better answer.
pub(super) fn stops_creates_too(error: &Error) -> bool {
    match error.advice() {
        Advice::Fix(_) => true,
        // Only if no connection could be made. After one that broke, the next may work.
        Advice::Later(_) => *error.kind() == ErrorKind::Unreachable && error.had_no_effect(),
        Advice::Never => false,
    }
}

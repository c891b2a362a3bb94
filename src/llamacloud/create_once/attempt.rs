//! One attempt: guard, send once, reconcile.

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    guard::{self, Checked, Free, is_same, stops_creates_too},
    listing,
    types::{Access, How, Memory, NotSettled, Order, Outcome, Settled, busy, failed, timed_out},
};
use crate::llamacloud::{Batch, BatchId, CreateBatch, Error, ErrorKind, single_flight};

type Attempt = single_flight::Attempt<Memory, Outcome>;

pub(super) async fn run(access: &Access, order: &Order, attempt: &Attempt, deadline: Instant) -> Outcome {
    let started = Instant::now();
    let Ok(mut memory) = timeout_at(deadline, attempt.slot.memory.lock()).await else {
        return Err(busy(started));
    };
    // 1. Guard.
    let free = match guard::check(access, order, &memory, deadline).await? {
        Checked::AlreadyThere(settled) => return Ok(settled),
        Checked::Free(free) => free,
    };
    let not_sent = |reason| Err(NotSettled::NotCreated(timed_out(started, true, reason)));
    if attempt.is_abandoned() {
        return not_sent("the call was cancelled before anything was sent");
    }
    let left = deadline.saturating_duration_since(Instant::now());
    // A POST that is cut off by the deadline may leave its outcome unknown.
    if left < deadline.saturating_duration_since(started) / 8 {
        return not_sent("checking for existing batches used up the time limit");
    }
    // 2. Send once. From here on a batch may exist.
    let floor = access.client.api_time();
    let since = access.look_after();
    let post_deadline = deadline
        .checked_sub(access.policy.reconcile_reserve.min(left / 3))
        .unwrap_or(deadline);
    let error = match send(access, order, post_deadline).await {
        Ok(batch) => {
            let how = How::Created {
                files: free.files,
                earlier: free.earlier,
            };
            return Ok(memory.keep(batch, how));
        }
        Err(error) if error.had_no_effect() => return Err(NotSettled::NotCreated(error)),
        Err(error) => error,
    };
    // 3. Reconcile.
    let search = Search {
        free: &free,
        floor,
        since,
    };
    if let Some(batch) = search.run(access, order, &memory, deadline).await {
        return Ok(memory.keep(batch, How::Recovered));
    }
    memory.unknown = Some((Instant::now(), error.clone(), since));
    Err(NotSettled::Unknown {
        error,
        look_after: since,
    })
}

impl Memory {
    fn keep(&mut self, batch: Batch, how: How) -> Settled {
        self.made.insert(batch.id.clone(), batch.clone());
        self.unknown = None;
        Settled { batch, how }
    }
}

/// # Errors
/// Also for an answer about other work: then a batch may exist.
async fn send(access: &Access, order: &Order, deadline: Instant) -> Result<Batch, Error> {
    let started = Instant::now();
    let batch = access
        .client
        .create_batch(&order.scope, &order.request, deadline)
        .await?;
    match difference(&batch, &order.request) {
        None => Ok(batch),
        Some(difference) => Err(failed(ErrorKind::UnreadableBody, started, false, difference)),
    }
}

/// How an answer differs from the request. Omitted members do not count.
fn difference(batch: &Batch, request: &CreateBatch) -> Option<&'static str> {
    let differs = |answered: &str, requested: &str| !answered.is_empty() && answered != requested;
    if batch.id.parse::<BatchId>().is_err() {
        return Some("the response has no batch ID");
    }
    if differs(&batch.source_directory_id, request.source_directory_id.as_str()) {
        return Some("the response names another directory");
    }
    if differs(batch.config.job.job_type.as_str(), request.config.job.job_type.as_str()) {
        return Some("the response names another job type");
    }
    // LlamaCloud may name the configuration behind a preset.
    if !request.config.job.configuration_id.is_preset()
        && differs(
            &batch.config.job.configuration_id,
            request.config.job.configuration_id.as_str(),
        )
    {
        return Some("the response names another configuration");
    }
    None
}

/// The search for the batch of a POST whose outcome is unknown.
struct Search<'a> {
    free: &'a Free,
    /// The API's clock when the POST left.
    floor: Option<Timestamp>,
    /// The same, minus the possible clock difference.
    since: Option<Timestamp>,
}

impl Search<'_> {
    /// Searches until the deadline.
    async fn run(&self, access: &Access, order: &Order, memory: &Memory, deadline: Instant) -> Option<Batch> {
        let policy = &access.policy;
        let mut pause = policy.first_look;
        let mut looks = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // The list is read at least once, even with little time; towards the end, the reads come closer together.
            if left.is_zero() || (looks > 0 && left < policy.first_look / 2) {
                return None;
            }
            sleep(pause.min(left / 2)).await;
            looks += 1;
            pause = (pause * 2).min(policy.longest_look);
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let limit = (left / 2).max(policy.longest_look).min(left);
            let listing = listing::batches(&access.client, order, self.since, now + limit).await;
            let candidates = listing.batches.iter().filter(|batch| {
                is_same(batch, &order.request)
                    && !self.free.before.contains(&batch.id)
                    && !memory.made.contains_key(&batch.id)
                    && self.is_young_enough(batch)
            });
            if let Some(batch) = candidates.min_by_key(|batch| batch.created()) {
                return Some(batch.clone());
            }
            if let Some(error) = &listing.gap
                && stops_creates_too(error)
                && *error.kind() != ErrorKind::Unreachable
            {
                return None;
            }
        }
    }

    /// Whether the POST can have created this batch, which was not seen before. If the earlier list was complete, a batch may
    /// look slightly older than the POST, because clocks differ. Otherwise it must not.
    fn is_young_enough(&self, batch: &Batch) -> bool {
        let created = batch.created();
        if self.free.is_complete {
            return created.zip(self.since).is_none_or(|(created, since)| created >= since);
        }
        created.zip(self.floor).is_some_and(|(created, floor)| created >= floor)
    }
}

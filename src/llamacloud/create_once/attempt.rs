//! One attempt: guard, send once, reconcile.

use std::{collections::HashSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    CreateOutcome, Duplicates, Existing, Guard, Key, Last, Leaving, Memory, Precheck, Shared,
    census::{self, Census, Gap, is_same},
    timed_out,
};
use crate::llamacloud::{Advice, Batch, Error, ErrorKind};

/// What is known before the POST, by which its batch is told from others.
struct Before {
    ids: HashSet<String>,
    /// Whether `ids` holds everything.
    complete: bool,
    /// The POST left then or later, by the API's clock.
    floor: Option<Timestamp>,
}

pub(super) async fn run(
    shared: &Shared,
    key: &Key,
    leaving: &Leaving,
    duplicates: Duplicates,
    precheck: Precheck,
    deadline: Instant,
) -> CreateOutcome {
    let started = Instant::now();
    let Ok(mut memory) = timeout_at(deadline, leaving.slot.memory.lock()).await else {
        let error = timed_out(started, true, "an earlier create of the same job is not settled yet");
        return CreateOutcome::NotCreated { error };
    };
    let policy = &shared.policy;
    let third = deadline.saturating_duration_since(Instant::now()) / 3;

    // 1. Guard.
    let guard_deadline = Instant::now() + policy.guard_limit.min(third);
    let (census, files) = tokio::join!(census::take(shared, key, None, guard_deadline), precheck);
    if duplicates == Duplicates::Refuse
        && let Some(outcome) = refusal(&census, key, &memory, policy.recent, policy.list_lag)
    {
        return outcome;
    }
    let guard = match &census.gap {
        None => Guard::Checked,
        Some(Gap::Failed(error)) if stops_creates_too(error) => {
            return CreateOutcome::NotCreated { error: error.clone() };
        }
        Some(Gap::Failed(error)) => Guard::Skipped { reason: error.cause() },
        Some(Gap::TooManyPages(pages)) => Guard::Skipped {
            reason: format!("the directory has more than {pages} pages of batches"),
        },
    };
    let files = match files {
        Ok(files) => files,
        Err(reason) => return CreateOutcome::Refused { reason },
    };
    let floor = shared.client.api_time().or(census.date);
    let before = Before {
        ids: census.ids(),
        complete: census.gap.is_none(),
        floor,
    };

    if leaving.is_given_up() {
        let error = timed_out(started, true, "the call was given up before anything was sent");
        return CreateOutcome::NotCreated { error };
    }

    // 2. Send once. From here on a batch may exist.
    let post_deadline = deadline
        .checked_sub(policy.reconcile_reserve.min(third))
        .unwrap_or(deadline);
    let outcome = match shared
        .client
        .batches()
        .create(&key.scope, &key.request, post_deadline)
        .await
    {
        Ok(batch) => CreateOutcome::Created {
            batch,
            mentions: census.mentions(&key.request, policy.recent),
            guard,
            files,
        },
        Err(error) if error.had_no_effect() => CreateOutcome::NotCreated { error },
        // 3. Reconcile.
        Err(error) => match reconcile(shared, key, &before, &memory, deadline).await {
            Some(batch) => CreateOutcome::Recovered { batch },
            None => CreateOutcome::Unknown {
                error,
                look_after: before.floor.map(|floor| less(floor, policy.clock_slack)),
            },
        },
    };
    remember(&mut memory, &outcome);
    outcome
}

/// What answers a request that allows no duplicates without anything being sent.
fn refusal(census: &Census, key: &Key, memory: &Memory, recent: Duration, list_lag: Duration) -> Option<CreateOutcome> {
    if let Some((batch, kind)) = census.duplicate(&key.request, recent) {
        return Some(CreateOutcome::AlreadyThere {
            batch: batch.clone(),
            kind,
        });
    }
    let (at, last) = memory.last.as_ref()?;
    if at.elapsed() > list_lag {
        return None;
    }
    match last {
        // Listed, it would have been found above, unless it has ended in a way that does not count.
        Last::Made(batch) if !census.batches.iter().any(|seen| seen.id == batch.id) => {
            Some(CreateOutcome::AlreadyThere {
                batch: batch.clone(),
                kind: Existing::Running,
            })
        }
        Last::Made(_) => None,
        Last::Unknown { error, look_after } => Some(CreateOutcome::Unknown {
            error: error.clone(),
            look_after: *look_after,
        }),
    }
}

/// Whether a listing failed for a reason that would stop the create as well: its error is then the better answer.
fn stops_creates_too(error: &Error) -> bool {
    match error.advice() {
        Advice::Fix(_) => true,
        // Without any connection; one that broke says nothing about the next.
        Advice::Later(_) => *error.kind() == ErrorKind::Unreachable && error.had_no_effect(),
        Advice::Never => false,
    }
}

/// Looks for the batch of a POST whose outcome is unknown, until the deadline.
async fn reconcile(shared: &Shared, key: &Key, before: &Before, memory: &Memory, deadline: Instant) -> Option<Batch> {
    let policy = &shared.policy;
    let since = before.floor.map(|floor| less(floor, policy.clock_slack));
    let mut wait = policy.first_look;
    let mut looks = 0;
    loop {
        let remaining = deadline.saturating_duration_since(Instant::now());
        // However little time there is, one look is taken; towards the end they come closer together, so that none of it is lost.
        if remaining.is_zero() || (looks > 0 && remaining < policy.first_look / 2) {
            return None;
        }
        sleep(wait.min(remaining / 2)).await;
        looks += 1;
        wait = (wait * 2).min(policy.longest_look);
        let limit = policy
            .guard_limit
            .min(deadline.saturating_duration_since(Instant::now()));
        let census = census::take(shared, key, since, Instant::now() + limit).await;
        let candidates = census.batches.iter().filter(|batch| {
            is_same(batch, &key.request)
                && !before.ids.contains(&batch.id)
                && !memory.claimed.contains(&batch.id)
                && is_young_enough(batch, before, policy.clock_slack)
        });
        if let Some(batch) = candidates.min_by_key(|batch| batch.created()) {
            return Some(batch.clone());
        }
        if let Some(Gap::Failed(error)) = &census.gap
            && stops_creates_too(error)
            && *error.kind() != ErrorKind::Unreachable
        {
            return None;
        }
    }
}

/// Whether a batch that was not seen before can be the POST's.
///
/// With everything seen, only the clocks of the API's machines can deceive, so some slack does no harm. Without, age is all there is.
fn is_young_enough(batch: &Batch, before: &Before, slack: Duration) -> bool {
    let created = batch.created();
    if before.complete {
        return created
            .zip(before.floor)
            .is_none_or(|(created, floor)| created >= less(floor, slack));
    }
    created
        .zip(before.floor)
        .is_some_and(|(created, floor)| created >= floor)
}

fn remember(memory: &mut Memory, outcome: &CreateOutcome) {
    let last = match outcome {
        CreateOutcome::Created { batch, .. } | CreateOutcome::Recovered { batch } => {
            memory.claimed.insert(batch.id.clone());
            Last::Made(batch.clone())
        }
        CreateOutcome::Unknown { error, look_after } => Last::Unknown {
            error: error.clone(),
            look_after: *look_after,
        },
        CreateOutcome::AlreadyThere { .. } | CreateOutcome::Refused { .. } | CreateOutcome::NotCreated { .. } => return,
    };
    memory.last = Some((Instant::now(), last));
}

fn less(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_sub(by).ok())
        .unwrap_or(at)
}

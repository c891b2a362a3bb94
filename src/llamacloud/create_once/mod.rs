//! At most one batch for the same work, and never one that goes unreported.
//!
//! The API has no idempotency key, and a batch costs credits. Two creates are the same work if directory, job type and
//! configuration are the same. Project and organization only say where to look.
//! 1. **Guard.** List the batches of the directory, and its files. A batch of the same work that is not final is the answer, and so
//!    is a COMPLETED one, however old, unless its input has changed since ([`Input`]): nothing is sent then. If the list cannot be
//!    read, nothing is sent either, unless duplicates are allowed.
//! 2. **Send once.** The POST, which the client repeats only where it cannot have had an effect.
//! 3. **Reconcile.** If the outcome is unknown, list again until the deadline: a batch of the same work that was not there before
//!    and that no other attempt of this process has made is the one. An answer about something else is an unknown outcome as well.
//! 4. **One at a time.** Identical calls share one attempt; attempts for the same work run one after the other. An attempt is a
//!    separate task: a caller that goes away does not abort a POST, and the outcome is logged with the batch's ID.
//!
//! Times are compared with times of the API only. Its `Date` header and its `created_at` may come from clocks that differ by minutes.
//!
//! **Guaranteed**, if the API lists a batch once it exists: one process makes at most one batch for the same work, however calls
//! overlap, are cancelled or time out, unless duplicates are allowed. If the process is killed, whether before the POST leaves, while
//! it is under way, or before its answer is passed on, the next call finds the batch with its guard, because the guard needs nothing
//! that is kept here. Memory helps where the list lags: a batch that this process made is known by its ID, and an unknown outcome
//! is remembered for [`CreatePolicy::list_lag`].
//!
//! **Not guaranteed**: two processes that create at the same moment both find nothing and both create; a batch recovered then
//! may be the other's, which does the same work. A process killed while the list lags leaves no record of its batch. If the API
//! shows another configuration for a preset, a batch is only known to the process that made it, and only by its ID.

mod attempt;
mod guard;
mod input;
mod listing;
mod types;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin_tests;

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

pub use guard::Checked;
pub use types::{Change, CreatePolicy, Duplicates, Earlier, How, Input, MAX_FILES, NotSettled, Order, Settled};

use self::types::{Access, Memory, Outcome, busy, timed_out};
use super::{
    Client, CreateBatch,
    single_flight::{Sharing, SingleFlight},
};

/// Creates batches by the protocol above. Clones share their memory.
#[derive(Clone)]
pub struct CreateOnce(Arc<Shared>);

struct Shared {
    access: Access,
    attempts: SingleFlight<CreateBatch, Memory, Outcome>,
}

impl CreateOnce {
    /// Attempts run on `settling`: wait for it before the process ends.
    pub fn new(client: &Client, policy: CreatePolicy, settling: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            access: Access {
                // Whether money is spent twice must not depend on how many other reads are under way.
                client: client.with_own_turns(),
                policy,
            },
            attempts: SingleFlight::new(settling, Memory::is_worth_keeping, log_unreceived),
        }))
    }

    /// Creates a batch, or finds the one that does the work already.
    ///
    /// # Errors
    /// No batch was created, or it is unknown whether one was.
    ///
    /// # Cancel safety
    /// Dropping the future stops the attempt only before the POST; once that has left, the outcome is logged at `warn`.
    pub async fn create(&self, order: Order, deadline: Instant) -> Result<Settled, NotSettled> {
        let started = Instant::now();
        let shared = Arc::clone(&self.0);
        let sharing = match order.duplicates {
            Duplicates::Refuse => Sharing::Allowed,
            Duplicates::Allow => Sharing::Refused,
        };
        let call = self
            .0
            .attempts
            .call(order.request.clone(), sharing, |attempt| async move {
                attempt::run(&shared.access, &order, &attempt, deadline).await
            });
        let joined = call.joined;
        match call.outcome(deadline).await {
            Some(Ok(Settled {
                batch,
                how: How::Created { .. } | How::Recovered,
            })) if joined => Ok(Settled {
                batch,
                how: How::Shared,
            }),
            Some(outcome) => outcome,
            // No outcome in time: this call joined an attempt with a later deadline, or the attempt panicked.
            None => Err(NotSettled::Unknown {
                error: timed_out(
                    started,
                    false,
                    "an identical request to create a batch is still in progress",
                ),
                look_after: self.0.access.look_after(),
            }),
        }
    }

    /// What a create would find now. Sends nothing; for asking the user first.
    ///
    /// # Errors
    /// As for [`CreateOnce::create`].
    pub async fn check(&self, order: &Order, deadline: Instant) -> Result<Checked, NotSettled> {
        let started = Instant::now();
        let slot = self.0.attempts.slot(order.request.clone());
        let Ok(memory) = timeout_at(deadline, slot.memory.lock()).await else {
            return Err(busy(started));
        };
        guard::check(&self.0.access, order, &memory, deadline).await
    }
}

/// The last resort: logs a batch that would go unreported.
fn log_unreceived(outcome: &Outcome) {
    match outcome {
        Ok(Settled {
            batch,
            how: How::Created { .. } | How::Recovered,
        }) => {
            let id = crate::untrusted::clean(&batch.id, 128);
            tracing::warn!(
                batch.id = id,
                "created batch {id}; the call that requested it was cancelled"
            );
        }
        Err(NotSettled::Unknown { error, look_after }) => {
            let after = look_after.map(|at| at.to_string()).unwrap_or_default();
            tracing::warn!(
                look_after = after,
                "a batch may have been created; the call that requested it was cancelled: {error}"
            );
        }
        _ => {}
    }
}

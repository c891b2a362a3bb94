//! At most one batch for each request, and never one that nobody hears of.
//!
//! The API has no idempotency key, and a batch costs credits. The protocol, for one request:
//! 1. **Guard.** Beside whatever the caller wants to know first ([`Precheck`]), list the directory's batches. One with the same job that is not final, or that is COMPLETED and was created
//!    recently, is the answer: nothing is sent. What the listing showed is the *before* set.
//! 2. **Send once.** The POST, which the client repeats only where it surely did nothing.
//! 3. **Reconcile.** If the outcome is unknown, list again and again until the deadline: a batch of the same job that was not there
//!    before, that no other attempt of this process has made, and that is not older than the POST, is the one.
//! 4. **One at a time.** Identical requests share one attempt; attempts for the same job run one after the other. An attempt is a
//!    task of its own: a caller that goes away never tears a POST, and what then came of it is logged, with the batch's id.
//!
//! All times are the API's (`Date` header), not ours.
//!
//! **Guaranteed**, given that the API lists a batch once it exists: one process makes at most one batch for identical requests, however
//! they overlap, are cancelled or time out, unless duplicates are allowed. If the process is killed, whether before the POST leaves,
//! while it is under way, or before its answer is passed on, the next request finds the batch by its guard, because nothing that
//! the guard needs is kept here. Memory only helps where the list may lag behind: a batch just made, or one whose fate is unknown, is
//! remembered for [`CreatePolicy::list_lag`].
//!
//! **Not guaranteed**: two processes that ask for the same batch within the same moment both find nothing and both create; a batch
//! recovered in such a moment may be the other's, which serves as well. A process killed within the list's lag leaves nothing that
//! remembers. A guard whose listing failed sees no duplicates, and [`Guard::Skipped`] says so.

mod attempt;
mod census;
#[cfg(test)]
mod fake;
mod outcome;
mod policy;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub use outcome::{CreateOutcome, Duplicates, Existing, Guard, Precheck};
pub use policy::CreatePolicy;

use super::{Batch, Client, CreateBatch, Error, ErrorKind, Scope, error::Account};
use crate::tally;

/// Creates batches by the protocol above. Clones share their memory.
#[derive(Clone)]
pub struct CreateOnce(Arc<Shared>);

struct Shared {
    client: Client,
    policy: CreatePolicy,
    settling: TaskTracker,
    /// One for each job ever asked for; small, and as many as batches were paid for.
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// What makes two requests identical.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    scope: Scope,
    request: CreateBatch,
}

#[derive(Default)]
struct Slot {
    /// Held by the one attempt that runs.
    memory: tokio::sync::Mutex<Memory>,
    /// The attempt that identical requests may join.
    joinable: Mutex<Option<Sender>>,
}

/// What earlier attempts of this process have left.
#[derive(Default)]
struct Memory {
    /// Batches that an attempt has answered with as its own.
    claimed: HashSet<String>,
    /// The last attempt that did or may have made one.
    last: Option<(Instant, Last)>,
}

#[derive(Clone)]
enum Last {
    Made(Batch),
    Unknown {
        error: Error,
        look_after: Option<Timestamp>,
    },
}

type Sender = Arc<watch::Sender<Option<CreateOutcome>>>;

impl CreateOnce {
    /// Attempts run on `settling`: wait for it before the process ends.
    pub fn new(client: Client, policy: CreatePolicy, settling: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            client,
            policy,
            settling,
            slots: Mutex::default(),
        }))
    }

    /// Creates a batch, or finds the one that is there.
    ///
    /// # Cancel safety
    /// Dropping the future stops the attempt only before the POST; once that has left, what came of it is logged at `warn`.
    pub async fn create(
        &self,
        scope: &Scope,
        request: &CreateBatch,
        duplicates: Duplicates,
        precheck: Precheck,
        deadline: Instant,
    ) -> CreateOutcome {
        let started = Instant::now();
        let key = Key {
            scope: scope.clone(),
            request: request.clone(),
        };
        let slot = Arc::clone(lock(&self.0.slots).entry(key.clone()).or_default());
        let (receiver, joined) = self.join_or_begin(key, &slot, duplicates, precheck, deadline);
        let mut ear = Ear { receiver, heard: false };
        let heard = timeout_at(deadline + GRACE, ear.receiver.wait_for(Option::is_some)).await;
        let outcome = heard.ok().and_then(Result::ok).and_then(|outcome| outcome.clone());
        ear.heard = true;
        match outcome {
            Some(CreateOutcome::Created { batch, .. } | CreateOutcome::Recovered { batch }) if joined => {
                CreateOutcome::AlreadyThere {
                    batch,
                    kind: Existing::SharedAttempt,
                }
            }
            Some(outcome) => outcome,
            // A joined attempt with a later deadline, or one that ended without a word.
            None => CreateOutcome::Unknown {
                error: timed_out(started, false, "an identical create is not settled yet"),
                look_after: self.0.client.api_time(),
            },
        }
    }

    fn join_or_begin(
        &self,
        key: Key,
        slot: &Arc<Slot>,
        duplicates: Duplicates,
        precheck: Precheck,
        deadline: Instant,
    ) -> (watch::Receiver<Option<CreateOutcome>>, bool) {
        let mut joinable = lock(&slot.joinable);
        if let Some(sender) = joinable.as_ref().filter(|_| duplicates == Duplicates::Refuse) {
            return (sender.subscribe(), true);
        }
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        if duplicates == Duplicates::Refuse {
            *joinable = Some(Arc::clone(&sender));
        }
        let leaving = Leaving {
            slot: Arc::clone(slot),
            sender,
        };
        let shared = Arc::clone(&self.0);
        let attempt = async move {
            let outcome = attempt::run(&shared, &key, &leaving, duplicates, precheck, deadline).await;
            leaving.tell(outcome);
        };
        self.0.settling.spawn(tally::current().over(attempt).in_current_span());
        (receiver, false)
    }
}

/// An attempt ends at its deadline by itself; this is for one that does not.
const GRACE: Duration = Duration::from_millis(500);

/// Makes sure that nobody joins an attempt that has ended, however it did.
struct Leaving {
    slot: Arc<Slot>,
    sender: Sender,
}

impl Leaving {
    fn tell(self, outcome: CreateOutcome) {
        // First nobody new can join, then those who wait are told: so nobody joins too late to be told.
        self.leave();
        if let Err(watch::error::SendError(Some(outcome))) = self.sender.send(Some(outcome)) {
            log_unheard(&outcome);
        }
    }

    /// Whether everybody who asked has gone away. If so, nobody can join any more either, and nothing has to be sent.
    fn is_given_up(&self) -> bool {
        let mut joinable = lock(&self.slot.joinable);
        let given_up = self.sender.receiver_count() == 0;
        if given_up
            && joinable
                .as_ref()
                .is_some_and(|sender| Arc::ptr_eq(sender, &self.sender))
        {
            *joinable = None;
        }
        given_up
    }

    fn leave(&self) {
        let mut joinable = lock(&self.slot.joinable);
        if joinable
            .as_ref()
            .is_some_and(|sender| Arc::ptr_eq(sender, &self.sender))
        {
            *joinable = None;
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A caller's end. Dropped with an outcome that it has not looked at, it logs it.
struct Ear {
    receiver: watch::Receiver<Option<CreateOutcome>>,
    heard: bool,
}

impl Drop for Ear {
    fn drop(&mut self) {
        if !self.heard
            && let Some(outcome) = self.receiver.borrow().as_ref()
        {
            log_unheard(outcome);
        }
    }
}

/// The last resort against a batch that nobody hears of.
fn log_unheard(outcome: &CreateOutcome) {
    match outcome {
        CreateOutcome::Created { batch, .. } | CreateOutcome::Recovered { batch } => {
            let id = crate::foreign::clean(&batch.id, 128);
            tracing::warn!(
                batch.id = id,
                "created batch {id}; the call that asked for it was cancelled"
            );
        }
        CreateOutcome::Unknown { error, look_after } => {
            let after = look_after.map(|at| at.to_string()).unwrap_or_default();
            tracing::warn!(
                look_after = after,
                "a batch may have been created; the call that asked for it was cancelled: {error}"
            );
        }
        CreateOutcome::AlreadyThere { .. } | CreateOutcome::Refused { .. } | CreateOutcome::NotCreated { .. } => {}
    }
}

/// The error of a create that ran out of time by itself.
fn timed_out(started: Instant, no_effect: bool, reason: &str) -> Error {
    let account = Account {
        attempts: 0,
        elapsed: started.elapsed(),
        no_effect,
    };
    Error::new(
        ErrorKind::TimedOut,
        Some(reason.to_owned()),
        "POST /api/v2/batches".to_owned(),
        account,
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

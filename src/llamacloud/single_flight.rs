//! Identical calls share one attempt, and an attempt continues when its callers are gone.
//!
//! For changes that must not happen twice. An attempt runs as a separate task. Attempts for the same key run one after the other
//! and share a memory of what earlier ones did.

use std::{collections::HashMap, hash::Hash, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::request_count;

/// An attempt ends at its deadline; a caller waits this much longer for the outcome.
const GRACE: Duration = Duration::from_millis(500);

/// The attempts in progress, by what they do (`K`), with the memory of earlier ones (`M`) and their outcome (`T`).
pub(super) struct SingleFlight<K, M, T> {
    slots: Mutex<HashMap<K, Arc<Slot<M, T>>>>,
    /// Whether a memory holds anything worth keeping.
    is_worth_keeping: fn(&M) -> bool,
    /// Gets an outcome that no caller received.
    unreceived: fn(&T),
    tasks: TaskTracker,
}

/// Whether a call may share the attempt of an identical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    Allowed,
    Refused,
}

pub(super) struct Slot<M, T> {
    /// Locked by the attempt that runs.
    pub(super) memory: tokio::sync::Mutex<M>,
    /// The attempt that identical calls join.
    joinable: Mutex<Option<Sender<T>>>,
}

type Sender<T> = Arc<watch::Sender<Option<T>>>;

/// An attempt. Once dropped, it can no longer be joined, however it ended.
pub(super) struct Attempt<M, T> {
    pub(super) slot: Arc<Slot<M, T>>,
    sender: Sender<T>,
}

/// A caller's end of an attempt.
pub(super) struct Call<T> {
    receiver: watch::Receiver<Option<T>>,
    /// Whether another call had started the attempt.
    pub(super) joined: bool,
    is_received: bool,
    unreceived: fn(&T),
}

impl<K, M, T> SingleFlight<K, M, T>
where
    K: Eq + Hash,
    M: Default + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Attempts run on `tasks`: wait for it before the process ends.
    pub(super) fn new(tasks: TaskTracker, is_worth_keeping: fn(&M) -> bool, unreceived: fn(&T)) -> Self {
        Self {
            slots: Mutex::default(),
            is_worth_keeping,
            unreceived,
            tasks,
        }
    }

    /// The place that the attempts of a key share.
    pub(super) fn slot(&self, key: K) -> Arc<Slot<M, T>> {
        let mut slots = self.slots.lock();
        // Nobody else can reach a slot that only this map holds, so its memory is not locked.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1
                || slot
                    .memory
                    .try_lock()
                    .is_ok_and(|memory| (self.is_worth_keeping)(&memory))
        });
        Arc::clone(slots.entry(key).or_default())
    }

    /// Joins the attempt that is in progress, or starts one.
    pub(super) fn call<F>(&self, key: K, sharing: Sharing, begin: impl FnOnce(Arc<Attempt<M, T>>) -> F) -> Call<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let slot = self.slot(key);
        let mut joinable = slot.joinable.lock();
        if let Some(sender) = joinable.as_ref().filter(|_| sharing == Sharing::Allowed) {
            return self.end_of(sender.subscribe(), true);
        }
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        if sharing == Sharing::Allowed {
            *joinable = Some(Arc::clone(&sender));
        }
        drop(joinable);
        let attempt = Arc::new(Attempt { slot, sender });
        let run = begin(Arc::clone(&attempt));
        let unreceived = self.unreceived;
        let task = async move {
            let outcome = run.await;
            // Joining ends before the waiting callers get the outcome, so nobody joins too late to get it.
            attempt.close();
            if let Err(watch::error::SendError(Some(outcome))) = attempt.sender.send(Some(outcome)) {
                unreceived(&outcome);
            }
        };
        self.tasks.spawn(request_count::current().over(task).in_current_span());
        self.end_of(receiver, false)
    }

    fn end_of(&self, receiver: watch::Receiver<Option<T>>, joined: bool) -> Call<T> {
        Call {
            receiver,
            joined,
            is_received: false,
            unreceived: self.unreceived,
        }
    }
}

impl<M: Default, T> Default for Slot<M, T> {
    fn default() -> Self {
        Self {
            memory: tokio::sync::Mutex::default(),
            joinable: Mutex::default(),
        }
    }
}

impl<M, T> Attempt<M, T> {
    /// Whether every caller has gone. If so, nobody can join it, and nothing has to be sent.
    pub(super) fn is_abandoned(&self) -> bool {
        let mut joinable = self.slot.joinable.lock();
        let is_abandoned = self.sender.receiver_count() == 0;
        if is_abandoned {
            joinable.take_if(|sender| Arc::ptr_eq(sender, &self.sender));
        }
        is_abandoned
    }

    fn close(&self) {
        self.slot
            .joinable
            .lock()
            .take_if(|sender| Arc::ptr_eq(sender, &self.sender));
    }
}

impl<M, T> Drop for Attempt<M, T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T: Clone> Call<T> {
    /// The outcome; `None` if there is none at the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the attempt running; its outcome then counts as not received.
    pub(super) async fn outcome(mut self, deadline: Instant) -> Option<T> {
        let waited = timeout_at(deadline + GRACE, self.receiver.wait_for(Option::is_some)).await;
        let outcome = waited.ok().and_then(Result::ok).and_then(|outcome| outcome.clone());
        self.is_received = true;
        outcome
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if !self.is_received
            && let Some(outcome) = self.receiver.borrow().as_ref()
        {
            (self.unreceived)(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_lives_as_long_as_there_is_something_to_remember() {
        let flights: SingleFlight<u8, usize, ()> = SingleFlight::new(TaskTracker::new(), |memory| *memory > 0, |()| ());
        for key in 0..9 {
            let call = flights.call(key, Sharing::Allowed, |attempt| async move {
                *attempt.slot.memory.lock().await = usize::from(key == 3);
            });
            call.outcome(Instant::now() + Duration::from_secs(9)).await.unwrap();
        }
        flights.tasks.close();
        flights.tasks.wait().await;
        drop(flights.slot(100));
        let mut kept: Vec<_> = flights.slots.lock().keys().copied().collect();
        kept.sort_unstable();
        assert_eq!(kept, [3, 100]);
    }
}

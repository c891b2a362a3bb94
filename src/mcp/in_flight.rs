//! The requests being answered: their ids, their size, and how to cancel them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::envelope::RequestKey;

/// The minimum cost of one request: its answer is kept until it can be written.
const LEAST_BYTES: usize = 16 * 1024;
/// The minimum cost of one request that has not begun.
const LEAST_QUEUED_BYTES: usize = 4 * 1024;

/// The requests in flight on one connection.
#[derive(Debug)]
pub(crate) struct InFlight {
    calls: Mutex<HashMap<RequestKey, CancellationToken>>,
    /// For requests that are worked on.
    working: Room,
    /// For requests that wait for room to be worked on.
    queue: Room,
    all: CancellationToken,
}

/// A request's place in the set; dropped when its answer is queued or will never come.
#[derive(Debug)]
pub(crate) struct Ticket {
    in_flight: Arc<InFlight>,
    key: RequestKey,
    cancelled: CancellationToken,
}

impl InFlight {
    /// Room for requests of `max_bytes` in all that are worked on, and for as many bytes of requests that wait.
    pub(crate) fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            working: Room::new(max_bytes, LEAST_BYTES),
            queue: Room::new(max_bytes, LEAST_QUEUED_BYTES),
            all: CancellationToken::new(),
        })
    }

    /// Takes a request in, unless its id is in flight already.
    pub(crate) fn admit(self: &Arc<Self>, key: RequestKey) -> Option<Ticket> {
        let cancelled = self.all.child_token();
        match self.calls.lock().entry(key.clone()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(cancelled.clone()),
        };
        Some(Ticket {
            in_flight: Arc::clone(self),
            key,
            cancelled,
        })
    }

    /// Waits for a place in the queue for a line of `bytes` bytes with `requests` requests.
    pub(crate) async fn queue(&self, bytes: usize, requests: usize) -> Option<OwnedSemaphorePermit> {
        self.queue.take(bytes, requests).await
    }

    /// The same for room to be worked on.
    pub(crate) async fn room(&self, bytes: usize, requests: usize) -> Option<OwnedSemaphorePermit> {
        self.working.take(bytes, requests).await
    }

    /// Cancels a request. If it was already answered, nothing happens.
    pub(crate) fn cancel(&self, key: &RequestKey) {
        if let Some(cancelled) = self.calls.lock().get(key) {
            cancelled.cancel();
        }
    }

    /// Cancels everything.
    pub(crate) fn cancel_all(&self) {
        self.all.cancel();
    }
}

impl Ticket {
    /// Runs `work` until it is done or the request is cancelled.
    pub(crate) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => None,
            done = work => Some(done),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.in_flight.calls.lock().remove(&self.key);
    }
}

/// Room for this many bytes, in units, so that a few large lines weigh as much as many small ones.
#[derive(Debug)]
struct Room {
    free: Arc<Semaphore>,
    units: u32,
    unit_bytes: usize,
}

impl Room {
    fn new(max_bytes: usize, unit_bytes: usize) -> Self {
        let units = u32::try_from(max_bytes / unit_bytes).unwrap_or(u32::MAX).max(1);
        Self {
            free: Arc::new(Semaphore::new(units as usize)),
            units,
            unit_bytes,
        }
    }

    /// Waits for room. A line larger than all the room waits until it is alone.
    async fn take(&self, bytes: usize, requests: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(self.unit_bytes).max(requests)).unwrap_or(u32::MAX);
        let free = Arc::clone(&self.free);
        free.acquire_many_owned(units.min(self.units)).await.ok()
    }
}

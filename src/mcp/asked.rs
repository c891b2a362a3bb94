//! Requests of ours to the client, and their answers. Only legacy clients take any.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::oneshot;

/// What a client answers: its result, or that it could not.
pub(crate) type Reply = Result<Box<RawValue>, ()>;

/// The requests that wait for an answer. Their ids are strings of our own, which no client uses for its requests to us.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    last: AtomicU64,
    waiting: Mutex<HashMap<String, oneshot::Sender<Reply>>>,
}

/// One request's place; given up when dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    asked: &'a Asked,
    pub(crate) id: String,
    pub(crate) reply: oneshot::Receiver<Reply>,
}

impl Asked {
    /// Makes an id and a place for the answer to it.
    pub(crate) fn expect(&self) -> Waiting<'_> {
        let id = format!("server-{}", self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, reply) = oneshot::channel();
        self.lock().insert(id.clone(), sender);
        Waiting { asked: self, id, reply }
    }

    /// Hands an answer to who waits for it. One that nobody waits for is ignored.
    pub(crate) fn answer(&self, id: &str, reply: Reply) {
        if let Some(sender) = self.lock().remove(id) {
            // Whoever waited may have gone away just now.
            let _ = sender.send(reply);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Reply>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.asked.lock().remove(&self.id);
    }
}

//! What must not be lost with the answer that says it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Words for the log, in case that the answer to a request is never written. Dropped with words in it, it logs them.
#[derive(Debug, Default)]
pub(crate) struct Unheard(Mutex<Option<String>>);

impl Unheard {
    /// Says what would be lost. Shape: `created batch bat-1`.
    pub(crate) fn note(&self, words: String) {
        *self.words() = Some(words);
    }

    /// Whether anything would be lost.
    pub(crate) fn matters(&self) -> bool {
        self.words().is_some()
    }

    /// The answer was written.
    pub(crate) fn heard(&self) {
        *self.words() = None;
    }

    fn words(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if let Some(words) = self.words().take() {
            tracing::warn!("{words}, but the answer that says so was given up or could not be written");
        }
    }
}

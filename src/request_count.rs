//! How many requests a piece of work makes. They are counted where they are sent; the count is read where the work began.
//!
//! The caller and the client need not know each other for it. Without a count, a request costs one read of a thread-local
//! variable.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

tokio::task_local! {
    static CURRENT: RequestCount;
}

/// A count. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct RequestCount(Arc<AtomicU32>);

impl RequestCount {
    /// How many requests there have been so far.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts what the work sends.
    pub fn over<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }
}

/// Notes one request of the work that runs.
pub fn note_request() {
    // Fails if there is no count.
    let _ = CURRENT.try_with(|count| count.0.fetch_add(1, Ordering::Relaxed));
}

/// The count of the current work, to continue in a separate task; if there is none, a count that nobody reads.
pub fn current() -> RequestCount {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_counted_where_the_work_began() {
        note_request();
        let count = RequestCount::default();
        let work = async {
            note_request();
            let elsewhere = current().over(async { note_request() });
            tokio::spawn(elsewhere).await.unwrap();
        };
        count.clone().over(work).await;
        note_request();
        assert_eq!(count.count(), 2);
    }
}

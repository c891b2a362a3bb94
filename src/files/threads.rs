//! Threads for work that blocks on the file system.

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// How many threads work on files at most. The runtime has many more for blocking work, so DNS lookups, and stdin and stdout where
/// they are not polled, never wait for files.
const MAX_THREADS: usize = 32;

static FREE: Semaphore = Semaphore::const_new(MAX_THREADS);

/// Does this work on a thread, as soon as one is free for files. The thread ends ten seconds after its last work.
///
/// # Errors
/// If the work panicked.
///
/// # Cancel safety
/// If this is dropped before the work has begun, the work is not done. Later, the work goes on to its end.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    let place = FREE.acquire().await;
    let work = move || {
        let _place = place;
        work()
    };
    spawn_blocking(work).await
}

//! Ends the program when a server stops answering, in place of waiting for ever.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// As long as it lives, the time runs.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    /// Ends the program with status 1 unless it is dropped within the limit.
    pub(crate) fn over(what: String, limit: Duration) -> Self {
        let (alive, dropped) = channel::<()>();
        std::thread::spawn(move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("bench: {what}: not done within {} s", limit.as_secs());
                std::process::exit(1);
            }
        });
        Self { _alive: alive }
    }
}

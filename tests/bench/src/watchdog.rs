//! Ends the program when a server stops answering, in place of waiting for ever.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Time limit for each step of a server.
const LIMIT: Duration = Duration::from_mins(3);

/// The time limit applies until this is dropped.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    /// Ends the program with status 1 unless it is dropped in time. When this returns, its thread waits and disturbs nothing.
    pub(crate) fn over(what: String) -> Self {
        let (alive, dropped) = channel::<()>();
        let (ready, begins) = channel();
        std::thread::spawn(move || {
            ready.send(()).ok();
            if dropped.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                eprintln!("bench: {what}: not done within {} s", LIMIT.as_secs());
                std::process::exit(1);
            }
        });
        begins.recv().ok();
        Self { _alive: alive }
    }
}

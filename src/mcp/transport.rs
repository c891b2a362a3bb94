//! The process's own stdin and stdout as a [`Transport`]. The only place that opens stdout.
//!
//! On Linux, pipes and sockets (Node hosts give sockets) are polled, which costs a fraction of the portable way through a thread
//! for each read and write. Neither is made non-blocking for others who share it: a pipe is opened a second time, for a separate
//! description, and each call on a socket is non-blocking. Terminals, files, and other systems take the portable way.

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// Where lines come from and go to.
pub struct Transport {
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// Resolves when it can be known that nobody reads what is written.
    pub(crate) hangup: BoxFuture<'static, ()>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport over anything, for example an in-memory pipe.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            hangup: futures_util::future::pending().boxed(),
        }
    }

    /// The process's stdin and stdout, polled where that is possible.
    pub fn stdio() -> Self {
        let mut transport = Self::portable_stdio();
        transport.poll_what_can_be_polled();
        transport
    }

    /// The process's stdin and stdout, each read and written through a thread.
    pub fn portable_stdio() -> Self {
        Self::new(tokio::io::stdin(), tokio::io::stdout())
    }

    #[cfg(not(target_os = "linux"))]
    fn poll_what_can_be_polled(&mut self) {}

    #[cfg(target_os = "linux")]
    #[expect(clippy::disallowed_methods, reason = "this is the place that opens stdout")]
    fn poll_what_can_be_polled(&mut self) {
        use super::stdio_linux::{Input, Polled};

        if let Some(input) = Input::open(&std::io::stdin()) {
            self.reader = Box::new(input);
        }
        if let Some(output) = Polled::output(&std::io::stdout()) {
            self.hangup = output.hangup().boxed();
            self.writer = Box::new(output);
        }
    }
}

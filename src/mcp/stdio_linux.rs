//! Pipes and stream sockets of the process, polled, without a flag that other processes would see.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::net::{RecvFlags, SendFlags, SocketType};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// How much is read at a time, at most. Units: bytes.
const READ_BYTES: usize = 64 * 1024;

/// A descriptor to read from, with a buffer for the system to fill: the caller's would have to be cleared for every read.
#[derive(Debug)]
pub(crate) struct Input {
    polled: Polled,
    buffer: Box<[u8]>,
}

impl Input {
    /// `None` where the descriptor cannot be polled, or not without affecting others.
    pub(crate) fn open(descriptor: &impl AsFd) -> Option<Self> {
        let polled = Polled::open(descriptor, OFlags::RDONLY, Interest::READABLE)?;
        let buffer = vec![0; READ_BYTES].into();
        Some(Self { polled, buffer })
    }
}

/// A descriptor that is polled.
#[derive(Debug)]
pub(crate) struct Polled {
    descriptor: Arc<AsyncFd<OwnedFd>>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// An open file description of our own, non-blocking.
    Pipe,
    /// Shared with other processes; each call is non-blocking.
    Socket,
}

impl Polled {
    /// To write to. `None` as for [`Input::open`].
    pub(crate) fn output(descriptor: &impl AsFd) -> Option<Self> {
        Self::open(descriptor, OFlags::WRONLY, Interest::WRITABLE.add(Interest::ERROR))
    }

    /// Resolves when the other end is gone, also while nothing is written.
    pub(crate) fn hangup(&self) -> impl Future<Output = ()> + Send + 'static {
        // A separate registration that only reports the end: an error on a pipe, a hangup on a socket.
        let own = self.descriptor.get_ref().try_clone();
        let own = own.and_then(|own| watch(own, Interest::ERROR));
        async move {
            let Ok(descriptor) = own else {
                return std::future::pending().await;
            };
            loop {
                match descriptor.ready(Interest::WRITABLE.add(Interest::ERROR)).await {
                    Ok(guard) if guard.ready().is_error() || guard.ready().is_write_closed() => return,
                    Ok(mut guard) => guard.clear_ready(),
                    Err(_) => std::future::pending().await,
                }
            }
        }
    }

    fn open(descriptor: &impl AsFd, access: OFlags, interest: Interest) -> Option<Self> {
        let descriptor = descriptor.as_fd();
        let status = rustix::fs::fstat(descriptor).ok()?;
        let (own, kind) = match FileType::from_raw_mode(status.st_mode) {
            FileType::Fifo => (reopen(descriptor, access)?, Kind::Pipe),
            FileType::Socket if rustix::net::sockopt::socket_type(descriptor).ok()? == SocketType::STREAM => {
                (descriptor.try_clone_to_owned().ok()?, Kind::Socket)
            }
            _ => return None,
        };
        let descriptor = Arc::new(watch(own, interest).ok()?);
        Some(Self { descriptor, kind })
    }

    fn read(&self, descriptor: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Pipe => Ok(rustix::io::read(descriptor, buffer)?),
            Kind::Socket => Ok(rustix::net::recv(descriptor, buffer, RecvFlags::DONTWAIT)?.1),
        }
    }

    fn write(&self, descriptor: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Pipe => Ok(rustix::io::write(descriptor, bytes)?),
            Kind::Socket => Ok(rustix::net::send(
                descriptor,
                bytes,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            )?),
        }
    }
}

#[expect(
    deprecated,
    reason = "sound for an `OwnedFd`, and the constructor that replaces it takes `unsafe`"
)]
fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, interest)
}

/// Opens a pipe a second time. Fails where `/proc` is not there or the pipe belongs to somebody else.
fn reopen(descriptor: std::os::fd::BorrowedFd<'_>, access: OFlags) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd;

    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    rustix::fs::open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()
}

impl AsyncRead for Input {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        filled: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { polled, buffer } = &mut *self;
        let room = filled.remaining().min(buffer.len());
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        loop {
            let mut guard = ready!(polled.descriptor.poll_read_ready(context))?;
            if let Ok(outcome) = guard.try_io(|descriptor| polled.read(descriptor.get_ref(), buffer)) {
                filled.put_slice(buffer.get(..outcome?).unwrap_or_default());
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Polled {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.descriptor.poll_write_ready(context))?;
            if let Ok(outcome) = guard.try_io(|descriptor| self.write(descriptor.get_ref(), bytes)) {
                return Poll::Ready(outcome);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

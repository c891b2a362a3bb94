//! The listening socket, whose connections can be cut from inside a request.
//!
//! HTTP servers answer every request; a lost answer needs one that does not. A request's handler marks its connection, and the next
//! write fails, so that the server closes it with no byte sent.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const RESET: u8 = 2;

/// Accepts connections and gives each its [`Hangup`].
pub(super) struct Gate(pub(super) TcpListener);

/// The handle by which a request cuts its own connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Hangup(Arc<AtomicU8>);

impl Hangup {
    /// Ends the connection without an answer.
    pub(super) fn close(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }

    /// Ends the connection without an answer, with a TCP reset.
    pub(super) fn reset(&self) {
        self.0.store(RESET, Ordering::Release);
    }
}

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    hangup: Hangup,
}

impl Line {
    fn check(&self) -> io::Result<()> {
        match self.hangup.0.load(Ordering::Acquire) {
            OPEN => Ok(()),
            state => {
                if state == RESET {
                    // Without it the kernel would end the connection in the orderly way.
                    self.stream.set_zero_linger()?;
                }
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }
}

impl Listener for Gate {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    return (
                        Line {
                            stream,
                            hangup: Hangup::default(),
                        },
                        address,
                    );
                }
                Err(error) => {
                    // Out of descriptors, most likely: give the connections that are open time to end.
                    tracing::warn!(%error, "the sandbox could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Gate>> for Hangup {
    fn connect_info(stream: IncomingStream<'_, Gate>) -> Self {
        stream.io().hangup.clone()
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

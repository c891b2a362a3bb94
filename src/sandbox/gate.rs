//! The listening socket, whose connections can be cut from inside a request.
//!
//! HTTP servers answer every request; this is how to lose an answer. A request's handler marks its connection, and the next
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

/// Accepts connections and gives each its [`ConnectionHandle`].
pub(super) struct Gate(pub(super) TcpListener);

/// The handle by which a request cuts its own connection.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionHandle(Arc<AtomicU8>);

impl ConnectionHandle {
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
pub(super) struct Connection {
    stream: TcpStream,
    handle: ConnectionHandle,
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        match self.handle.0.load(Ordering::Acquire) {
            OPEN => Ok(()),
            state => {
                if state == RESET {
                    // Without this the kernel would close the connection normally.
                    self.stream.set_zero_linger()?;
                }
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }
}

impl Listener for Gate {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    return (
                        Connection {
                            stream,
                            handle: ConnectionHandle::default(),
                        },
                        address,
                    );
                }
                Err(error) => {
                    // Probably out of descriptors: give the open connections time to end.
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

impl Connected<IncomingStream<'_, Gate>> for ConnectionHandle {
    fn connect_info(stream: IncomingStream<'_, Gate>) -> Self {
        stream.io().handle.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
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

//! The HTTP server of every suite, written byte by byte, so that a request can be left half read and an answer torn, endless or late.
//!
//! [`HttpServer`] answers whole requests with what a test says. Who needs to act within a request takes a [`Connection`] alone. A
//! suite includes this file by its path, so what one suite leaves unused is said where it is included.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Which connection brought it, counted from 1.
    pub(crate) connection: usize,
    /// Request line and headers, with `\n` line ends.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    /// Shape: `GET /api/v2/batches HTTP/1.1`.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

/// What is done with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes, and the connection is kept.
    Keep(Vec<u8>),
    /// These bytes, and the connection is closed.
    Close(Vec<u8>),
    /// These bytes, then nothing until the client goes away.
    Hang(Vec<u8>),
    /// These bytes, then more and more of a chunked body.
    Endless(Vec<u8>),
    /// The other one, once there is a permit.
    When(Arc<Notify>, Box<Self>),
}

/// A whole answer: its status, header lines that each end with `\r\n`, and its body with the length.
pub(crate) fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

type Handler = dyn FnMut(usize, &Seen) -> Reply + Send;

struct Shared {
    /// How many requests arrived.
    count: AtomicUsize,
    /// Those that nobody took.
    seen: Mutex<Vec<Seen>>,
    arrived: Notify,
    handler: Mutex<Box<Handler>>,
}

/// Listens on loopback until dropped.
pub(crate) struct HttpServer {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl HttpServer {
    /// Starts it. The handler gets each request with its number, counted from 1.
    pub(crate) async fn start(handler: impl FnMut(usize, &Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            count: AtomicUsize::new(0),
            seen: Mutex::default(),
            arrived: Notify::new(),
            handler: Mutex::new(Box::new(handler)),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            port,
            shared,
            accepting,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.check();
        lock(&self.shared.seen).clone()
    }

    /// What arrived since this was last asked.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        self.check();
        std::mem::take(&mut *lock(&self.shared.seen))
    }

    /// Waits until that many requests have arrived.
    pub(crate) async fn has_seen(&self, count: usize) {
        loop {
            let arrived = self.shared.arrived.notified();
            if self.shared.count.load(Ordering::Relaxed) >= count {
                return;
            }
            arrived.await;
        }
    }

    /// A handler that panics poisons its mutex, and must not pass for a connection that broke.
    fn check(&self) {
        assert!(!self.shared.handler.is_poisoned(), "the handler of a request panicked");
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.accepting.abort();
        if !std::thread::panicking() {
            self.check();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        number += 1;
        let shared = Arc::clone(&shared);
        // A client that breaks off is the client's business.
        connections.spawn(async move { serve(Connection::new(stream), number, &shared).await.ok() });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut connection: Connection, number: usize, shared: &Shared) -> io::Result<()> {
    while let Some(head) = connection.head().await? {
        let body = connection.body(head.body_bytes).await?;
        let seen = Seen {
            connection: number,
            head: head.text,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let mut reply = {
            let mut handler = lock(&shared.handler);
            let count = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
            lock(&shared.seen).push(seen.clone());
            shared.arrived.notify_waiters();
            (*handler)(count, &seen)
        };
        while let Reply::When(permit, then) = reply {
            permit.notified().await;
            reply = *then;
        }
        match reply {
            Reply::Keep(bytes) => connection.write(&bytes).await?,
            Reply::Close(bytes) => return connection.write(&bytes).await,
            Reply::Hang(bytes) => {
                connection.write(&bytes).await?;
                connection.until_the_client_leaves().await;
            }
            Reply::Endless(bytes) => {
                connection.write(&bytes).await?;
                let chunk = [b"1000\r\n", [b' '; 0x1000].as_slice(), b"\r\n"].concat();
                loop {
                    connection.write(&chunk).await?;
                }
            }
            Reply::When(..) => {}
        }
    }
    Ok(())
}

/// One connection of a client.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// Heads read so far: more than one means that the client has used the connection again.
    pub(crate) requests: usize,
}

/// A request without its body.
pub(crate) struct Head {
    /// Request line and headers, with `\n` line ends.
    pub(crate) text: String,
    pub(crate) body_bytes: usize,
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream, requests: 0 }
    }

    /// Reads up to the end of a head and not a byte further. `None` when the client has gone.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        let mut head = Vec::new();
        let mut ahead = vec![0; 8192];
        while !head.ends_with(b"\r\n\r\n") {
            let waiting = self.stream.peek(&mut ahead).await?;
            if waiting == 0 {
                return Ok(None);
            }
            let before = head.len();
            head.extend_from_slice(&ahead[..waiting]);
            let from = before.saturating_sub(3);
            let end = head[from..].windows(4).position(|window| window == b"\r\n\r\n");
            head.truncate(end.map_or(head.len(), |end| from + end + 4));
            self.stream.read_exact(&mut ahead[..head.len() - before]).await?;
        }
        self.requests += 1;
        Ok(Some(Head::new(&String::from_utf8_lossy(&head))))
    }

    /// The next bytes, as many as that.
    pub(crate) async fn body(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; bytes];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub(crate) async fn until_the_client_leaves(&mut self) {
        while matches!(self.stream.read(&mut [0; 512]).await, Ok(1..)) {}
    }
}

impl Head {
    fn new(text: &str) -> Self {
        let mut head = Self {
            text: text.trim_end().replace("\r\n", "\n"),
            body_bytes: 0,
        };
        let length = head.header("content-length").and_then(|bytes| bytes.parse().ok());
        head.body_bytes = length.unwrap_or(0);
        head
    }

    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.text.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

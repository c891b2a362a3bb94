//! An upstream that is written byte by byte: it records what arrives and answers what a test says, however broken.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use url::Url;

use super::{Client, Credential, RetryPolicy, Settings};

/// The key that must not show up anywhere but in the `Authorization` header.
pub(super) const KEY: &str = "llx-canary-0123456789";

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Which connection brought it, counted from 1.
    pub(super) connection: usize,
    /// Request line and headers, with `\n` line ends.
    pub(super) head: String,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn is_post(&self) -> bool {
        self.head.starts_with("POST ")
    }
}

/// What the server does with a request.
pub(super) enum Act {
    /// Writes these bytes and keeps the connection.
    Reply(Vec<u8>),
    /// Writes these bytes and closes the connection.
    Close(Vec<u8>),
    /// Writes these bytes, then more and more of a chunked body.
    Endless(Vec<u8>),
    /// Writes these bytes and then nothing.
    Hang(Vec<u8>),
    /// Waits, then does the other.
    After(Duration, Box<Self>),
}

/// An answer with a body and its length. `head` is the status line's end, with further headers on lines of their own.
pub(super) fn reply(head: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let head = head.replace('\n', "\r\n");
    Act::Reply(
        [
            format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(),
            body,
        ]
        .concat(),
    )
}

type Handler = Box<dyn FnMut(usize, &Seen) -> Act + Send>;

/// Listens on loopback until dropped.
pub(super) struct TestServer {
    pub(super) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl TestServer {
    /// Starts it. The handler gets each request with its number, counted from 1.
    pub(super) async fn start(handler: impl FnMut(usize, &Seen) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let handler: Arc<Mutex<Handler>> = Arc::new(Mutex::new(Box::new(handler)));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                let number = connections.len() + 1;
                connections.spawn(async move { serve(stream, number, &log, &handler).await });
            }
        });
        Self { port, seen, task }
    }

    /// Settings for it: waits of milliseconds, and timeouts that only a test which is about them reaches.
    pub(super) fn settings(&self) -> Settings {
        let key = Credential::Key(KEY.into());
        Settings {
            connect_timeout: Duration::from_secs(2),
            max_body_bytes: 64 * 1024,
            user_agent: "tests/1".to_owned(),
            retry: RetryPolicy {
                min_delay: Duration::from_millis(1),
                max_delay: Duration::from_millis(2),
                max_attempts: 3,
            },
            ..Settings::new(Url::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap(), key)
        }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.settings())
    }

    /// Everything that arrived so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until that many requests have arrived.
    pub(super) async fn has_seen(&self, count: usize) {
        while self.seen().len() < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, connection: usize, log: &Mutex<Vec<Seen>>, handler: &Mutex<Handler>) {
    let mut unread = Vec::new();
    let endless_chunk = [b"1000\r\n", [b' '; 4096].as_slice(), b"\r\n"].concat();
    while let Some(request) = next_request(&mut stream, &mut unread, connection).await {
        let mut act = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            (handler.lock().unwrap())(log.len(), &request)
        };
        while let Act::After(delay, next) = act {
            tokio::time::sleep(delay).await;
            act = *next;
        }
        let (Act::Reply(bytes) | Act::Close(bytes) | Act::Endless(bytes) | Act::Hang(bytes)) = &act else {
            return;
        };
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        match act {
            Act::Reply(_) => {}
            Act::Endless(_) => while stream.write_all(&endless_chunk).await.is_ok() {},
            Act::Hang(_) => pending().await,
            Act::Close(_) | Act::After(..) => return,
        }
    }
}

async fn next_request(stream: &mut TcpStream, unread: &mut Vec<u8>, connection: usize) -> Option<Seen> {
    let end = loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(unread.drain(..end + 4).collect())
        .unwrap()
        .replace("\r\n", "\n");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    while unread.len() < length {
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(unread.drain(..length).collect()).unwrap();
    Some(Seen {
        connection,
        head: head.trim_end().to_owned(),
        body,
    })
}

//! An HTTP server that answers what a test says, byte for byte, and counts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A fake API. The last reply is repeated.
pub(crate) struct Upstream {
    base_url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    /// Request lines in order of arrival. Shape: `GET /api/v2/batches HTTP/1.1`.
    lines: Mutex<Vec<String>>,
    arrived: Notify,
    released: Notify,
}

/// What is done with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// The same, once [`Upstream::release`] says so.
    Held(Vec<u8>),
    /// Nothing, until the client goes away.
    Silence,
    /// A body without end, until the client goes away.
    Endless,
}

impl Reply {
    /// A whole answer with a JSON body and further header lines.
    pub(crate) fn json(status: &str, headers: &str, body: &str) -> Self {
        Self::Bytes(response(
            status,
            &format!("content-type: application/json\r\n{headers}"),
            body,
        ))
    }

    /// The answer to a `GET` of a batch that is RUNNING.
    pub(crate) fn running() -> Self {
        Self::json("200 OK", "", r#"{"id":"bat-1","status":"RUNNING"}"#)
    }

    /// The same answer, held back.
    pub(crate) fn held(self) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Held(bytes),
            other => other,
        }
    }
}

/// Status line, headers and body as bytes, with the length of the body.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Upstream {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            ..Shared::default()
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&shared)));
                }
            }
        });
        Self {
            base_url,
            shared,
            accepting,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared.lines.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn arrived(&self, count: usize) {
        let arriving = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if self.lines().len() >= count {
                    return;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(super::PATIENCE, arriving)
            .await
            .expect("the request did not come");
    }

    /// Lets one held reply go.
    pub(crate) fn release(&self) {
        self.shared.released.notify_one();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves one connection: one request.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(line) = read_request(&mut stream).await else {
        return;
    };
    let reply = {
        let mut replies = shared.replies.lock().unwrap();
        if replies.len() > 1 {
            replies.pop_front()
        } else {
            replies.front().cloned()
        }
    };
    shared.lines.lock().unwrap().push(line);
    shared.arrived.notify_waiters();
    match reply.unwrap() {
        Reply::Bytes(bytes) => drop(stream.write_all(&bytes).await),
        Reply::Held(bytes) => {
            shared.released.notified().await;
            drop(stream.write_all(&bytes).await);
        }
        Reply::Silence => drop(stream.read(&mut [0]).await),
        Reply::Endless => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
            let blanks = vec![b' '; 64 * 1024];
            let mut more = stream.write_all(head).await;
            while more.is_ok() {
                more = stream.write_all(&blanks).await;
            }
        }
    }
}

/// Reads a request to its end; its first line.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next()?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return String::from_utf8(bytes).ok()?.lines().next().map(str::to_owned);
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}

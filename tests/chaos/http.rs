//! What the fault server sends, and what it looks for in a request, over the connection of all suites.

use std::fmt::Write as _;
use std::io;
use std::ops::{Deref, DerefMut};

use tokio::net::TcpStream;
use url::Url;

#[path = "../support/http.rs"]
#[expect(
    dead_code,
    reason = "faults strike within requests, so that the server of whole requests is not used"
)]
mod bytes;

/// One connection of a client.
pub(crate) struct Connection(bytes::Connection);

/// A request without its body.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: Url,
    pub(crate) body_bytes: usize,
    /// The API key, which tells one process from another.
    pub(crate) key: String,
    /// Whether the client offered to go on in HTTP/2, or did.
    pub(crate) http2: bool,
}

/// What is sent back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    pub(crate) fn error(status: u16) -> Self {
        Self::json(status, &serde_json::json!({ "detail": format!("fault {status}") }))
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut headers = "content-type: application/json\r\n".to_owned();
        for (name, value) in &self.headers {
            let _ = write!(headers, "{name}: {value}\r\n");
        }
        bytes::response(&format!("{} Fault", self.status), &headers, &self.body)
    }
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self(bytes::Connection::new(stream))
    }

    /// Whether a request has begun to arrive and is a POST. Nothing is read.
    pub(crate) async fn brings_a_post(&self) -> bool {
        let mut start = [0; 4];
        matches!(self.stream.peek(&mut start).await, Ok(4)) && &start == b"POST"
    }

    /// The next head, with what the cells look at. `None` when the client has gone.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        Ok(self.0.head().await?.as_ref().map(Head::from))
    }

    pub(crate) async fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.write(&answer.bytes()).await
    }

    /// Sends all of the head and half of the body.
    pub(crate) async fn half_an_answer(&mut self, answer: &Answer) -> io::Result<()> {
        let bytes = answer.bytes();
        self.write(&bytes[..bytes.len() - answer.body.len() / 2]).await
    }

    /// Ends the connection so that the client sees a reset, whatever was read or written.
    pub(crate) fn reset(self) {
        drop(self.stream.set_zero_linger());
    }
}

impl Deref for Connection {
    type Target = bytes::Connection;

    fn deref(&self) -> &bytes::Connection {
        &self.0
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut bytes::Connection {
        &mut self.0
    }
}

impl From<&bytes::Head> for Head {
    fn from(head: &bytes::Head) -> Self {
        let mut words = head
            .text
            .lines()
            .next()
            .unwrap_or_default()
            .split(' ')
            .map(str::to_owned);
        let method = words.next().unwrap_or_default();
        let base: Url = "http://api/".parse().unwrap();
        Self {
            http2: method == "PRI" || head.header("upgrade").is_some() || head.header("http2-settings").is_some(),
            target: base.join(&words.next().unwrap_or_default()).unwrap_or(base),
            body_bytes: head.body_bytes,
            key: head.header("authorization").unwrap_or_default().replace("Bearer ", ""),
            method,
        }
    }
}

//! HTTP/1.1 by hand, so that a request can be left half read and an answer half written.

use std::fmt::Write as _;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// One connection of a client.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Requests read so far: more than one means that the client has used the connection again.
    pub(crate) requests: usize,
}

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
        let mut head = format!("HTTP/1.1 {} Fault\r\ncontent-type: application/json\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n{}", self.body.len(), self.body);
        head.into_bytes()
    }
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream, requests: 0 }
    }

    /// Whether a request has begun to arrive and is a POST. Nothing is read.
    pub(crate) async fn brings_a_post(&self) -> bool {
        let mut start = [0; 4];
        matches!(self.stream.peek(&mut start).await, Ok(4)) && &start == b"POST"
    }

    /// Reads up to the end of a head and not a byte further. `None` when the client has gone.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        let mut head = Vec::new();
        let mut ahead = vec![0; 8192];
        while !head.ends_with(b"\r\n\r\n") {
            let seen = self.stream.peek(&mut ahead).await?;
            if seen == 0 {
                return Ok(None);
            }
            let before = head.len();
            head.extend_from_slice(&ahead[..seen]);
            let from = before.saturating_sub(3);
            let end = head[from..].windows(4).position(|window| window == b"\r\n\r\n");
            head.truncate(end.map_or(head.len(), |end| from + end + 4));
            self.stream.read_exact(&mut ahead[..head.len() - before]).await?;
        }
        self.requests += 1;
        Ok(Some(Head::parse(&String::from_utf8_lossy(&head))))
    }

    pub(crate) async fn body(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; bytes];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }

    pub(crate) async fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.stream.write_all(&answer.bytes()).await
    }

    /// Sends all of the head and half of the body.
    pub(crate) async fn half_an_answer(&mut self, answer: &Answer) -> io::Result<()> {
        let bytes = answer.bytes();
        self.stream
            .write_all(&bytes[..bytes.len() - answer.body.len() / 2])
            .await
    }

    /// Ends the connection so that the client sees a reset, whatever was read or written.
    pub(crate) fn reset(self) {
        drop(self.stream.set_zero_linger());
    }

    pub(crate) async fn until_the_client_leaves(&mut self) {
        while matches!(self.stream.read(&mut [0; 512]).await, Ok(1..)) {}
    }
}

impl Head {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let header = |wanted: &str| {
            let mut headers = text.lines().skip(1).filter_map(|line| line.split_once(':'));
            let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().to_owned())
        };
        let base: Url = "http://api/".parse().unwrap();
        Self {
            http2: method == "PRI" || header("upgrade").is_some() || header("http2-settings").is_some(),
            target: base.join(&target).unwrap_or(base),
            body_bytes: header("content-length")
                .and_then(|bytes| bytes.parse().ok())
                .unwrap_or(0),
            key: header("authorization").unwrap_or_default().replace("Bearer ", ""),
            method,
        }
    }
}

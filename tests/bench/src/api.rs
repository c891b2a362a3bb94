//! A stand-in for LlamaCloud: HTTP/1.1 on loopback, connections kept alive, fixed answers, on a thread of its own.
//!
//! It answers what the measured calls ask for and nothing else, as fast as it can, so that little of what is measured is its own.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bodies;
use crate::stored::Stored;

/// So much of a body is kept; a form has its texts before its file. Units: bytes.
const KEPT_BYTES: usize = 4096;
/// So much of it is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// The API. It lives as long as the program.
pub(crate) struct Api {
    pub(crate) base_url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    requests: AtomicU64,
    connections: AtomicU64,
    /// Of all bodies that came with requests.
    bytes: AtomicU64,
    stored: Stored,
}

impl Api {
    /// Starts one whose thread uses the cores that the calling thread uses now.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("nothing can listen on loopback")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::default());
        let sharing = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("api".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(accept(listener, sharing)) {
                eprintln!("bench: the API on loopback ended: {error}");
            }
        })?;
        Ok(Self { base_url, shared })
    }

    /// How many requests it has answered.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many bytes the bodies of requests had.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Forgets everything that was created.
    pub(crate) fn forget(&self) {
        self.shared.stored.forget();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let fixed: Arc<[u8]> = response("200 OK", &bodies::batch()).into();
    loop {
        let (stream, _) = listener.accept().await?;
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let (fixed, shared) = (Arc::clone(&fixed), Arc::clone(&shared));
        tokio::spawn(async move {
            // A server that is killed tears its connections.
            serve(stream, &fixed, &shared).await.ok();
        });
    }
}

/// Answers the requests of one connection, one after the other.
async fn serve(mut stream: TcpStream, fixed: &[u8], shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        bytes.drain(..end + 4);
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let body = if method == "POST" {
            read_body(&mut stream, &mut bytes, length(&head), shared).await?
        } else {
            Vec::new()
        };
        shared.requests.fetch_add(1, Ordering::Relaxed);
        if target.split('?').next() == Some(bodies::FIXED_TARGET) {
            stream.write_all(fixed).await?;
            continue;
        }
        let answer = shared.stored.answer(method, target, &body);
        let answer = answer.or_else(|| (method == "GET").then(|| bodies::of(target)).flatten());
        let response = match answer {
            Some(body) => response("200 OK", &body),
            None => response("404 Not Found", r#"{"detail":"Not found"}"#),
        };
        stream.write_all(&response).await?;
    }
}

/// How long the body is that comes after this head.
fn length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.trim().parse().ok());
    length.unwrap_or(0)
}

/// Reads a body of this length to its end, and keeps its beginning. `bytes` is what was read already.
async fn read_body(stream: &mut TcpStream, bytes: &mut Vec<u8>, length: usize, shared: &Shared) -> io::Result<Vec<u8>> {
    let mut kept: Vec<u8> = bytes.drain(..length.min(bytes.len())).collect();
    let mut left = length - kept.len();
    if left > 0 {
        bytes.reserve(left.min(READ_BYTES));
    }
    while left > 0 {
        let read = stream.take(left as u64).read_buf(bytes).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read;
        kept.extend(bytes.iter().take(KEPT_BYTES.saturating_sub(kept.len())));
        bytes.clear();
    }
    shared.bytes.fetch_add(length as u64, Ordering::Relaxed);
    Ok(kept)
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ndate: Tue, 24 Nov 2026 10:00:00 GMT\r\nserver: uvicorn\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

//! A stand-in for LlamaCloud: HTTP/1.1 on loopback, connections kept alive, fixed answers, on a thread of its own.
//!
//! It answers what `get_batch` asks for and nothing else, as fast as it can, so that little of what is measured is its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bodies;

/// The API. It lives as long as the program.
pub(crate) struct Api {
    pub(crate) base_url: String,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    connections: AtomicU64,
}

impl Api {
    /// Starts one whose thread uses the cores that the calling thread uses now.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("nothing can listen on loopback")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let counters = Arc::new(Counters::default());
        let counting = Arc::clone(&counters);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("api".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(accept(listener, counting)) {
                eprintln!("bench: the API on loopback ended: {error}");
            }
        })?;
        Ok(Self { base_url, counters })
    }

    /// How many requests it has answered.
    pub(crate) fn requests(&self) -> u64 {
        self.counters.requests.load(Ordering::Relaxed)
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> u64 {
        self.counters.connections.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, counters: Arc<Counters>) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let fixed: Arc<[u8]> = response("200 OK", &bodies::batch()).into();
    loop {
        let (stream, _) = listener.accept().await?;
        counters.connections.fetch_add(1, Ordering::Relaxed);
        let (fixed, counters) = (Arc::clone(&fixed), Arc::clone(&counters));
        tokio::spawn(async move {
            // A server that is killed tears its connections.
            serve(stream, &fixed, &counters.requests).await.ok();
        });
    }
}

/// Answers the requests of one connection, one after the other.
async fn serve(mut stream: TcpStream, fixed: &[u8], requests: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head = bytes.get(..end).unwrap_or_default();
        let target = target(head);
        requests.fetch_add(1, Ordering::Relaxed);
        if target.split('?').next() == Some(bodies::FIXED_TARGET) {
            stream.write_all(fixed).await?;
        } else {
            let response = match bodies::of(&target) {
                Some(body) => response("200 OK", &body),
                None => response("404 Not Found", r#"{"detail":"Not found"}"#),
            };
            stream.write_all(&response).await?;
        }
        bytes.drain(..end + 4);
    }
}

/// What a request asks for: path and query of a GET.
fn target(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let mut words = head.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) => target.to_owned(),
        _ => String::new(),
    }
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ndate: Tue, 24 Nov 2026 10:00:00 GMT\r\nserver: uvicorn\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

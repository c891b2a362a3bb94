//! An API on loopback that answers at once: sensibly, or what it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The fake API. It lives as long as its runtime.
pub(crate) struct Api {
    pub(crate) base_url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// What is answered, whatever is asked; the last one stays. Sensible answers if there is none.
    told: VecDeque<Vec<u8>>,
    /// Request lines since they were last asked for. Shape: `GET /api/v2/batches HTTP/1.1`.
    seen: Vec<String>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Mutex<Shared>>::default();
        tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&shared)));
                }
            }
        });
        Self { base_url, shared }
    }

    /// Answers with these bytes from now on, one after the other; with none, sensibly.
    pub(crate) fn tell(&self, answers: impl IntoIterator<Item = Vec<u8>>) {
        lock(&self.shared).told = answers.into_iter().collect();
    }

    /// What was asked since the last time. Nothing but the known paths of the API, and not too often.
    pub(crate) fn take_seen(&self) -> Vec<String> {
        let seen = std::mem::take(&mut lock(&self.shared).seen);
        assert!(seen.len() < 1000, "{} requests", seen.len());
        for line in &seen {
            assert!(is_known(line), "{line}");
        }
        seen
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer on the wire.
pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Serves one connection. After an answer that was told, it ends, since nobody knows where that answer ends.
async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = request_end(&bytes) else {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
                _ => return,
            }
            continue;
        };
        let request: Vec<u8> = bytes.drain(..end).collect();
        let line = String::from_utf8_lossy(&request)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let (answer, told) = {
            let mut shared = lock(&shared);
            shared.seen.push(line.clone());
            if shared.told.len() > 1 {
                (shared.told.pop_front().unwrap(), true)
            } else {
                match shared.told.front() {
                    Some(told) => (told.clone(), true),
                    None => (sensible(&line, &request), false),
                }
            }
        };
        if stream.write_all(&answer).await.is_err() || told {
            return;
        }
    }
}

/// Where the first request in these bytes ends.
fn request_end(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let end = head + length.unwrap_or(0);
    (bytes.len() >= end).then_some(end)
}

/// Whether this is a request that the program may make, whatever it was asked for.
fn is_known(line: &str) -> bool {
    let Some(target) = line
        .strip_suffix(" HTTP/1.1")
        .and_then(|line| line.split_once(' '))
        .map(|(_, target)| target)
    else {
        return false;
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_id = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let known = match segments.as_slice() {
        ["api", "v2", "batches" | "parse" | "extract"] | ["api", "v1", "beta", "configurations" | "directories"] => {
            true
        }
        ["api", "v2", "batches" | "parse" | "extract", id]
        | ["api", "v2", "batches", id, "cancel"]
        | ["api", "v1", "beta", "configurations" | "directories", id]
        | ["api", "v1", "beta", "directories", id, "files"] => is_id(id),
        _ => false,
    };
    known && query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn sensible(line: &str, request: &[u8]) -> Vec<u8> {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        ("POST", "/api/v2/batches") => ("201 Created", created(request)),
        ("GET", "/api/v2/batches") => ("200 OK", json!({ "items": [batch("bat-1"), batch("bat-2")] })),
        ("GET", "/api/v2/parse" | "/api/v2/extract") => (
            "200 OK",
            json!({ "items": [{ "id": "pjb-1", "status": "FAILED", "error_message": "The document is encrypted." }] }),
        ),
        ("GET", _) if path.ends_with("/files") => (
            "200 OK",
            json!({ "items": (1..=9).map(|number| json!({ "id": format!("dfl-{number}"), "display_name": "a.pdf" })).collect::<Vec<_>>() }),
        ),
        ("GET", "/api/v1/beta/directories") => ("200 OK", json!({ "items": [{ "id": "dir-1", "name": "a" }] })),
        ("GET", "/api/v1/beta/configurations") => (
            "200 OK",
            json!({ "items": [{ "id": "cfg-1", "name": "a", "product_type": "parse_v2", "parameters": { "tier": "fast" } }] }),
        ),
        ("GET", _) if path.starts_with("/api/v1/beta/directories/") => {
            ("200 OK", json!({ "id": "dir-1", "name": "a" }))
        }
        (_, _) if path.contains("bat-none") => ("404 Not Found", json!({ "detail": "Batch not found" })),
        _ => match path.trim_end_matches("/cancel").strip_prefix("/api/v2/batches/") {
            Some(id) => ("200 OK", batch(id)),
            None => ("404 Not Found", json!({ "detail": "Not Found" })),
        },
    };
    let body = body.to_string();
    response(status, "content-type: application/json\r\n", body.as_bytes())
}

/// The batch that a request asks for.
fn created(request: &[u8]) -> Value {
    let body = request
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map_or(0, |at| at + 4);
    let asked: Value = serde_json::from_slice(&request[body..]).unwrap_or_default();
    let mut batch = batch("bat-new");
    for member in ["source_directory_id", "config"] {
        batch[member] = asked[member].clone();
    }
    batch
}

/// A batch. Its id says how it stands, and it always has results.
pub(crate) fn batch(id: &str) -> Value {
    let status = match id.len() % 4 {
        0 => "RUNNING",
        1 => "COMPLETED",
        2 => "THROTTLED",
        _ => "PENDING",
    };
    let result = |number: usize| {
        json!({
            "source_directory_file_id": format!("dfl-{number}"),
            "job_reference": { "type": "parse_v2", "id": format!("pjb-{number}") },
        })
    };
    json!({
        "id": id,
        "project_id": "prj-1",
        "source_directory_id": "dir-1",
        "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" } },
        "status": status,
        "created_at": "2026-11-24T08:00:00Z",
        "updated_at": "2026-11-24T09:00:00Z",
        "results": (1..=if id.len() > 7 { 300 } else { 9 }).map(result).collect::<Vec<_>>(),
    })
}

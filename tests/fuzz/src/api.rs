//! An API on loopback that answers at once: sensibly, or what it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::http::{HttpServer, Reply, Seen};

pub(crate) use super::http::response;

/// The fake API. It lives as long as its runtime.
pub(crate) struct Api {
    pub(crate) base_url: String,
    server: HttpServer,
    /// The answers that are given, whatever is asked; the last one is repeated. If there are none, the answers are sensible.
    told: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let told = Arc::<Mutex<VecDeque<Vec<u8>>>>::default();
        let answers = Arc::clone(&told);
        let server = HttpServer::start(move |_, request| {
            let mut answers = lock(&answers);
            let answer = match answers.len() {
                0 | 1 => answers.front().cloned(),
                _ => answers.pop_front(),
            };
            // A prescribed answer may not say where it ends, so the connection is closed after it.
            answer.map_or_else(|| Reply::Keep(sensible(request)), Reply::Close)
        })
        .await;
        Self {
            base_url: server.base_url(),
            server,
            told,
        }
    }

    /// Answers with these bytes from now on, one after the other; with none, sensibly.
    pub(crate) fn tell(&self, answers: impl IntoIterator<Item = Vec<u8>>) {
        *lock(&self.told) = answers.into_iter().collect();
    }

    /// The request lines since the last time. Fails for a request that the program may not make, and for 1,000 requests or more.
    pub(crate) fn take_seen(&self) -> Vec<String> {
        let seen = self.server.take_seen();
        assert!(seen.len() < 1000, "{} requests", seen.len());
        let lines: Vec<_> = seen.iter().map(|seen| seen.line().to_owned()).collect();
        for line in &lines {
            assert!(is_known(line), "{line}");
        }
        lines
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

fn sensible(request: &Seen) -> Vec<u8> {
    let mut words = request.line().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        ("POST", "/api/v2/batches") => ("201 Created", created(&request.body)),
        ("GET", "/api/v2/batches") => ("200 OK", json!({ "items": [batch("bat-1"), batch("bat-2")] })),
        ("GET", "/api/v2/parse" | "/api/v2/extract") => (
            "200 OK",
            json!({ "items": [{ "id": "pjb-1", "status": "FAILED", "error_message": "The document is encrypted." }] }),
        ),
        ("GET", _) if path.starts_with("/api/v2/parse/") => (
            "200 OK",
            json!({
                "job": { "id": "pjb-1", "status": "COMPLETED", "name": "a.pdf" },
                "markdown": { "pages": [{ "page_number": 1, "success": true, "markdown": "# Total\n\n12.50 EUR" }] },
            }),
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
    response(status, "content-type: application/json\r\n", body)
}

/// The batch that a request asks for.
fn created(body: &str) -> Value {
    let asked: Value = serde_json::from_str(body).unwrap_or_default();
    let mut batch = batch("bat-new");
    for member in ["source_directory_id", "config"] {
        batch[member] = asked[member].clone();
    }
    batch
}

/// A batch. The length of its id decides its status, and it always has results.
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

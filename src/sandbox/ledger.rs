//! The requests to the sandbox, for tests that count them. It affects nothing.

use std::collections::BTreeMap;

use serde_json::Value;

/// Beyond this many, requests are only counted: a sandbox left running must not grow.
const KEPT: usize = 10_000;

/// What the sandbox has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Requests by method and path template.
    ///
    /// Shape: `"GET /api/v2/batches/{batch_id}"` → 3. Unknown paths are counted under `"unknown"`.
    pub requests: BTreeMap<String, usize>,
    /// Method and target of each request in order of arrival, the first 10,000.
    ///
    /// Shape: `"GET /api/v2/batches/bat-…?expand=results"`.
    pub lines: Vec<String>,
    /// The JSON bodies of `POST /api/v2/batches` in order of arrival, refused ones included, the first 10,000.
    pub bodies: Vec<Value>,
    /// Batches that exist, each of which would cost money.
    pub batches: usize,
}

impl Ledger {
    /// How often an operation was requested. Shape of `template`: `"POST /api/v2/batches"`.
    pub fn count(&self, template: &str) -> usize {
        self.requests.get(template).copied().unwrap_or_default()
    }

    /// All requests, whatever they asked for.
    pub fn total(&self) -> usize {
        self.requests.values().sum()
    }

    pub(super) fn note(&mut self, template: &str, line: String) {
        *self.requests.entry(template.to_owned()).or_default() += 1;
        if self.lines.len() < KEPT {
            self.lines.push(line);
        }
    }

    pub(super) fn note_body(&mut self, body: &[u8]) {
        if self.bodies.len() < KEPT
            && let Ok(value) = serde_json::from_slice(body)
        {
            self.bodies.push(value);
        }
    }
}

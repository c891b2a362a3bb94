//! A client that only calls tools, over the harness. What is said on the wire is the harness's matter.

use std::ops::{Deref, DerefMut};

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::Speed;
use serde_json::{Value, json};

use super::harness::{Harness, Setup, flags};

/// A server with a sandbox of its own. Ends with [`Session::end`].
pub(crate) struct Session(Harness);

impl Session {
    /// `max_result_chars` as on the command line.
    pub(crate) async fn start(speed: Speed, faults: &'static str, max_result_chars: usize) -> Self {
        let setup = Setup {
            flags: flags(&["--max-result-chars", &max_result_chars.to_string()]),
            speed,
            faults,
            ..Setup::default()
        };
        Self(setup.open(Revision::V2025_06_18).await)
    }

    /// The result of a tool call, or the text of its error.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let said = self.0.call(tool, arguments).await;
        if said.is_error { Err(said.text) } else { Ok(said.json()) }
    }

    /// Creates a batch and gives its id.
    pub(crate) async fn create(&mut self, directory: &str, job_type: &str, configuration: &str) -> String {
        let arguments = json!({
            "source_directory_id": directory,
            "allow_duplicate": true,
            "config": { "job": { "type": job_type, "configuration_id": configuration } },
        });
        let batch = self.call("create_batch", arguments).await.unwrap();
        batch["id"].as_str().unwrap().to_owned()
    }

    /// The first page of what became of a batch's files.
    pub(crate) async fn outcomes(&mut self, batch_id: &str) -> Value {
        let arguments = json!({ "batch_id": batch_id, "expand": ["outcomes"] });
        self.call("get_batch", arguments).await.unwrap()
    }

    /// Every page of a batch's files, as the calls one after the other bring them.
    pub(crate) async fn pages(&mut self, batch_id: &str, expand: &str) -> Vec<Value> {
        let first = json!({ "batch_id": batch_id, "expand": [expand] });
        let mut pages = vec![self.call("get_batch", first).await.unwrap()];
        while let Some(cursor) = pages.last().and_then(|page| page["next_results_cursor"].as_str()) {
            let arguments = json!({ "batch_id": batch_id, "results_cursor": cursor });
            let page = self.call("get_batch", arguments).await.unwrap();
            pages.push(page);
        }
        pages
    }

    /// Ends the session. What it costs is counted call by call in these tests, not in the end.
    pub(crate) async fn end(self) {
        self.0.end().await;
    }
}

impl Deref for Session {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.0
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Harness {
        &mut self.0
    }
}

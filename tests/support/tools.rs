//! Calls of tools, as tests and examples make them over whatever client they have.

use serde_json::{Value, json};

/// A client that calls tools.
pub(crate) trait Tools {
    /// The result of a tool call, or the text of its error.
    async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String>;

    /// Creates a batch and gives its id.
    async fn create(&mut self, directory: &str, job_type: &str, configuration: &str) -> String {
        let arguments = json!({
            "source_directory_id": directory,
            "allow_duplicate": true,
            "config": { "job": { "type": job_type, "configuration_id": configuration } },
        });
        let batch = self.call("create_batch", arguments).await.unwrap();
        batch["id"].as_str().unwrap().to_owned()
    }

    /// The first page of how a batch's files ended.
    async fn outcomes(&mut self, batch_id: &str) -> Value {
        let arguments = json!({ "batch_id": batch_id, "expand": ["outcomes"] });
        self.call("get_batch", arguments).await.unwrap()
    }

    /// Every page of a batch's files, as the calls one after the other bring them.
    async fn pages(&mut self, batch_id: &str, expand: &str) -> Vec<Value> {
        let first = json!({ "batch_id": batch_id, "expand": [expand] });
        let mut pages = vec![self.call("get_batch", first).await.unwrap()];
        while let Some(cursor) = pages.last().and_then(|page| page["next_results_cursor"].as_str()) {
            let arguments = json!({ "batch_id": batch_id, "results_cursor": cursor });
            let page = self.call("get_batch", arguments).await.unwrap();
            pages.push(page);
        }
        pages
    }
}

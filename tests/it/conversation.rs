//! Whole conversations: what a user asks for, in as few calls and characters as it takes.

use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::harness::{Harness, Setup};
use llamacloud_batches_mcp::sandbox::Speed;

/// Counts what a model spends.
struct Conversation {
    harness: Harness,
    calls: usize,
    characters: usize,
}

impl Conversation {
    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.calls += 1;
        self.characters += arguments.to_string().chars().count();
        let said = self.harness.call(tool, arguments).await;
        self.characters += said.text.chars().count();
        said.json()
    }
}

/// "Parse my mixed scans, tell me what failed, say what the others are about, and try the failed ones again."
#[tokio::test]
async fn parse_my_scans_say_what_failed_read_the_others_and_retry() {
    let setup = Setup {
        speed: Speed::Steps,
        ..Setup::default()
    };
    let mut talk = Conversation {
        harness: setup.open(Revision::V2025_06_18).await,
        calls: 0,
        characters: 0,
    };
    let found = talk.call("list_directories", json!({ "name": "scans" })).await;
    let directory = &found["directories"][0];
    assert_eq!(
        (
            directory["name"].as_str(),
            found["directories"].as_array().unwrap().len()
        ),
        (Some("Mixed scans"), 1)
    );
    let configurations = talk
        .call("list_configurations", json!({ "job_type": "parse_v2" }))
        .await;
    let configuration = &configurations["configurations"][0];
    assert_eq!(configuration["built_in"], json!(true));
    let job = json!({ "type": configuration["job_type"], "configuration_id": configuration["id"] });
    let batch = talk
        .call(
            "create_batch",
            json!({ "source_directory_id": directory["id"], "config": { "job": job }, "wait_seconds": 50 }),
        )
        .await;
    assert_eq!((&batch["created"], &batch["final"]), (&json!(true), &json!(true)));
    let problems = talk
        .call("get_batch", json!({ "batch_id": batch["id"], "expand": ["problems"] }))
        .await;
    let failed = problems["results"].as_array().unwrap();
    assert_eq!(failed.len(), 8, "{problems}");
    assert!(failed.iter().all(|file| file["name"].is_string()), "{problems}");
    let first_half = (talk.calls, talk.characters, talk.harness.ledger().total());
    assert!(first_half <= (4, 7000, 16), "{first_half:?}");
    let outcomes = talk
        .call("get_batch", json!({ "batch_id": batch["id"], "expand": ["outcomes"] }))
        .await;
    let read = outcomes["results"].as_array().unwrap();
    let read = read.iter().find(|file| file["status"] == "COMPLETED").unwrap();
    let text = talk
        .call("read_result", json!({ "batch_id": batch["id"], "file": read["name"] }))
        .await;
    assert_eq!(
        (&text["file"]["name"], &text["format"]),
        (&read["name"], &json!("markdown"))
    );
    assert!(!text["text"].as_str().unwrap().is_empty());
    let again = talk
        .call(
            "retry_failed_files",
            json!({ "batch_id": batch["id"], "wait_seconds": 50 }),
        )
        .await;
    assert_eq!(
        (&again["retry_of"], &again["final"]),
        (&batch["id"], &json!(true)),
        "{again}"
    );
    assert_eq!(again["created"], json!(true));
    let Conversation {
        harness,
        calls,
        characters,
    } = talk;
    assert_eq!(calls, 7);
    assert!((6_000..20_000).contains(&characters), "{characters} characters");
    let hits = harness.ledger().total();
    assert!(hits <= 60, "{hits} requests: {:#?}", harness.ledger().lines);
    harness.close(hits).await;
}

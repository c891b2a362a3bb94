//! The same calls in every revision: what a tool says is the same to the byte, whatever the envelope is.

use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::corpora::fuzzed::api::{Api, response};
use super::harness::peer::Said;
use super::harness::{Setup, flags};

/// What is called, good and bad, of an API that behaves.
fn calls() -> Vec<(&'static str, Value)> {
    let create = |job: Value, more: Value| {
        let mut arguments = json!({ "source_directory_id": "dir-1", "config": { "job": job } });
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        ("create_batch", arguments)
    };
    let parse = json!({ "type": "parse_v2", "configuration_id": "cfg-1" });
    let preset = json!({ "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" });
    let foreign = json!({ "type": "extract_v2", "configuration_id": "cfg-PARSE_AGENTIC" });
    vec![
        ("list_batches", json!({})),
        (
            "list_batches",
            json!({ "page_size": 1, "status": "RUNNING", "created_at_on_or_after": "2026-11-24" }),
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-24", "created_at_on_or_before": "2026-11-23" }),
        ),
        (
            "list_batches",
            json!({ "page_size": 0, "status": "running", "page_tokens": 7 }),
        ),
        create(parse.clone(), json!({})),
        create(parse.clone(), json!({})),
        create(parse, json!({ "allow_duplicate": true, "wait_seconds": 1 })),
        create(preset, json!({})),
        create(foreign, json!({})),
        ("create_batch", json!({})),
        ("get_batch", json!({ "batch_id": "bat-1" })),
        ("get_batch", json!({ "batch_id": "bat-1", "wait_seconds": 300 })),
        ("get_batch", json!({ "batch_id": "bat-11", "wait_seconds": 1 })),
        ("get_batch", json!({ "batch_id": "bat-1", "expand": ["results"] })),
        ("get_batch", json!({ "batch_id": "bat-1", "expand": ["outcomes"] })),
        ("get_batch", json!({ "batch_id": "bat-111111", "expand": ["outcomes"] })),
        ("get_batch", json!({ "batch_id": "bat-1", "results_cursor": "AAAA" })),
        ("get_batch", json!({ "batch_id": "bat-none" })),
        (
            "get_batch",
            json!({ "batch_id": "../bat", "expand": "outcomes", "project_id": "" }),
        ),
        ("cancel_batch", json!({ "batch_id": "bat-11" })),
        ("cancel_batch", json!({ "batch_id": "bat-none" })),
    ]
}

/// What an API says that does not behave.
fn bad_answers() -> Vec<Vec<u8>> {
    let refusal = |status, body: &str| response(status, "content-type: application/json\r\n", body.as_bytes());
    vec![
        refusal("400 Bad Request", r#"{"detail":"no"}"#),
        refusal("401 Unauthorized", r#"{"detail":"Invalid token"}"#),
        refusal("402 Payment Required", r#"{"detail":"out of credits"}"#),
        refusal("403 Forbidden", "{}"),
        refusal("409 Conflict", r#"{"detail":"Batch is in a terminal state"}"#),
        refusal("413 Content Too Large", ""),
        refusal(
            "422 Unprocessable Content",
            r#"{"detail":[{"loc":["body","config"],"msg":"Field required"}]}"#,
        ),
        response("302 Found", "location: https://elsewhere.example/\r\n", b""),
        response("200 OK", "content-type: text/html\r\n", b"<html>"),
        refusal("200 OK", r#"{"id":"bat-1","status":"PAUSED","config":7}"#),
    ]
}

/// A page whose token leads on, and the page to which it leads.
fn pages() -> Vec<Vec<u8>> {
    let page = |body: &str| response("200 OK", "content-type: application/json\r\n", body.as_bytes());
    vec![
        page(r#"{"items":[{"id":"bat-1","status":"RUNNING"}],"next_page_token":"more","total_size":2}"#),
        page(r#"{"items":[{"id":"bat-2","status":"FAILED"}],"next_page_token":null}"#),
    ]
}

/// Everything that is said in one revision, with what was called.
async fn said_in(revision: Revision) -> Vec<(String, Said)> {
    let api = Api::start().await;
    let setup = Setup {
        base_url: Some(api.base_url.clone()),
        flags: flags(&["--allow-cancel"]),
        ..Setup::default()
    };
    let mut harness = setup.open(revision).await;
    let mut said = Vec::new();
    for (tool, arguments) in calls() {
        let words = harness.call(tool, arguments.clone()).await;
        said.push((format!("{tool} {arguments}"), words));
    }
    for answer in bad_answers() {
        api.tell([answer.clone()]);
        for (tool, arguments) in [
            ("get_batch", json!({ "batch_id": "bat-1", "expand": ["outcomes"] })),
            ("list_batches", json!({})),
            ("cancel_batch", json!({ "batch_id": "bat-1" })),
        ] {
            let words = harness.call(tool, arguments).await;
            said.push((format!("{tool} {}", String::from_utf8_lossy(&answer)), words));
        }
    }
    api.tell(pages());
    for token in [Value::Null, json!("more")] {
        let words = harness.call("list_batches", json!({ "page_token": token })).await;
        said.push((format!("list_batches after {token}"), words));
    }
    harness.close(0).await;
    let said = said.into_iter();
    said.map(|(call, said)| (call, said.without_time())).collect()
}

#[tokio::test]
async fn a_tool_says_the_same_in_every_revision() {
    let [oldest, others @ ..] = Revision::ALL;
    let expected = said_in(oldest).await;
    assert!(expected.iter().filter(|(_, said)| said.is_error).count() > 20);
    assert!(expected.iter().filter(|(_, said)| !said.is_error).count() > 15);
    for revision in others {
        let said = said_in(revision).await;
        assert_eq!(said.len(), expected.len());
        for ((call, said), (_, expected)) in said.iter().zip(&expected) {
            assert_eq!(said, expected, "{call} in {}", revision.as_str());
        }
    }
}

//! `cancel_batch`: only where the user allowed it, and never sent twice on a doubt.

use expect_test::expect;
use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_SMALL, DIR_THROTTLED, Speed};
use serde_json::{Value, json};

use super::harness::peer::Peer;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup, flags};
use super::tools_call::create;

const CANCEL: &str = "POST /api/v2/batches/{batch_id}/cancel";

async fn start(arguments: &[&str], faults: &'static str) -> Harness {
    let setup = Setup {
        flags: flags(arguments),
        speed: Speed::Steps,
        faults,
        ..Setup::default()
    };
    setup.open(Revision::V2025_06_18).await
}

/// A batch that is RUNNING.
async fn running(peer: &mut Peer) -> Value {
    let id = create(peer, DIR_SMALL).await;
    let read = peer.call("get_batch", json!({ "batch_id": id })).await.json();
    assert_eq!(read["status"], json!("RUNNING"));
    json!({ "batch_id": id })
}

async fn cancel_bat_1(peer: &mut Peer) -> Value {
    peer.call("cancel_batch", json!({ "batch_id": "bat-1" })).await.json()
}

async fn close(harness: Harness, cancels: usize) {
    let ledger = harness.ledger();
    assert_eq!(ledger.count(CANCEL), cancels, "{ledger:#?}");
    harness.close(ledger.total()).await;
}

#[tokio::test]
async fn it_is_there_only_where_the_user_allowed_it() {
    for (arguments, why_not) in [
        (&["--allow-cancel"][..], None),
        (&[], Some("--allow-cancel")),
        (&["--read-only"], Some("--read-only")),
        (&["--read-only", "--allow-cancel"], Some("--read-only")),
    ] {
        let mut harness = start(arguments, "").await;
        let tools = harness.result("tools/list", json!({})).await["tools"].to_string();
        assert_eq!(tools.contains("\"cancel_batch\""), why_not.is_none(), "{arguments:?}");
        if let Some(why_not) = why_not {
            let call = json!({ "name": "cancel_batch", "arguments": { "batch_id": "bat-1" } });
            let (code, message) = harness.refusal("tools/call", call).await;
            assert!(code == -32602 && message.contains(why_not), "{message}");
        }
        close(harness, 0).await;
    }
}

#[tokio::test]
async fn a_running_batch_is_cancelled() {
    let mut harness = start(&["--allow-cancel"], "").await;
    let batch = running(&mut harness).await;
    let said = harness.call("cancel_batch", batch.clone()).await.json();
    assert_eq!(
        (&said["cancelled"], &said["status"], &said["final"]),
        (&json!(true), &json!("CANCELLED"), &json!(true)),
        "{said:#}"
    );
    assert!(said["summary"].as_str().unwrap().contains("keep their results"));
    assert_eq!(
        harness.call("get_batch", batch).await.json()["status"],
        json!("CANCELLED")
    );
    close(harness, 1).await;
}

#[tokio::test]
async fn a_cancel_that_takes_its_time_is_called_so() {
    let mut harness = start(&["--allow-cancel"], "late-cancel").await;
    let batch = running(&mut harness).await;
    let said = harness.call("cancel_batch", batch).await.json();
    assert_eq!(
        (&said["cancelled"], &said["status"], &said["final"]),
        (&json!(true), &json!("RUNNING"), &json!(false)),
        "{said:#}"
    );
    assert!(said["check_again_in_seconds"].as_u64().unwrap() > 0);
    assert!(said["summary"].as_str().unwrap().contains("still RUNNING"), "{said:#}");
    close(harness, 1).await;
}

#[tokio::test]
async fn of_a_final_batch_there_is_nothing_to_cancel() {
    let mut harness = start(&["--allow-cancel"], "").await;
    let batch = running(&mut harness).await;
    harness.call("get_batch", batch.clone()).await.json();
    let said = harness.call("cancel_batch", batch).await.json();
    assert_eq!(
        (&said["cancelled"], &said["status"]),
        (&json!(false), &json!("COMPLETED"))
    );
    assert!(
        said["summary"].as_str().unwrap().contains("Nothing was cancelled"),
        "{said:#}"
    );
    close(harness, 1).await;
}

#[tokio::test]
async fn what_is_not_there_cannot_be_cancelled() {
    let mut harness = start(&["--allow-cancel"], "").await;
    let said = harness.call("cancel_batch", json!({ "batch_id": "bat-none" })).await;
    assert!(said.error().contains("404"), "{}", said.text);
    for arguments in [
        json!({}),
        json!({ "batch_id": "" }),
        json!({ "batch_id": "bat-1", "force": true }),
    ] {
        assert!(harness.call("cancel_batch", arguments).await.is_error);
    }
    close(harness, 1).await;
}

#[tokio::test]
async fn after_a_lost_answer_it_says_what_the_batch_is() {
    for (faults, status) in [
        ("reset@cancel:1", "RUNNING"),
        ("500@cancel:1", "RUNNING"),
        ("503@cancel:1", "RUNNING"),
    ] {
        let mut harness = start(&["--allow-cancel"], faults).await;
        // With each read it goes one state further: the read after the cancellation is the second one.
        let id = create(&mut harness, DIR_THROTTLED).await;
        let read = harness.call("get_batch", json!({ "batch_id": id })).await.json();
        assert_eq!(read["status"], json!("THROTTLED"));
        let said = harness.call("cancel_batch", json!({ "batch_id": id })).await.json();
        assert_eq!(
            (&said["cancelled"], &said["status"]),
            (&json!(false), &json!(status)),
            "{faults}: {said:#}"
        );
        let summary = said["summary"].as_str().unwrap();
        assert!(summary.contains("response to the cancellation was lost"), "{summary}");
        close(harness, 1).await;
    }
}

/// Neither the answer to the cancellation nor the batch can be read.
#[tokio::test]
async fn what_is_not_known_is_not_denied() {
    let mut harness = start(&["--allow-cancel"], "lost-answer@cancel,403@get").await;
    let id = create(&mut harness, DIR_SMALL).await;
    let call = json!({ "name": "cancel_batch", "arguments": { "batch_id": id } });
    let said = harness.result("tools/call", call).await;
    assert_eq!(
        (&said["isError"], &said["_meta"]["llamacloud/retryable"]),
        (&json!(true), &json!(true)),
        "{said:#}"
    );
    let text = said["content"][0]["text"].as_str().unwrap();
    expect![[r#"It is not known whether the batch was cancelled: LlamaCloud's response to the cancellation was lost (127.0.0.1 could not be reached, or the connection broke: "connection closed before message completed"), and the batch could not be read afterwards. In a minute, call `get_batch`. If the batch is not CANCELLED then, call `cancel_batch` again."#]].assert_eq(text);
    close(harness, 1).await;
}

/// An API that answers each request in turn, to the cancellation first.
async fn before(replies: impl IntoIterator<Item = Reply>) -> (Upstream, Harness) {
    let upstream = Upstream::start(replies).await;
    let setup = Setup {
        flags: flags(&["--allow-cancel"]),
        base_url: Some(upstream.base_url()),
        ..Setup::default()
    };
    let harness = setup.open(Revision::V2025_06_18).await;
    (upstream, harness)
}

#[tokio::test]
async fn a_final_batch_that_the_api_answers_unchanged_was_not_cancelled() {
    for status in ["COMPLETED", "FAILED"] {
        let body = format!(r#"{{"id":"bat-1","status":"{status}"}}"#);
        let (_upstream, mut harness) = before([Reply::json("200 OK", "", &body)]).await;
        let said = cancel_bat_1(&mut harness).await;
        assert_eq!((&said["cancelled"], &said["status"]), (&json!(false), &json!(status)));
        let summary = said["summary"].as_str().unwrap();
        assert!(summary.starts_with("Nothing was cancelled"), "{summary}");
        harness.close(0).await;
    }
}

#[tokio::test]
async fn an_answer_without_a_body_is_looked_into() {
    for (status, cancelled) in [("CANCELLED", true), ("RUNNING", false)] {
        let body = format!(r#"{{"id":"bat-1","status":"{status}"}}"#);
        let replies = [Reply::json("204 No Content", "", ""), Reply::json("200 OK", "", &body)];
        let (_upstream, mut harness) = before(replies).await;
        let said = cancel_bat_1(&mut harness).await;
        assert_eq!(
            (&said["cancelled"], &said["status"]),
            (&json!(cancelled), &json!(status)),
            "{said:#}"
        );
        harness.close(0).await;
    }
}

#[tokio::test]
async fn an_answer_about_another_batch_is_looked_into() {
    let replies = [
        Reply::json("200 OK", "", r#"{"id":"bat-2","status":"CANCELLED"}"#),
        Reply::running(),
    ];
    let (_upstream, mut harness) = before(replies).await;
    let said = cancel_bat_1(&mut harness).await;
    assert_eq!(
        (&said["id"], &said["cancelled"], &said["status"]),
        (&json!("bat-1"), &json!(false), &json!("RUNNING")),
        "{said:#}"
    );
    let summary = said["summary"].as_str().unwrap();
    assert!(summary.contains("the response names another batch"), "{summary}");
    harness.close(0).await;
}

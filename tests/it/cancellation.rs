//! Giving up what was asked for: no answer follows, and nothing else suffers.

use std::time::Duration;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::DIR_SMALL;
use serde_json::json;

use super::harness::peer::Peer;
use super::harness::rpc::Message;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup};
use super::tools_call::parse;

/// A server before an upstream that answers in this way.
async fn before(upstream: &Upstream, revision: Revision) -> Harness {
    let setup = Setup::over(upstream, &[]);
    setup.open(revision).await
}

async fn ask(peer: &mut Peer) -> String {
    peer.ask_tool("get_batch", json!({ "batch_id": "bat-1" })).await
}

#[tokio::test]
async fn a_call_that_is_under_way_is_given_up_and_not_answered() {
    for revision in Revision::ALL {
        let upstream = Upstream::start([Reply::silence()]).await;
        let mut harness = before(&upstream, revision).await;
        let id = ask(&mut harness).await;
        upstream.arrived(1).await;
        harness.cancel(&id).await;
        harness.settle().await;
        harness.close(0).await;
        assert_eq!(upstream.lines().len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_in_flight_cannot_be_given_up() {
    let upstream = Upstream::start([Reply::running()]).await;
    let mut harness = before(&upstream, Revision::V2025_06_18).await;
    for id in ["1", "\"1\"", "99", "\"x\""] {
        harness.cancel(id).await;
    }
    let id = ask(&mut harness).await;
    assert!(!harness.said(&id).await.is_error);
    harness.cancel(&id).await;
    harness.settle().await;
    // The number and the text are two ids.
    let (line, id) = harness.line("tools/list", json!({}));
    harness.send(line).await;
    harness.cancel(&format!("\"{id}\"")).await;
    harness.result_of(&id).await;
    harness.close(0).await;
}

#[tokio::test]
async fn an_id_is_compared_by_its_value() {
    let upstream = Upstream::start([Reply::silence()]).await;
    let mut harness = before(&upstream, Revision::V2025_06_18).await;
    let call = r#"{"jsonrpc":"2.0","id":"a\u0062","method":"tools/call","params":{"name":"get_batch","arguments":{"batch_id":"b"}}}"#;
    harness.send(call).await;
    upstream.arrived(1).await;
    harness.cancel("\"ab\"").await;
    harness.settle().await;
    harness.close(0).await;
}

#[tokio::test]
async fn a_second_request_with_an_id_in_flight_is_refused_without_the_id() {
    let upstream = Upstream::start([Reply::running().held()]).await;
    let mut harness = before(&upstream, Revision::V2025_11_25).await;
    let id = ask(&mut harness).await;
    upstream.arrived(1).await;
    harness
        .send(json!({ "jsonrpc": "2.0", "id": id.parse::<u64>().unwrap(), "method": "tools/list" }).to_string())
        .await;
    let (code, message) = harness.next_refusal().await;
    assert_eq!(code, -32600);
    assert!(message.contains("in flight"), "{message}");
    // The answer to come is the first request's.
    let call = json!({ "name": "get_batch" });
    harness.note(
        json!({ "id": id.parse::<u64>().unwrap(), "method": "tools/call", "params": call })
            .to_string()
            .as_bytes(),
    );
    upstream.release();
    assert!(!harness.said(&id).await.is_error);
    let (line, _) = harness.line("tools/list", json!({}));
    let reused = line.replace(
        &format!("\"id\":{}", id.parse::<u64>().unwrap() + 1),
        &format!("\"id\":{id}"),
    );
    harness.send(reused).await;
    harness.result_of(&id).await;
    harness.close(0).await;
}

#[tokio::test]
async fn a_slow_call_delays_nothing_else() {
    let other = Reply::json("200 OK", "", r#"{"id":"bat-2","status":"RUNNING"}"#);
    let upstream = Upstream::start([Reply::running().held(), other]).await;
    let mut harness = before(&upstream, Revision::V2025_06_18).await;
    let slow = ask(&mut harness).await;
    upstream.arrived(1).await;
    harness.result("ping", json!({})).await;
    harness.result("tools/list", json!({})).await;
    harness.call("get_batch", json!({ "batch_id": "bat-2" })).await.json();
    upstream.release();
    assert!(!harness.said(&slow).await.is_error);
    harness.close(0).await;
}

#[tokio::test]
async fn two_hundred_calls_and_half_of_them_given_up() {
    let upstream = Upstream::start([Reply::silence()]).await;
    let mut harness = before(&upstream, Revision::V2025_06_18).await;
    let mut doomed = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..100 {
        doomed.push(ask(&mut harness).await);
        kept.push(
            harness
                .ask("tools/call", json!({ "name": "get_batch", "arguments": {} }))
                .await,
        );
        if doomed.len() % 3 == 0 {
            let id = doomed.swap_remove(doomed.len() / 2);
            harness.cancel(&id).await;
        }
    }
    for id in doomed {
        harness.cancel(&id).await;
    }
    for id in kept {
        assert!(harness.said(&id).await.is_error);
    }
    harness.settle().await;
    harness.close(0).await;
}

/// A POST that has left is not torn: the batch exists, and the next create finds it.
#[tokio::test]
async fn a_create_that_is_given_up_is_found_again() {
    let setup = Setup {
        faults: "slow=150@create",
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
    let sent = async {
        while harness.ledger().count("POST /api/v2/batches") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::harness::PATIENCE, sent).await.unwrap();
    harness.cancel(&id).await;
    let found = harness.call("create_batch", parse(DIR_SMALL)).await.json();
    assert_eq!(found["created"], json!(false));
    let ledger = harness.ledger();
    assert_eq!((ledger.batches, ledger.count("POST /api/v2/batches")), (1, 1));
    let hits = ledger.total();
    harness.close(hits).await;
}

#[tokio::test]
async fn identical_creates_share_one_batch() {
    let setup = Setup {
        faults: "slow=50@create",
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(harness.ask_tool("create_batch", parse(DIR_SMALL)).await);
    }
    let mut batches = std::collections::BTreeSet::new();
    let mut created = 0;
    for id in ids {
        let said = harness.said(&id).await.json();
        batches.insert(said["id"].to_string());
        created += usize::from(said["created"] == json!(true));
    }
    assert_eq!((batches.len(), created), (1, 1));
    assert_eq!(harness.ledger().count("POST /api/v2/batches"), 1);
    harness.end().await;
}

async fn listen(peer: &mut Peer) -> String {
    let id = peer
        .ask(
            "subscriptions/listen",
            json!({ "notifications": { "toolsListChanged": true } }),
        )
        .await;
    let Message::Notification { method, params, .. } = peer.next().await else {
        panic!("not acknowledged")
    };
    assert_eq!(method, "notifications/subscriptions/acknowledged");
    assert_eq!(params["notifications"], json!({}));
    assert_eq!(
        params["_meta"]["io.modelcontextprotocol/subscriptionId"].to_string(),
        id
    );
    id
}

#[tokio::test]
async fn a_subscription_stays_open_until_the_input_ends() {
    let mut harness = Harness::start().await;
    let id = listen(&mut harness).await;
    harness.settle().await;
    harness.end_input();
    let result = harness.result_of(&id).await;
    assert_eq!(
        result["_meta"]["io.modelcontextprotocol/subscriptionId"].to_string(),
        id
    );
    harness.close(0).await;
}

#[tokio::test]
async fn a_subscription_that_is_given_up_has_no_result() {
    let mut harness = Harness::start().await;
    let id = listen(&mut harness).await;
    harness.cancel(&id).await;
    harness.settle().await;
    let (code, _) = harness.refusal("subscriptions/listen", json!({})).await;
    assert_eq!(code, -32602);
    let (code, _) = harness
        .refusal("subscriptions/listen", json!({ "notifications": [] }))
        .await;
    assert_eq!(code, -32602);
    harness.close(0).await;
}

#[tokio::test]
async fn the_end_of_the_input_waits_for_what_is_in_flight() {
    let upstream = Upstream::start([Reply::running().held()]).await;
    let mut harness = before(&upstream, Revision::V2025_06_18).await;
    let id = ask(&mut harness).await;
    harness.end_input();
    upstream.arrived(1).await;
    upstream.release();
    assert!(!harness.said(&id).await.is_error);
    harness.close(0).await;
}

#[tokio::test]
async fn the_wait_at_the_end_is_bounded() {
    let upstream = Upstream::start([Reply::silence()]).await;
    let mut setup = Setup::over(&upstream, &[]);
    setup.limits.drain = Duration::from_millis(50);
    let mut harness = setup.open(Revision::V2025_06_18).await;
    ask(&mut harness).await;
    upstream.arrived(1).await;
    harness.close(0).await;
}

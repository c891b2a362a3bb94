//! Being told how tasks stand, in place of asking.

use llamacloud_batches_mcp::sandbox::{DIR_BROKEN, DIR_SMALL, DIR_TEN, Speed};
use serde_json::{Value, json};

use super::harness::peer::Peer;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup};
use super::tasks::declared;
use super::tools_call::{create, parse};

async fn start() -> Harness {
    let setup = Setup {
        speed: Speed::Steps,
        capabilities: declared(),
        ..Setup::default()
    };
    setup.start().await
}

async fn begin(peer: &mut Peer, directory: &str) -> String {
    let mut arguments = parse(directory);
    arguments["wait_seconds"] = json!(300);
    let call = json!({ "name": "create_batch", "arguments": arguments });
    peer.result("tools/call", call).await["taskId"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Subscribes; the request's id, and what was promised, which is the first that comes.
async fn listen(peer: &mut Peer, ids: &[&str]) -> (String, Value) {
    let id = peer
        .ask(
            "subscriptions/listen",
            json!({ "notifications": { "taskIds": ids, "toolsListChanged": true } }),
        )
        .await;
    let promised = peer.next_notification("notifications/subscriptions/acknowledged").await;
    assert_eq!(subscription(&promised), id);
    (id, promised["notifications"].clone())
}

fn subscription(params: &Value) -> String {
    params["_meta"]["io.modelcontextprotocol/subscriptionId"].to_string()
}

async fn close(mut harness: Harness, subscription: &str) {
    harness.end_input();
    harness.result_of(subscription).await;
    harness.end().await;
}

#[tokio::test]
async fn it_tells_of_a_task_until_it_has_ended() {
    for (directory, is_error) in [(DIR_SMALL, false), (DIR_BROKEN, true)] {
        let mut harness = start().await;
        let task = begin(&mut harness, directory).await;
        let (id, promised) = listen(&mut harness, &[&task, "batch.bat-none...", "nonsense"]).await;
        assert_eq!(promised, json!({ "taskIds": [task] }));
        let mut told = Vec::new();
        while told.last() != Some(&json!("completed")) {
            let params = harness.next_notification("notifications/tasks").await;
            assert_eq!((subscription(&params), &params["taskId"]), (id.clone(), &json!(task)));
            told.push(params["status"].clone());
            if told.last() == Some(&json!("completed")) {
                assert_eq!(params["result"]["isError"], json!(is_error), "{params:#}");
            }
        }
        assert_eq!(told, [json!("working"), json!("completed")]);
        harness.settle().await;
        close(harness, &id).await;
    }
}

#[tokio::test]
async fn several_tasks_are_followed_each_once() {
    let mut harness = start().await;
    let tasks = [
        begin(&mut harness, DIR_SMALL).await,
        begin(&mut harness, DIR_BROKEN).await,
    ];
    let (id, promised) = listen(&mut harness, &[&tasks[0], &tasks[1], &tasks[0]]).await;
    assert_eq!(promised, json!({ "taskIds": tasks }));
    let mut ended = Vec::new();
    while ended.len() < 2 {
        let params = harness.next_notification("notifications/tasks").await;
        if params["status"] == json!("completed") {
            ended.push(params["taskId"].as_str().unwrap().to_owned());
        }
    }
    ended.sort();
    let mut tasks = tasks;
    tasks.sort();
    assert_eq!(ended, tasks);
    harness.settle().await;
    close(harness, &id).await;
}

#[tokio::test]
async fn who_gives_up_a_subscription_is_told_nothing_more() {
    let mut harness = start().await;
    let task = begin(&mut harness, DIR_SMALL).await;
    let (id, _) = listen(&mut harness, &[&task]).await;
    harness.cancel(&id).await;
    harness.result("tools/list", json!({})).await;
    // What was on its way may have come.
    harness.take_unclaimed();
    let looks = harness.ledger().count("GET /api/v2/batches/{batch_id}");
    harness.settle().await;
    assert!(harness.ledger().count("GET /api/v2/batches/{batch_id}") <= looks + 1);
    harness.end().await;
}

#[tokio::test]
async fn what_cannot_be_followed_is_not_promised() {
    let mut harness = start().await;
    for ids in [&[][..], &["nonsense"]] {
        let (id, promised) = listen(&mut harness, ids).await;
        assert_eq!(promised, json!({}));
        harness.cancel(&id).await;
    }
    for ids in [json!("x"), json!([7]), json!({})] {
        let params = json!({ "notifications": { "taskIds": ids } });
        assert_eq!(harness.refusal("subscriptions/listen", params).await.0, -32602);
    }
    let many: Vec<_> = (0..101).map(|number| format!("batch.bat-{number}...")).collect();
    let params = json!({ "notifications": { "taskIds": many } });
    let (code, sentence) = harness.refusal("subscriptions/listen", params).await;
    assert_eq!(code, -32602);
    assert!(
        sentence.contains("has 101 ids") && sentence.contains("at most 100"),
        "{sentence}"
    );
    harness.close(0).await;
}

#[tokio::test]
async fn a_subscription_to_tasks_that_have_ended_costs_one_request_each() {
    let setup = Setup {
        speed: Speed::Instant,
        capabilities: declared(),
        ..Setup::default()
    };
    let mut harness = setup.start().await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let id = create(&mut harness, DIR_TEN).await;
        tasks.push(format!("batch.{id}...outcomes"));
    }
    let before = harness.ledger().total();
    let ids: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let (id, promised) = listen(&mut harness, &ids).await;
    // Nothing will be reported about them, and so nothing is promised: `tasks/get` has their results.
    assert_eq!(promised, json!({}));
    harness.settle().await;
    assert_eq!(harness.ledger().total() - before, 20);
    close(harness, &id).await;
}

/// Given a hundred tasks, each listed twice, the server polls only eight of them at the same time.
#[tokio::test]
async fn many_tasks_are_looked_at_side_by_side() {
    let held = Reply::json("200 OK", "", r#"{"id":"bat-1","status":"COMPLETED"}"#).held();
    let upstream = Upstream::start([held]).await;
    let setup = Setup {
        base_url: Some(upstream.base_url()),
        capabilities: declared(),
        ..Setup::default()
    };
    let mut harness = setup.start().await;
    let ids: Vec<_> = (0..100).map(|number| format!("batch.bat-{number}...")).collect();
    let ids = [ids.clone(), ids].concat();
    let id = harness
        .ask("subscriptions/listen", json!({ "notifications": { "taskIds": ids } }))
        .await;
    upstream.arrived(8).await;
    harness.settle().await;
    assert_eq!(upstream.lines().len(), 8, "more than eight at once");
    harness.cancel(&id).await;
    harness.settle().await;
    harness.close(0).await;
}

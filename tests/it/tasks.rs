//! Batches as tasks of the extension `io.modelcontextprotocol/tasks`, from the call that becomes one to its end.
//!
//! The harness holds every task and every finished result against its shape.

use std::time::Duration;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_BROKEN, DIR_FAILING, DIR_SMALL, DIR_THROTTLED, PROJECT_ID, Speed};
use serde_json::{Value, json};

use super::harness::child::{Child, Plumbing};
use super::harness::peer::Peer;
use super::harness::rpc::Message;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup, flags};
use super::tools_call::{create, parse};

/// What a client declares that can follow tasks.
pub(crate) fn declared() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

fn steps() -> Setup {
    Setup {
        speed: Speed::Steps,
        capabilities: declared(),
        ..Setup::default()
    }
}

async fn start() -> Harness {
    steps().start().await
}

/// Creates a batch as a task; the task's id.
async fn begin(peer: &mut Peer, directory: &str) -> String {
    let mut arguments = parse(directory);
    arguments["wait_seconds"] = json!(300);
    task(peer, "create_batch", arguments).await
}

/// Calls a tool that becomes a task; the task's id.
pub(crate) async fn task(peer: &mut Peer, tool: &str, arguments: Value) -> String {
    let task = peer
        .result("tools/call", json!({ "name": tool, "arguments": arguments }))
        .await;
    assert_eq!(
        (&task["resultType"], &task["status"], &task["ttlMs"]),
        (&json!("task"), &json!("working"), &Value::Null),
        "{task:#}"
    );
    task["taskId"].as_str().unwrap().to_owned()
}

async fn get(peer: &mut Peer, id: &str) -> Value {
    peer.result("tasks/get", json!({ "taskId": id })).await
}

/// Looks at a task until it has ended.
pub(crate) async fn ended(peer: &mut Peer, id: &str) -> Value {
    loop {
        let task = get(peer, id).await;
        if task["status"] != json!("working") {
            return task;
        }
        assert_eq!(task["taskId"], json!(id));
    }
}

#[tokio::test]
async fn the_extension_is_advertised_to_modern_clients_alone() {
    let mut harness = start().await;
    let discovered = harness.result("server/discover", json!({})).await;
    assert_eq!(discovered["capabilities"]["extensions"], declared()["extensions"]);
    for revision in Revision::ALL.into_iter().take(4) {
        let params = json!({ "protocolVersion": revision.as_str(), "capabilities": declared() });
        let opened = harness.result("initialize", params).await;
        assert_eq!(opened["capabilities"].get("extensions"), None);
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_batch_is_followed_to_its_end() {
    let mut harness = start().await;
    let id = begin(&mut harness, DIR_FAILING).await;
    let looks = harness.ledger().count("GET /api/v2/batches/{batch_id}");
    assert_eq!(looks, 0, "it waited");
    let first = get(&mut harness, &id).await;
    assert_eq!(first["status"], json!("working"), "{first:#}");
    let done = ended(&mut harness, &id).await;
    assert_eq!(done["status"], json!("completed"));
    assert_eq!(done["result"]["isError"], json!(false));
    harness.end().await;
}

#[tokio::test]
async fn its_result_is_what_get_batch_answers() {
    for expand in [json!([]), json!(["results"]), json!(["outcomes"])] {
        let mut harness = start().await;
        let batch = create(&mut harness, DIR_FAILING).await;
        let read = json!({ "batch_id": batch, "expand": expand });
        let mut wait = read.clone();
        wait["wait_seconds"] = json!(1);
        let id = task(&mut harness, "get_batch", wait).await;
        let done = ended(&mut harness, &id).await;
        let answer = harness
            .result("tools/call", json!({ "name": "get_batch", "arguments": read }))
            .await;
        assert_eq!(done["result"].to_string(), answer.to_string());
        harness.end().await;
    }
}

#[tokio::test]
async fn only_who_declares_it_and_waits_gets_a_task() {
    let mut harness = start().await;
    create(&mut harness, DIR_SMALL).await;
    harness.declare(json!({}));
    let mut arguments = parse(DIR_FAILING);
    arguments["wait_seconds"] = json!(300);
    let done = harness.call("create_batch", arguments.clone()).await.json();
    assert_eq!(done["status"], json!("COMPLETED"));
    // What is final already is no task.
    harness.declare(declared());
    let there = harness.call("create_batch", arguments).await.json();
    assert_eq!((&there["created"], &there["final"]), (&json!(false), &json!(true)));
    harness.end().await;
}

#[tokio::test]
async fn a_legacy_session_has_no_tasks_whatever_it_declares() {
    for revision in Revision::ALL.into_iter().take(4) {
        let mut harness = steps().open(revision).await;
        let mut arguments = parse(DIR_SMALL);
        arguments["wait_seconds"] = json!(300);
        let done = harness.call("create_batch", arguments).await.json();
        assert_eq!(done["status"], json!("COMPLETED"));
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let params = json!({ "taskId": "batch.bat-1...", "inputResponses": {} });
            assert_eq!(harness.refusal(method, params).await.0, -32601);
        }
        harness.end().await;
    }
}

#[tokio::test]
async fn who_did_not_declare_it_is_told_what_to_declare() {
    let mut harness = Harness::start().await;
    let calls = [
        ("tasks/get", json!({ "taskId": "x" })),
        ("tasks/update", json!({ "taskId": "x", "inputResponses": {} })),
        ("tasks/cancel", json!({ "taskId": "x" })),
        ("subscriptions/listen", json!({ "notifications": { "taskIds": ["x"] } })),
    ];
    for (method, params) in calls {
        let id = harness.ask(method, params).await;
        let Message::Error { code, data, .. } = harness.claim(&id).await else {
            panic!("{method} was served")
        };
        assert_eq!(
            (code, data.unwrap()["requiredCapabilities"].clone()),
            (-32021, declared())
        );
    }
    for method in ["tasks/result", "tasks/list"] {
        assert_eq!(harness.refusal(method, json!({ "taskId": "x" })).await.0, -32601);
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_failed_batch_is_a_completed_task_with_an_error() {
    let mut harness = start().await;
    let id = begin(&mut harness, DIR_BROKEN).await;
    let done = ended(&mut harness, &id).await;
    assert_eq!(done["status"], json!("completed"));
    assert_eq!(done["result"]["isError"], json!(true));
    let text = done["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("FAILED"), "{text}");
    harness.end().await;
}

#[tokio::test]
async fn a_task_is_cancelled_at_the_api() {
    let mut harness = start().await;
    let id = begin(&mut harness, DIR_SMALL).await;
    for sent in [1, 2] {
        harness.result("tasks/cancel", json!({ "taskId": id })).await;
        let cancels = harness.ledger().count("POST /api/v2/batches/{batch_id}/cancel");
        assert_eq!(cancels, sent);
        assert_eq!(get(&mut harness, &id).await["status"], json!("cancelled"));
    }
    let done = begin(&mut harness, DIR_FAILING).await;
    ended(&mut harness, &done).await;
    harness.result("tasks/cancel", json!({ "taskId": done })).await;
    assert_eq!(get(&mut harness, &done).await["status"], json!("completed"));
    let update = json!({ "taskId": done, "inputResponses": { "nobody asked": {} } });
    harness.result("tasks/update", update).await;
    harness.end().await;
}

#[tokio::test]
async fn a_cancellation_of_unknown_outcome_is_not_denied() {
    let mut harness = start().await;
    let id = begin(&mut harness, DIR_SMALL).await;
    harness.inject("lost-answer@cancel");
    harness.inject("403@get");
    let (code, message) = harness.refusal("tasks/cancel", json!({ "taskId": id })).await;
    assert!(
        code == -32603 && message.contains("It is not known whether the batch was cancelled"),
        "{code} {message}"
    );
    harness.end().await;
}

#[tokio::test]
async fn a_read_only_server_cancels_no_task() {
    let mut first = start().await;
    let id = begin(&mut first, DIR_SMALL).await;
    let setup = Setup {
        flags: flags(&["--read-only"]),
        base_url: Some(first.base_url()),
        ..steps()
    };
    let mut second = setup.start().await;
    let (code, message) = second.refusal("tasks/cancel", json!({ "taskId": id })).await;
    assert!(code == -32603 && message.contains("--read-only"), "{code} {message}");
    assert_eq!(get(&mut second, &id).await["status"], json!("working"));
    second.close(0).await;
    assert_eq!(first.ledger().count("POST /api/v2/batches/{batch_id}/cancel"), 0);
    first.end().await;
}

#[tokio::test]
async fn ids_that_lead_nowhere_are_refused() {
    let setup = Setup {
        flags: flags(&["--project-id", PROJECT_ID]),
        ..steps()
    };
    let mut harness = setup.start().await;
    let id = begin(&mut harness, DIR_SMALL).await;
    assert!(id.contains(PROJECT_ID), "{id}");
    let foreign = id.replace(PROJECT_ID, "5a11ba5e-0000-4000-8000-000000000002");
    let ids = [
        foreign.as_str(),
        &format!("batch.bat-none.{PROJECT_ID}.."),
        &format!("{id}.x"),
        &format!("{id}everything"),
        "batch.....",
        "batch.../../x...",
        "batch.bat-1",
        "bat-1",
        "",
    ];
    for id in ids {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let params = json!({ "taskId": id, "inputResponses": {} });
            assert_eq!(harness.refusal(method, params).await.0, -32602, "{method} {id}");
        }
    }
    for params in [json!({}), json!({ "taskId": 7 }), json!({ "taskId": null })] {
        assert_eq!(harness.refusal("tasks/get", params).await.0, -32602);
    }
    let cancels = harness.ledger();
    let hits = cancels.total();
    assert!(cancels.lines.iter().all(|line| !line.contains("0002")), "{cancels:#?}");
    harness.close(hits).await;
}

#[tokio::test]
async fn trouble_at_one_look_says_nothing_about_the_task() {
    for faults in ["503@get:1", "429=1@get:1", "401@get:1"] {
        let setup = Setup {
            faults,
            timeout: Duration::from_millis(900),
            ..steps()
        };
        let mut harness = setup.start().await;
        let id = begin(&mut harness, DIR_SMALL).await;
        let (code, message) = harness.refusal("tasks/get", json!({ "taskId": id })).await;
        assert!(code == -32603 && !message.contains("bug"), "{code} {message}");
        assert_eq!(ended(&mut harness, &id).await["status"], json!("completed"));
        harness.end().await;
    }
}

/// Requests to the API that one call of ours makes.
async fn costs(harness: &mut Harness, method: &str, params: Value) -> usize {
    let before = harness.ledger().total();
    harness.result(method, params).await;
    harness.ledger().total() - before
}

#[tokio::test]
async fn a_look_at_a_task_that_runs_and_an_update_cost_one_request() {
    let mut harness = start().await;
    let id = begin(&mut harness, DIR_THROTTLED).await;
    let update = json!({ "taskId": id, "inputResponses": {} });
    assert_eq!(costs(&mut harness, "tasks/get", json!({ "taskId": id })).await, 1);
    assert_eq!(costs(&mut harness, "tasks/update", update.clone()).await, 1);
    ended(&mut harness, &id).await;
    assert!(costs(&mut harness, "tasks/update", update).await <= 1);
    harness.end().await;
}

#[tokio::test]
async fn a_task_works_until_the_jobs_of_its_batch_have_ended() {
    let job = r#"{"type":"parse_v2","id":"pjb-1"}"#;
    let results = format!(r#"[{{"source_directory_file_id":"dfl-1","job_reference":{job}}}]"#);
    let batch = format!(r#"{{"id":"bat-1","status":"COMPLETED","results":{results}}}"#);
    let jobs = |status| format!(r#"{{"items":[{{"id":"pjb-1","status":"{status}"}}]}}"#);
    // What is known of the batch is not asked for again.
    let replies = [batch, jobs("RUNNING"), jobs("COMPLETED")];
    let upstream = Upstream::start(replies.map(|body| Reply::json("200 OK", "", &body))).await;
    let setup = Setup {
        base_url: Some(upstream.base_url()),
        ..steps()
    };
    let mut harness = setup.start().await;
    let task = get(&mut harness, "batch.bat-1...").await;
    assert_eq!(task["status"], json!("working"), "{task:#}");
    assert!(
        task["statusMessage"]
            .as_str()
            .unwrap()
            .contains("jobs are still running")
    );
    let done = get(&mut harness, "batch.bat-1...").await;
    assert_eq!(done["result"]["structuredContent"]["final"], json!(true), "{done:#}");
    harness.close(0).await;
}

#[tokio::test]
async fn a_task_keeps_the_page_that_was_asked_for() {
    let mut harness = start().await;
    let batch = create(&mut harness, DIR_FAILING).await;
    // The key of a file of this batch.
    let read = json!({ "batch_id": batch, "results_cursor": "o.2.dfl-failing-0007" });
    let mut wait = read.clone();
    wait["wait_seconds"] = json!(1);
    let id = task(&mut harness, "get_batch", wait).await;
    let done = ended(&mut harness, &id).await;
    let page = harness.call("get_batch", read).await.json();
    assert_eq!(done["result"]["structuredContent"], page);
    assert!(page["results"].as_array().unwrap().len() < 12);
    harness.end().await;
}

#[tokio::test]
async fn another_process_finishes_what_one_began() {
    let sandbox = start().await;
    let base_url = sandbox.base_url();
    let arguments = ["--base-url", base_url.as_str()];
    let mut first = Child::start(Plumbing::Pipes, &arguments);
    first.declare(declared());
    let id = begin(&mut first, DIR_SMALL).await;
    // Dropped, it is killed.
    drop(first);
    let mut second = Child::start(Plumbing::Pipes, &arguments);
    second.declare(declared());
    assert_eq!(get(&mut second, &id).await["status"], json!("working"));
    assert_eq!(sandbox.ledger().count("GET /api/v2/batches/{batch_id}"), 1);
    assert_eq!(ended(&mut second, &id).await["status"], json!("completed"));
    second.close().await;
    sandbox.end().await;
}

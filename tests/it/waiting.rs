//! Calls that wait for a batch: how long, what is told meanwhile, and what ends them.

use std::time::Duration;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_BROKEN, DIR_FAILING, DIR_SMALL, DIR_STRAGGLERS, DIR_THROTTLED, Speed};
use serde_json::{Value, json};

use super::harness::rpc::Message;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup};
use super::tools_call::{create, parse};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(1);

/// A server over a sandbox whose batches go one state further with each look.
fn steps() -> Setup {
    Setup {
        speed: Speed::Steps,
        ..Setup::default()
    }
}

/// A server before an upstream with a batch that is RUNNING and stays so.
async fn before(upstream: &Upstream, poll_interval: Duration, revision: Revision) -> Harness {
    let setup = Setup {
        base_url: Some(upstream.base_url()),
        poll_interval,
        ..Setup::default()
    };
    setup.open(revision).await
}

fn waiting(seconds: u32) -> Value {
    json!({ "batch_id": "bat-1", "wait_seconds": seconds })
}

fn create_and_wait(directory: &str) -> Value {
    let mut arguments = parse(directory);
    arguments["wait_seconds"] = json!(300);
    arguments
}

/// How often batches were looked at, one by one.
fn looks(harness: &Harness) -> usize {
    harness.ledger().count("GET /api/v2/batches/{batch_id}")
}

#[tokio::test]
async fn it_waits_for_the_end_in_every_revision() {
    for revision in Revision::ALL {
        for (directory, end, looks_needed) in [
            (DIR_SMALL, "COMPLETED", 2),
            (DIR_THROTTLED, "COMPLETED", 3),
            (DIR_BROKEN, "FAILED", 2),
        ] {
            let mut harness = steps().open(revision).await;
            let created = harness.call("create_batch", create_and_wait(directory)).await.json();
            assert_eq!(
                (&created["status"], &created["final"]),
                (&json!(end), &json!(true)),
                "{created:#}"
            );
            assert_eq!(created["created"], json!(true));
            assert_eq!(created.get("check_again_in_seconds"), None);
            assert_eq!(looks(&harness), looks_needed);
            harness.end().await;
        }
    }
}

#[tokio::test]
async fn it_waits_for_a_batch_that_is_there() {
    let mut harness = steps().open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_SMALL).await;
    let read = json!({ "batch_id": id, "wait_seconds": 300, "expand": ["outcomes"] });
    let read = harness.call("get_batch", read).await.json();
    assert_eq!(
        (&read["status"], &read["final"]),
        (&json!("COMPLETED"), &json!(true)),
        "{read:#}"
    );
    assert!(read["files"]["total"].as_u64().unwrap() > 0);
    // There is nothing left to wait for.
    let before = looks(&harness);
    let again = json!({ "batch_id": id, "wait_seconds": 300 });
    assert_eq!(harness.call("get_batch", again).await.json()["final"], json!(true));
    assert!(looks(&harness) <= before + 2);
    harness.end().await;
}

#[tokio::test]
async fn who_waits_for_nothing_is_answered_at_once() {
    let mut harness = steps().open(Revision::V2026_07_28).await;
    let id = create(&mut harness, DIR_SMALL).await;
    for seconds in [json!(0), json!(null)] {
        let read = json!({ "batch_id": id, "wait_seconds": seconds });
        harness.call("get_batch", read).await.json();
    }
    assert_eq!(looks(&harness), 2);
    harness.end().await;
}

#[tokio::test]
async fn when_the_time_is_over_it_says_when_to_look_again() {
    let upstream = Upstream::start([Reply::running()]).await;
    let mut harness = before(&upstream, NEVER, Revision::V2025_11_25).await;
    let read = harness.call("get_batch", waiting(1)).await.json();
    assert_eq!(
        (&read["status"], &read["final"]),
        (&json!("RUNNING"), &json!(false)),
        "{read:#}"
    );
    assert!(read["check_again_in_seconds"].as_u64().unwrap() > 0);
    harness.close(0).await;
}

/// Half a trillion years: the call waits only until its own time is over, and nothing overflows.
#[tokio::test]
async fn an_endless_retry_after_ends_nothing_but_the_wait() {
    let never = "retry-after: 18446744073709549568\r\n";
    let refused = Reply::json("429 Too Many Requests", never, "{}");
    let upstream = Upstream::start([Reply::running(), refused, Reply::running()]).await;
    let mut harness = before(&upstream, Duration::from_millis(1), Revision::V2025_11_25).await;
    let read = harness.call("get_batch", waiting(1)).await.json();
    assert_eq!(read["status"], json!("RUNNING"), "{read:#}");
    harness.close(0).await;
}

#[tokio::test]
async fn progress_is_told_to_who_gave_a_token() {
    // The harness checks that it grows, has a message only where it may, and never follows the answer.
    for revision in Revision::ALL {
        for token in [json!("a token"), json!(7)] {
            let setup = Setup {
                poll_interval: Duration::from_millis(3),
                ..steps()
            };
            let mut harness = setup.open(revision).await;
            let call = json!({
                "name": "create_batch", "arguments": create_and_wait(DIR_THROTTLED), "_meta": { "progressToken": token },
            });
            let id = harness.ask("tools/call", call).await;
            assert!(!harness.said(&id).await.is_error);
            let told = harness.take_unclaimed();
            assert_eq!(told.len(), 3, "{told:#?}");
            for message in told {
                let Message::Notification { method, params, .. } = message else {
                    panic!("{message:?}")
                };
                assert_eq!(
                    (method.as_str(), &params["progressToken"]),
                    ("notifications/progress", &token)
                );
                assert!(
                    params["progress"].as_f64().unwrap() < 60.0,
                    "{params} is not in seconds"
                );
                assert_eq!(params.get("total"), None, "nobody knows how long a batch takes");
                if let Some(message) = params.get("message") {
                    assert!(message.as_str().unwrap().contains(" after 0 s"), "{message}");
                }
            }
            harness.end().await;
        }
    }
}

#[tokio::test]
async fn progress_is_not_told_to_others() {
    let mut harness = steps().open(Revision::V2025_06_18).await;
    for token in [json!(null), json!([1])] {
        let meta = json!({ "progressToken": token });
        let mut arguments = create_and_wait(DIR_SMALL);
        arguments["allow_duplicate"] = json!(true);
        let call = json!({ "name": "create_batch", "arguments": arguments, "_meta": meta });
        let id = harness.ask("tools/call", call).await;
        assert!(!harness.said(&id).await.is_error);
        harness.settle().await;
    }
    harness.end().await;
}

#[tokio::test]
async fn who_gives_up_waiting_is_not_answered() {
    for revision in Revision::ALL {
        let upstream = Upstream::start([Reply::running()]).await;
        let mut harness = before(&upstream, NEVER, revision).await;
        let id = harness.ask_tool("get_batch", waiting(300)).await;
        upstream.arrived(1).await;
        harness.settle().await;
        harness.cancel(&id).await;
        harness.settle().await;
        harness.close(0).await;
        assert_eq!(upstream.lines().len(), 1, "it went on looking");
    }
}

#[tokio::test]
async fn the_end_of_the_input_ends_a_wait_with_an_answer() {
    let upstream = Upstream::start([Reply::running()]).await;
    let mut harness = before(&upstream, NEVER, Revision::V2026_07_28).await;
    let id = harness.ask_tool("get_batch", waiting(300)).await;
    upstream.arrived(1).await;
    harness.end_input();
    assert_eq!(harness.said(&id).await.json()["final"], json!(false));
    harness.close(0).await;
}

/// 503 and 429 ask for one second, which is more than a call has here: each such look fails, and the wait goes on.
#[tokio::test]
async fn trouble_that_passes_only_makes_it_slower() {
    for faults in ["429=1@get:1", "503@get:1", "500@get:1"] {
        let setup = Setup {
            faults,
            timeout: Duration::from_millis(900),
            ..steps()
        };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        let created = harness.call("create_batch", create_and_wait(DIR_SMALL)).await.json();
        assert_eq!(created["status"], json!("COMPLETED"), "{faults}: {created:#}");
        assert_eq!(looks(&harness), 3, "{faults}");
        harness.end().await;
    }
}

#[tokio::test]
async fn a_batch_that_is_gone_is_not_waited_for() {
    let gone = Reply::json("404 Not Found", "", r#"{"detail":"Batch not found"}"#);
    let upstream = Upstream::start([Reply::running(), gone]).await;
    let mut harness = before(&upstream, Duration::from_millis(1), Revision::V2025_06_18).await;
    let read = harness.call("get_batch", waiting(300)).await.json();
    as_last_seen(&read, "(404)");
    harness.close(0).await;
}

/// The answer of a wait that LlamaCloud did not let come to its end.
fn as_last_seen(answer: &Value, cause: &str) {
    assert_eq!(
        (&answer["status"], &answer["final"]),
        (&json!("RUNNING"), &json!(false)),
        "{answer:#}"
    );
    let summary = answer["summary"].as_str().unwrap();
    assert!(
        summary.contains(cause) && summary.contains("its last known state"),
        "{summary}"
    );
    assert!(answer["check_again_in_seconds"].is_u64());
}

#[tokio::test]
async fn an_api_that_hangs_or_fails_from_the_second_poll_on_leaves_the_batch_as_last_seen() {
    let unavailable = Reply::json("503 Service Unavailable", "", r#"{"detail":"down"}"#);
    for (reply, cause) in [(Reply::silence(), "did not answer in time"), (unavailable, "(503)")] {
        let upstream = Upstream::start([Reply::running(), reply]).await;
        let setup = Setup {
            base_url: Some(upstream.base_url()),
            timeout: Duration::from_secs(1),
            ..Setup::default()
        };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        let read = harness.call("get_batch", waiting(1)).await.json();
        as_last_seen(&read, cause);
        harness.close(0).await;
    }
}

#[tokio::test]
async fn the_end_of_the_input_ends_a_poll_that_hangs() {
    let upstream = Upstream::start([Reply::running(), Reply::silence()]).await;
    let mut harness = before(&upstream, Duration::from_millis(1), Revision::V2025_11_25).await;
    let id = harness.ask_tool("get_batch", waiting(300)).await;
    upstream.arrived(2).await;
    harness.end_input();
    let read = harness.said(&id).await.json();
    assert_eq!((&read["status"], &read["final"]), (&json!("RUNNING"), &json!(false)));
    harness.close(0).await;
}

#[tokio::test]
async fn a_completed_batch_whose_jobs_run_is_not_final() {
    let mut harness = Setup {
        speed: Speed::Instant,
        ..Setup::default()
    }
    .open(Revision::V2025_06_18)
    .await;
    let id = create(&mut harness, DIR_STRAGGLERS).await;
    let read = harness.call("get_batch", json!({ "batch_id": id })).await.json();
    let again = harness.call("create_batch", parse(DIR_STRAGGLERS)).await.json();
    assert_eq!(again["created"], json!(false));
    for answer in [read, again] {
        assert_eq!(
            (&answer["status"], &answer["final"]),
            (&json!("COMPLETED"), &json!(false)),
            "{answer:#}"
        );
        assert_eq!(answer["files"], json!({ "total": 5, "completed": 3, "running": 2 }));
        assert!(answer["check_again_in_seconds"].is_u64());
    }
    harness.end().await;
}

#[tokio::test]
async fn a_wait_for_a_completed_batch_ends_when_its_jobs_have() {
    let mut harness = steps().open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_STRAGGLERS).await;
    let arguments = json!({ "batch_id": id, "wait_seconds": 300 });
    let read = harness.call("get_batch", arguments).await.json();
    assert_eq!(
        (&read["status"], &read["final"]),
        (&json!("COMPLETED"), &json!(true)),
        "{read:#}"
    );
    assert_eq!(read["files"], json!({ "total": 5, "completed": 5 }));
    harness.end().await;
}

#[tokio::test]
async fn a_batch_that_has_ended_comes_with_counts_and_reasons() {
    let mut harness = steps().open(Revision::V2025_06_18).await;
    let created = harness.call("create_batch", create_and_wait(DIR_FAILING)).await.json();
    let found = harness.call("create_batch", parse(DIR_FAILING)).await.json();
    let read = harness
        .call("get_batch", json!({ "batch_id": created["id"] }))
        .await
        .json();
    for answer in [created, found, read] {
        assert_eq!(answer["files"]["total"], 12, "{answer:#}");
        assert_eq!(
            (&answer["files"]["completed"], &answer["files"]["failed"]),
            (&json!(4), &json!(5))
        );
        let counted = answer["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| problem["count"].as_u64().unwrap());
        assert_eq!(counted.sum::<u64>(), 7);
        let summary = answer["summary"].as_str().unwrap();
        assert!(summary.contains("f its 12 files, 4 succeeded, 5 failed"), "{summary}");
    }
    harness.end().await;
}

/// The batch was paid for: whatever happens to the wait, the answer tells of it.
#[tokio::test]
async fn a_create_is_answered_although_its_wait_failed() {
    for faults in ["401@get", "403@get"] {
        let setup = Setup { faults, ..steps() };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        let created = harness.call("create_batch", create_and_wait(DIR_SMALL)).await.json();
        assert_eq!(
            (&created["created"], &created["final"]),
            (&json!(true), &json!(false)),
            "{created:#}"
        );
        assert_eq!(looks(&harness), 1);
        harness.end().await;
    }
}

#[tokio::test]
async fn a_wait_delays_nothing_else() {
    let other = Reply::json("200 OK", "", r#"{"id":"bat-2","status":"RUNNING"}"#);
    let upstream = Upstream::start([Reply::running(), other]).await;
    let mut harness = before(&upstream, NEVER, Revision::V2025_06_18).await;
    let slow = harness.ask_tool("get_batch", waiting(300)).await;
    upstream.arrived(1).await;
    harness.result("ping", json!({})).await;
    harness.result("tools/list", json!({})).await;
    harness.call("get_batch", json!({ "batch_id": "bat-2" })).await.json();
    harness.cancel(&slow).await;
    harness.settle().await;
    harness.close(0).await;
}

#[tokio::test]
async fn five_hundred_calls_wait_and_are_given_up() {
    let upstream = Upstream::start([Reply::running()]).await;
    let mut harness = before(&upstream, NEVER, Revision::V2026_07_28).await;
    let mut ids = Vec::new();
    for _ in 0..500 {
        ids.push(harness.ask_tool("get_batch", waiting(300)).await);
    }
    harness.result("tools/list", json!({})).await;
    upstream.arrived(500).await;
    harness.result("tools/list", json!({})).await;
    for id in ids {
        harness.cancel(&id).await;
    }
    harness.settle().await;
    harness.close(0).await;
    assert_eq!(upstream.lines().len(), 500);
}

#[tokio::test]
async fn how_long_is_a_number_of_seconds() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for (seconds, rule) in [
        (json!(301), "must be an integer from 0 to 300, not 301"),
        (json!(-1), "must be an integer from 0 to 300, not -1"),
        (json!("x"), "not \"x\""),
        (json!(1.5), "not 1.5"),
        (json!(true), "not true"),
    ] {
        for (tool, mut arguments) in [("create_batch", parse(DIR_SMALL)), ("get_batch", waiting(0))] {
            arguments["wait_seconds"] = seconds.clone();
            let said = harness.call(tool, arguments).await;
            let error = said.error();
            assert!(error.contains("`wait_seconds`") && error.contains(rule), "{error}");
        }
    }
    harness.close(0).await;
}

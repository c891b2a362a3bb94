//! `--confirm-create`: the user is asked before credits are spent, in each revision's own way.

use std::time::Duration;

use llamacloud_batches_mcp::mcp::{Limits, Revision};
use llamacloud_batches_mcp::sandbox::{DIR_EMPTY, DIR_FAILING, DIR_SMALL, PRESET_PARSE, Speed};
use serde_json::{Value, json};

use super::harness::peer::{Peer, Said};
use super::harness::rpc::Message;
use super::harness::{Setup, flags};
use super::tools_call::parse;

/// The revisions in which a server may ask its client.
const ASKING: [Revision; 2] = [Revision::V2025_06_18, Revision::V2025_11_25];

fn confirming() -> Setup {
    Setup {
        flags: flags(&["--confirm-create"]),
        capabilities: json!({ "elicitation": {} }),
        ..Setup::default()
    }
}

fn check_question(params: &Value) {
    let message = params["message"].as_str().unwrap();
    for word in [DIR_SMALL, "4 files", "parse_v2", PRESET_PARSE, "credits"] {
        assert!(message.contains(word), "no {word} in {message}");
    }
    let schema = &params["requestedSchema"];
    assert_eq!(schema["required"], json!(["confirm"]));
    assert_eq!(schema["properties"]["confirm"]["type"], json!("boolean"));
}

fn check_not_created(said: &Said, word: &str) {
    let text = said.error();
    assert!(text.contains("No batch was created and nothing was sent"), "{text}");
    assert!(text.contains(word), "no {word} in {text}");
}

/// Calls and is asked: the state to bring along.
async fn asked(peer: &mut Peer, arguments: Value) -> String {
    let result = peer
        .result("tools/call", json!({ "name": "create_batch", "arguments": arguments }))
        .await;
    assert_eq!(result["resultType"], json!("input_required"), "{result:#}");
    let request = &result["inputRequests"]["confirm"];
    assert_eq!(
        (&request["method"], &request["params"]["mode"]),
        (&json!("elicitation/create"), &json!("form"))
    );
    if arguments == parse(DIR_SMALL) {
        check_question(&request["params"]);
    }
    result["requestState"].as_str().unwrap().to_owned()
}

/// Calls again with an answer and a state.
async fn again(peer: &mut Peer, arguments: Value, answer: Value, state: &str) -> Said {
    let call = json!({
        "name": "create_batch",
        "arguments": arguments,
        "inputResponses": { "confirm": answer, "nobody asked": 7 },
        "requestState": state,
    });
    let id = peer.ask("tools/call", call).await;
    peer.said(&id).await
}

fn accept(confirm: bool) -> Value {
    json!({ "action": "accept", "content": { "confirm": confirm } })
}

/// What is not yes, and a word of what is said then.
fn refusals() -> [(Value, &'static str); 12] {
    let (no, empty, unreadable) = ("did not agree", "without content", "cannot be read");
    [
        (json!({ "action": "decline" }), no),
        (json!({ "action": "decline", "content": null }), no),
        (json!({ "action": "cancel" }), no),
        (json!({ "action": "cancel", "content": {} }), no),
        (accept(false), no),
        // A host that accepts by itself, without a person who ticks the box.
        (json!({ "action": "accept" }), empty),
        (json!({ "action": "accept", "content": {} }), empty),
        (json!({ "action": "accept", "content": null }), empty),
        (
            json!({ "action": "accept", "content": { "confirm": "yes" } }),
            unreadable,
        ),
        (json!({ "action": "accept", "content": 7 }), unreadable),
        (json!({ "content": { "confirm": true } }), unreadable),
        (json!(7), unreadable),
    ]
}

#[tokio::test]
async fn a_modern_client_asks_and_calls_again() {
    let mut harness = confirming().start().await;
    let state = asked(&mut harness, parse(DIR_SMALL)).await;
    assert_eq!(harness.ledger().batches, 0);
    let created = again(&mut harness, parse(DIR_SMALL), accept(true), &state).await.json();
    assert_eq!(created["created"], json!(true));
    harness.end_after_creates(1).await;
}

#[tokio::test]
async fn a_modern_user_who_does_not_agree_pays_nothing() {
    let mut harness = confirming().start().await;
    for (answer, word) in refusals() {
        let state = asked(&mut harness, parse(DIR_SMALL)).await;
        let said = again(&mut harness, parse(DIR_SMALL), answer, &state).await;
        check_not_created(&said, word);
    }
    harness.end_after_creates(0).await;
}

#[tokio::test]
async fn a_state_counts_once_and_for_its_own_call() {
    let mut harness = confirming().start().await;
    let mut other = confirming().start().await;
    let mut duplicate = parse(DIR_SMALL);
    duplicate["allow_duplicate"] = json!(true);
    let foreign = asked(&mut other, duplicate.clone()).await;
    let state = asked(&mut harness, duplicate.clone()).await;
    let mut tampered = state.clone().into_bytes();
    tampered[3] = if tampered[3] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    for wrong in ["", "nonsense", &tampered, &foreign, &state[..state.len() - 4]] {
        let said = again(&mut harness, duplicate.clone(), accept(true), wrong).await;
        check_not_created(&said, "another call");
    }
    for arguments in [parse(DIR_FAILING), parse(DIR_SMALL)] {
        let said = again(&mut harness, arguments, accept(true), &state).await;
        check_not_created(&said, "another call");
    }
    assert_eq!(harness.ledger().count("POST /api/v2/batches"), 0);
    again(&mut harness, duplicate.clone(), accept(true), &state)
        .await
        .json();
    let said = again(&mut harness, duplicate, accept(true), &state).await;
    check_not_created(&said, "used before");
    other.end_after_creates(0).await;
    harness.end_after_creates(1).await;
}

#[tokio::test]
async fn who_brings_no_answer_is_asked_again() {
    let mut harness = confirming().start().await;
    let state = asked(&mut harness, parse(DIR_SMALL)).await;
    for responses in [
        json!(null),
        json!({}),
        json!({ "other": accept(true) }),
        json!([]),
        json!("x"),
    ] {
        let call = json!({
            "name": "create_batch", "arguments": parse(DIR_SMALL), "inputResponses": responses, "requestState": state,
        });
        let result = harness.result("tools/call", call).await;
        assert_eq!(result["resultType"], json!("input_required"));
    }
    harness.end_after_creates(0).await;
}

#[tokio::test]
async fn a_client_that_cannot_ask_creates_nothing() {
    for capabilities in [json!({}), json!({ "elicitation": { "url": {} } })] {
        for revision in Revision::ALL {
            let setup = Setup {
                capabilities: capabilities.clone(),
                ..confirming()
            };
            let mut harness = setup.open(revision).await;
            let said = harness.call("create_batch", parse(DIR_SMALL)).await;
            check_not_created(&said, "--confirm-create");
            harness.end_after_creates(0).await;
        }
    }
    for revision in [Revision::V2024_11_05, Revision::V2025_03_26] {
        let mut harness = confirming().open(revision).await;
        let said = harness.call("create_batch", parse(DIR_SMALL)).await;
        check_not_created(&said, "--confirm-create");
        harness.end_after_creates(0).await;
    }
}

#[tokio::test]
async fn a_legacy_client_is_asked_while_its_call_waits() {
    for revision in ASKING {
        let mut harness = confirming().open(revision).await;
        let mut seen = Vec::new();
        for (answer, word) in refusals() {
            let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
            let (question, params) = harness.next_request().await;
            check_question(&params);
            harness.result("tools/list", json!({})).await;
            harness.reply(&question, json!({ "result": answer })).await;
            check_not_created(&harness.said(&id).await, word);
            assert!(!seen.contains(&question), "{question} twice");
            seen.push(question);
        }
        let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
        let (question, _) = harness.next_request().await;
        // What nobody asked is ignored.
        harness.reply("server-99", json!({ "result": accept(true) })).await;
        harness.reply(&seen[0], json!({ "result": accept(true) })).await;
        assert_eq!(harness.ledger().count("POST /api/v2/batches"), 0);
        harness.reply(&question, json!({ "result": accept(true) })).await;
        assert_eq!(harness.said(&id).await.json()["created"], json!(true));
        harness.end_after_creates(1).await;
    }
}

#[tokio::test]
async fn a_legacy_client_that_fails_to_ask_creates_nothing() {
    for revision in ASKING {
        let mut harness = confirming().open(revision).await;
        for (answer, word) in [
            (
                json!({ "error": { "code": -32601, "message": "no" } }),
                "cannot show the user",
            ),
            (json!({ "result": 7 }), "cannot be read"),
            (json!({ "result": { "action": "whatever" } }), "cannot be read"),
            (
                json!({ "result": { "content": { "confirm": true } } }),
                "cannot be read",
            ),
        ] {
            let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
            let (question, _) = harness.next_request().await;
            harness.reply(&question, answer).await;
            let said = harness.said(&id).await;
            check_not_created(&said, word);
            check_not_created(&said, "--confirm-create");
        }
        harness.end_after_creates(0).await;
    }
}

#[tokio::test]
async fn a_user_who_does_not_answer_in_time_pays_nothing() {
    for revision in ASKING {
        let setup = Setup {
            limits: Limits {
                question: Duration::from_millis(100),
                ..Limits::default()
            },
            ..confirming()
        };
        let mut harness = setup.open(revision).await;
        let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
        let (question, _) = harness.next_request().await;
        let withdrawn = harness.next_notification("notifications/cancelled").await;
        assert_eq!(withdrawn["requestId"], json!(question));
        check_not_created(&harness.said(&id).await, "in time");
        harness.reply(&question, json!({ "result": accept(true) })).await;
        harness.settle().await;
        harness.end_after_creates(0).await;
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_while_the_user_is_asked_creates_nothing() {
    for revision in ASKING {
        let mut harness = confirming().open(revision).await;
        let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
        let (question, _) = harness.next_request().await;
        harness.cancel(&id).await;
        let withdrawn = harness.next_notification("notifications/cancelled").await;
        assert_eq!(withdrawn["requestId"], json!(question));
        harness.reply(&question, json!({ "result": accept(true) })).await;
        harness.settle().await;
        harness.end_after_creates(0).await;
    }
}

/// An answer can no longer come.
#[tokio::test]
async fn the_end_of_the_input_ends_the_question() {
    let setup = Setup {
        timeout: Duration::from_hours(1),
        ..confirming()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
    harness.next_request().await;
    harness.end_input();
    check_not_created(&harness.said(&id).await, "did not answer");
    let rest = harness.take_unclaimed();
    assert!(
        rest.iter()
            .all(|message| matches!(message, Message::Notification { .. }))
    );
    harness.end_after_creates(0).await;
}

/// The question outlives the time limit of the call, which begins again with the yes.
#[tokio::test]
async fn a_yes_after_the_time_limit_counts_while_the_call_is_open() {
    for revision in ASKING {
        let setup = Setup {
            timeout: Duration::from_secs(2),
            faults: "slow=60000@get",
            ..confirming()
        };
        let mut harness = setup.open(revision).await;
        let id = harness.ask_tool("create_batch", parse(DIR_SMALL)).await;
        let (question, _) = harness.next_request().await;
        // Each of these calls takes all of its time, so that none is left of the first.
        for _ in 0..2 {
            let late = harness.call("get_batch", json!({ "batch_id": "bat-1" })).await;
            assert!(late.error().contains("in time"), "{}", late.error());
        }
        harness.reply(&question, json!({ "result": accept(true) })).await;
        assert_eq!(harness.said(&id).await.json()["created"], json!(true));
        harness.end_after_creates(1).await;
    }
}

/// A batch for the same work is there, or nobody can tell: with and without a session.
#[tokio::test]
async fn the_user_is_not_asked_about_a_batch_that_will_not_be_created() {
    for revision in [Revision::V2025_06_18, Revision::V2026_07_28] {
        let setup = Setup {
            speed: Speed::Steps,
            ..confirming()
        };
        let mut harness = setup.open(revision).await;
        let mut other = Setup {
            base_url: Some(harness.base_url()),
            ..Setup::default()
        }
        .open(revision)
        .await;
        let running = other.call("create_batch", parse(DIR_SMALL)).await.json();
        let there = harness.call("create_batch", parse(DIR_SMALL)).await.json();
        assert_eq!((&there["created"], &there["id"]), (&json!(false), &running["id"]));
        other.close(0).await;
        harness.end_after_creates(1).await;

        let setup = Setup {
            faults: "html@list",
            ..confirming()
        };
        let mut harness = setup.open(revision).await;
        let said = harness.call("create_batch", parse(DIR_SMALL)).await;
        assert!(said.error().contains("`allow_duplicate: true`"), "{}", said.error());
        harness.end_after_creates(0).await;
    }
}

#[tokio::test]
async fn nothing_is_asked_where_nothing_is_created() {
    let mut harness = confirming().open(Revision::V2025_06_18).await;
    for arguments in [parse(DIR_EMPTY), json!({})] {
        assert!(harness.call("create_batch", arguments).await.is_error);
    }
    harness.call("list_batches", json!({})).await.json();
    harness.end_after_creates(0).await;
}

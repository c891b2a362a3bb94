//! Opening a conversation, in every revision and in any order.

use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::harness::peer::Peer;
use super::harness::rpc::{Message, initialize};
use super::harness::{Harness, Setup, flags};
use super::tools_list::DEFAULT_TOOLS;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A request exactly as given, with the id `"h"`; its answer.
async fn exchange(peer: &mut Peer, method: &str, params: Option<Value>) -> Message {
    let mut line = json!({ "jsonrpc": "2.0", "id": "h", "method": method });
    if let Some(params) = params {
        line["params"] = params;
    }
    peer.send(line.to_string()).await;
    peer.claim("\"h\"").await
}

async fn code(peer: &mut Peer, method: &str, params: Option<Value>) -> i64 {
    match exchange(peer, method, params).await {
        Message::Error { code, .. } => code,
        Message::Result { .. } => 0,
        other @ (Message::Notification { .. } | Message::Request { .. }) => panic!("{other:?}"),
    }
}

fn meta(version: &str) -> Value {
    json!({ "_meta": { VERSION: version, CAPABILITIES: {} } })
}

#[tokio::test]
async fn each_revision_opens_and_serves() {
    for revision in Revision::ALL {
        let mut harness = Harness::open(revision).await;
        let list = harness.result("tools/list", json!({})).await;
        assert_eq!(list["tools"].as_array().unwrap().len(), DEFAULT_TOOLS.len());
        harness.close(0).await;
    }
}

#[tokio::test]
async fn initialize_is_answered_with_a_legacy_revision() {
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2030-01-01", "2025-11-25"),
        ("1.0", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let mut harness = Harness::start().await;
        let result = harness.result("initialize", initialize(asked)).await;
        assert_eq!(result["protocolVersion"], json!(answered), "{asked}");
        assert_eq!(result["capabilities"], json!({ "tools": {} }));
        assert_eq!(result["serverInfo"]["name"], json!("llamacloud-batches-mcp"));
        assert_eq!(result["serverInfo"]["version"], json!(env!("CARGO_PKG_VERSION")));
        assert!(result["instructions"].as_str().unwrap().chars().count() <= 800);
        harness.close(0).await;
    }
}

#[tokio::test]
async fn a_malformed_initialize_is_refused_and_may_be_repeated() {
    let mut harness = Harness::start().await;
    assert_eq!(code(&mut harness, "initialize", None).await, -32602);
    assert_eq!(code(&mut harness, "initialize", Some(json!({}))).await, -32602);
    assert_eq!(
        code(
            &mut harness,
            "initialize",
            Some(json!({ "protocolVersion": 20_250_618 }))
        )
        .await,
        -32602
    );
    assert_eq!(
        code(&mut harness, "tools/list", None).await,
        -32602,
        "there is no session yet"
    );
    harness.speak(Revision::V2025_06_18).await;
    assert_eq!(code(&mut harness, "tools/list", None).await, 0);
    harness.close(0).await;
}

#[tokio::test]
async fn initialize_may_come_at_any_time_and_again() {
    let mut harness = Harness::start().await;
    harness.result("server/discover", json!({})).await;
    harness.result("tools/list", json!({})).await;
    for revision in [Revision::V2025_11_25, Revision::V2024_11_05, Revision::V2025_06_18] {
        harness.speak(revision).await;
        harness.result("tools/list", json!({})).await;
        harness.result("ping", json!({})).await;
        // The two eras live side by side: the check of each line knows in which one it was asked.
        assert_eq!(code(&mut harness, "tools/list", Some(meta("2026-07-28"))).await, 0);
        assert_eq!(code(&mut harness, "server/discover", Some(meta("2026-07-28"))).await, 0);
        harness.result("tools/list", json!({})).await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_session_serves_before_it_is_called_initialized() {
    let mut harness = Harness::start().await;
    harness.result("initialize", initialize("2024-11-05")).await;
    assert_eq!(code(&mut harness, "tools/list", None).await, 0);
    harness.close(0).await;
}

#[tokio::test]
async fn a_modern_request_may_be_the_first_line() {
    for method in ["server/discover", "tools/list"] {
        let mut harness = Harness::start().await;
        assert_eq!(code(&mut harness, method, Some(meta("2026-07-28"))).await, 0);
        harness.close(0).await;
    }
    let mut harness = Harness::start().await;
    harness.call("list_batches", json!({})).await.json();
    harness.close(1).await;
}

#[tokio::test]
async fn discover_says_what_the_server_is() {
    let mut harness = Harness::start().await;
    let result = harness.result("server/discover", json!({})).await;
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["ttlMs"], json!(300_000));
    // It depends on what the client that asks declares.
    assert_eq!(result["cacheScope"], json!("private"));
    let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!(server["name"], json!("llamacloud-batches-mcp"));
    assert_eq!(server["title"], json!("LlamaCloud Batches"));
    assert_eq!(result["capabilities"]["tools"], json!({}));
    harness.close(0).await;
}

#[tokio::test]
async fn a_revision_that_is_not_served_is_refused_with_those_that_are() {
    let mut harness = Harness::start().await;
    for version in ["2030-01-01", "2025-11-25", "2024-11-05", ""] {
        for method in ["tools/list", "tools/call", "server/discover", "initialize", "nonsense"] {
            let Message::Error { code, data, .. } = exchange(&mut harness, method, Some(meta(version))).await else {
                panic!("{version} {method} was served")
            };
            assert_eq!(code, -32022, "{version} {method}");
            assert_eq!(
                data.unwrap(),
                json!({ "supported": ["2026-07-28"], "requested": version })
            );
        }
    }
    harness.close(0).await;
}

#[tokio::test]
async fn half_an_envelope_is_refused() {
    let mut harness = Harness::start().await;
    for (meta, named) in [
        (json!({ VERSION: "2026-07-28" }), CAPABILITIES),
        (json!({ CAPABILITIES: {} }), VERSION),
        (json!({ VERSION: 20_260_728, CAPABILITIES: {} }), VERSION),
        (json!({ VERSION: null, CAPABILITIES: {} }), VERSION),
        (json!({ VERSION: "2026-07-28", CAPABILITIES: [] }), CAPABILITIES),
        (json!({ VERSION: "2026-07-28", CAPABILITIES: null }), CAPABILITIES),
        (json!("2026-07-28"), "_meta"),
    ] {
        let answer = exchange(&mut harness, "tools/list", Some(json!({ "_meta": meta }))).await;
        let Message::Error {
            code: -32602, message, ..
        } = answer
        else {
            panic!("{meta}: {answer:?}")
        };
        assert!(message.contains(named), "{meta}: {message}");
    }
    harness.close(0).await;
}

#[tokio::test]
async fn what_has_no_session_and_no_envelope_is_told_what_is_missing() {
    let mut harness = Harness::start().await;
    for method in [
        "tools/list",
        "tools/call",
        "server/discover",
        "resources/list",
        "nonsense",
    ] {
        let answer = exchange(&mut harness, method, None).await;
        let Message::Error {
            code: -32602, message, ..
        } = answer
        else {
            panic!("{method}: {answer:?}")
        };
        assert!(message.contains(VERSION) && message.contains(CAPABILITIES), "{message}");
    }
    assert_eq!(code(&mut harness, "ping", None).await, 0, "a ping needs no session");
    harness.close(0).await;
}

#[tokio::test]
async fn a_method_belongs_to_its_era() {
    let modern = Some(meta("2026-07-28"));
    let mut harness = Harness::start().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "prompts/list",
        "completion/complete",
        "tasks/list",
        "tasks/result",
        "nonsense",
        "",
    ] {
        assert_eq!(code(&mut harness, method, modern.clone()).await, -32601, "{method}");
    }
    for revision in Revision::ALL.into_iter().take(4) {
        harness.speak(revision).await;
        for method in [
            "subscriptions/listen",
            "logging/setLevel",
            "resources/subscribe",
            "prompts/list",
            "tasks/get",
            "tasks/result",
            "nonsense",
        ] {
            assert_eq!(code(&mut harness, method, Some(json!({}))).await, -32601, "{method}");
        }
        assert_eq!(code(&mut harness, "server/discover", None).await, -32602);
    }
    harness.close(0).await;
}

/// Inspectors declare the tasks extension in a legacy handshake, where it means nothing; other members are not ours to judge.
#[tokio::test]
async fn what_a_client_declares_beyond_the_revision_is_ignored() {
    let mut harness = Harness::start().await;
    let mut params = initialize("2025-11-25");
    params["capabilities"] = json!({
        "extensions": { "io.modelcontextprotocol/tasks": {} }, "roots": { "listChanged": true }, "sampling": {},
        "elicitation": {}, "experimental": { "x": 1 }
    });
    params["clientInfo"] = json!("not an object");
    let result = harness.result("initialize", params).await;
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    let params =
        json!({ "name": "list_batches", "arguments": {}, "task": { "ttl": 1000 }, "_meta": { "progressToken": 7 } });
    assert_eq!(code(&mut harness, "tools/call", Some(params)).await, 0);
    harness.close(1).await;
}

/// What a client says of itself is optional, and where it says it badly it is served all the same.
#[tokio::test]
async fn client_info_decides_nothing() {
    let mut harness = Harness::start().await;
    for info in [json!({ "name": "x", "version": "1" }), json!({}), json!(7), json!(null)] {
        let mut params = meta("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientInfo"] = info.clone();
        params["_meta"]["progressToken"] = json!("t");
        params["_meta"]["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!(code(&mut harness, "tools/list", Some(params)).await, 0, "{info}");
    }
    harness.close(0).await;
}

/// Starting, opening and listing ask nothing of the API, so that a host without network still shows the tools.
#[tokio::test]
async fn nothing_is_asked_of_the_api_before_a_tool_is_called() {
    let setup = Setup {
        flags: flags(&["--read-only"]),
        base_url: Some("http://127.0.0.1:9".to_owned()),
        key: Some(""),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let list = harness.result("tools/list", json!({})).await;
    assert_eq!(list["tools"].as_array().unwrap().len(), DEFAULT_TOOLS.len() - 2);
    harness.close(0).await;
}

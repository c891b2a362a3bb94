//! What the tools say when something is wrong: each condition has its own sentence, and the sentence says what to do next.

use std::time::Duration;

use expect_test::{Expect, expect};
use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_EMPTY, DIR_OVERSIZED, DIR_SMALL, PRESET_PARSE, SAVED_EXTRACT, SAVED_PARSE};
use serde_json::{Value, json};

use super::harness::masks::masked;
use super::harness::upstream::{Reply, Upstream, response};
use super::harness::{Harness, Setup, rpc};
use super::tools_call::parse;

/// What a call says that must be an error; numbers that differ from run to run are blanked.
pub(crate) async fn sentence(harness: &mut Harness, tool: &str, arguments: Value) -> String {
    let said = harness.call(tool, arguments).await;
    blank(said.error())
}

/// `#` for every correlation id and port.
fn blank(text: &str) -> String {
    let words = text.split_inclusive(' ').map(|word| {
        let bare = word.trim_matches(|character: char| !character.is_ascii_alphanumeric());
        if bare.len() == 36 && bare.matches('-').count() == 4 {
            word.replace(bare, "#")
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

/// One fault of the sandbox, what is said of it, and how often the sandbox was asked.
async fn check_fault(fault: &'static str, tool: &str, arguments: Value, hits: usize, expected: Expect) {
    let setup = Setup {
        faults: fault,
        timeout: Duration::from_millis(2500),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    expected.assert_eq(&sentence(&mut harness, tool, arguments).await);
    harness.close(hits).await;
}

#[tokio::test]
async fn what_the_api_refuses() {
    let get = || json!({ "batch_id": "bat-1" });
    check_fault("401", "get_batch", get(), 1, expect![[r#"The batch could not be read: 127.0.0.1 rejected the API key (401): "Invalid authentication token". Calling again will not help. The user has to check LLAMA_CLOUD_API_KEY: the key may be revoked, or belong to the other region. Keys of the EU region work only with --region eu, all others only with --region us. Then the user has to restart this server."#]]).await;
    check_fault("402", "create_batch", parse(DIR_SMALL), 2, expect![[r#"No batch was created: the account has no credits left (402): "You have used all credits of your plan". Calling again will not help until the user does this: add credits or change the plan in the LlamaCloud console."#]]).await;
    check_fault("402@create", "create_batch", parse(DIR_SMALL), 3, expect![[r#"No batch was created: the account has no credits left (402): "You have used all credits of your plan". Calling again will not help until the user does this: add credits or change the plan in the LlamaCloud console."#]]).await;
    check_fault("403", "list_batches", json!({}), 1, expect![[r#"The batches could not be listed: this API key is not allowed to do that (403): "You do not have access to this project". The API key may have no access to this project, and batches need a Pro or Enterprise plan. Omit `project_id` and `organization_id`, or ask the user to configure this server with a key that has access."#]]).await;
    check_fault("429=60", "get_batch", get(), 1, expect![[r#"The batch could not be read: too many requests for the account's plan (429): "Rate limit exceeded". Wait 60 seconds and call again."#]]).await;
    check_fault("429=60@create", "create_batch", parse(DIR_SMALL), 3, expect![[r#"No batch was created: too many requests for the account's plan (429): "Rate limit exceeded". Wait 60 seconds and call again."#]]).await;
    check_fault(
        "500@create,401@list:9",
        "create_batch",
        parse(DIR_SMALL),
        2,
        expect![[r#"No batch was created: 127.0.0.1 rejected the API key (401): "Invalid authentication token". Calling again will not help. The user has to check LLAMA_CLOUD_API_KEY: the key may be revoked, or belong to the other region. Keys of the EU region work only with --region eu, all others only with --region us. Then the user has to restart this server."#]],
    )
    .await;
}

/// Programs need not read the sentence: `_meta` says whether the same call may succeed later, and when.
#[tokio::test]
async fn the_advice_is_data_too() {
    for (fault, expected) in [
        (
            "429=60",
            json!({ "llamacloud/retryable": true, "llamacloud/retryAfterSeconds": 60 }),
        ),
        ("reset", json!({ "llamacloud/retryable": true })),
        ("html", json!({ "llamacloud/retryable": true })),
        ("401", Value::Null),
        ("403", Value::Null),
    ] {
        for revision in [Revision::V2024_11_05, Revision::V2026_07_28] {
            let setup = Setup {
                faults: fault,
                timeout: Duration::from_millis(1500),
                ..Setup::default()
            };
            let mut harness = setup.open(revision).await;
            let call = json!({ "name": "get_batch", "arguments": { "batch_id": "bat-1" } });
            let result = harness.result("tools/call", call).await;
            assert_eq!(result["isError"], json!(true), "{result}");
            let mut meta = result["_meta"].clone();
            if let Some(members) = meta.as_object_mut() {
                members.remove("io.modelcontextprotocol/serverInfo");
            }
            let meta = if meta == json!({}) { Value::Null } else { meta };
            assert_eq!(meta, expected, "{fault} in {}", revision.as_str());
            harness.end().await;
        }
    }
}

#[tokio::test]
async fn what_the_api_does_not_know_or_accept() {
    check_fault("", "get_batch", json!({ "batch_id": "bat-none" }), 1, expect![[r#"The batch could not be read: LlamaCloud found nothing with that ID in this project (404): "Batch bat-none not found". Check `batch_id`: `list_batches` shows the batches that exist. For a batch of another project that the API key can use, also pass its `project_id`."#]]).await;
    check_fault("", "create_batch", parse("dir-none"), 3, expect![[r#"No batch was created: LlamaCloud found nothing with that ID in this project (404): "Directory dir-none not found". Check `source_directory_id` with `list_directories` and `configuration_id` with `list_configurations`. For IDs of another project that the API key can use, also pass its `project_id`."#]]).await;
    check_fault("", "create_batch", parse(DIR_EMPTY), 3, expect!["No batch was created: directory dir-empty has no files, so there is nothing to process. Nothing was sent. If files were uploaded a moment ago, try again in a minute. Otherwise, upload files to it first or choose another directory."]).await;
    check_fault("", "create_batch", parse(DIR_OVERSIZED), 3, expect!["No batch was created: directory dir-oversized has more than 1,000 files, the most that one batch can process. Nothing was sent. Ask the user to split the files into several directories, then create one batch for each."]).await;
    let job = json!({ "type": "parse_v2", "configuration_id": SAVED_EXTRACT });
    let other_product = json!({ "source_directory_id": DIR_SMALL, "config": { "job": job } });
    check_fault("", "create_batch", other_product, 3, expect![[r#"No batch was created: LlamaCloud rejected the request (400): "Configuration cfg-extract-invoices is for extract_v2 and cannot be used with parse_v2". Correct the problem named above and call again."#]]).await;
    check_fault("", "list_batches", json!({ "page_token": "nonsense" }), 1, expect![[r#"The batches could not be listed: LlamaCloud rejected the request (400): "Invalid page token". `page_token` may have expired or belong to other arguments: start again without `page_token`."#]]).await;
}

/// The wording of a 422 is the sandbox's own: only what is made of its parts is checked.
#[tokio::test]
async fn what_the_api_rejects_is_named() {
    let by_project = json!({ "batch_id": "bat-1", "project_id": "no-uuid" });
    for (tool, arguments, member) in [
        ("list_batches", json!({ "page_size": 5000 }), "query.page_size"),
        ("get_batch", by_project, "query.project_id"),
    ] {
        let mut harness = Setup::default().open(Revision::V2025_06_18).await;
        let said = sentence(&mut harness, tool, arguments).await;
        let named = format!("LlamaCloud rejected the request (422): {member} \"");
        assert!(said.contains(&named), "{said}");
        harness.close(1).await;
    }
}

/// One answer of an upstream that is not what the API documents, and what is said of it.
async fn check_reply(reply: Reply, expected: Expect) {
    let upstream = Upstream::start([reply]).await;
    let setup = Setup {
        base_url: Some(upstream.base_url()),
        timeout: Duration::from_millis(1500),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    expected.assert_eq(&sentence(&mut harness, "get_batch", json!({ "batch_id": "bat-1" })).await);
    assert!(!upstream.lines().is_empty());
    harness.close(0).await;
}

#[tokio::test]
async fn what_stands_between() {
    let patient = "retry-after: 3600\r\n";
    let html = "<html><body><h1>Sign in</h1></body></html>";
    let gateway = response(
        "502 Bad Gateway",
        &format!("content-type: text/html\r\n{patient}"),
        html,
    );
    check_reply(Reply::Keep(gateway), expect!["The batch could not be read: a proxy, firewall or login page answered in place of LlamaCloud, with a web page (502). Wait 3600 seconds and call again. If this continues, the user has to check whether a network login page, a proxy or a firewall intercepts the connection, and check the base URL."]).await;
    check_reply(
        Reply::Keep(response("200 OK", "content-type: text/html\r\n", html)),
        expect!["The batch could not be read: a proxy, firewall or login page answered in place of LlamaCloud, with a web page (200). Wait 60 seconds and call again. If this continues, the user has to check whether a network login page, a proxy or a firewall intercepts the connection, and check the base URL."],
    )
    .await;
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"id\":\"bat-1\"";
    check_reply(Reply::Close(half.to_vec()), expect![[r#"The batch could not be read: 127.0.0.1 could not be reached, or the connection broke: "end of file before message length reached". Wait a minute and call again. If this continues, the user has to check the network, the proxy and the base URL."#]]).await;
    check_reply(
        Reply::endless(),
        expect!["The batch could not be read: the response is larger than 8 MiB. Ask for less: omit `expand`."],
    )
    .await;
    check_reply(
        Reply::silence(),
        expect!["The batch could not be read: 127.0.0.1 did not answer in time. Wait a minute and call again."],
    )
    .await;
    let elsewhere = "location: https://login.example/in?token=secret\r\n";
    check_reply(Reply::json("302 Found", elsewhere, "{}"), expect![[r#"The batch could not be read: 127.0.0.1 answered with a redirect to "login.example", which is never followed with an API key. Calling again will not help. The user has to do this and restart this server: correct the base URL (--base-url, --region or LLAMA_CLOUD_BASE_URL): it is https://api.cloud.llamaindex.ai, or https://api.cloud.eu.llamaindex.ai for accounts in the EU."#]]).await;
    check_reply(
        Reply::json("307 Temporary Redirect", "location: /elsewhere\r\n", "{}"),
        expect!["The batch could not be read: 127.0.0.1 answered with a redirect, which is never followed with an API key. Calling again will not help. The user has to do this and restart this server: correct the base URL (--base-url, --region or LLAMA_CLOUD_BASE_URL): it is https://api.cloud.llamaindex.ai, or https://api.cloud.eu.llamaindex.ai for accounts in the EU."],
    )
    .await;
}

#[tokio::test]
async fn answers_that_the_api_might_give_one_day() {
    let patient = "retry-after: 3600\r\n";
    let oops = r#"{"detail":"Oops! correlation ID: 0f8fad5b-d9cb-469f-a165-70867728950e"}"#;
    check_reply(Reply::json("500 Internal Server Error", patient, oops), expect![[r#"The batch could not be read: LlamaCloud has an internal problem (500): "Oops! correlation ID: #". Wait 3600 seconds and call again. If this continues, the user can give LlamaCloud's support the correlation ID #."#]]).await;
    check_reply(
        Reply::json("503 Service Unavailable", patient, r#"{"detail":"busy"}"#),
        expect![[r#"The batch could not be read: LlamaCloud has an internal problem (503): "busy". Wait 3600 seconds and call again."#]],
    )
    .await;
    check_reply(
        Reply::json("409 Conflict", "", r#"{"detail":"It is \"final\".\u0007\u202e"}"#),
        expect![[r#"The batch could not be read: the current state does not allow this (409): "It is 'final'.". Check the current state (of a batch: `get_batch` shows it) before trying anything else."#]],
    )
    .await;
    check_reply(
        Reply::json("413 Content Too Large", "", r#"{"detail":"too large"}"#),
        expect![[r#"The batch could not be read: the request is too large for LlamaCloud (413): "too large". Ask for less: omit `expand`. If the problem remains, the user has to check the base URL."#]],
    )
    .await;
    check_reply(
        Reply::json("418 I'm a teapot", "", r#"{"detail":"short and stout"}"#),
        expect![[r#"The batch could not be read: LlamaCloud rejected the request (418): "short and stout". Correct the problem named above and call again."#]],
    )
    .await;
    check_reply(Reply::json("200 OK", "", r#"{"status":"RUNNING"}"#), expect![[r#"The batch could not be read: the response of 127.0.0.1 does not match the LlamaCloud API: "no `id`". Call again once. If that does not help, the user has to check the base URL and any proxy in between."#]]).await;
    check_reply(Reply::json("200 OK", "", "[]"), expect![[r#"The batch could not be read: the response of 127.0.0.1 does not match the LlamaCloud API: "unexpected type of value". Call again once. If that does not help, the user has to check the base URL and any proxy in between."#]]).await;
    check_reply(Reply::json("204 No Content", "", ""), expect![[r#"The batch could not be read: the response of 127.0.0.1 does not match the LlamaCloud API: "JSON that ends early". Call again once. If that does not help, the user has to check the base URL and any proxy in between."#]]).await;
    let details = r#"{"detail":[{"loc":["query","status"],"msg":"Input should be 'A'"},{"loc":["body","config",0],"msg":"Field required"}]}"#;
    check_reply(Reply::json("422 Unprocessable Entity", "", details), expect![[r#"The batch could not be read: LlamaCloud rejected the request (422): query.status "Input should be 'A'"; body.config.0 "Field required". Correct the problem named above and call again."#]]).await;
}

#[tokio::test]
async fn a_word_that_is_new_is_repeated_in_quotation_marks() {
    let body = r#"{"id":"bat-1","status":"PAUSED\u202e now","config":{"job":{"type":"split_v1","configuration_id":"c"}},"more":[1]}"#;
    let upstream = Upstream::start([Reply::json("200 OK", "", body)]).await;
    let setup = Setup::over(&upstream, &[]);
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let said = harness.call("get_batch", json!({ "batch_id": "bat-1" })).await;
    expect![[r#""Batch bat-1 has the status \"PAUSED now\", which this server does not know. Check again with `get_batch` in 15 seconds.""#]].assert_eq(&said.json()["summary"].to_string());
    harness.close(0).await;
}

#[tokio::test]
async fn a_host_that_is_not_there() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let setup = Setup {
        base_url: Some(format!("http://{address}")),
        // Windows tries a port for two seconds before it says so.
        timeout: Duration::from_millis(if cfg!(windows) { 20_000 } else { 1500 }),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    expect![[r#"The batch could not be read: 127.0.0.1 could not be reached, or the connection broke: "Connection refused (os error 1)". Wait a minute and call again. If this continues, the user has to check the network, the proxy and the base URL."#]].assert_eq(&masked(&sentence(&mut harness, "get_batch", json!({ "batch_id": "bat-1" })).await));
    expect![[r#"No batch was created: 127.0.0.1 could not be reached, or the connection broke: "Connection refused (os error 1)". Wait a minute and call again. If this continues, the user has to check the network, the proxy and the base URL."#]].assert_eq(&masked(&sentence(&mut harness, "create_batch", parse(DIR_SMALL)).await));
    harness.close(0).await;
}

#[tokio::test]
async fn a_key_that_is_missing_is_explained_in_the_hosts_own_words() {
    for (key, client, expected) in [
        (
            "",
            "claude-code",
            expect![[
                r#"No batch was created: there is no usable LlamaCloud API key (LLAMA_CLOUD_API_KEY is empty), so nothing was sent. The user has to pass it to this server: `"env": {"LLAMA_CLOUD_API_KEY": "${LLAMA_CLOUD_API_KEY}"}` in .mcp.json, and set the variable before Claude Code starts; then restart the server."#
            ]],
        ),
        (
            "",
            "an unknown host",
            expect![
                "No batch was created: there is no usable LlamaCloud API key (LLAMA_CLOUD_API_KEY is empty), so nothing was sent. The user has to set LLAMA_CLOUD_API_KEY in the environment of this server's entry in the host's MCP configuration, and restart the server."
            ],
        ),
        (
            "${LLAMA_CLOUD_API_KEY}",
            "codex-mcp-client",
            expect![[
                r#"No batch was created: there is no usable LlamaCloud API key (LLAMA_CLOUD_API_KEY holds the literal text "${LLAMA_CLOUD_API_KEY}", which was not expanded), so nothing was sent. The user has to pass it to this server: `env_vars = ["LLAMA_CLOUD_API_KEY"]` in this server's table of config.toml, and set the variable before Codex starts; then restart the server."#
            ]],
        ),
    ] {
        let setup = Setup {
            key: Some(key),
            ..Setup::default()
        };
        let mut harness = setup.start().await;
        let client = json!({ "name": client, "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        harness.result("initialize", params).await;
        let call = json!({ "name": "create_batch", "arguments": parse(DIR_SMALL) });
        harness.send(rpc::request(json!("k"), "tools/call", call)).await;
        expected.assert_eq(harness.said("\"k\"").await.error());
        harness.close(0).await;
    }
}

/// A read is repeated where that may help; a create only where it surely did nothing.
#[tokio::test]
async fn what_passes_is_waited_out() {
    for (fault, tool, arguments, hits) in [
        ("500:1", "list_batches", json!({}), 2),
        ("reset:1", "list_batches", json!({}), 2),
        ("html:2", "list_batches", json!({}), 3),
        ("503:1", "list_batches", json!({}), 2),
        ("429=1@create:1", "create_batch", parse(DIR_SMALL), 4),
    ] {
        let setup = Setup {
            faults: fault,
            ..Setup::default()
        };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        harness.call(tool, arguments).await.json();
        harness.close(hits).await;
    }
}

/// The batch exists, its answer is lost: it is found, and nothing is sent twice.
#[tokio::test]
async fn a_lost_answer_is_recovered() {
    for fault in ["lost-answer", "500-after-commit"] {
        let setup = Setup {
            faults: fault,
            ..Setup::default()
        };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        let created = harness.call("create_batch", parse(DIR_SMALL)).await.json();
        assert_eq!(
            (&created["created"], &created["recovered"]),
            (&json!(true), &json!(true)),
            "{fault}"
        );
        let ledger = harness.ledger();
        assert_eq!(
            (ledger.batches, ledger.count("POST /api/v2/batches")),
            (1, 1),
            "{fault}"
        );
        harness.close(7).await;
    }
}

/// Nobody knows whether the batch exists: the sentence says so, and which call will tell.
#[tokio::test]
async fn an_unknown_outcome_is_called_unknown() {
    let saved = "If a batch with the same job type and configuration is there, check its progress with `get_batch`; if not, \
                 nothing was created and `create_batch` may be called again.";
    let preset = "If a batch with the same job type was created at the time of this call (LlamaCloud may show another \
                  configuration ID for a preset), check its progress with `get_batch`; if not, nothing was created and \
                  `create_batch` may be called again.";
    for (configuration_id, next) in [(PRESET_PARSE, preset), (SAVED_PARSE, saved)] {
        let setup = Setup {
            faults: "500@create",
            timeout: Duration::from_secs(3),
            ..Setup::default()
        };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        let mut arguments = parse(DIR_SMALL);
        arguments["config"]["job"]["configuration_id"] = json!(configuration_id);
        let said = sentence(&mut harness, "create_batch", arguments).await;
        let (start, rest) = said.split_once("created_at_on_or_after\":\"").unwrap();
        let (_, end) = rest.split_once('"').unwrap();
        expect![[r#"The outcome is unknown: a batch may or may not have been created (LlamaCloud has an internal problem (500): "Oops! Something went wrong on our end. If the issue persists, please contact support, providing this correlation ID: #"). Do not call `create_batch` again yet. In a minute, call `list_batches` with {"source_directory_id":"dir-small","created_at_on_or_after"#]].assert_eq(&format!("{start}created_at_on_or_after"));
        assert_eq!(end, format!("}}. {next}"));
        let ledger = harness.ledger();
        assert_eq!((ledger.batches, ledger.count("POST /api/v2/batches")), (0, 1));
        harness.close(2 + ledger.count("GET /api/v2/batches")).await;
    }
}

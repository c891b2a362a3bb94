//! The API key, where it must not be: answers, logs at their loudest, log files, the command line, what types show of themselves.
//!
//! Every other test looks for it too: the harness does, in each line of stdout and in each log.

use llamacloud_batches_mcp::cli::Environment;
use llamacloud_batches_mcp::config::Config;
use llamacloud_batches_mcp::llamacloud::{Client, Credential, Scope, Settings};
use llamacloud_batches_mcp::mcp::Revision;
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::command_line::scratch;
use super::harness::child::{Child, Plumbing};
use super::harness::upstream::{Reply, Upstream, response};
use super::harness::{CANARY, flags};
use super::tools_call::parse;

/// Answers that repeat the key in every place that there is.
fn indiscreet() -> Vec<Reply> {
    let body = format!(r#"{{"detail":"bad key {CANARY}","message":"Bearer {CANARY}"}}"#);
    let details = format!(r#"{{"detail":[{{"loc":["header","{CANARY}"],"msg":"{CANARY}","input":"{CANARY}"}}]}}"#);
    let batch = format!(
        r#"{{"id":"{CANARY}","status":"{CANARY}","project_id":"{CANARY}","created_at":"{CANARY}","source_directory_id":"{CANARY}",
            "config":{{"job":{{"type":"{CANARY}","configuration_id":"{CANARY}"}}}},"results":[{{"error_message":"{CANARY}"}}]}}"#
    );
    let page = format!(r#"{{"items":[{batch}],"next_page_token":"{CANARY}"}}"#);
    let location = format!("location: https://{CANARY}.example/{CANARY}\r\n");
    let statuses = [
        "400 Bad", "401 Bad", "402 Bad", "403 Bad", "404 Bad", "409 Bad", "413 Bad", "418 Bad",
    ];
    let refusals = statuses.iter().map(|status| Reply::json(status, "", &body));
    let others = [
        Reply::json("422 Bad", "", &details),
        Reply::json("200 OK", "", &batch),
        Reply::json("200 OK", "", &page),
        Reply::json("302 Found", &location, ""),
        Reply::Keep(response("200 OK", &format!("x-key: {CANARY}\r\n"), CANARY)),
        Reply::Keep(response(&format!("400 {CANARY}"), "", CANARY)),
        Reply::Close(format!("{CANARY}\r\n\r\n").into_bytes()),
    ];
    refusals.chain(others).collect()
}

/// Every tool, before an API that tells the key to everybody. The log says all that there is to say.
#[tokio::test]
async fn an_indiscreet_api_is_not_repeated() {
    for format in ["text", "json"] {
        let file = scratch(&format!("canary-{format}"));
        for reply in indiscreet() {
            let upstream = Upstream::start([reply]).await;
            let url = upstream.base_url();
            let log = file.to_str().unwrap();
            let mut child = Child::start(
                Plumbing::Pipes,
                &[
                    "--base-url",
                    &url,
                    "--log",
                    "trace",
                    "--log-format",
                    format,
                    "--log-file",
                    log,
                    "--allow-cancel",
                    "--timeout",
                    "2s",
                ],
            );
            child.speak(Revision::V2025_11_25).await;
            for (tool, arguments) in [
                ("list_batches", json!({})),
                ("get_batch", json!({ "batch_id": "bat-1", "expand": ["outcomes"] })),
                ("cancel_batch", json!({ "batch_id": "bat-1" })),
            ] {
                child.call(tool, arguments).await;
            }
            let command_line = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&command_line).contains(CANARY));
            assert_eq!(child.close().await, "", "the log goes to the file");
        }
        let log = std::fs::read_to_string(&file).unwrap();
        assert!(
            log.contains("GET /api/v2/batches") && log.lines().count() > 100,
            "{log}"
        );
        assert!(!log.contains(CANARY), "the API key is in the log");
        std::fs::remove_file(&file).unwrap();
    }
}

/// A create sends three requests; only the last response repeats the key.
#[tokio::test]
async fn an_indiscreet_answer_to_a_create_is_not_repeated() {
    for reply in indiscreet() {
        let fine = || Reply::json("200 OK", "", r#"{"items":[{"id":"dfl-1","display_name":"a.pdf"}]}"#);
        let upstream = Upstream::start([fine(), fine(), reply]).await;
        let url = upstream.base_url();
        let mut child = Child::start(
            Plumbing::Pipes,
            &["--base-url", &url, "--log", "trace", "--timeout", "300ms"],
        );
        child.speak(Revision::V2025_11_25).await;
        child.call("create_batch", parse("dir-1")).await;
        child.close().await;
    }
}

/// What somebody in a hurry might print while looking for a bug.
#[tokio::test]
async fn no_type_shows_it() {
    let environment = Environment::of([("LLAMA_CLOUD_API_KEY", CANARY)]);
    let config = Config::resolve(&flags(&["--base-url", "http://127.0.0.1:9"]), &environment).unwrap();
    let settings = Settings::new(config.base_url.clone(), Credential::Key(CANARY.into()));
    let client = Client::new(settings.clone());
    let deadline = Instant::now() + Duration::from_millis(200);
    let refused = client
        .get_batch(&Scope::default(), &"bat-1".parse().unwrap(), deadline)
        .await;
    let error = refused.unwrap_err();
    for shown in [
        format!("{config:?} {config:#?}"),
        format!("{settings:?} {client:?}"),
        format!("{error} {error:?} {error:#?}"),
    ] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

//! What the log says of tool calls: one line each, and nothing of what they are about.

use std::path::Path;

use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::command_line::scratch;
use super::harness::child::{Child, Plumbing, command, run};
use super::harness::upstream::{Reply, Upstream};
use super::tools_call::parse;

/// The lines about tool calls.
fn calls(log: &Path) -> Vec<Value> {
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"] == "tool call").collect()
}

fn told(line: &Value) -> (&str, &str, u64) {
    assert!(line["duration_ms"].is_u64() && line["level"] == "INFO", "{line}");
    (
        line["tool"].as_str().unwrap(),
        line["outcome"].as_str().unwrap(),
        line["upstream_requests"].as_u64().unwrap(),
    )
}

#[tokio::test]
async fn each_call_is_one_line() {
    let file = scratch("calls-log");
    let path = file.to_str().unwrap();
    let mut child = Child::start(
        Plumbing::Pipes,
        &["--sandbox", "--log", "info", "--log-format", "json", "--log-file", path],
    );
    child.call("list_batches", json!({})).await.json();
    child.call("create_batch", parse("dir-small")).await.json();
    child
        .call("get_batch", json!({ "batch_id": "bat-secret" }))
        .await
        .error();
    child.call("get_batch", json!({ "batch": "bat-secret" })).await.error();
    child.close().await;
    let lines = calls(&file);
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [
            ("list_batches", "ok", 1),
            ("create_batch", "ok", 3),
            ("get_batch", "tool error", 1),
            ("get_batch", "invalid arguments", 0),
        ]
    );
    assert!(!format!("{lines:?}").contains("bat-secret"), "{lines:?}");
}

/// A person reads the error itself, so no line repeats it; a variable that is not set changes nothing about that.
#[tokio::test]
async fn a_variable_that_counts_as_not_set_leaves_the_default_for_people() {
    for value in ["", " ", "${LLAMA_CLOUD_LOG}"] {
        let mut command = command(&["call", "get_batch", "batch_id=bat-none", "--sandbox"]);
        command.env("LLAMA_CLOUD_LOG", value);
        let said = run(command).await.stderr;
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains("WARN"), "{value:?}: {said}");
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_a_line_as_well() {
    let file = scratch("cancelled-log");
    let path = file.to_str().unwrap();
    let upstream = Upstream::start([Reply::silence()]).await;
    let url = upstream.base_url();
    let mut child = Child::start(
        Plumbing::Pipes,
        &[
            "--base-url",
            &url,
            "--log",
            "info",
            "--log-format",
            "json",
            "--log-file",
            path,
        ],
    );
    child.speak(Revision::V2025_06_18).await;
    let id = child.ask_tool("get_batch", json!({ "batch_id": "bat-1" })).await;
    upstream.arrived(1).await;
    child.cancel(&id).await;
    child.result("ping", json!({})).await;
    child.close().await;
    assert_eq!(
        calls(&file).iter().map(told).collect::<Vec<_>>(),
        [("get_batch", "cancelled", 1)]
    );
}

/// Unless the log is wanted, a call that succeeds says nothing.
#[tokio::test]
async fn by_default_nothing_is_said() {
    let mut child = Child::start(Plumbing::Pipes, &["--sandbox"]);
    child.call("list_batches", json!({})).await.json();
    assert_eq!(child.close().await, "");
}

/// A file that is there keeps what its owner allowed.
#[cfg(unix)]
#[tokio::test]
async fn only_a_new_file_gets_a_mode() {
    use std::os::unix::fs::PermissionsExt;

    let file = scratch("shared-log");
    for (mode, expected) in [(None, 0o600), (Some(0o640), 0o640)] {
        if let Some(mode) = mode {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = file.to_str().unwrap();
        let status =
            super::harness::child::command(&["call", "list_batches", "--sandbox", "--log", "info", "--log-file", path])
                .stdin(std::process::Stdio::null())
                .status()
                .await
                .unwrap();
        assert!(status.success());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, expected);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
}

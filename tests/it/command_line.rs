//! The built binary: arguments, settings, exit codes.

use std::path::PathBuf;
use std::process::Output;

use expect_test::{expect, expect_file};
use llamacloud_batches_mcp::mcp::Revision;
use serde_json::json;

use super::harness::child::{Child, Plumbing, command, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A file in a folder of the tests' own.
pub(crate) fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}

async fn with(arguments: &[&str]) -> Output {
    run(command(arguments)).await
}

#[tokio::test]
async fn without_input_it_ends_without_output() {
    for arguments in [
        &[][..],
        &["serve"],
        &["--stdio", "portable"],
        &["--sandbox"],
        &["--read-only", "--region", "eu"],
    ] {
        let output = with(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(
            (text(&output.stdout), text(&output.stderr)),
            (String::new(), String::new()),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn help_and_version() {
    let output = with(&["--help"]).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    expect_file!["goldens/help.txt"].assert_eq(&text(&output.stdout));
    let output = with(&["sandbox", "--help"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("lost-answer"));
    let output = with(&["--version"]).await;
    assert_eq!(
        text(&output.stdout),
        format!("llamacloud-batches-mcp {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn what_is_misspelt_is_named_with_what_was_meant() {
    for (arguments, meant) in [
        (&["--read-onyl"][..], "--read-only"),
        (&["--base-ulr", "https://x.example"], "--base-url"),
        (&["--regoin", "eu"], "--region"),
        (&["sandbix"], "sandbox"),
        (&["--log-format", "jsno"], "json"),
        (&["--region", "uk"], "eu"),
        (&["--timeout", "0"], "1ms to 10m"),
        (&["--timeout", "ten"], "--timeout"),
        (&["--max-result-chars", "20000"], "2000..=16000"),
        (&["--sandbox-speed", "slow"], "instant"),
        (&["--sandbox-fault", "600"], "600"),
        (&["--api-key", "llx-1"], "--api-key"),
        (&["--region", "eu", "--base-url", "https://x.example"], "--base-url"),
    ] {
        let output = with(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(
            text(&output.stderr).contains(meant),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_says_so_in_one_line() {
    let project = "x".repeat(200);
    for (arguments, expected) in [
        (
            ["--base-url", "http://api.example"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: http would send the API key in the clear and is only allowed on loopback; use https
        "#]],
        ),
        (
            ["--base-url", "https://user:secret@api.example"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: a base URL must not hold a user name or password; the API key is passed on its own
        "#]],
        ),
        (
            ["--base-url", "https://api.example/?token=1"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: a base URL must have no query and no fragment
        "#]],
        ),
        (
            ["--base-url", "https://api.example/#x"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: a base URL must have no query and no fragment
        "#]],
        ),
        (
            ["--base-url", "ftp://api.example"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: a base URL starts with https://, for example https://api.cloud.llamaindex.ai
        "#]],
        ),
        (
            ["--base-url", "https://"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: not a URL (empty host); it looks like https://api.cloud.llamaindex.ai
        "#]],
        ),
        (
            ["--base-url", "not a url"],
            expect![[r#"
            llamacloud-batches-mcp: --base-url: not a URL (invalid international domain name); it looks like https://api.cloud.llamaindex.ai
        "#]],
        ),
        (
            ["--project-id", "../x"],
            expect![[r#"
            llamacloud-batches-mcp: project id: "../x" is not 1 to 128 of the characters A-Z, a-z, 0-9, _ and -
        "#]],
        ),
        (
            ["--project-id", ""],
            expect![[r#"
            llamacloud-batches-mcp: project id: "" is not 1 to 128 of the characters A-Z, a-z, 0-9, _ and -
        "#]],
        ),
        (
            ["--organization-id", &project],
            expect![[r#"
            llamacloud-batches-mcp: organization id: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" is not 1 to 128 of the characters A-Z, a-z, 0-9, _ and -
        "#]],
        ),
    ] {
        let output = with(&arguments).await;
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(2), String::new()),
            "{arguments:?}"
        );
        expected.assert_eq(&text(&output.stderr));
    }
    let mut command = command(&[]);
    command.env("LLAMA_CLOUD_BASE_URL", "http://api.example");
    let output = run(command).await;
    assert_eq!(output.status.code(), Some(2));
    expect![[r#"
        llamacloud-batches-mcp: LLAMA_CLOUD_BASE_URL: http would send the API key in the clear and is only allowed on loopback; use https
    "#]].assert_eq(&text(&output.stderr));
}

#[tokio::test]
async fn what_cannot_be_logged_to_says_so() {
    for (arguments, expected) in [
        (
            ["--log", "a=b=c=d"],
            expect![[r#"
                llamacloud-batches-mcp: --log: "a=b=c=d" is no filter; write it like `info` or `llamacloud_batches_mcp=debug`
            "#]],
        ),
        (
            ["--log-file", "/nonexistent/folder/log"],
            expect![[r#"
            llamacloud-batches-mcp: --log-file: it cannot be opened (entity not found)
        "#]],
        ),
    ] {
        let output = with(&arguments).await;
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}");
        expected.assert_eq(&text(&output.stderr));
    }
}

/// Without a usable key the server starts, lists its tools, and explains itself when one is called.
#[tokio::test]
async fn a_key_that_cannot_be_used_is_explained_on_the_first_call() {
    let empty = scratch("empty-key");
    std::fs::write(&empty, "\n").unwrap();
    let broken = scratch("broken-key");
    std::fs::write(&broken, b"\xff\xfe\n").unwrap();
    for (file, reason) in [
        (scratch("no-such-key"), "cannot be read"),
        (PathBuf::from(env!("CARGO_TARGET_TMPDIR")), "cannot be read"),
        (empty, "is empty"),
        (broken, "cannot be read"),
    ] {
        let mut child = Child::start(Plumbing::Pipes, &["--api-key-file", file.to_str().unwrap()]);
        child.speak(Revision::V2025_06_18).await;
        let list = child.result("tools/list", json!({})).await;
        assert_eq!(list["tools"].as_array().unwrap().len(), 3);
        let said = child.call("list_batches", json!({})).await;
        assert!(said.error().contains(reason), "{reason}: {}", said.text);
        assert!(!said.text.contains(file.to_str().unwrap()), "{}", said.text);
        child.close().await;
    }
}

#[tokio::test]
async fn a_key_from_a_file_is_used() {
    let sandbox = super::harness::Setup::default().start().await;
    let file = scratch("good-key");
    std::fs::write(&file, format!("  {}  \nmore\n", super::harness::CANARY)).unwrap();
    let url = sandbox.base_url();
    let mut child = Child::start(
        Plumbing::Pipes,
        &["--api-key-file", file.to_str().unwrap(), "--base-url", &url],
    );
    child.call("list_batches", json!({})).await.json();
    child.close().await;
    sandbox.close(1).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_goes_where_it_was_sent() {
    use std::os::unix::fs::PermissionsExt;

    let file = scratch("log");
    let mut child = Child::start(
        Plumbing::Pipes,
        &[
            "--sandbox",
            "--log",
            "debug",
            "--log-format",
            "json",
            "--log-file",
            file.to_str().unwrap(),
        ],
    );
    child.call("list_batches", json!({})).await.json();
    assert_eq!(child.close().await, "");
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.lines().count() > 2);
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string(), "{line}");
    }
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

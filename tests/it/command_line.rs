//! The built binary: arguments, settings, exit codes.

use std::path::PathBuf;
use std::process::Output;

use expect_test::{expect, expect_file};
use llamacloud_batches_mcp::mcp::Revision;
use serde_json::json;

use super::harness::child::{Child, Plumbing, command, run};
use super::tools_list::DEFAULT_TOOLS;

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
        (&["run", "docs", "--yes", "--sandbox-speed", "fast"], "need --sandbox"),
        (
            &["run", "docs", "--yes", "--sandbox-fault", "429@get"],
            "need --sandbox",
        ),
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
                llamacloud-batches-mcp: --base-url: not a URL (empty host); write it like https://api.cloud.llamaindex.ai
            "#]],
        ),
        (
            ["--base-url", "not a url"],
            expect![[r#"
                llamacloud-batches-mcp: --base-url: not a URL (invalid international domain name); write it like https://api.cloud.llamaindex.ai
            "#]],
        ),
        (
            ["--project-id", "../x"],
            expect![[r#"
                llamacloud-batches-mcp: --project-id "../x" holds characters other than A-Z, a-z, 0-9, _ and -
            "#]],
        ),
        (
            ["--project-id", ""],
            expect![[r#"
                llamacloud-batches-mcp: --project-id is empty
            "#]],
        ),
        (
            ["--organization-id", &project],
            expect![[r#"
                llamacloud-batches-mcp: --organization-id is 200 characters long, more than 128
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
async fn a_name_or_folder_that_does_not_exist_is_a_wrong_setting() {
    for (arguments, expected) in [
        (
            &["--log", "a=b=c=d"][..],
            expect![[r#"
            llamacloud-batches-mcp: --log: "a=b=c=d" is not a filter; write it like `info` or `llamacloud_batches_mcp=debug`
        "#]],
        ),
        (
            &["--tools", "nope", "--read-only"],
            expect![[r#"
            llamacloud-batches-mcp: --tools: there is no tool "nope"; the tools are create_batch, list_batches, get_batch, list_directories, list_configurations, read_result, retry_failed_files, upload_files, save_results, cancel_batch, show_batch
        "#]],
        ),
        (
            &["--allow-dir", "/nonexistent"],
            expect![[r#"
            llamacloud-batches-mcp: --allow-dir: "/nonexistent" cannot be opened as a folder (it does not exist)
        "#]],
        ),
        (
            &["--output-dir", "/nonexistent"],
            expect![[r#"
            llamacloud-batches-mcp: --output-dir: "/nonexistent" cannot be opened as a folder (it does not exist)
        "#]],
        ),
        (
            &["run", "/nonexistent"],
            expect![[r#"
            llamacloud-batches-mcp: "/nonexistent" cannot be opened as a folder (it does not exist)
        "#]],
        ),
    ] {
        let output = with(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        expected.assert_eq(&text(&output.stderr));
    }
}

/// `~` reaches the program unexpanded, because hosts start it without a shell.
#[tokio::test]
async fn a_folder_that_holds_the_key_file_is_refused_however_the_file_is_named() {
    let home = scratch("home-with-key");
    let docs = home.join("docs");
    std::fs::create_dir_all(&docs).unwrap();
    std::fs::write(docs.join("key.txt"), "llx-1").unwrap();
    for (key_file, is_refused) in [
        ("~/docs/key.txt", true),
        // Not there yet: it must not become a document when it is written.
        ("~/docs/new-key.txt", true),
        ("~/none/key.txt", false),
    ] {
        let mut command = command(&["--api-key-file", key_file, "--allow-dir", docs.to_str().unwrap()]);
        command.env("HOME", &home).env("USERPROFILE", &home);
        let output = run(command).await;
        let said = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(if is_refused { 2 } else { 0 }),
            "{key_file}: {said}"
        );
        assert_eq!(
            said.contains("contains the file with the API key"),
            is_refused,
            "{key_file}: {said}"
        );
    }
    std::fs::remove_dir_all(&home).unwrap();
}

/// Hosts start programs without a shell, and bash leaves `--out=~/text` as it is.
#[tokio::test]
async fn paths_in_the_home_folder_are_found_without_a_shell() {
    let home = scratch("home");
    std::fs::create_dir_all(home.join("docs")).unwrap();
    std::fs::create_dir_all(home.join("text")).unwrap();
    std::fs::write(home.join("docs/a.md"), "a").unwrap();
    let at_home = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("HOME", &home).env("USERPROFILE", &home).current_dir(&home);
        command
    };
    let mut server = at_home(&["tools", "--output-dir", "~/text", "--log-file=~/log"]);
    server.env("LLAMA_CLOUD_ALLOW_DIR", "~/docs");
    let output = run(server).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let listed = text(&output.stdout);
    for tool in ["upload_files", "save_results"] {
        assert!(listed.contains(tool), "{listed}");
    }
    assert!(home.join("log").exists());

    let entry = text(
        &run(at_home(&[
            "host-config",
            "zed",
            "--api-key-file",
            "~/key",
            "--allow-dir=~/docs",
        ]))
        .await
        .stdout,
    );
    for name in ["key", "docs"] {
        let path = serde_json::to_string(&home.join(name)).unwrap();
        assert!(entry.contains(&path), "no {path} in {entry}");
    }

    let output = run(at_home(&["run", "~/docs", "--out=~/text", "--yes", "--sandbox"])).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(home.join("text/manifest.json").exists());
    assert!(!home.join("~").exists());
    std::fs::remove_dir_all(&home).unwrap();
}

/// Without a usable key the server starts, lists its tools, and explains itself when one is called.
#[tokio::test]
async fn a_key_that_cannot_be_used_is_explained_on_the_first_call() {
    let empty = scratch("empty-key");
    std::fs::write(&empty, "\n").unwrap();
    let broken = scratch("broken-key");
    std::fs::write(&broken, b"\xff\xfe\n").unwrap();
    let mut special = vec![PathBuf::from(env!("CARGO_TARGET_TMPDIR"))];
    if cfg!(unix) {
        let fifo = scratch("fifo-key");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        special.extend([fifo, PathBuf::from("/dev/zero")]);
    }
    let others = [
        (scratch("no-such-key"), "cannot be read"),
        (empty, "its first line is empty"),
        (broken, "is not text in UTF-8 or UTF-16"),
    ];
    let special = special.into_iter().map(|file| (file, "is not a regular file"));
    for (file, reason) in special.chain(others) {
        let mut child = Child::start(Plumbing::Pipes, &["--api-key-file", file.to_str().unwrap()]);
        child.speak(Revision::V2025_06_18).await;
        let list = child.result("tools/list", json!({})).await;
        assert_eq!(list["tools"].as_array().unwrap().len(), DEFAULT_TOOLS.len());
        let said = child.call("list_batches", json!({})).await;
        assert!(said.error().contains(reason), "{reason}: {}", said.text);
        assert!(said.error().contains("--api-key-file"), "{}", said.text);
        assert!(!said.error().contains("LLAMA_CLOUD_API_KEY"), "{}", said.text);
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

/// A server without its log file is worth more than none.
#[tokio::test]
async fn a_log_file_that_cannot_be_opened_means_a_log_on_stderr() {
    for (file, why) in [
        (PathBuf::from("/nonexistent/folder/log"), "its folder does not exist"),
        (
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
            if cfg!(windows) {
                "no permission"
            } else {
                "is a directory"
            },
        ),
    ] {
        let mut child = Child::start(
            Plumbing::Pipes,
            &["--sandbox", "--log", "info", "--log-file", file.to_str().unwrap()],
        );
        child.call("list_batches", json!({})).await.json();
        let log = child.close().await;
        assert!(
            log.contains(&format!(
                "--log-file: it cannot be opened ({why}); the log goes to stderr"
            )),
            "{log}"
        );
        assert!(log.contains("tool call"), "{log}");
    }
}

/// A protective setting that cannot be read stops the start instead of being ignored.
#[tokio::test]
async fn switches_and_pins_that_cannot_be_read_stop_the_start() {
    let start = async |variable: &str, value: &std::ffi::OsStr| {
        let mut command = command(&["serve", "--sandbox"]);
        command.env(variable, value);
        let output = super::harness::child::run(command).await;
        (output.status.code(), text(&output.stderr))
    };
    let variables = [
        "LLAMA_CLOUD_READ_ONLY",
        "LLAMA_CLOUD_CONFIRM_CREATE",
        "LLAMA_CLOUD_PROJECT_ID",
        "LLAMA_CLOUD_ORGANIZATION_ID",
    ];
    for variable in variables {
        for value in ["${X}", "${X:-true}", "{{X}}"] {
            let (code, said) = start(variable, value.as_ref()).await;
            assert_eq!(code, Some(2), "{said}");
            assert!(said.contains(variable), "{said}");
        }
        #[cfg(unix)]
        {
            let odd = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff");
            let (code, said) = start(variable, odd).await;
            assert!(code == Some(2) && said.contains(variable), "{said}");
        }
    }
    let (code, said) = start("LLAMA_CLOUD_ALLOW_CANCEL", "{{X}}".as_ref()).await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

/// The error about a rejected key names only the setting that the key came from.
#[tokio::test]
async fn a_rejected_key_names_the_setting_that_was_used() {
    let sandbox = super::harness::Setup::default().start().await;
    let file = scratch("rejected-key");
    std::fs::write(&file, "llx-rejected").unwrap();
    let path = file.to_str().unwrap();
    for (arguments, variable, named, not_named) in [
        (
            &["--api-key-file", path][..],
            "LLAMA_CLOUD_API_KEY",
            "--api-key-file",
            "LLAMA_",
        ),
        (&[], "LLAMA_PARSE_API_KEY", "LLAMA_PARSE_API_KEY", "LLAMA_CLOUD_API_KEY"),
        (&[], "LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_API_KEY", "LLAMA_PARSE_API_KEY"),
    ] {
        let mut command = command(&[&["call", "list_batches", "--base-url", &sandbox.base_url()], arguments].concat());
        command.env_remove("LLAMA_CLOUD_API_KEY").env(variable, "llx-rejected");
        let said = text(&run(command).await.stderr);
        assert!(
            said.contains("(401)") && said.contains(named) && !said.contains(not_named),
            "{said}"
        );
    }
    sandbox.close(3).await;
}

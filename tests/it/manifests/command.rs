//! `host-config` as a user runs it: what goes where, and what the flags do.

use std::path::Path;
use std::process::Output;

use expect_test::expect;
use llamacloud_batches_mcp::hosts::{ALL, Host, NAME, Registration};
use serde_json::{Value, json};

use crate::harness::child::{command, run};

async fn host_config(arguments: &[&str]) -> Output {
    run(command(&[&["host-config"], arguments].concat())).await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The program and arguments in the configuration of Cursor.
async fn cursor(arguments: &[&str]) -> Value {
    let output = host_config(&[&["cursor"], arguments].concat()).await;
    assert!(output.status.success(), "{output:?}");
    let configuration: Value = serde_json::from_slice(&output.stdout).unwrap();
    configuration["mcpServers"][NAME].clone()
}

#[tokio::test]
async fn the_list_is_the_table() {
    let names: String = ALL.iter().map(|host| [host.name, "\n"].concat()).collect();
    let output = host_config(&["--list"]).await;
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        (names.clone(), String::new())
    );
    assert_eq!(names, names.to_lowercase());
}

#[tokio::test]
async fn every_host_gets_its_configuration_on_stdout_and_the_rest_on_stderr() {
    let program = Path::new(env!("CARGO_BIN_EXE_llamacloud-batches-mcp")).canonicalize();
    for host in ALL {
        let output = host_config(&[host.name]).await;
        assert_eq!(output.status.code(), Some(0), "{}", host.name);
        let registration = Registration {
            command: program.as_ref().unwrap().to_str().unwrap().to_owned(),
            args: Vec::new(),
            passes_key: true,
        };
        // On Windows a canonical path has another form.
        if cfg!(unix) {
            assert_eq!(text(&output.stdout), host.configuration(&registration));
        }
        let guidance = text(&output.stderr);
        for words in [host.title, "reads this from", "key", "Then restart"] {
            assert!(guidance.contains(words), "{}: {guidance}", host.name);
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_to_do_is_said_in_a_few_lines() {
    let program = Path::new(env!("CARGO_BIN_EXE_llamacloud-batches-mcp"))
        .canonicalize()
        .unwrap();
    for (arguments, expected) in [
        (
            &["claude-code"][..],
            expect![[r#"
            Claude Code reads this from ~/.claude.json
            or, in one project alone, from .mcp.json in the project's folder.
            If that file exists, add the part about llamacloud-batches to what it holds.
            This command does the same:
              claude mcp add -s user llamacloud-batches -e 'LLAMA_CLOUD_API_KEY=${LLAMA_CLOUD_API_KEY}' -- PROGRAM
            Set LLAMA_CLOUD_API_KEY to your key (llx-…) in the environment from which Claude Code starts.
            Claude Code asks once before it starts what a project's file names.
            Then restart Claude Code. It shows the server as llamacloud-batches.
        "#]],
        ),
        (
            &["codex", "--sandbox"],
            expect![[r#"
            Codex reads this from ~/.codex/config.toml
            or, in one project alone, from .codex/config.toml in the project's folder.
            If that file exists, add the part about llamacloud-batches to what it holds.
            This command does the same:
              codex mcp add llamacloud-batches -- PROGRAM --sandbox
            The sandbox needs no key.
            Then restart Codex. It shows the server as llamacloud-batches.
        "#]],
        ),
        (
            &["zed", "--api-key-file", "no-such-file"],
            expect![[r#"
            Zed reads this from ~/.config/zed/settings.json
            or, in one project alone, from .zed/settings.json in the project's folder.
            If that file exists, add the part about llamacloud-batches to what it holds.
            There is no key yet: the file given with --api-key-file cannot be read (entity not found). Write the key there before the server is used.
            Then restart Zed. It shows the server as llamacloud-batches.
        "#]],
        ),
        (
            &["goose"],
            expect![[r#"
            goose reads this from ~/.config/goose/config.yaml.
            If that file exists, add the part about llamacloud-batches to what it holds.
            goose asks for LLAMA_CLOUD_API_KEY and keeps it in the system's keyring; `goose configure` changes it.
            Then restart goose. It shows the server as llamacloud-batches.
        "#]],
        ),
    ] {
        let output = host_config(arguments).await;
        let said = text(&output.stderr).replace(program.to_str().unwrap(), "PROGRAM");
        // Said of a program that lies in a build folder, wherever that is.
        let lines = said
            .lines()
            .filter(|line| !line.starts_with("This program lies in a build folder"));
        expected.assert_eq(&lines.map(|line| [line, "\n"].concat()).collect::<String>());
    }
}

#[tokio::test]
async fn the_flags_that_were_given_go_into_it() {
    assert_eq!(cursor(&[]).await["args"], json!([]));
    let entry = cursor(&["--region", "eu", "--read-only", "--timeout", "90s"]).await;
    assert_eq!(
        entry["args"],
        json!(["--region", "eu", "--read-only", "--timeout", "90s"])
    );
    assert!(entry["env"]["LLAMA_CLOUD_API_KEY"].is_string());
    // Wherever they stand, and as often as they may.
    let flags = [
        "--sandbox",
        "--sandbox-fault",
        "429",
        "--sandbox-fault",
        "lost-answer:1",
    ];
    assert_eq!(cursor(&flags).await["args"], json!(flags));
    let before = run(command(&[
        "--project-id=-x",
        "--allow-cancel",
        "host-config",
        "cursor",
        "--sandbox",
    ]))
    .await;
    let before: Value = serde_json::from_slice(&before.stdout).unwrap();
    let args = &before["mcpServers"][NAME]["args"];
    assert_eq!(*args, json!(["--project-id=-x", "--allow-cancel", "--sandbox"]));
    assert!(before["mcpServers"][NAME].get("env").is_none());
}

#[tokio::test]
async fn files_are_named_with_their_whole_path() {
    let entry = cursor(&["--api-key-file", "key"]).await;
    let here = std::path::absolute("key").unwrap();
    assert_eq!(entry["args"], json!(["--api-key-file", here.to_str().unwrap()]));
    assert!(entry.get("env").is_none(), "{entry}");
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_met_with_the_nearest() {
    for (name, nearest) in [
        ("cursr", "cursor"),
        ("claude-cod", "claude-code"),
        ("gemini", "gemini-cli"),
        ("lmstudio", "lm-studio"),
    ] {
        let output = host_config(&[name]).await;
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
        let said = text(&output.stderr);
        assert!(said.contains(&format!("'{nearest}'")), "{name}: {said}");
    }
    assert_eq!(host_config(&[]).await.status.code(), Some(2));
    assert!(Host::named("Claude-Code").is_some());
    assert!(host_config(&["CURSOR"]).await.status.success());
}

#[tokio::test]
async fn the_servers_log_file_is_left_to_the_server() {
    let name = format!("{}-host-config.log", std::process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let entry = cursor(&["--log-file", file.to_str().unwrap()]).await;
    assert_eq!(entry["args"], json!(["--log-file", file]));
    assert!(!file.exists());
}

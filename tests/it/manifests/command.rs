//! `host-config` as a user runs it: what goes where, and what the flags do.

use std::path::Path;
use std::process::Output;

use llamacloud_batches_mcp::hosts::{ALL, Host, NAME, Registration};
use serde_json::{Value, json};

use crate::harness::child::{command, run};
use crate::terminal::text;

async fn host_config(arguments: &[&str]) -> Output {
    run(command(&[&["host-config"], arguments].concat())).await
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
        let guidance = text(&output.stderr).replace('\n', " ");
        for words in [host.title, "The configuration belongs in", "Then restart"] {
            assert!(guidance.contains(words), "{}: {guidance}", host.name);
        }
    }
}

/// What is said to a person, the same on every machine and without what is said of a program in a build folder.
#[cfg(target_os = "linux")]
async fn guidance(arguments: &[&str]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_llamacloud-batches-mcp"))
        .canonicalize()
        .unwrap();
    let mut host_config = command(&[&["host-config"], arguments].concat());
    host_config.env("HOME", "/home/me");
    let output = run(host_config).await;
    let here = std::path::absolute(".").unwrap();
    let said = text(&output.stderr).replace(program.to_str().unwrap(), "PROGRAM");
    let said = said.replace(here.to_str().unwrap(), "HERE");
    let (before, after) = said.split_once("Then restart").unwrap();
    // Said of a folder called `target`, and of no other.
    let is_built = program.iter().rev().nth(2).is_some_and(|folder| folder == "target");
    let (before, is_said) = match before.split_once("This program is in a build folder.") {
        Some((before, _)) => (before, true),
        None => (before, false),
    };
    assert_eq!(is_said, is_built, "{said}");
    let link = |line: &str| line.starts_with("  cursor:").then(|| "  LINK".to_owned());
    let lines = format!("{before}Then restart{after}");
    let lines = lines
        .lines()
        .map(|line| link(line).unwrap_or_else(|| line.to_owned()) + "\n");
    lines.collect()
}

/// The file that is named is the one that `--write` would edit.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_was_moved_is_found_through_its_variables() {
    for (host, variable, file) in [
        ("codex", "CODEX_HOME", "/elsewhere/config.toml"),
        ("claude-code", "CLAUDE_CONFIG_DIR", "/elsewhere/.claude.json"),
        ("zed", "XDG_CONFIG_HOME", "/elsewhere/zed/settings.json"),
        ("librechat", "XDG_CONFIG_HOME", "librechat.yaml"),
    ] {
        let mut command = command(&["host-config", host]);
        command.env("HOME", "/home/me").env(variable, "/elsewhere");
        let said = text(&run(command).await.stderr).replace('\n', " ");
        let end = said.split("The configuration belongs in ").nth(1).unwrap_or_default();
        assert!(
            end.starts_with(&format!("{file}, ")) || end.starts_with(&format!("{file}. ")),
            "{said}"
        );
    }
}

/// The key of VS Code is not in the entry alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_an_entry_refers_to_is_named_beside_it() {
    let said = guidance(&["vscode"]).await.replace('\n', " ");
    assert!(
        said.contains("entry to it, and what the configuration has under `inputs`."),
        "{said}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_to_do_comes_in_a_few_lines_and_the_shortest_way_first() {
    use expect_test::expect;

    for (arguments, expected) in [
        (
            &["claude-code"][..],
            expect![[r#"
                To register it, run this command:
                  claude mcp add -s user llamacloud-batches -e 'LLAMA_CLOUD_API_KEY=${LLAMA_CLOUD_API_KEY}' -- PROGRAM
                Or let this program edit the host's file:
                  PROGRAM host-config claude-code --write
                The configuration belongs in /home/me/.claude.json, or, for a single project, in
                .mcp.json in the project's folder. If that file already exists, add only the
                llamacloud-batches entry to it.
                Set LLAMA_CLOUD_API_KEY to your key (llx-…) in the environment from which Claude
                Code starts.
                Claude Code asks for your approval before it starts a server from a project's
                file.
                Then restart Claude Code. To see llamacloud-batches there, type `/mcp`. To try
                it, ask: "List my LlamaCloud batches."
            "#]],
        ),
        (
            &["codex", "--sandbox"],
            expect![[r#"
                To register it, run this command:
                  codex mcp add llamacloud-batches -- PROGRAM --sandbox
                Or let this program edit the host's file:
                  PROGRAM --sandbox host-config codex --write
                The configuration belongs in /home/me/.codex/config.toml, or, for a single
                project, in .codex/config.toml in the project's folder. If that file already
                exists, add only the llamacloud-batches entry to it.
                The sandbox needs no key.
                Then restart Codex. To see llamacloud-batches there, type `/mcp`. To try it,
                ask: "Create a LlamaCloud batch over dir-small with cfg-PARSE_AGENTIC, and tell
                me how it ends."
            "#]],
        ),
        (
            &["zed", "--api-key-file", "no-such-file"],
            expect![[r#"
                To register it, let this program edit the host's file:
                  PROGRAM --api-key-file HERE/no-such-file host-config zed --write
                The configuration belongs in /home/me/.config/zed/settings.json, or, for a
                single project, in .zed/settings.json in the project's folder. If that file
                already exists, add only the llamacloud-batches entry to it.
                No key can be read yet: the file given with --api-key-file cannot be read (it
                does not exist). Write the key into that file before you use the server.
                Then restart Zed. To see llamacloud-batches there, open the settings of the
                Agent Panel. To try it, ask: "List my LlamaCloud batches."
            "#]],
        ),
        (
            &["goose"],
            expect![[r#"
                The configuration belongs in /home/me/.config/goose/config.yaml. If that file
                already exists, add only the llamacloud-batches entry to it.
                goose asks for LLAMA_CLOUD_API_KEY and keeps it in the system's keyring; `goose
                configure` changes it.
                Then restart goose. To see llamacloud-batches there, run `goose configure`. To
                try it, ask: "List my LlamaCloud batches."
            "#]],
        ),
        (
            &["cursor", "--region", "eu"],
            expect![[r#"
                To register it, let this program edit the host's file:
                  PROGRAM --region eu host-config cursor --write
                Or open this link:
                  LINK
                The configuration belongs in /home/me/.cursor/mcp.json, or, for a single
                project, in .cursor/mcp.json in the project's folder. If that file already
                exists, add only the llamacloud-batches entry to it.
                Set LLAMA_CLOUD_API_KEY to your key (llx-…) in the environment from which Cursor
                starts. A program that is started from the desktop often does not see what a
                shell's profile sets: start Cursor from a terminal, or run this again with
                --api-key-file FILE.
                Then restart Cursor. To see llamacloud-batches there, open Cursor Settings,
                Tools & MCP. To try it, ask: "List my LlamaCloud batches."
            "#]],
        ),
    ] {
        expected.assert_eq(&guidance(arguments).await);
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
    // Flags may stand anywhere in the command, and some may be repeated.
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
    let mut in_home = command(&["host-config", "cursor", "--api-key-file", "~/docs/key"]);
    in_home.env("HOME", "/home/me").env("USERPROFILE", "/home/me");
    let configuration: Value = serde_json::from_slice(&run(in_home).await.stdout).unwrap();
    let registered = configuration["mcpServers"][NAME]["args"][1].as_str().unwrap();
    let expected = std::path::absolute("/home/me").unwrap().join("docs/key");
    assert_eq!(Path::new(registered), expected);
}

#[tokio::test]
async fn an_unknown_host_is_answered_with_the_nearest_name() {
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

//! Help, completions and the manual page: what the definition of the command line says.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use expect_test::expect_file;

use super::command_line::scratch;
use super::documents::commands;
use super::documents::markdown::words;
use super::harness::child::{command, run};
use super::harness::masks::masked;
use super::terminal::{text, with};

/// Lines of a usual window.
const ONE_SCREEN: usize = 40;

#[tokio::test]
async fn help_fits_one_screen() {
    let mut all = String::new();
    for name in commands() {
        for flag in ["--help", "-h"] {
            let output = with(&[name, flag]).await;
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
            let help = text(&output.stdout);
            for line in help.lines().take_while(|line| !line.starts_with("Faults")) {
                assert!(line.chars().count() <= 80, "{name} {flag}: {line}");
            }
            let lines = help.lines().take_while(|line| !line.starts_with("Faults"));
            assert!(lines.count() <= ONE_SCREEN, "{name} {flag}:\n{help}");
            if flag == "-h" {
                all.push_str(&help);
                all.push('\n');
            }
        }
    }
    expect_file!["goldens/help_of_commands.txt"].assert_eq(&all);
}

/// Each example of each help is run, by a shell, with the sandbox in place of an account.
#[tokio::test]
async fn examples_work() {
    let folder = scratch("examples");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join(env!("CARGO_PKG_NAME"));
    let binary = env!("CARGO_BIN_EXE_llamacloud-batches-mcp");
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in\n*' --sandbox '*|*' completions '*|*' man '*|*' host-config '*) exec {binary} --poll-interval 5ms \"$@\";;\n\
         *) exec {binary} --sandbox \"$@\";;\nesac\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut seen = 0;
    for arguments in [
        &["--help"][..],
        &["call", "--help"],
        &["tools", "--help"],
        &["watch", "--help"],
        &["doctor", "--help"],
        &["host-config", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let help = text(&with(arguments).await.stdout);
        let (_, examples) = help.split_once("\nExamples:\n").unwrap();
        for example in examples.split("\n  llamacloud").enumerate().map(|(index, part)| {
            if index == 0 {
                part.trim_start().to_owned()
            } else {
                format!("llamacloud{part}")
            }
        }) {
            for example in example.split("\n  echo").enumerate().map(|(index, part)| {
                if index == 0 {
                    part.to_owned()
                } else {
                    format!("echo{part}")
                }
            }) {
                let home = folder.join("home");
                for made in [
                    ".local/share/bash-completion/completions",
                    ".zfunc",
                    ".config/fish/completions",
                ] {
                    std::fs::create_dir_all(home.join(made)).unwrap();
                }
                let output = Command::new("sh")
                    .args(["-c", &example])
                    .current_dir(&folder)
                    .env_clear()
                    .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
                    .env("HOME", &home)
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                // Files fail in one of the batches that are watched.
                let expected = i32::from(example.contains("watch bat-sandbox-failing"));
                assert_eq!(output.status.code(), Some(expected), "{example}: {output:?}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 15, "{seen}");
}

/// What a shell is offered for the last of these words.
async fn offered(shell: &str, words: &[&str]) -> String {
    let mut command = command(&[&["--", "llamacloud-batches-mcp"], words].concat());
    command
        .env("LLAMACLOUD_BATCHES_MCP_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n");
    let output = run(command).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    text(&output.stdout)
}

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

#[tokio::test]
async fn every_shell_completes_commands_flags_values_hosts_tools_and_shells() {
    for shell in SHELLS {
        for (words, expected) in [
            (&["wat"][..], &["watch"][..]),
            (&["--read"], &["--read-only"]),
            (&["watch", "--js"], &["--json"]),
            (&["watch", "--base"], &["--base-url"]),
            (
                &["call", ""],
                &["create_batch", "list_batches", "get_batch", "cancel_batch"],
            ),
            (&["host-config", ""], &["claude-code", "cursor", "vscode"]),
            (&["completions", ""], &SHELLS),
            (&["--region", ""], &["us", "eu"]),
            (&["doctor", "--log-format", ""], &["text", "json"]),
            (&["--stdio", ""], &["auto", "portable"]),
        ] {
            let offered = offered(shell, words).await;
            for word in expected {
                assert!(
                    offered.contains(word),
                    "{shell} {words:?}: {word} is not in {offered:?}"
                );
            }
        }
    }
}

/// What is printed for a shell is read by that shell, where it is installed, and completes.
#[tokio::test]
async fn the_scripts_are_for_their_shells() {
    for shell in SHELLS {
        let output = with(&["completions", shell]).await;
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), String::new()),
            "{shell}"
        );
        let script = text(&output.stdout);
        assert!(script.contains("LLAMACLOUD_BATCHES_MCP_COMPLETE"), "{shell}: {script}");
    }
    let bash = text(&with(&["completions", "bash"]).await.stdout);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_llamacloud-batches-mcp"));
    let ask = format!(
        "PATH={}:$PATH\n{bash}\nCOMP_WORDS=(llamacloud-batches-mcp call get_); COMP_CWORD=2; COMP_TYPE=9\n\
         _clap_complete_llamacloud_batches_mcp llamacloud-batches-mcp get_ call\necho ${{COMPREPLY[*]}}",
        folder.parent().unwrap().display()
    );
    let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(text(&output.stdout).trim(), "get_batch", "{output:?}");
}

#[tokio::test]
async fn the_manual_has_every_command_and_flag() {
    let output = with(&["man"]).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let manual = masked(&text(&output.stdout)).replace("\\-", "-");
    assert!(manual.starts_with(".ie") || manual.starts_with(".TH"), "{manual}");
    for name in commands() {
        let head = format!(".SH \"LLAMACLOUD-BATCHES-MCP {}\"", name.to_uppercase());
        assert!(manual.contains(&head), "{head}");
    }
    for (section, words) in [
        ("EXIT STATUS", &["0", "1", "2", "130"][..]),
        (
            "ENVIRONMENT",
            &["LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_READ_ONLY", "NO_COLOR"],
        ),
        ("FILES", &["--api-key-file", "--log-file"]),
        (
            "ARGUMENTS OF THE TOOLS",
            &[
                "create_batch",
                "config.job.configuration_id",
                "cancel_batch",
                "wait_seconds",
            ],
        ),
    ] {
        let (_, text) = manual
            .split_once(&format!(".SH \"{section}\""))
            .or_else(|| manual.split_once(&format!(".SH {section}")))
            .unwrap_or_else(|| panic!("{section} is missing"));
        let text = text.split(".SH ").next().unwrap();
        for word in words {
            assert!(text.contains(word), "{section}: {word}");
        }
    }
    for variable in words(include_str!("../../src/cli.rs"), "LLAMA_") {
        assert!(manual.contains(&variable), "{variable}");
    }
    for word in [
        "--confirm-create",
        "--sandbox-fault",
        "--json",
        "--port",
        "LLAMA_CLOUD_API_KEY",
    ] {
        assert!(manual.contains(word), "{word}");
    }
}

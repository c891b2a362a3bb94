//! Help, completions and the manual page: what the definition of the command line says.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use expect_test::expect_file;

use super::command_line::scratch;
use super::documents::commands;
use super::harness::child::command;
use super::harness::masks::masked;
use super::terminal::{text, with};

#[tokio::test]
async fn help_fits_eighty_columns() {
    let mut all = String::new();
    for name in commands() {
        for flag in ["--help", "-h"] {
            let output = with(&[name, flag]).await;
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
            let help = text(&output.stdout);
            for line in help.lines().take_while(|line| !line.starts_with("Faults")) {
                assert!(line.chars().count() <= 80, "{name} {flag}: {line}");
            }
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
        "#!/bin/sh\ncase \" $* \" in\n*' --sandbox '*|*' completions '*|*' man '*) exec {binary} --poll-interval 5ms \"$@\";;\n\
         *) exec {binary} --sandbox \"$@\";;\nesac\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut seen = 0;
    for arguments in [
        &["--help"][..],
        &["call", "--help"],
        &["watch", "--help"],
        &["doctor", "--help"],
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

#[tokio::test]
async fn shells_complete_commands_flags_and_tools() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = with(&["completions", shell]).await;
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), String::new()),
            "{shell}"
        );
        let script = text(&output.stdout);
        for word in ["call", "watch", "doctor", "--read-only", "--json"] {
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
        // For two of the shells, arguments without a name are not completed.
        let completes_values = !matches!(shell, "powershell" | "elvish");
        assert_eq!(script.contains("list_batches"), completes_values, "{shell}");
    }
    let bash = text(&with(&["completions", "bash"]).await.stdout);
    let ask = format!(
        "{bash}\nCOMP_WORDS=(llamacloud-batches-mcp call get_); COMP_CWORD=2\n_llamacloud__batches__mcp llamacloud-batches-mcp get_ call\n\
         echo ${{COMPREPLY[*]}}"
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

/// Output that nobody takes is no failure.
#[tokio::test]
async fn a_reader_that_goes_away_is_no_trouble() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(&["man"]);
    command.stdout(writer);
    let status = command.spawn().unwrap().wait().await.unwrap();
    assert_eq!(status.code(), Some(0));
}

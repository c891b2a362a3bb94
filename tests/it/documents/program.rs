//! Running the program, as the documents say that it can be run.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::markdown::words;
use super::read;

const BINARY: &str = env!("CARGO_BIN_EXE_llamacloud-batches-mcp");

/// What the program prints with these arguments.
pub(super) fn run(arguments: &[&str]) -> String {
    let output = Command::new(BINARY)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Pipes lines into a server on a sandbox, with no variable that could reach a real account.
pub(super) fn pipe(lines: &str) -> Vec<Value> {
    let mut command = Command::new(BINARY);
    for variable in words(&read("src/cli.rs"), "LLAMA_") {
        command.env_remove(variable);
    }
    let mut child = command
        .args(["--sandbox", "--sandbox-speed", "instant"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    answers(&child.wait_with_output().unwrap())
}

fn answers(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Messages, one a line.
pub(super) fn messages(lines: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    lines.lines().map(parse).collect()
}

/// The options that a help text explains, each with its explanation.
fn options(help: &str) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = Vec::new();
    let (_, listed) = help.split_once("Options:").unwrap();
    for line in listed.lines() {
        let start = line.trim_start();
        if line.starts_with("  ") && start.starts_with('-') && !start.starts_with("- ") {
            let name = start.split([' ', ',']).find(|word| word.starts_with("--")).unwrap();
            options.push((name.to_owned(), String::new()));
        } else if let Some((_, explanation)) = options.last_mut() {
            explanation.push_str(start);
            explanation.push(' ');
        }
    }
    options
}

/// Every option of the program and its commands, each with its explanation.
pub(super) fn all_options() -> Vec<(String, String)> {
    let mut all = options(&run(&["--help"]));
    for (name, explanation) in options(&run(&["sandbox", "--help"])) {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, explanation));
        }
    }
    all
}

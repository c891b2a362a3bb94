//! Running the program, as the documents say that it can be run.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::markdown::words;
use super::read;

pub(super) const BINARY: &str = env!("CARGO_BIN_EXE_llamacloud-batches-mcp");

/// Every command that has a help of its own.
pub(super) const COMMANDS: [&str; 9] = [
    "call",
    "tools",
    "watch",
    "run",
    "doctor",
    "host-config",
    "sandbox",
    "completions",
    "man",
];

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

/// Pipes lines into a server on a sandbox, with no variable that could reach a real account. `flags` come on top.
pub(super) fn pipe(lines: &str, flags: &[&str]) -> Vec<Value> {
    let mut child = serve(&[&["--sandbox-speed", "instant"], flags].concat());
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    answers(&child.wait_with_output().unwrap())
}

/// Has a conversation as a document shows it: each `→` line is sent once all that was asked before has its answer. Batches go one
/// state further with each look, and are looked at without much delay. Returns what the server wrote.
pub(super) fn converse(arguments: &[&str], first: &str, shown: &str) -> Vec<Value> {
    let steps = ["--sandbox-speed", "steps", "--poll-interval", "5ms"];
    let mut child = serve(&[&steps, arguments].concat());
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard: Vec<Value> = Vec::new();
    input.write_all(first.as_bytes()).unwrap();
    for line in shown.lines() {
        if let Some(message) = line.strip_prefix("→ ") {
            writeln!(input, "{}", with_real_ids(message, &heard)).unwrap();
        } else if let Some(id) = line
            .strip_prefix("← ")
            .and_then(|shown| messages(shown)[0].get("id").cloned())
        {
            while heard.iter().all(|message| message.get("id") != Some(&id)) {
                heard.push(serde_json::from_str(&output.next().unwrap().unwrap()).unwrap());
            }
        }
    }
    drop(input);
    heard.extend(output.map(|line| serde_json::from_str(&line.unwrap()).unwrap()));
    assert!(child.wait().unwrap().success());
    heard
}

/// The message with the real id of the batch, which differs from the one that a document shows.
fn with_real_ids(message: &str, heard: &[Value]) -> String {
    let heard: String = heard.iter().map(Value::to_string).collect();
    let real = words(&heard, "bat-").into_iter().next();
    words(message, "bat-")
        .iter()
        .fold(message.to_owned(), |text, id| text.replace(id, real.as_ref().unwrap()))
}

fn serve(arguments: &[&str]) -> Child {
    let mut command = Command::new(BINARY);
    for variable in words(&read("src/cli/environment.rs"), "LLAMA_") {
        command.env_remove(variable);
    }
    command
        .arg("--sandbox")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn answers(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Messages, one per line.
pub(super) fn messages(lines: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    lines.lines().map(parse).collect()
}

/// The options that a help text explains, each with its explanation.
fn options(help: &str) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = Vec::new();
    let (_, listed) = help.split_once("Options:").unwrap();
    let listed = listed.split("\nExamples:").next().unwrap();
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
    for command in COMMANDS {
        for (name, explanation) in options(&run(&[command, "--help"])) {
            if all.iter().all(|(known, _)| *known != name) {
                all.push((name, explanation));
            }
        }
    }
    all
}

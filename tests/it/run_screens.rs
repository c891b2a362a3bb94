//! `run` in a real terminal: its last screen, the question before anything is sent, and a window that changes its size.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::local_files::Folder;
use super::screens::{COLUMNS, Terminal, goes_on_in_3_2_and_1_columns, has_one_line_that_changes, hold};

const STEPS: [&str; 5] = ["--sandbox", "--sandbox-speed", "steps", "--poll-interval", "1s"];

/// Runs in a folder that holds `docs`.
fn run(folder: &Folder, name: &str, columns: usize, arguments: &[&str], more: &[&str]) -> Option<Terminal> {
    let arguments = [&["run"], arguments, more].concat();
    let key = "LLAMA_CLOUD_API_KEY=llx-sandbox";
    Terminal::run_in(folder.path(), key, name, columns, &arguments)
}

/// The last screen. Nothing is left of the lines that changed.
fn check(name: &str, arguments: &[&str]) {
    for columns in COLUMNS {
        let folder = Folder::new();
        let Some(terminal) = run(&folder, name, columns, arguments, &STEPS) else {
            return;
        };
        let shown = terminal.shown_with("\nexit ");
        assert!(!shown.contains("00:00:0"), "{shown}");
        hold(name, columns, &shown);
    }
}

#[test]
fn a_folder_becomes_a_folder_of_text() {
    check("run", &["docs", "--out", "text"]);
}

#[test]
fn files_that_fail_are_named() {
    check("run-failing", &["dir-failing", "--out", "text"]);
}

#[test]
fn results_that_are_gone_and_pages_that_failed_are_named() {
    check("run-incomplete", &["dir-documents", "--out", "text"]);
}

#[test]
fn a_batch_that_fails_leaves_nothing_to_save() {
    check("run-broken", &["dir-broken", "--out", "text"]);
}

#[test]
fn run_in_a_window_made_narrower_and_wider_does_not_pile_up_rows() {
    let real = ["--sandbox", "--sandbox-speed", "real", "--poll-interval", "100ms"];
    let folder = Folder::new();
    let Some(terminal) = run(&folder, "run-resized", 80, &["docs", "--out", "text"], &real) else {
        return;
    };
    has_one_line_that_changes(&terminal, "00:00:01");
    for (columns, clock) in [(36, "00:00:02"), (20, "00:00:03"), (120, "00:00:04")] {
        terminal.resize(columns);
        has_one_line_that_changes(&terminal, clock);
    }
    terminal.press(&["C-c"]);
    let shown = terminal.shown_with("\nexit 130");
    assert!(!shown.contains(" 00:00:") && shown.contains("Stopped."), "{shown}");
}

#[test]
fn run_goes_on_in_a_window_of_3_columns_or_fewer() {
    let real = ["--sandbox", "--sandbox-speed", "real", "--poll-interval", "100ms"];
    for columns in [80, 3] {
        let folder = Folder::new();
        if let Some(terminal) = run(&folder, "run-tiny", columns, &["docs", "--out", "text"], &real) {
            goes_on_in_3_2_and_1_columns(&terminal);
        }
    }
}

/// A simulated LlamaCloud that counts as the real one.
struct Upstream(Child, String);

impl Upstream {
    fn start() -> Self {
        let mut sandbox = Command::new(env!("CARGO_BIN_EXE_llamacloud-batches-mcp"))
            .args(["sandbox", "--sandbox-speed", "instant"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stderr = sandbox.stderr.take().unwrap();
        BufReader::new(stderr).read_line(&mut line).unwrap();
        let url = line.trim_end().rsplit(' ').next().unwrap().to_owned();
        Self(sandbox, url)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Only the whole word `yes` counts as agreement. A second run asks the user again, but nothing is paid for twice.
#[test]
fn the_user_is_asked_before_anything_is_sent() {
    for columns in COLUMNS {
        let (folder, upstream) = (Folder::new(), Upstream::start());
        let arguments = [
            "docs",
            "--out",
            "text",
            "--base-url",
            &upstream.1,
            "--poll-interval",
            "1ms",
        ];
        for (name, word) in [("run-no", "y"), ("run-yes", "yes"), ("run-again", "yes")] {
            let Some(terminal) = run(&folder, name, columns, &arguments, &[]) else {
                return;
            };
            terminal.shown_with("Type `yes` to agree:");
            terminal.press(&[word, "Enter"]);
            hold(name, columns, &terminal.shown_with("\nexit "));
        }
    }
}

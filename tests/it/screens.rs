//! The commands for people in a real terminal: `tmux`, at 80 and at 120 columns, narrower, and resized while a command runs.
//!
//! What a pipe gets is in `terminal`; here is only what differs on a terminal. Where there is no tmux, each test says so on stderr.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use expect_test::expect_file;

use super::harness::PATIENCE;
use super::harness::masks::masked;
use super::terminal::{FAILING, text};

pub(crate) const COLUMNS: [usize; 2] = [80, 120];

/// A terminal in which one command runs, and then says how it exited.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// `None` where there is no tmux.
    fn run(name: &str, columns: usize, arguments: &[&str]) -> Option<Self> {
        Self::run_under("", name, columns, arguments)
    }

    /// The same with a variable set. Shape: `NO_COLOR=1`.
    pub(crate) fn run_under(variable: &str, name: &str, columns: usize, arguments: &[&str]) -> Option<Self> {
        Self::run_in(Path::new("."), variable, name, columns, arguments)
    }

    /// The same in a folder.
    pub(crate) fn run_in(
        folder: &Path,
        variable: &str,
        name: &str,
        columns: usize,
        arguments: &[&str],
    ) -> Option<Self> {
        let socket = format!("screens-{}-{name}-{columns}", std::process::id());
        let terminal = Self { socket };
        if Command::new("tmux").arg("-V").output().is_err() {
            let missing = b"SKIPPED: every screen in a real terminal: tmux is not installed\n";
            drop(std::io::stderr().write_all(missing));
            return None;
        }
        let quoted: Vec<_> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
        let line = format!(
            "cd '{}'; env -i TERM=screen-256color {variable} {} {}; echo \"exit $?\"; exec cat",
            folder.display(),
            env!("CARGO_BIN_EXE_llamacloud-batches-mcp"),
            quoted.join(" ")
        );
        let (width, height) = (columns.to_string(), "100");
        let started = terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            height,
            &line,
        ]);
        assert!(started.status.success(), "{started:?}");
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command
            .args(["-u", "-L", &self.socket])
            .args(arguments)
            .env_remove("TMUX");
        command.output().unwrap()
    }

    /// What is on the screen.
    fn shown(&self) -> String {
        text(&self.tmux(&["capture-pane", "-p"]).stdout).trim_end().to_owned() + "\n"
    }

    /// The same, once these words are on it.
    pub(crate) fn shown_with(&self, words: &str) -> String {
        let started = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(words) {
                return shown;
            }
            assert!(started.elapsed() < PATIENCE, "no {words:?} in\n{shown}");
        }
    }

    pub(crate) fn resize(&self, columns: usize) {
        let resized = self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "100"]);
        assert!(resized.status.success(), "{resized:?}");
    }

    pub(crate) fn press(&self, keys: &[&str]) {
        assert!(self.tmux(&[&["send-keys"][..], keys].concat()).status.success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Compares a screen with its golden file.
pub(crate) fn hold(name: &str, columns: usize, shown: &str) {
    for line in shown.lines() {
        assert!(!line.ends_with(' '), "{line:?}");
    }
    let file = format!("goldens/screens/{name}-{columns}.txt");
    expect_file![file].assert_eq(&masked(shown));
}

/// The last screen of a command.
fn check(name: &str, arguments: &[&str]) {
    for columns in COLUMNS {
        if let Some(terminal) = Terminal::run(name, columns, arguments) {
            hold(name, columns, &terminal.shown_with("\nexit "));
        }
    }
}

#[test]
fn an_answer() {
    check(
        "call",
        &["call", "get_batch", FAILING, "--sandbox", "--sandbox-speed", "instant"],
    );
}

#[test]
fn the_doctor() {
    check("doctor", &["doctor", "--sandbox"]);
    check("doctor-without-a-key", &["doctor", "--base-url", "http://127.0.0.1:1"]);
}

#[test]
fn the_help_is_the_same_however_wide_the_terminal_is() {
    let Some(narrow) = Terminal::run("help", 80, &["watch", "-h"]) else {
        return;
    };
    let wide = Terminal::run("help", 120, &["watch", "-h"]).unwrap();
    assert_eq!(narrow.shown_with("\nexit 0"), wide.shown_with("\nexit 0"));
}

/// Nothing is left of the line that changes.
#[test]
fn a_batch_that_is_watched() {
    let arguments = [
        "watch",
        "bat-sandbox-failing",
        "--sandbox",
        "--sandbox-speed",
        "steps",
        "--poll-interval",
        "1s",
    ];
    for columns in COLUMNS {
        let Some(terminal) = Terminal::run("watch", columns, &arguments) else {
            return;
        };
        terminal.shown_with("00:00:0");
        let shown = terminal.shown_with("\nexit 1");
        assert!(!shown.contains("00:00:0"), "{shown}");
        hold("watched", columns, &shown);
    }
}

const LONG: [&str; 7] = [
    "watch",
    "bat-sandbox-small",
    "--sandbox",
    "--sandbox-speed",
    "real",
    "--poll-interval",
    "100ms",
];

/// There is one line that changes, and it has been drawn often.
pub(crate) fn has_one_line_that_changes(terminal: &Terminal, clock: &str) {
    let shown = terminal.shown_with(clock);
    let lines = shown.lines().filter(|line| line.contains(" 00:00:"));
    assert_eq!(lines.count(), 1, "{shown}");
    let status = shown
        .lines()
        .filter(|line| line.contains("PENDING") || line.contains("RUNNING"));
    assert!(status.count() <= 1, "{shown}");
}

#[test]
fn watch_in_46_36_and_20_columns_does_not_pile_up_rows() {
    for columns in [46, 36, 20] {
        if let Some(terminal) = Terminal::run("narrow", columns, &LONG) {
            has_one_line_that_changes(&terminal, "00:00:03");
        }
    }
}

#[test]
fn watch_in_a_window_made_narrower_and_wider_does_not_pile_up_rows() {
    let Some(terminal) = Terminal::run("resized", 80, &LONG) else {
        return;
    };
    has_one_line_that_changes(&terminal, "00:00:01");
    for (columns, clock) in [
        (36, "00:00:02"),
        (20, "00:00:03"),
        (15, "00:00:04"),
        (120, "00:00:05"),
        (30, "00:00:06"),
    ] {
        terminal.resize(columns);
        has_one_line_that_changes(&terminal, clock);
    }
    terminal.press(&["C-c"]);
    let shown = terminal.shown_with("\nexit 130");
    assert!(!shown.contains(" 00:00:"), "{shown}");
}

/// In so few columns, only the spinner is left; it goes on turning.
pub(crate) fn goes_on_in_3_2_and_1_columns(terminal: &Terminal) {
    let spinner = |shown: &str| {
        shown
            .trim_end()
            .chars()
            .next_back()
            .filter(|last| ('⠀'..='⣿').contains(last))
    };
    for columns in [3, 2, 1] {
        terminal.resize(columns);
        let started = Instant::now();
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            seen.extend(spinner(&terminal.shown()));
            assert!(started.elapsed() < PATIENCE, "it does not turn:\n{}", terminal.shown());
        }
    }
    terminal.resize(80);
    terminal.press(&["C-c"]);
    terminal.shown_with("\nexit 130");
}

#[test]
fn a_command_goes_on_in_a_window_of_3_columns_or_fewer() {
    let wait = r#"{"batch_id":"bat-sandbox-small","wait_seconds":60}"#;
    let call = ["call", "get_batch", wait, "--sandbox", "--sandbox-speed", "real"];
    for (name, arguments) in [("tiny-watch", &LONG[..]), ("tiny-call", &call)] {
        for columns in [80, 3] {
            if let Some(terminal) = Terminal::run(name, columns, arguments) {
                goes_on_in_3_2_and_1_columns(&terminal);
            }
        }
    }
}

#[test]
fn a_call_that_waits_shows_its_progress_and_ends_with_ctrl_c() {
    let wait = r#"{"batch_id":"bat-sandbox-small","wait_seconds":60}"#;
    let arguments = [
        "call",
        "get_batch",
        wait,
        "--sandbox",
        "--sandbox-speed",
        "real",
        "--poll-interval",
        "10ms",
    ];
    let Some(terminal) = Terminal::run("waiting", 80, &arguments) else {
        return;
    };
    terminal.shown_with("PENDING");
    terminal.press(&["C-c"]);
    let shown = terminal.shown_with("\nexit 130");
    assert!(!shown.contains("PENDING"), "{shown}");
    assert!(shown.contains("Cancelled."), "{shown}");
}

/// Only a whole yes is a yes.
#[test]
fn the_user_is_asked() {
    let create = r#"{"source_directory_id":"dir-small","config":{"job":{"type":"parse_v2","configuration_id":"cfg-PARSE_AGENTIC"}}}"#;
    for (word, exit) in [("yes", 0), ("y", 1), ("no", 1), ("", 1)] {
        let arguments = ["call", "create_batch", create, "--sandbox", "--confirm-create"];
        let Some(terminal) = Terminal::run(&format!("ask{word}"), 80, &arguments) else {
            return;
        };
        let shown = terminal.shown_with("Type `yes` to agree:");
        assert!(shown.contains("4 files of directory dir-small"), "{shown}");
        terminal.press(&[word, "Enter"]);
        terminal.shown_with(&format!("\nexit {exit}"));
    }
    let arguments = ["call", "create_batch", create, "--sandbox", "--confirm-create"];
    let terminal = Terminal::run("ask-no-more", 80, &arguments).unwrap();
    terminal.shown_with("Type `yes` to agree:");
    terminal.press(&["C-c"]);
    let shown = terminal.shown_with("\nexit 130");
    assert!(
        shown.contains("\nCancelled. Nothing was created or uploaded.\n"),
        "{shown}"
    );
}

/// Colours where somebody sees them and has not said no.
#[test]
fn colours_are_for_terminals_without_no_color() {
    for (variable, coloured) in [("", true), ("NO_COLOR=1", false), ("TERM=dumb", false)] {
        let name = format!("colours{}", variable.replace('=', "-"));
        let Some(terminal) = Terminal::run_under(variable, &name, 80, &["doctor", "--sandbox"]) else {
            return;
        };
        terminal.shown_with("\nexit 0");
        let shown = text(&terminal.tmux(&["capture-pane", "-p", "-e"]).stdout);
        assert_eq!(shown.contains("\u{1b}[32mok"), coloured, "{variable}: {shown:?}");
    }
}

//! The commands for people in a real terminal, where there is `tmux` to be one: at 80 and at 120 columns.

use std::process::{Command, Output};
use std::time::Instant;

use expect_test::expect_file;

use super::harness::PATIENCE;
use super::harness::masks::masked;
use super::terminal::{FAILING, text};

const COLUMNS: [usize; 2] = [80, 120];

/// A terminal in which one command runs, and then says how it exited.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// `None` where there is no tmux.
    fn run(name: &str, columns: usize, arguments: &[&str]) -> Option<Self> {
        let socket = format!("screens-{}-{name}-{columns}", std::process::id());
        let terminal = Self { socket };
        Command::new("tmux").arg("-V").output().ok()?;
        let quoted: Vec<_> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
        let line = format!(
            "env -i TERM=screen-256color {} {}; echo \"exit $?\"; exec cat",
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
    fn shown_with(&self, words: &str) -> String {
        let started = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(words) {
                return shown;
            }
            assert!(started.elapsed() < PATIENCE, "no {words:?} in\n{shown}");
        }
    }

    fn press(&self, keys: &[&str]) {
        assert!(self.tmux(&[&["send-keys"][..], keys].concat()).status.success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Holds a screen against what is kept of it.
fn hold(name: &str, columns: usize, shown: &str) {
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

/// One region of lines that change, and nothing left of it in the end.
#[test]
fn a_batch_that_is_watched() {
    const ARGUMENTS: [&str; 7] = [
        "watch",
        "bat-sandbox-failing",
        "--sandbox",
        "--sandbox-speed",
        "steps",
        "--poll-interval",
        "1s",
    ];

    for columns in COLUMNS {
        let Some(terminal) = Terminal::run("watch", columns, &ARGUMENTS) else {
            return;
        };
        hold("watching", columns, &terminal.shown_with("next look in"));
        let shown = terminal.shown_with("\nexit 1");
        assert!(
            !shown.contains("next look") && !shown.contains("looking now"),
            "{shown}"
        );
        let time = shown.split("watched for 0:0").nth(1).unwrap();
        hold(
            "watched",
            columns,
            &shown.replace(&format!("0:0{}", &time[..1]), "0:01"),
        );
    }
}

#[test]
fn waiting_shows_how_long_and_ends_with_ctrl_c() {
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
    terminal.shown_with("of at most 60 s. The batch is PENDING, seen 0 s");
    terminal.press(&["C-c"]);
    let shown = terminal.shown_with("\nexit 130");
    assert!(!shown.contains("of at most"), "{shown}");
    assert!(
        shown.contains("The batch goes on; follow it with: llamacloud-batches-mcp watch"),
        "{shown}"
    );
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
        let shown = terminal.shown_with("Type `yes` for yes:");
        assert!(shown.contains("4 files of directory dir-small"), "{shown}");
        terminal.press(&[word, "Enter"]);
        terminal.shown_with(&format!("\nexit {exit}"));
    }
    let arguments = ["call", "create_batch", create, "--sandbox", "--confirm-create"];
    let terminal = Terminal::run("ask-no-more", 80, &arguments).unwrap();
    terminal.shown_with("Type `yes` for yes:");
    terminal.press(&["C-c"]);
    let shown = terminal.shown_with("\nexit 130");
    assert!(shown.contains("\nGiven up; nothing was sent.\n"), "{shown}");
}

/// Colours where somebody sees them, and nowhere else.
#[test]
fn colours_are_for_terminals() {
    let arguments = ["doctor", "--sandbox"];
    let Some(terminal) = Terminal::run("colours", 80, &arguments) else {
        return;
    };
    terminal.shown_with("\nexit 0");
    let coloured = text(&terminal.tmux(&["capture-pane", "-p", "-e"]).stdout);
    assert!(coloured.contains("\u{1b}[32mok"), "{coloured:?}");
}

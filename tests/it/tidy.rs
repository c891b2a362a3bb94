//! Rules that the sources keep: who may know whom, how long a file may be, what may never be written.

use std::path::{Path, PathBuf};

use super::harness::schemas::root;

/// Lines of a file in `src`, tests included.
const MAX_LINES: usize = 400;

/// For each top-level module, the other ones that it may use.
const MAY_KNOW: [(&str, &[&str]); 11] = [
    ("untrusted", &[]),
    ("request_count", &[]),
    ("hosts", &[]),
    ("files", &["untrusted"]),
    ("sandbox", &[]),
    ("llamacloud", &["untrusted", "request_count"]),
    ("mcp", &["untrusted", "request_count"]),
    ("tools", &["mcp", "llamacloud", "files", "hosts", "untrusted"]),
    ("config", &["cli", "llamacloud", "files", "untrusted"]),
    ("commands", &["cli", "config", "hosts", "mcp", "untrusted"]),
    ("cli", &["hosts", "sandbox", "llamacloud"]),
];

/// The one command that asks LlamaCloud what no tool does.
const DOCTOR: (&str, &str) = ("commands/doctor.rs", "llamacloud");

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("fuzz/target") || path.ends_with("bench/target") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

/// The first part of each `crate::` path in a source; `crate::{a, b}` has several.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        // `$crate` and names that only end like it are not ours.
        if text[..at].ends_with(|character: char| character.is_alphanumeric() || "_$".contains(character)) {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let word = |rest: &str| -> String {
            rest.trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        };
        match rest.strip_prefix('{') {
            Some(group) => found.extend(
                group
                    .split('}')
                    .next()
                    .unwrap()
                    .split(',')
                    .map(word)
                    .filter(|word| !word.is_empty()),
            ),
            None => found.push(word(rest)),
        }
    }
    found
}

#[test]
fn a_room_knows_only_whom_it_may() {
    let src = root().join("src");
    let mut rooms_seen = 0;
    for (room, may_know) in MAY_KNOW {
        for (path, text) in sources(&src) {
            let inside = path.strip_prefix(&src).unwrap();
            let first = inside.iter().next().unwrap().to_str().unwrap();
            if first.trim_end_matches(".rs") != room {
                continue;
            }
            rooms_seen += 1;
            for known in paths(&text) {
                let is_doctors = inside == Path::new(DOCTOR.0) && known == DOCTOR.1;
                assert!(
                    known == room || is_doctors || may_know.contains(&known.as_str()),
                    "{} knows crate::{known}",
                    inside.display()
                );
            }
        }
    }
    assert!(rooms_seen > MAY_KNOW.len());
}

#[test]
fn paths_are_found() {
    assert_eq!(
        paths("use crate::a::B; crate :: no; $crate::c; use crate::{d::E, f}; mycrate::g"),
        ["a", "d", "f"]
    );
}

#[test]
fn rooms_are_small() {
    for (path, text) in sources(&root().join("src")) {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say what it holds", path.display());
    }
}

#[test]
fn some_things_are_never_written() {
    let folders = [root().join("src"), root().join("tests")];
    for (path, text) in folders.iter().flat_map(|folder| sources(folder)) {
        // In pieces, so that this file does not name them.
        for word in [
            concat!("#[ign", "ore"),
            concat!("#[should_", "panic"),
            concat!("tod", "o!("),
            concat!("unimple", "mented!("),
            concat!("thread::", "sleep"),
            concat!("TO", "DO"),
            concat!("FIX", "ME"),
        ] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn tests_wait_for_signals_and_not_for_time() {
    for (path, text) in sources(&root().join("tests")) {
        assert!(
            !text.contains(concat!("time::", "sleep")) && !text.contains(concat!("sleep", "(")),
            "{}",
            path.display()
        );
    }
}

#[test]
fn each_dependency_says_what_it_is_for() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut table = "";
    let mut before = "";
    let mut seen = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            table = line;
        } else if table.contains("dependencies]") && line.split_once('=').is_some() && !line.starts_with('#') {
            assert!(before.starts_with("# "), "{table} {line}");
            seen += 1;
        }
        before = line;
    }
    assert!(seen > 20);
}

#[test]
fn modules_of_the_tests_are_listed_with_a_word() {
    let list = std::fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for (path, text) in sources(&root().join("tests/it")) {
        assert!(text.starts_with("//! "), "{}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        let own_folder = path.parent().unwrap().ends_with("it");
        assert!(
            !own_folder || name == "main" || list.contains(&format!("mod {name};")),
            "{name} is not run"
        );
    }
}

//! The documents say what is so: their flags, variables, sentences, links, lines and commands are held against the program and the
//! sources.
//!
//! Nothing here is generated. A test that fails names what is missing on which side, and a person writes the words. They describe the
//! program as it is by default, with its sandbox.
#![cfg(feature = "sandbox")]

/// The exchanges that they show.
mod exchanges;
pub(crate) mod markdown;
mod program;
/// What people do at a terminal.
#[cfg(unix)]
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use markdown::{blocks, code, rows, slug, words};
use program::{all_options, pipe, run};

const NAME: &str = env!("CARGO_PKG_NAME");

/// The commands for people, and the sandbox.
#[cfg(unix)]
pub(crate) fn commands() -> [&'static str; 9] {
    program::COMMANDS
}

fn at(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    let path = at(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // As git checks it out on Windows.
    text.replace("\r\n", "\n")
}

/// One section of the README.
fn section(heading: &str) -> String {
    markdown::section(&read("README.md"), heading)
}

/// One section of the page about the protocol.
fn protocol(heading: &str) -> String {
    markdown::section(&read("docs/protocol.md"), heading)
}

fn files_in(directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(at(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The documents for people: at the root, and in `docs` if there is such a folder.
fn documents() -> Vec<PathBuf> {
    let mut files = files_in(".");
    if at("docs").is_dir() {
        files.extend(files_in("docs"));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files
}

#[test]
fn the_settings_table_has_every_flag_of_the_help_and_no_other() {
    let explained: BTreeSet<_> = all_options().into_iter().map(|(name, _)| name).collect();
    let flags = rows(&section("Settings"))
        .iter()
        .flat_map(|row| words(&row[0], "--"))
        .collect();
    assert_eq!(explained, flags, "left: --help; right: README.md, Settings");
}

#[test]
fn the_settings_table_has_the_defaults_of_the_help() {
    let table = rows(&section("Settings"));
    for (name, explanation) in all_options() {
        let Some((_, default)) = explanation.split_once("[default: ") else {
            continue;
        };
        let default = default.split(']').next().unwrap();
        let row = table.iter().find(|row| words(&row[0], "--").contains(&name)).unwrap();
        assert!(
            row[2].contains(default),
            "README.md, Settings: {name} is {default} by default"
        );
    }
}

#[test]
fn commands_use_flags_that_exist() {
    let explained: BTreeSet<_> = all_options().into_iter().map(|(name, _)| name).collect();
    for file in documents() {
        let text = read(&file);
        let blocks = blocks(&text);
        let lines = blocks.iter().flat_map(|(_, block)| block.lines());
        for line in lines.chain(code(&text)) {
            // What follows the program's name, or cargo's separator, is for the program.
            let calls = [format!("{NAME} "), "cargo run --release -- ".to_owned()];
            for (_, rest) in calls.iter().filter_map(|call| line.split_once(call.as_str())) {
                let used = words(rest, "--");
                let unknown: Vec<_> = used.difference(&explained).collect();
                assert!(unknown.is_empty(), "{}: {unknown:?} in `{line}`", file.display());
            }
        }
    }
}

#[test]
fn the_readme_names_the_variables_that_are_read_and_no_other() {
    let read_by_cli = words(&read("src/cli/environment.rs"), "LLAMA_");
    let table: Vec<_> = rows(&section("Settings"))
        .into_iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(
        read_by_cli,
        words(&table.join(" "), "LLAMA_"),
        "left: src/cli/environment.rs; right: README.md, Settings"
    );
    for file in documents() {
        let named = words(&read(&file), "LLAMA_");
        let unknown: Vec<_> = named.difference(&read_by_cli).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
    }
}

#[test]
fn the_tools_table_has_every_tool_and_argument_and_no_other() {
    let answers = pipe(&read("manifests/examples/first-batch.jsonl"), &["--allow-cancel"]);
    let tools = answers
        .iter()
        .find_map(|answer| answer.pointer("/result/tools"))
        .unwrap();
    let members = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    let advertised: Vec<_> = tools.as_array().unwrap().iter().collect();
    let table = rows(&section("Tools"));
    let in_table: Vec<_> = table.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(
        advertised
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        in_table,
        "left: tools/list; right: README.md, Tools"
    );
    for (tool, row) in advertised.iter().zip(&table) {
        let is_name = |code: &&str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let listed: BTreeSet<_> = code(&row[2]).into_iter().filter(is_name).map(str::to_owned).collect();
        assert_eq!(members(&tool["inputSchema"]["properties"]), listed, "{}", row[0]);
        for argument in tool["inputSchema"]["required"].as_array().into_iter().flatten() {
            let bold = format!("**`{}`**", argument.as_str().unwrap());
            assert!(row[2].contains(&bold), "{}: {bold} is required", row[0]);
        }
    }
}

#[test]
fn versions_agree() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run(&["--version"]).trim(), format!("{NAME} {version}"));
    let changelog = read("CHANGELOG.md");
    let newest = changelog
        .lines()
        .find(|line| line.starts_with("## [") && !line.contains("Unreleased"))
        .unwrap();
    assert!(newest.starts_with(&format!("## [{version}]")), "CHANGELOG.md: {newest}");
    let shown = format!("\"version\":\"{version}\"");
    assert!(
        read("docs/protocol.md").contains(&shown),
        "docs/protocol.md shows another version"
    );
    let rust = env!("CARGO_PKG_RUST_VERSION");
    for file in ["README.md", "CONTRIBUTING.md"] {
        assert!(
            read(file).contains(&format!("Rust {rust}")),
            "{file} does not name Rust {rust}"
        );
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 250, "{lines} lines");
}

#[test]
fn the_tests_that_hold_the_security_page_exist() {
    fn sources(folder: PathBuf, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut all = String::new();
    sources(at("src"), &mut all);
    sources(at("tests"), &mut all);
    let page = read("docs/security.md");
    let is_test = |code: &&str| {
        code.matches('_').count() > 1 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let tests: Vec<_> = code(&page).into_iter().filter(is_test).collect();
    assert!(tests.len() > 20);
    for test in tests {
        assert!(
            all.contains(&format!("fn {test}(")),
            "docs/security.md: there is no test {test}"
        );
    }
}

#[test]
fn relative_links_resolve() {
    for file in documents() {
        let text = read(&file);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let linked = if path.is_empty() {
                file.clone()
            } else {
                file.parent().unwrap().join(path)
            };
            assert!(linked.exists(), "{}: {target} is not there", file.display());
            if !anchor.is_empty() {
                let headings = read(&linked);
                let found = headings
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| slug(line) == anchor);
                assert!(found, "{}: {target} names no heading", file.display());
            }
        }
    }
}

#[test]
fn files_that_are_named_are_there() {
    for file in documents() {
        let text = read(&file);
        let blocks = blocks(&text);
        let commands = blocks.iter().flat_map(|(_, block)| block.split_whitespace());
        for path in code(&text).into_iter().flat_map(str::split_whitespace).chain(commands) {
            let path = path.trim_end_matches(['/', ',', ';']);
            let ours = ["src/", "manifests/", "tests/", ".ci/"]
                .iter()
                .any(|root| path.starts_with(root));
            assert!(
                !ours || path.contains(['*', '<', '{']) || at(path).exists(),
                "{}: {path} is not there",
                file.display()
            );
        }
    }
}

#[test]
fn json_in_blocks_parses() {
    for file in documents() {
        for (language, block) in blocks(&read(&file)) {
            let texts: Vec<&str> = match language.as_str() {
                "json" => vec![&block],
                "jsonl" => block.lines().collect(),
                "text" => block.lines().filter_map(|line| line.strip_prefix(['→', '←'])).collect(),
                "sh" => block.split('\'').filter(|part| part.starts_with('{')).collect(),
                _ => Vec::new(),
            };
            for text in texts {
                let parsed = serde_json::from_str::<Value>(text);
                assert!(parsed.is_ok(), "{}: {parsed:?} in {text}", file.display());
            }
        }
    }
}

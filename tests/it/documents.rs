//! The documents say what is so: their flags, variables, sentences, links, lines and commands are held against the program and the
//! sources.
//!
//! Nothing here is generated. A test that fails names what is missing on which side, and a person writes the words. They describe the
//! program as it is by default, with its sandbox.
#![cfg(feature = "sandbox")]

mod markdown;
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use markdown::{at_no_moment, blocks, code, is_shortened, rows, slug, words};
use program::{all_options, converse, messages, pipe, run};

const NAME: &str = env!("CARGO_PKG_NAME");

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
    let read_by_cli = words(&read("src/cli.rs"), "LLAMA_");
    let table: Vec<_> = rows(&section("Settings"))
        .into_iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(
        read_by_cli,
        words(&table.join(" "), "LLAMA_"),
        "left: src/cli.rs; right: README.md, Settings"
    );
    for file in documents() {
        let named = words(&read(&file), "LLAMA_");
        let unknown: Vec<_> = named.difference(&read_by_cli).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
    }
}

#[test]
fn the_tools_table_has_every_tool_and_argument_and_no_other() {
    let answers = pipe(&read("manifests/examples/first-batch.jsonl"));
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
fn the_sentences_of_errors_are_the_programs() {
    // A string that goes on in the next line ends with a backslash there.
    let sources: String = files_in("src/tools")
        .into_iter()
        .chain(files_in("src/mcp"))
        .map(read)
        .collect();
    let joined: String = sources
        .split("\\\n")
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.trim_start() })
        .collect();
    for row in rows(&section("Errors and what to do")) {
        if let Some(sentence) = row[0].strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            assert!(joined.contains(sentence), "no error says: {sentence}");
        } else {
            assert!(joined.contains(&row[0]), "no error has the code {}", row[0]);
        }
    }
}

#[test]
fn the_sandbox_section_has_every_id() {
    let account = read("src/sandbox/account.rs");
    let ids: BTreeSet<_> = account
        .lines()
        .filter(|line| line.starts_with("pub const "))
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    let named = section("The sandbox");
    let missing: Vec<_> = ids.iter().filter(|id| !code(&named).contains(*id)).collect();
    assert!(missing.is_empty(), "README.md, The sandbox: {missing:?}");
    let directories = rows(&named);
    let unknown: Vec<_> = directories
        .iter()
        .filter(|row| !ids.contains(row[0].trim_matches('`')))
        .collect();
    assert!(unknown.is_empty(), "src/sandbox/account.rs: {unknown:?}");
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
    assert!(read("README.md").contains(&shown), "README.md shows another version");
    let rust = env!("CARGO_PKG_RUST_VERSION");
    for file in ["README.md", "CONTRIBUTING.md"] {
        assert!(
            read(file).contains(&format!("Rust {rust}")),
            "{file} does not name Rust {rust}"
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
            let path = path.trim_end_matches(['/', ',']);
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
fn the_map_has_every_module() {
    let map = read("ARCHITECTURE.md");
    for file in files_in("src").into_iter().chain(files_in("src/mcp")) {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let is_module = file.extension().is_some_and(|extension| extension == "rs") && stem != "lib" && stem != "mod";
        let named = |code: &str| code == stem || code == format!("src/{stem}.rs");
        assert!(
            !is_module || code(&map).into_iter().any(named),
            "ARCHITECTURE.md does not name `{stem}`"
        );
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

#[test]
fn the_readme_tries_what_the_first_example_holds() {
    let tried = section("Try it without a key");
    let blocks = blocks(&tried);
    assert_eq!(
        blocks[0].1, "cargo run --release -- --sandbox < manifests/examples/first-batch.jsonl\n",
        "the first command of README.md is run by everybody, also by machines"
    );
    let shown: Vec<_> = blocks[1].1.lines().filter_map(|line| line.strip_prefix("→ ")).collect();
    let example = read("manifests/examples/first-batch.jsonl");
    assert_eq!(shown.join("\n"), example.trim());
    let real = pipe(&example);
    for answer in blocks[1].1.lines().filter_map(|line| line.strip_prefix("← ")) {
        let shown: Value = serde_json::from_str(answer).unwrap();
        let real = real.iter().find(|real| real["id"] == shown["id"]).unwrap();
        // The list may already hold the batch.
        let depends_on_order = shown.pointer("/result/structuredContent/batches").is_some();
        assert!(
            depends_on_order || is_shortened(&shown, real),
            "{shown}\nis no part of\n{real}"
        );
    }
}

#[test]
fn waiting_is_as_the_readme_shows_it() {
    const SESSION: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
        r#""capabilities":{"elicitation":{}},"clientInfo":{"name":"by-hand","version":"1"}}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
    );
    let waiting = section("Waiting");
    let blocks: Vec<_> = blocks(&waiting)
        .into_iter()
        .filter(|(language, _)| language == "text")
        .map(|(_, block)| block)
        .collect();
    let [session, tasks, question] = blocks.as_slice() else {
        panic!("{} blocks", blocks.len());
    };
    // The question is about the create of the first block, without the wait.
    let create = session.lines().next().unwrap().trim_start_matches("→ ");
    let create = format!("{SESSION}{}\n", create.replace(",\"wait_seconds\":50", ""));
    for (arguments, first, shown) in [
        (&[][..], SESSION, session),
        (&[], "", tasks),
        (&["--confirm-create"], &create, question),
    ] {
        let real = converse(arguments, first, shown);
        for line in shown.lines().filter_map(|line| line.strip_prefix("← ")) {
            let shown: Value = serde_json::from_str(line).unwrap();
            let found = real
                .iter()
                .filter(|real| real.get("id") == shown.get("id"))
                .any(|real| is_shortened(&at_no_moment(&shown), &at_no_moment(real)));
            assert!(found, "{line}\nis no part of\n{real:#?}");
        }
        let box_to_tick = "Create the batch and spend credits";
        let asked = real.iter().find(|real| real["method"] == "elicitation/create");
        assert!(
            waiting.contains(box_to_tick) && asked.is_none_or(|asked| asked.to_string().contains(box_to_tick)),
            "{asked:?}"
        );
    }
}

#[test]
fn every_request_of_an_example_gets_one_answer() {
    for file in files_in("manifests/examples") {
        let (name, lines) = (name_of(&file), read(&file));
        assert!(
            section("Test by hand").contains(&format!("`{name}`")),
            "README.md, Test by hand: {name}"
        );
        let mut asked: Vec<_> = messages(&lines)
            .iter()
            .filter_map(|message| message.get("id").cloned())
            .collect();
        let answers = pipe(&lines);
        for answer in answers.iter().filter(|answer| answer.get("method").is_none()) {
            let fine = answer.get("result").is_some() && answer.pointer("/result/isError") != Some(&Value::Bool(true));
            assert!(fine || name == "mistakes.jsonl", "{name}: {answer}");
            let place = asked.iter().position(|id| *id == answer["id"]);
            asked.remove(place.unwrap_or_else(|| panic!("{name}: nobody asked for {answer}")));
        }
        assert!(asked.is_empty(), "{name}: no answer to {asked:?}");
    }
}

#[test]
fn what_can_be_typed_by_hand_works() {
    let by_hand = section("Test by hand");
    let blocks: Vec<_> = blocks(&by_hand)
        .into_iter()
        .filter(|(language, block)| language == "sh" && block.starts_with("printf"))
        .collect();
    assert_eq!(blocks.len(), 2, "one for each era");
    for (_, command) in blocks {
        let lines: Vec<_> = command.split('\'').filter(|part| part.starts_with('{')).collect();
        let asked = messages(&lines.join("\n"))
            .iter()
            .filter(|message| message.get("id").is_some())
            .count();
        let answers = pipe(&format!("{}\n", lines.join("\n")));
        assert_eq!(answers.len(), asked, "{command}");
        assert!(
            answers.iter().all(|answer| answer.get("result").is_some()),
            "{answers:?}"
        );
    }
}

#[test]
fn the_hosts_configurations_are_the_readmes_and_name_what_exists() {
    let registered = section("Register with a host");
    let variables = words(&read("src/cli.rs"), "LLAMA_");
    for file in files_in("manifests/hosts") {
        let (name, text) = (name_of(&file), read(&file));
        let shown = blocks(&registered).iter().any(|(_, block)| *block == text);
        // The five that the README registers with; others are only files.
        let in_readme = ["claude-code", "claude-desktop", "codex", "cursor", "vscode"];
        assert!(
            shown || !in_readme.iter().any(|host| name.starts_with(host)),
            "README.md does not show {name}"
        );
        assert!(text.contains(&format!("{NAME}\"")), "{name} starts another program");
        let unknown: Vec<_> = words(&text, "LLAMA_").difference(&variables).cloned().collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        assert!(
            words(&text, "llx-").iter().all(|key| key == "llx-your-key"),
            "{name} holds a key"
        );
    }
}

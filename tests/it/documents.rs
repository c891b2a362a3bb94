//! The documents say what is so: their flags, variables, sentences, links, lines and commands are held against the program and the
//! sources.
//!
//! Nothing here is generated. A test that fails names what is missing on which side, and a person writes the words.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_llamacloud-batches-mcp");
const NAME: &str = env!("CARGO_PKG_NAME");

fn at(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    let path = at(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files_in(directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(at(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path())
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

/// The text between a heading of the README and the next of the same or a higher rank.
fn section(heading: &str) -> String {
    let readme = read("README.md");
    let (_, rest) = readme
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("README.md has no section `{heading}`"));
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The cells of the rows of every table in a text, without heads and rules.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in text.split("\n\n").filter(|part| part.trim_start().starts_with('|')) {
        for line in table.trim().lines().skip(2) {
            let line = line.replace("\\|", "\u{0}");
            let cells = line.trim().trim_matches('|').split('|');
            rows.push(cells.map(|cell| cell.trim().replace('\u{0}', "|")).collect());
        }
    }
    assert!(!rows.is_empty(), "there is no table");
    rows
}

/// The pieces of inline code in a text.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Words of a text that begin with `prefix` and go on with letters, digits, `_` and `-`.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let inside = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    text.split(|character| !inside(character))
        .filter(|word| word.len() > prefix.len() && word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

/// The fenced blocks of a document: language and text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some((language, inner))) => open = Some((language, format!("{inner}{line}\n"))),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(BINARY)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Pipes lines into a server on a sandbox, with no variable that could reach a real account.
fn pipe(lines: &str) -> Vec<Value> {
    let mut child = Command::new(BINARY)
        .args(["--sandbox", "--sandbox-speed", "instant"])
        .env_clear()
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

fn messages(lines: &str) -> Vec<Value> {
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

/// Every option of the program and its commands.
#[cfg(feature = "sandbox")]
fn all_options() -> Vec<(String, String)> {
    let mut all = options(&run(&["--help"]));
    for (name, explanation) in options(&run(&["sandbox", "--help"])) {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, explanation));
        }
    }
    all
}

#[test]
#[cfg(feature = "sandbox")]
fn the_settings_table_has_every_flag_of_the_help_and_no_other() {
    let explained: BTreeSet<_> = all_options().into_iter().map(|(name, _)| name).collect();
    let flags = rows(&section("Settings"))
        .iter()
        .flat_map(|row| words(&row[0], "--"))
        .collect();
    assert_eq!(explained, flags, "left: --help; right: README.md, Settings");
}

#[test]
#[cfg(feature = "sandbox")]
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
#[cfg(feature = "sandbox")]
fn commands_use_flags_that_exist() {
    let explained: BTreeSet<_> = all_options().into_iter().map(|(name, _)| name).collect();
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let blocks = blocks(&text);
        let lines = blocks.iter().flat_map(|(_, block)| block.lines());
        for line in lines.chain(code(&text)) {
            // What follows the program's name is the program's, unless it is another program's ` -- NAME`.
            let ours = [
                format!("{NAME} -"),
                format!("{NAME} sandbox"),
                "cargo run --release -- -".to_owned(),
            ];
            for (_, rest) in ours.iter().filter_map(|ours| line.split_once(ours.as_str())) {
                let used = words(&format!("-{rest}"), "--");
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
        let named = words(&fs::read_to_string(&file).unwrap(), "LLAMA_");
        let unknown: Vec<_> = named.difference(&read_by_cli).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
    }
}

#[test]
#[cfg(feature = "sandbox")]
fn the_tools_table_has_every_tool_and_argument_and_no_other() {
    let answers = pipe(&read("manifests/examples/first-batch.jsonl"));
    let tools = answers
        .iter()
        .find_map(|answer| answer.pointer("/result/tools"))
        .unwrap();
    let names = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
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
        assert_eq!(names(&tool["inputSchema"]["properties"]), listed, "{}", row[0]);
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
        .filter(|path| path.is_file())
        .map(|file| fs::read_to_string(file).unwrap())
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
#[cfg(feature = "sandbox")]
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
        let text = fs::read_to_string(&file).unwrap();
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
                let headings = fs::read_to_string(&linked).unwrap();
                let found = headings
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| slug(line) == anchor);
                assert!(found, "{}: {target} names no heading", file.display());
            }
        }
    }
}

/// A heading as links name it.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

#[test]
fn files_that_are_named_are_there() {
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let blocks = blocks(&text);
        let commands = blocks.iter().flat_map(|(_, block)| block.split_whitespace());
        for path in code(&text).into_iter().flat_map(str::split_whitespace).chain(commands) {
            let path = path.trim_end_matches(['/', ',']);
            let ours = ["src/", "manifests/examples/", "manifests/hosts/"]
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
        for (language, block) in blocks(&fs::read_to_string(&file).unwrap()) {
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
    assert_eq!(shown.join("\n"), read("manifests/examples/first-batch.jsonl").trim());
}

#[test]
#[cfg(feature = "sandbox")]
fn every_request_of_an_example_gets_one_answer() {
    for file in files_in("manifests/examples") {
        let (name, lines) = (name_of(&file), fs::read_to_string(&file).unwrap());
        assert!(
            section("Test by hand").contains(&format!("`{name}`")),
            "README.md, Test by hand: {name}"
        );
        let mut asked: Vec<_> = messages(&lines)
            .iter()
            .filter_map(|message| message.get("id").cloned())
            .collect();
        let answers = pipe(&lines);
        for answer in &answers {
            let fine = answer.get("result").is_some() && answer.pointer("/result/isError") != Some(&Value::Bool(true));
            assert!(fine || name == "mistakes.jsonl", "{name}: {answer}");
            let place = asked.iter().position(|id| *id == answer["id"]);
            asked.remove(place.unwrap_or_else(|| panic!("{name}: nobody asked for {answer}")));
        }
        assert!(asked.is_empty(), "{name}: no answer to {asked:?}");
    }
}

#[test]
#[cfg(feature = "sandbox")]
fn what_can_be_typed_by_hand_works() {
    let by_hand = section("Test by hand");
    let blocks: Vec<_> = blocks(&by_hand)
        .into_iter()
        .filter(|(language, _)| language == "sh")
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
        let (name, text) = (name_of(&file), fs::read_to_string(&file).unwrap());
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

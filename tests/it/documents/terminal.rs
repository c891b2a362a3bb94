//! What the README shows of the commands for people is what they print.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use super::markdown::{blocks, rows, words};
use super::program::{BINARY, COMMANDS};
use super::{read, section};
use crate::harness::masks::masked;

/// What a command line prints, as a shell runs it, with no variable that could reach a real account.
fn typed(line: &str) -> String {
    let folder = std::path::Path::new(BINARY).parent().unwrap();
    let mut command = Command::new("sh");
    for variable in words(&read("src/cli.rs"), "LLAMA_") {
        command.env_remove(variable);
    }
    let line = format!("PATH={}:$PATH; {line}", folder.display());
    let output = command.args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    assert!(output.stderr.is_empty(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Without what differs each time, the clock of `watch` included.
fn settled(text: &str) -> String {
    let at_no_time = |line: &str| match line.split_once("  ") {
        Some((clock, rest)) if clock.starts_with("0:") => format!("0:00  {rest}\n"),
        _ => format!("{line}\n"),
    };
    let text = masked(text).replace("(linux x86_64)", "(system machine)");
    text.lines().map(at_no_time).collect()
}

#[test]
fn commands_print_what_the_readme_shows() {
    let shown = section("At a terminal");
    let blocks: Vec<_> = blocks(&shown)
        .into_iter()
        .filter(|(language, _)| language == "console")
        .collect();
    assert_eq!(blocks.len(), 3, "one each for call, watch and doctor");
    for (_, block) in blocks {
        let (line, output) = block.split_once('\n').unwrap();
        let line = line.strip_prefix("$ ").unwrap();
        assert_eq!(
            settled(&typed(line)),
            settled(output),
            "left: the program; right: README.md, `{line}`"
        );
    }
}

#[test]
fn the_table_of_commands_has_every_command() {
    let shown = section("At a terminal");
    let table: BTreeSet<_> = rows(&shown)
        .iter()
        .filter(|row| row.len() == 2)
        .map(|row| row[0].trim_matches('`').split(' ').next().unwrap().to_owned())
        .collect();
    let others = ["serve", "help"].map(str::to_owned);
    let known: BTreeSet<_> = COMMANDS.map(str::to_owned).into_iter().chain(others).collect();
    assert_eq!(known, table, "left: the program; right: README.md, At a terminal");
}

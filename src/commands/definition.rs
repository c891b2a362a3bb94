//! Completions, the manual page and the help of `call`: what the definition of the command line says.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::terminal::print;
use super::tools::Definition;
use crate::cli::{self, Cli, EXIT_CODES, FILES, VARIABLES};
use crate::mcp::{Revision, ToolDefinition};

const NAME: &str = env!("CARGO_PKG_NAME");
/// Set by the scripts that `completions` prints, when a shell asks this program for completions.
const COMPLETE: &str = "LLAMACLOUD_BATCHES_MCP_COMPLETE";

/// Prints the completions for a shell: a script that asks this program, so that it knows as much as the program does.
///
/// # Errors
/// For a stdout that cannot be written.
pub(crate) fn print_completions(shell: Shell) -> io::Result<()> {
    let mut script = Vec::new();
    if let Some(completer) = Shells::builtins().completer(&shell.to_string()) {
        completer.write_registration(COMPLETE, NAME, NAME, NAME, &mut script)?;
    }
    print(&String::from_utf8_lossy(&script))
}

/// Answers a shell that asks for completions, if one does.
///
/// # Errors
/// For a shell that is not known, or a stdout that cannot be written.
pub fn complete(tools: impl Fn() -> Vec<ToolDefinition>) -> Result<bool, clap::Error> {
    let definition = || {
        let names = tools().into_iter().map(|tool| tool.name);
        let names = PossibleValuesParser::new(names);
        Cli::command().mut_subcommand("call", |call| call.mut_arg("tool", |tool| tool.value_parser(names)))
    };
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(definition)
        .var(COMPLETE)
        .try_complete(std::env::args_os(), here.as_deref().map(Path::new))
}

/// Prints how a command is used.
///
/// # Errors
/// For a stdout that cannot be written.
pub(crate) fn print_help(command: &str) -> io::Result<()> {
    let mut definition = cli::definition();
    let help = definition.find_subcommand_mut(command).map(clap::Command::render_help);
    print(&help.unwrap_or_default().to_string())
}

/// Prints the manual page: the program with its settings, each command with its own, the tools, and the other sections.
///
/// # Errors
/// For a stdout that cannot be written.
pub(crate) fn print_manual(tools: &[ToolDefinition]) -> io::Result<()> {
    let tools = tools.iter().map(|tool| tool.for_client(Revision::V2026_07_28, false));
    let tools = tools.filter_map(|tool| serde_json::from_value(tool).ok()).collect();
    print(&String::from_utf8_lossy(&manual(tools)?))
}

fn manual(tools: Vec<Definition>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let definition = cli::definition();
    let program = Man::new(definition.clone());
    program.render_title(&mut text)?;
    program.render_name_section(&mut text)?;
    program.render_synopsis_section(&mut text)?;
    program.render_description_section(&mut text)?;
    program.render_options_section(&mut text)?;
    for command in definition
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        text.extend(section(command)?.bytes());
    }
    text.extend(tools_section(tools).bytes());
    for (title, entries) in [
        ("EXIT STATUS", EXIT_CODES),
        ("ENVIRONMENT", VARIABLES),
        ("FILES", FILES),
    ] {
        text.extend(list(title, entries).bytes());
    }
    text.extend(notes(&definition, &program)?.bytes());
    program.render_version_section(&mut text)?;
    Ok(text)
}

/// A command as a section of the program's page, without the settings, which are above.
fn section(command: &clap::Command) -> io::Result<String> {
    let name = format!("{NAME} {}", command.get_name());
    let own = command.clone().bin_name(name.clone()).mut_args(|argument| {
        let is_everywhere =
            argument.get_help_heading().is_some() || ["help", "version"].contains(&argument.get_id().as_str());
        argument.hide(is_everywhere)
    });
    let notes = notes(command, &Man::new(own.clone()))?;
    let command = Man::new(own);
    let mut parts = Vec::new();
    command.render_synopsis_section(&mut parts)?;
    command.render_description_section(&mut parts)?;
    command.render_options_section(&mut parts)?;
    let parts = format!("{}{notes}", String::from_utf8_lossy(&parts)).replace(".SH ", ".SS ");
    Ok(format!(".SH \"{}\"\n{parts}", name.to_uppercase().replace('-', "\\-")))
}

/// What is below a command's help. Examples keep their lines.
fn notes(command: &clap::Command, page: &Man) -> io::Result<String> {
    if command.get_after_help().is_none() {
        return Ok(String::new());
    }
    let mut text = Vec::new();
    page.render_extra_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA", ".SH NOTES");
    Ok(match text.split_once("Examples:\n") {
        Some((before, examples)) => format!("{before}Examples:\n.nf\n{}\n.fi\n", examples.trim_end()),
        None => text,
    })
}

/// Every tool with its arguments.
fn tools_section(tools: Vec<Definition>) -> String {
    let mut page = Roff::new();
    page.control("SH", ["ARGUMENTS OF THE TOOLS"]);
    for tool in tools {
        page.control("SS", [tool.name.as_str()]);
        page.text([roman(tool.description.clone())]);
        for argument in tool.arguments() {
            page.control("TP", []);
            page.text([
                bold(argument.path.clone()),
                roman(format!("={}", argument.value_and_need())),
            ]);
            page.text([roman(argument.description)]);
        }
    }
    page.to_roff()
}

/// A section of names, each with what it means.
fn list(title: &str, entries: &[(&str, &str)]) -> String {
    let mut page = Roff::new();
    page.control("SH", [title]);
    for (name, meaning) in entries {
        page.control("TP", []);
        page.text([bold(*name)]);
        page.text([roman(*meaning)]);
    }
    page.to_roff()
}

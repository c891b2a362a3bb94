//! `completions` and `man`: what the definition of the command line says, in the languages of shells and of `man`.

use std::io;

use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::screen::print;
use crate::cli;

/// Prints the completions for a shell.
///
/// # Errors
/// For a stdout that cannot be written.
pub(crate) fn print_completions(shell: Shell) -> io::Result<()> {
    const NAME: &str = env!("CARGO_PKG_NAME");

    let mut text = Vec::new();
    generate(shell, &mut cli::definition(), NAME, &mut text);
    if shell == Shell::Bash {
        // The generator writes a name with hyphens in two ways, which never meet: github.com/clap-rs/clap/issues/6529.
        let (one, other) = (NAME.replace('-', "__subcmd__"), NAME.replace('-', "__"));
        text = String::from_utf8_lossy(&text).replace(&one, &other).into_bytes();
    }
    if shell == Shell::Fish {
        // The generator leaves the values of arguments without a name out.
        let tools = cli::TOOLS.join(" ");
        let line = format!("complete -c {NAME} -n '__fish_seen_subcommand_from call' -f -a '{tools}'\n");
        text.extend(line.bytes());
    }
    print(&String::from_utf8_lossy(&text))
}

/// Prints the manual page: the program with its settings, then each command with its own.
///
/// # Errors
/// For a stdout that cannot be written.
pub(crate) fn print_manual() -> io::Result<()> {
    print(&String::from_utf8_lossy(&manual()?))
}

fn manual() -> io::Result<Vec<u8>> {
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
    text.extend(notes(&definition, &program)?.bytes());
    program.render_version_section(&mut text)?;
    Ok(text)
}

/// A command as a section of the program's page, without the settings, which stand above.
fn section(command: &clap::Command) -> io::Result<String> {
    let name = format!("{} {}", env!("CARGO_PKG_NAME"), command.get_name());
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

/// What stands below a command's help. Examples keep their lines.
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

//! `host-config HOST`: the registration of this very program with a host. The configuration goes to stdout, so that it can be redirected
//! into a file; where that file lies, and what else to do, goes to stderr.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{ArgMatches, CommandFactory, parser::ValueSource};

use super::terminal::print;
use crate::cli::{Cli, HostConfig};
use crate::config::{ApiKey, Config};
use crate::hosts::{self, Host, Registration, System};

/// Does what was asked for.
///
/// # Errors
/// If this program's path cannot be told or is no Unicode text, or if stdout cannot be written.
pub fn run(wanted: &HostConfig, config: &Config) -> anyhow::Result<()> {
    let Some(host) = wanted.host.as_deref().and_then(Host::named).filter(|_| !wanted.list) else {
        let names: Vec<_> = hosts::ALL.iter().map(|host| host.name).collect();
        return Ok(print(&format!("{}\n", names.join("\n")))?);
    };
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let flags = Cli::command().try_get_matches_from(std::env::args_os())?;
    let registration = registration(program, &flags)?;
    print(&host.configuration(&registration))?;
    drop(io::stderr().write_all(guidance(host, &registration, config, System::current()).as_bytes()));
    Ok(())
}

/// How to start this program with the flags that were given, whatever they are.
fn registration(program: PathBuf, flags: &ArgMatches) -> anyhow::Result<Registration> {
    let given = |flag: &str| {
        let typed = flags.try_contains_id(flag).unwrap_or(false);
        typed && flags.value_source(flag) == Some(ValueSource::CommandLine)
    };
    let mut args = Vec::new();
    for flag in Cli::command().get_arguments() {
        let (Some(long), id) = (flag.get_long(), flag.get_id().as_str()) else {
            continue;
        };
        if !given(id) {
            continue;
        }
        if !flag.get_action().takes_values() {
            args.push(format!("--{long}"));
            continue;
        }
        // A host starts the server in a folder of its own choice.
        let is_path = flags.try_get_many::<PathBuf>(id).is_ok();
        for value in flags.get_raw(id).into_iter().flatten() {
            let value = if is_path {
                std::path::absolute(value)?.into()
            } else {
                value.to_owned()
            };
            let value = text(value, &format!("the value of --{long}"))?;
            if value.starts_with('-') {
                args.push(format!("--{long}={value}"));
            } else {
                args.extend([format!("--{long}"), value]);
            }
        }
    }
    Ok(Registration {
        command: text(program.into(), "the path of this program")?,
        args,
        passes_key: !given("sandbox") && !given("api_key_file"),
    })
}

/// A host's file holds text.
fn text(value: OsString, what: &str) -> anyhow::Result<String> {
    match value.into_string() {
        Ok(text) => Ok(text),
        Err(_) => bail!("{what} is no Unicode text, so that no configuration can hold it"),
    }
}

/// What to do with the configuration.
fn guidance(host: &Host, registration: &Registration, config: &Config, system: System) -> String {
    let title = host.title;
    let mut lines = vec![format!("{title} reads this from {}", host.file.on(system))];
    if let Some(file) = host.project_file {
        let file = if system == System::Windows {
            file.replace('/', "\\")
        } else {
            file.to_owned()
        };
        lines.push(format!(
            "or, in one project alone, from {file} in the project's folder."
        ));
    } else if let Some(line) = lines.last_mut() {
        line.push('.');
    }
    lines.push(format!(
        "If that file exists, add the part about {} to what it holds.",
        hosts::NAME
    ));
    if let Some(command) = host.add_command(registration, system) {
        lines.push(format!("This command does the same:\n  {command}"));
    }
    if let Some(link) = host.add_link(registration) {
        lines.push(format!("Opening this link does the same:\n  {link}"));
    }
    lines.push(match &config.api_key {
        _ if registration.passes_key => host.what_to_do_about_the_key(),
        ApiKey::Missing(reason) if reason.contains("--api-key-file") => {
            format!("There is no key yet: {reason}. Write the key there before the server is used.")
        }
        _ if registration.args.iter().any(|argument| argument == "--api-key-file") => {
            "The key is read from that file each time the server starts.".to_owned()
        }
        _ => "The sandbox needs no key.".to_owned(),
    });
    lines.extend(host.note.map(str::to_owned));
    if is_build_output(Path::new(&registration.command)) {
        lines.push(
            "This program lies in a build folder; install it, and run this again, if that folder will not stay."
                .to_owned(),
        );
    }
    lines.push(format!(
        "Then restart {title}. It shows the server as {}.\n",
        hosts::NAME
    ));
    lines.join("\n")
}

fn is_build_output(program: &Path) -> bool {
    let mut folders = program.ancestors().skip(1).filter_map(Path::file_name);
    folders
        .next()
        .is_some_and(|folder| folder == "debug" || folder == "release")
        && folders.next().is_some_and(|folder| folder == "target")
}

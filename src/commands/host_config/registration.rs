//! How a host starts this program: its path, or the runner that fetched it, and the flags that were given.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, bail};

use crate::cli::{self, Setting};
use crate::hosts::Registration;

const PACKAGE: &str = "llamacloud-batches-mcp";

/// This program, as a host should start it.
#[derive(Debug)]
pub(super) struct ThisProgram {
    pub(super) registration: Registration,
    pub(super) lasts: Lasts,
    /// Whether the key comes from a file.
    pub(super) has_key_file: bool,
}

/// Whether the registered program will stay where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    Yes,
    /// It was started by a runner, which is registered in its place and fetches it again.
    ThroughRunner(Runner),
    /// It is in a build folder.
    WhileBuilt,
}

/// What fetches a package and starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    Npx,
    Uvx,
}

/// Reads the command line of this process.
///
/// # Errors
/// If this program's path is unknown, or if a text that has to go into the configuration is not Unicode.
pub(super) fn of_this_program() -> anyhow::Result<ThisProgram> {
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let settings = cli::settings();
    let lasts = lasts(&program);
    let (command, mut args) = match lasts {
        Lasts::ThroughRunner(runner) => runner.words(cfg!(windows)),
        Lasts::Yes | Lasts::WhileBuilt => (text(program.into(), "the path of this program")?, Vec::new()),
    };
    for setting in &settings {
        args.extend(words(setting)?);
    }
    if cfg!(windows)
        && lasts == Lasts::ThroughRunner(Runner::Npx)
        && let Some(word) = args.iter().find(|word| is_changed_by_cmd(word))
    {
        bail!(
            "on Windows, npx is started by cmd, which would not pass {word} on unchanged. Run `npm install -g {PACKAGE}`, then \
             this command again without npx"
        );
    }
    let has_key_file = settings.iter().any(|setting| setting.flag == "api-key-file");
    Ok(ThisProgram {
        registration: Registration {
            command,
            args,
            passes_key: !has_key_file && settings.iter().all(|setting| setting.flag != "sandbox"),
        },
        lasts,
        has_key_file,
    })
}

fn lasts(program: &Path) -> Lasts {
    let folders: Vec<_> = program.iter().map(|part| part.to_string_lossy()).collect();
    let has = |beginning: &str| folders.iter().any(|folder| folder.starts_with(beginning));
    match folders.as_slice() {
        _ if has("_npx") => Lasts::ThroughRunner(Runner::Npx),
        // The caches of uv: what it unpacked, and environments that it keeps for one command.
        _ if has("archive-v") || has("environments-v") => Lasts::ThroughRunner(Runner::Uvx),
        [.., target, profile, _] if target == "target" && (profile == "debug" || profile == "release") => {
            Lasts::WhileBuilt
        }
        _ => Lasts::Yes,
    }
}

impl Runner {
    /// The command, and its arguments before the program's own.
    fn words(self, is_windows: bool) -> (String, Vec<String>) {
        let words = match (self, is_windows) {
            // Hosts start programs without a shell, and npx is a script there.
            (Self::Npx, true) => &["cmd", "/c", "npx", "-y", PACKAGE][..],
            (Self::Npx, false) => &["npx", "-y", PACKAGE],
            (Self::Uvx, _) => &["uvx", PACKAGE],
        };
        let mut words = words.iter().map(|word| (*word).to_owned());
        (words.next().unwrap_or_default(), words.collect())
    }
}

/// Whether cmd would change a word. Hosts put quotation marks around words with a space, and around no others.
fn is_changed_by_cmd(word: &str) -> bool {
    word.contains('%') || (word.contains(['&', '|', '<', '>', '^']) && !word.contains(' '))
}

/// The words that give the server this setting. A host starts the server in a folder that it chooses.
fn words(setting: &Setting) -> anyhow::Result<Vec<String>> {
    let Some(value) = &setting.value else {
        return Ok(setting.words(None));
    };
    let value = if setting.is_path {
        std::path::absolute(value)?.into()
    } else {
        value.clone()
    };
    let value = text(value, &format!("the value of --{}", setting.flag))?;
    Ok(setting.words(Some(&value)))
}

/// A host's file holds text.
fn text(value: OsString, what: &str) -> anyhow::Result<String> {
    match value.into_string() {
        Ok(text) => Ok(text),
        Err(_) => bail!("{what} is not Unicode text, so no configuration can contain it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_a_cache_is_registered_through_its_runner() {
        for (program, expected) in [
            ("/home/me/.cargo/bin/llamacloud-batches-mcp", Lasts::Yes),
            (
                "/usr/lib/node_modules/@llamacloud-batches-mcp/linux-x64/llamacloud-batches-mcp",
                Lasts::Yes,
            ),
            (
                "/home/me/.local/share/uv/tools/llamacloud-batches-mcp/bin/llamacloud-batches-mcp",
                Lasts::Yes,
            ),
            (
                "/home/me/.npm/_npx/1a2b/node_modules/@llamacloud-batches-mcp/linux-x64/llamacloud-batches-mcp",
                Lasts::ThroughRunner(Runner::Npx),
            ),
            (
                "/home/me/.cache/uv/archive-v0/Xy-z/bin/llamacloud-batches-mcp",
                Lasts::ThroughRunner(Runner::Uvx),
            ),
            (
                "/home/me/.cache/uv/environments-v2/Xy-z/bin/llamacloud-batches-mcp",
                Lasts::ThroughRunner(Runner::Uvx),
            ),
            ("/home/me/src/target/release/llamacloud-batches-mcp", Lasts::WhileBuilt),
            ("/home/me/target/bin/llamacloud-batches-mcp", Lasts::Yes),
        ] {
            assert_eq!(lasts(Path::new(program)), expected, "{program}");
        }
        let words = |runner: Runner, is_windows| {
            let (command, args) = runner.words(is_windows);
            format!("{command} {}", args.join(" "))
        };
        assert_eq!(words(Runner::Npx, false), "npx -y llamacloud-batches-mcp");
        assert_eq!(words(Runner::Npx, true), "cmd /c npx -y llamacloud-batches-mcp");
        assert_eq!(words(Runner::Uvx, true), "uvx llamacloud-batches-mcp");
    }

    #[test]
    fn what_cmd_reads_differently_is_known() {
        for (word, expected) in [
            (r"C:\Users\Me\Contracts", false),
            (r"C:\Users\Me\My contracts", false),
            (r"C:\Users\Me\R&D", true),
            (r"C:\Users\Me\R & D", false),
            (r"C:\Users\Me\100% done", true),
        ] {
            assert_eq!(is_changed_by_cmd(word), expected, "{word}");
        }
    }
}

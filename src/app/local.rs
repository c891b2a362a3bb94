//! The folders of this machine that the operator names or a command needs.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::Command;
use crate::commands::Source;
use crate::config::Config;
use crate::files::{Allowed, Output};
use crate::tools::Folders;

/// Opens the folders that the settings name.
///
/// # Errors
/// For a folder that cannot be used.
pub(super) fn open(config: &Config) -> anyhow::Result<Folders> {
    let allowed = Allowed::open(&config.folders.allowed, &config.folders.forbidden).context("--allow-dir")?;
    let output = config.folders.output.as_deref();
    let output = output.map(|path| Output::open(path, &config.folders.forbidden).context("--output-dir"));
    Ok(Folders {
        allowed: Some(allowed).filter(|allowed| !allowed.is_empty()),
        output: output.transpose()?,
    })
}

/// Placeholder folders, for definitions that nobody calls.
pub(super) fn for_definitions() -> Folders {
    Folders {
        allowed: Some(Allowed::default()),
        output: Some(Output::default()),
    }
}

/// The settings of `run`, which names its own folders and needs their tools, and what it runs over; `None` for every other
/// command.
///
/// # Errors
/// If the folder for results cannot be made, or the path cannot be used.
pub(super) fn settings_of(command: &Command, config: &Config) -> anyhow::Result<Option<(Config, Source)>> {
    let Command::Run(arguments) = command else {
        return Ok(None);
    };
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).with_context(|| format!("--out {}", out.display()))?;
    }
    let mut config = config.clone();
    let source = Source::of(arguments);
    if matches!(source, Source::File { .. }) {
        // The user named this single file, so it may be anywhere.
        config.folders.forbidden.home = None;
    }
    config.folders.allowed = source.folder().map(Path::to_owned).into_iter().collect();
    // Opened here as a check: later, the error would name `--allow-dir`, but the user typed only a path.
    Allowed::open(&config.folders.allowed, &config.folders.forbidden)?;
    config.folders.output = arguments.out.as_deref().map(Path::to_owned);
    Ok(Some((config, source)))
}

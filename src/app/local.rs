//! The folders of this machine that the operator names or a command needs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

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

/// The folder that `--out` names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--out {0}")]
pub struct UnusableOut(String);

/// The settings of `run`, which names its own folders and needs their tools, and what it runs over; `None` for every other
/// command.
///
/// # Errors
/// If the path or the folder for results cannot be used.
pub(super) fn settings_of(command: &Command, config: &Config) -> anyhow::Result<Option<(Config, Source)>> {
    let Command::Run(arguments) = command else {
        return Ok(None);
    };
    let mut config = config.clone();
    let source = Source::of(arguments);
    let for_results = config.folders.forbidden.clone();
    if matches!(source, Source::File { .. }) {
        // The user named this single file, so it may be anywhere.
        config.folders.forbidden.home = None;
    }
    config.folders.allowed = source.folder().map(Path::to_owned).into_iter().collect();
    // Both are opened here as a check: later, the errors would name `--allow-dir` and `--output-dir`, which the user did not type.
    Allowed::open(&config.folders.allowed, &config.folders.forbidden)?;
    if let Some(out) = &arguments.out {
        let made = check_outside(out, &source).and_then(|()| Ok(std::fs::create_dir_all(out)?));
        made.with_context(|| UnusableOut(out.display().to_string()))?;
        Output::open(out, &for_results).context("--out")?;
        // Removed at once: that a file can be made is what counts, before anything is paid for.
        let probe = tempfile::Builder::new().prefix(".").tempfile_in(out);
        probe.with_context(|| UnusableOut(format!("{} (nothing was sent)", out.display())))?;
    }
    config.folders.output.clone_from(&arguments.out);
    Ok(Some((config, source)))
}

/// Refuses a folder for results inside the folder that is uploaded: the next run would leave out the documents that lie among the
/// results, and pay for a batch over the others.
fn check_outside(out: &Path, source: &Source) -> anyhow::Result<()> {
    match source {
        Source::Folder(folder) if resolved(out)?.starts_with(resolved(folder)?) => bail!(
            "it is inside the folder to upload, where results and documents would mix. Nothing was sent. Choose a folder outside \
             {}",
            folder.display()
        ),
        _ => Ok(()),
    }
}

/// The path without symbolic links, as far as it exists.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let known = path.ancestors().find_map(|known| {
        let rest = path.strip_prefix(known).ok()?;
        Some(known.canonicalize().ok()?.join(rest))
    });
    Ok(known.unwrap_or(path))
}

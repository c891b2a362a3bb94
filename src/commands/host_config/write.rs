//! A host's file with the registration in it. The old file is kept next to it.
//!
//! The new text is written to a temporary file, which then takes the old one's place. Whatever ends the process in between, the host
//! finds either the whole old file or the whole new one.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use crate::hosts::{Host, Registration};

/// Backups of one file, at most. Each run that changes the file needs one.
const MOST_BACKUPS: u32 = 100;

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The file is new.
    Created,
    /// It has changed, and this is a copy of what it was.
    Changed { backup: PathBuf },
    /// The registration was in it already.
    Unchanged,
}

/// Registers the server in this file.
///
/// # Errors
/// If the file cannot be read, understood or written. It is then as it was.
pub(super) fn registered(host: &Host, registration: &Registration, path: &Path) -> anyhow::Result<Written> {
    let shown = path.display();
    // A link stays a link: the file that it leads to is replaced.
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let target = if is_link {
        fs::canonicalize(path).with_context(|| format!("{shown} is a broken link"))?
    } else {
        path.to_owned()
    };
    let old = match fs::read(&target) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("{shown} cannot be read")),
    };
    let Ok(text) = str::from_utf8(old.as_deref().unwrap_or_default()) else {
        bail!("{shown} was not changed, because it is not UTF-8 text");
    };
    let new = match host.merged(text, registration) {
        Ok(Some(new)) => new,
        Ok(None) => return Ok(Written::Unchanged),
        Err(refusal) => bail!(
            "{shown} was not changed: {refusal}. Correct the file, or add to it what `host-config {}` prints with the same \
             flags and without --write",
            host.name
        ),
    };
    replace(&target, old.as_deref(), &new).with_context(|| format!("{shown} was not changed"))
}

fn replace(target: &Path, old: Option<&[u8]>, new: &str) -> anyhow::Result<Written> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    let permissions = old
        .map(|_| fs::metadata(target))
        .transpose()?
        .map(|metadata| metadata.permissions());
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        bail!("it is read-only");
    }
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let temporary = |bytes: &[u8]| -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".llamacloud-batches-")
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        if let Some(permissions) = &permissions {
            fs::set_permissions(file.path(), permissions.clone())?;
        }
        file.as_file().sync_all()?;
        Ok(file)
    };
    let new = temporary(new.as_bytes())?;
    let backup = old.map(|old| backup(target, old, || temporary(old))).transpose()?;
    // Hosts write these files as well.
    if fs::read(target).ok().as_deref() != old {
        bail!("another program has just changed it; run this again");
    }
    new.persist(target).map_err(|error| error.error)?;
    Ok(match backup {
        Some(backup) => Written::Changed { backup },
        None => Written::Created,
    })
}

/// A copy of the old file under the first free name, or the copy that is there already.
fn backup(target: &Path, old: &[u8], copy: impl Fn() -> io::Result<NamedTempFile>) -> anyhow::Result<PathBuf> {
    for number in 1..=MOST_BACKUPS {
        let mut name = target.as_os_str().to_owned();
        name.push(if number == 1 {
            ".bak".to_owned()
        } else {
            format!(".bak{number}")
        });
        let path = PathBuf::from(name);
        match copy()?.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => return Err(error.error.into()),
            Err(_) if fs::read(&path).is_ok_and(|bytes| bytes == old) => return Ok(path),
            Err(_) => {}
        }
    }
    bail!("there are {MOST_BACKUPS} backups of it already; delete some")
}

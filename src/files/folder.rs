//! One folder of the user: opened once, or refused with the reason. Everything below it is opened from its handle.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_fs_ext::{
    DirExt as _, FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _, OpenOptionsMaybeDirExt as _,
    OpenOptionsSyncExt as _,
};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::MAX_FILE_BYTES;
use super::kinds::{ZIP_SIGNATURE, documented_extension};
use super::refusal::{Refusal, reason};
use crate::untrusted::quote;

const MAX_PATH_CHARS: usize = 300;

/// What no folder may be or hold.
#[derive(Debug, Clone, Default)]
pub struct Forbidden {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The file that the API key is read from.
    pub key_file: Option<PathBuf>,
}

/// A folder that cannot be used. Reads as the end of a sentence that has named the flag.
#[derive(Debug, thiserror::Error)]
pub enum UnusableFolder {
    /// It cannot be opened.
    #[error("{folder} cannot be opened as a folder ({reason})", folder = shown(.0), reason = reason(.1))]
    NotOpened(PathBuf, io::Error),
    /// It is the root of the file system, the home folder, or holds that.
    #[error("{folder} is too wide: it is or contains the home folder. Name a folder that holds only documents", folder = shown(.0))]
    TooWide(PathBuf),
    /// The API key would be readable as a document.
    #[error("{folder} contains the file with the API key. Move that file, or name another folder", folder = shown(.0))]
    HoldsKey(PathBuf),
    /// The API key may be readable as a document.
    #[error("{folder} may contain the file with the API key, whose location is unknown ({reason}). Correct --api-key-file", folder = shown(.0), reason = reason(.1))]
    MayHoldKey(PathBuf, io::Error),
    /// A name that is not Unicode cannot be compared with an argument.
    #[error("{folder} is not valid Unicode", folder = shown(.0))]
    NotUnicode(PathBuf),
}

fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy(), MAX_PATH_CHARS)
}

/// A folder that was opened at the start.
pub(super) struct Folder {
    pub(super) dir: Dir,
    /// As it was named, made absolute.
    pub(super) named: PathBuf,
    /// Without symbolic links.
    pub(super) canonical: PathBuf,
}

impl fmt::Debug for Folder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Folder").field(&self.named).finish()
    }
}

impl Folder {
    /// Opens a folder that the operator named.
    ///
    /// # Errors
    /// For a path that is not a folder, and for a folder that would allow too much.
    pub(super) fn open(path: &Path, forbidden: &Forbidden) -> Result<Self, UnusableFolder> {
        let not_opened = |error| UnusableFolder::NotOpened(path.to_owned(), error);
        let named = std::path::absolute(path).map_err(not_opened)?;
        let canonical = plain(fs::canonicalize(path).map_err(not_opened)?);
        if named.to_str().is_none() || canonical.to_str().is_none() {
            return Err(UnusableFolder::NotUnicode(named));
        }
        let dir = Dir::open_ambient_dir(&canonical, ambient_authority()).map_err(not_opened)?;
        let inside = |path: &Path| place_of(path).map(|place| place.starts_with(&canonical));
        let holds_home = forbidden
            .home
            .as_deref()
            .map(inside)
            .is_some_and(|holds| holds.unwrap_or(false));
        if canonical.parent().is_none() || holds_home {
            return Err(UnusableFolder::TooWide(named));
        }
        match forbidden.key_file.as_deref().map(inside) {
            None | Some(Ok(false)) => {}
            Some(Ok(true)) => return Err(UnusableFolder::HoldsKey(named)),
            Some(Err(error)) => return Err(UnusableFolder::MayHoldKey(named, error)),
        }
        Ok(Self { dir, named, canonical })
    }

    /// Whether its path still leads to it: it may have been moved, removed or replaced since it was opened.
    pub(super) fn is_in_place(&self) -> bool {
        let identity = |dir: &Dir| dir.dir_metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
        let there = Dir::open_ambient_dir(&self.named, ambient_authority()).ok();
        there.is_some_and(|there| identity(&there) == identity(&self.dir))
    }

    /// Opens a folder below this one. No component may be a symbolic link.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) fn below(&self, components: &[String]) -> io::Result<Dir> {
        components
            .iter()
            .try_fold(self.dir.try_clone()?, |dir, name| dir.open_dir_nofollow(name))
    }

    /// Whether the folders on the way list these very names. Windows opens a file under names that no folder lists: `SECRET~1` for
    /// `.secret`, `a.pdf.` for `a.pdf`, `a.txt:b.pdf` for a stream of `a.txt`, and `NUL` everywhere.
    pub(super) fn lists(&self, names: &[String]) -> bool {
        if !cfg!(windows) {
            return true;
        }
        let mut dir = self.dir.try_clone().ok();
        names.iter().all(|name| {
            let entries = dir.iter().flat_map(Dir::entries).flatten().flatten();
            let mut listed = entries.map(|entry| entry.file_name().to_string_lossy().to_lowercase());
            let is_listed = listed.any(|listed| listed == name.to_lowercase());
            dir = dir.as_ref().and_then(|dir| dir.open_dir_nofollow(name).ok());
            is_listed
        })
    }
}

/// Where a file is, or would be if it existed, without symbolic links.
fn place_of(path: &Path) -> io::Result<PathBuf> {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        // A link that leads to nothing exists, and where it leads is unknown.
        (Err(error), Some(folder), Some(name))
            if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() =>
        {
            Ok(place_of(folder)?.join(name))
        }
        (found, ..) => found.map(plain),
    }
}

/// A path as people write it: Windows' own form of a canonical path begins with `\\?\`.
fn plain(path: PathBuf) -> PathBuf {
    let drive = path.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    match drive.filter(|rest| rest.as_bytes().get(1) == Some(&b':')) {
        Some(rest) => PathBuf::from(rest),
        None => path,
    }
}

/// Distinguishes states of a file. The content can change while this stays the same: only reading the file is certain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stamp {
    device: u64,
    number: u64,
    /// Units: bytes.
    pub(super) length: u64,
    modified: Option<SystemTime>,
}

/// Opens a file for reading, and checks the handle itself: the name may refer to something else by now.
///
/// # Errors
/// Why it may not be uploaded.
pub(super) fn open_document(dir: &Dir, name: &str) -> Result<(fs::File, Stamp), Refusal> {
    if name.starts_with("~$") {
        return Err(Refusal::OfficeLock);
    }
    let extension = documented_extension(name).ok_or(Refusal::Extension)?;
    let mut options = OpenOptions::new();
    // A FIFO would hold up the open until somebody writes to it.
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let mut file = dir.open_with(name, &options).map_err(|error| Refusal::of(&error))?;
    let metadata = file.metadata().map_err(|error| Refusal::of(&error))?;
    if !metadata.is_file() {
        return Err(Refusal::NotRegular);
    }
    if metadata.nlink() > 1 {
        return Err(Refusal::HardLink);
    }
    match metadata.len() {
        0 => return Err(Refusal::Empty),
        length if length > MAX_FILE_BYTES => return Err(Refusal::TooLarge),
        _ => {}
    }
    if extension == "key" {
        let mut start = [0; 2];
        let is_zip = file.read_exact(&mut start).is_ok() && start == ZIP_SIGNATURE;
        if !is_zip {
            return Err(Refusal::NotKeynote);
        }
        io::Seek::rewind(&mut file).map_err(|error| Refusal::of(&error))?;
    }
    let stamp = Stamp {
        device: metadata.dev(),
        number: metadata.ino(),
        length: metadata.len(),
        modified: metadata.modified().ok().map(cap_std::time::SystemTime::into_std),
    };
    Ok((file.into_std(), stamp))
}

/// Reads a regular file that may be at most `max_bytes` long.
///
/// # Errors
/// Those of the operating system, and `InvalidData` for anything else.
pub(super) fn read(dir: &Dir, name: &str, max_bytes: u64) -> io::Result<Vec<u8>> {
    let metadata = dir.symlink_metadata(name)?;
    if !metadata.is_file() || metadata.len() > max_bytes {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    let mut content = Vec::new();
    dir.open_with(name, &options)?
        .take(max_bytes + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}

/// An advisory lock on a folder, held until dropped. Two processes with the same work take turns.
#[derive(Debug)]
pub struct Locked {
    _handle: Option<fs::File>,
}

impl Locked {
    /// Locks a folder; `None` if another process has locked it.
    ///
    /// Where folders cannot be locked (Windows, some network file systems) nothing is locked.
    pub(super) fn of(dir: &Dir) -> Option<Self> {
        if cfg!(windows) {
            return Some(Self::nothing());
        }
        // A separate handle: a clone would share the lock, and a handle for opening entries cannot be locked.
        let Ok(handle) = dir.open_with(".", OpenOptions::new().read(true).maybe_dir(true)) else {
            return Some(Self::nothing());
        };
        let handle = handle.into_std();
        match handle.try_lock() {
            Err(fs::TryLockError::WouldBlock) => None,
            Ok(()) | Err(fs::TryLockError::Error(_)) => Some(Self { _handle: Some(handle) }),
        }
    }

    pub(super) const fn nothing() -> Self {
        Self { _handle: None }
    }
}

//! Writing results: complete files only, never over other contents, and nowhere but below the folder.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, OpenOptions};

use super::allowed::{strip, without_tilde};
use super::content::sha256_hex;
use super::folder::{Folder, Forbidden, Locked, UnusableFolder, read};
use super::names::{Claim, file_names, split, with_id};
use crate::untrusted::quote;

/// The prefix of files that are being written.
const PARTIAL: &str = ".llamacloud-batches-";
const MAX_PATH_CHARS: usize = 300;

/// The folder that the operator allows to write to.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// `None` for a definition that nobody can call.
    folder: Option<Arc<Folder>>,
    home: Option<PathBuf>,
}

/// A path that leads out of the output folder. Reads as the end of a sentence that has named the argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not inside the output folder {0}. Give a path inside it, absolute or relative to it, without `..`")]
pub struct NotInside(String);

/// A folder inside it that results go to.
#[derive(Debug)]
pub struct OutputFolder {
    dir: Dir,
    path: PathBuf,
    _lock: Locked,
}

/// The outcome of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// Written, under this path.
    New(String),
    /// A file with these bytes was there, under this path.
    AlreadyThere(String),
    /// Not written: both names of the file are taken by other contents.
    NameTaken,
    /// Not written: the path leads through this one, which is not a folder.
    NoFolder(String),
}

impl Output {
    /// Opens the folder.
    ///
    /// # Errors
    /// For a folder that cannot be used.
    pub fn open(path: &Path, forbidden: &Forbidden) -> Result<Self, UnusableFolder> {
        let folder = Folder::open(path, forbidden)?;
        Ok(Self {
            folder: Some(Arc::new(folder)),
            home: forbidden.home.clone(),
        })
    }

    /// What a path in an argument means, relative to the folder; `.` is the folder itself. Decided by the path's text alone.
    ///
    /// # Errors
    /// For a path with `..`, and for an absolute one that is not inside the folder.
    pub fn relative(&self, path: &str) -> Result<String, NotInside> {
        let path = without_tilde(path, self.home.as_deref());
        let (named, canonical) = match &self.folder {
            Some(folder) => (folder.named.as_path(), folder.canonical.as_path()),
            None => (Path::new(""), Path::new("")),
        };
        let inside = if path.has_root() {
            strip(&path, named).or_else(|| strip(&path, canonical))
        } else {
            Some(path.as_path())
        };
        let inside = inside.and_then(Path::to_str);
        match inside.filter(|inside| inside.split(['/', '\\']).all(|name| name != "..")) {
            Some("") => Ok(".".to_owned()),
            Some(inside) => Ok(inside.to_owned()),
            None => Err(NotInside(quote(&named.to_string_lossy(), MAX_PATH_CHARS))),
        }
    }

    /// Opens a folder for results, and makes it where it is missing. `name` is cleaned like every other name; empty or `.` is the
    /// folder itself. `None`: another process is writing there.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn folder(&self, name: &str) -> io::Result<Option<OutputFolder>> {
        let Some(folder) = &self.folder else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if !folder.is_in_place() {
            return Err(io::ErrorKind::StaleNetworkFileHandle.into());
        }
        let (mut path, mut dir) = (folder.named.clone(), folder.dir.try_clone()?);
        if !matches!(name, "" | "." | "./") {
            let relative = file_names(&[Claim { id: "", name }], &[]).concat();
            dir = enter(dir, &relative, make_folder)?;
            path.extend(relative.split('/'));
        }
        let Some(lock) = Locked::of(&dir) else {
            return Ok(None);
        };
        let folder = OutputFolder { dir, path, _lock: lock };
        if !cfg!(windows) {
            remove_partial(&folder.dir);
        }
        Ok(Some(folder))
    }
}

/// Opens folders inside each other, each with `open`. An empty path is `dir` itself.
fn enter(dir: Dir, path: &str, open: impl Fn(&Dir, &str) -> io::Result<Dir>) -> io::Result<Dir> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    names.try_fold(dir, |dir, name| open(&dir, name))
}

/// Opens a folder, and makes it if it is missing.
fn make_folder(dir: &Dir, name: &str) -> io::Result<Dir> {
    match dir.create_dir(name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => dir.open_dir_nofollow(name),
    }
}

/// Removes the partial files of a process that was killed. The lock ensures that no other process is writing.
fn remove_partial(dir: &Dir) {
    for entry in dir.entries().into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PARTIAL)) {
            // What cannot be removed does no harm.
            let _ = dir.remove_file(&name);
        }
    }
}

impl fmt::Display for OutputFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(formatter)
    }
}

impl OutputFolder {
    /// Writes a file under its path, or under a path that includes `id` if another file has that name. Parts of a file
    /// are never seen under its own name.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn save(&self, path: &str, id: &str, bytes: &[u8]) -> io::Result<Saved> {
        let (folder, name) = split(path);
        let dir = match enter(self.dir.try_clone()?, folder, make_folder) {
            Ok(dir) => dir,
            Err(error) => return self.not_a_folder(folder).map(Saved::NoFolder).ok_or(error),
        };
        for (path, name) in [
            (path.to_owned(), name.to_owned()),
            (with_id(path, id), with_id(name, id)),
        ] {
            if holds(&dir, &name, bytes) {
                return Ok(Saved::AlreadyThere(path));
            }
            match dir.symlink_metadata(&name) {
                Ok(_) => continue,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Err(_) => {}
            }
            let partial = Partial::write(&self.dir, bytes)?;
            match partial.publish(&dir, &name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                published => return published.map(|()| Saved::New(path)),
            }
        }
        Ok(Saved::NameTaken)
    }

    /// The first folder of this path whose name a file or a link already has; `None` if each can be a folder.
    fn not_a_folder(&self, path: &str) -> Option<String> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut parts = ends.filter_map(|end| path.get(..end));
        let found = parts.find(|part| {
            let metadata = self.dir.symlink_metadata(part);
            metadata.is_ok_and(|metadata| !metadata.is_dir())
        });
        found.map(str::to_owned)
    }

    /// Whether a file is there with this content.
    pub fn holds(&self, path: &str, length: u64, sha256: &str) -> bool {
        let (folder, name) = split(path);
        let dir = self.dir.try_clone();
        let dir = dir.and_then(|dir| enter(dir, folder, |dir, name| dir.open_dir_nofollow(name)));
        let content = dir.and_then(|dir| read(&dir, name, length));
        content.is_ok_and(|content| sha256_hex([content.as_slice()]) == sha256)
    }

    /// Reads a file of this folder that may be at most `max_bytes` long; `None` if there is none.
    ///
    /// # Errors
    /// Those of the operating system, and one for a file that is longer.
    pub fn read(&self, name: &str, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
        match read(&self.dir, name, max_bytes) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file in place of its earlier version: whole, or not at all.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let partial = Partial::write(&self.dir, bytes)?;
        self.dir.rename(&partial.name, &self.dir, name)?;
        Ok(())
    }
}

fn holds(dir: &Dir, name: &str, bytes: &[u8]) -> bool {
    read(dir, name, bytes.len() as u64).is_ok_and(|content| content == bytes)
}

/// A complete file that does not have its name yet. If dropped without one, it is deleted.
struct Partial<'a> {
    dir: &'a Dir,
    name: String,
}

impl<'a> Partial<'a> {
    fn write(dir: &'a Dir, bytes: &[u8]) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PARTIAL}{}-{number}.part", std::process::id());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).follow(FollowSymlinks::No);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = dir.open_with(&name, &options)?;
        let partial = Self { dir, name };
        file.write_all(bytes)?;
        Ok(partial)
    }

    /// Gives the file its name, unless something has that name.
    fn publish(self, dir: &Dir, name: &str) -> io::Result<()> {
        match self.dir.hard_link(&self.name, dir, name) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // A file system without hard links. The lock keeps out other processes of this program.
            Err(_) => match dir.symlink_metadata(name) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => self.dir.rename(&self.name, dir, name),
            },
        }
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = self.dir.remove_file(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `save` looks first; this tests what happens if a file appears after that.
    #[test]
    fn a_file_that_is_whole_never_takes_the_name_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        dir.write("x.md", "the user's").unwrap();
        let published = Partial::write(&dir, b"new").unwrap().publish(&dir, "x.md");
        assert_eq!(published.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(dir.read_to_string("x.md").unwrap(), "the user's");
        assert_eq!(dir.entries().unwrap().count(), 1, "nothing is left");
    }
}

//! The folders to read from, and what a path in an argument means.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::folder::{Folder, Forbidden, Locked, Stamp, UnusableFolder, open_document};
use super::refusal::Refusal;
use super::walk::{Candidate, Found, Selection, TooMuch, walk};
use crate::untrusted::quote;

const MAX_PATH_CHARS: usize = 300;

/// The folders that the operator allows to read from.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    folders: Vec<Arc<Folder>>,
    home: Option<PathBuf>,
}

/// A path outside the allowed folders. One error for all reasons, so that it does not reveal what exists.
///
/// Shape: `is not a file or folder inside an allowed folder. Allowed: "/home/me/documents"`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a file or folder inside an allowed folder (hidden names and symbolic links do not count). Allowed: {0}. Give a path \
     inside one of them, absolute or relative to it"
)]
pub struct NotAllowed(String);

/// A file or folder inside an allowed folder.
#[derive(Debug, Clone)]
pub struct Place {
    folder: Arc<Folder>,
    /// Components below the folder; without the file's own name.
    below: Vec<String>,
    /// The file's name, if it is a file.
    file: Option<String>,
}

impl Allowed {
    /// Opens the folders.
    ///
    /// # Errors
    /// For the first that cannot be used.
    pub fn open(folders: &[PathBuf], forbidden: &Forbidden) -> Result<Self, UnusableFolder> {
        let open = |path: &PathBuf| Folder::open(path, forbidden).map(Arc::new);
        Ok(Self {
            folders: folders.iter().map(open).collect::<Result<_, _>>()?,
            home: forbidden.home.clone(),
        })
    }

    /// Whether nothing may be read.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// The folders, as they were named.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|folder| folder.named.as_path())
    }

    /// What a path in an argument means: absolute, or relative to an allowed folder or to the folder that holds it.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    /// The same error for everything missing or not allowed.
    pub fn place(&self, path: &str) -> Result<Place, NotAllowed> {
        let path = without_tilde(path, self.home.as_deref());
        let mut meanings = self.meanings(&path);
        let place = meanings.find_map(|(folder, names)| Place::at(folder, names));
        // Of a folder that was moved away, nothing is read: the files are not those that the path names now.
        let place = place.filter(|place| place.folder.is_in_place());
        place.ok_or_else(|| self.not_allowed())
    }

    fn not_allowed(&self) -> NotAllowed {
        let quoted = self.names().map(|path| quote(&path.to_string_lossy(), MAX_PATH_CHARS));
        NotAllowed(quoted.collect::<Vec<_>>().join(", "))
    }

    /// What the path may mean, by its text alone: each folder with the names below it.
    fn meanings<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Arc<Folder>, Vec<String>)> {
        self.folders.iter().flat_map(move |folder| {
            let spellings = if path.is_absolute() {
                [strip(path, &folder.named), strip(path, &folder.canonical)]
            } else {
                let name = folder.canonical.file_name().map(Path::new);
                [Some(path), name.and_then(|name| strip(path, name))]
            };
            let names = spellings.into_iter().flatten().filter_map(plain_names);
            names.map(move |names| (folder, names))
        })
    }
}

/// The path with the home folder in place of a leading `~`.
pub(super) fn without_tilde(path: &str, home: Option<&Path>) -> PathBuf {
    let rest = path
        .strip_prefix('~')
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']));
    match (home, rest) {
        (Some(home), Some(rest)) => home.join(rest.trim_start_matches(['/', '\\'])),
        _ => PathBuf::from(path),
    }
}

/// The path without `folder`, compared by components. Windows' names are the same in any case.
pub(super) fn strip<'a>(path: &'a Path, folder: &Path) -> Option<&'a Path> {
    let mut rest = path.components();
    for wanted in folder.components() {
        let found = rest.next()?;
        let is_same = if cfg!(windows) {
            found.as_os_str().eq_ignore_ascii_case(wanted.as_os_str())
        } else {
            found == wanted
        };
        if !is_same {
            return None;
        }
    }
    Some(rest.as_path())
}

/// The names in the path; `None` if one is `..`, hidden, or not a valid file name.
fn plain_names(path: &Path) -> Option<Vec<String>> {
    let components = path.components().filter(|component| *component != Component::CurDir);
    components
        .map(|component| match component {
            Component::Normal(name) => name
                .to_str()
                .filter(|name| !name.starts_with('.') && !name.contains('\0')),
            _ => None,
        })
        .map(|name| name.map(str::to_owned))
        .collect()
}

impl Place {
    fn at(folder: &Arc<Folder>, mut below: Vec<String>) -> Option<Self> {
        let folder = Arc::clone(folder);
        if !folder.lists(&below) {
            return None;
        }
        if folder.below(&below).is_ok() {
            return Some(Self {
                folder,
                below,
                file: None,
            });
        }
        let file = below.pop()?;
        let parent = folder.below(&below).ok()?;
        let metadata = parent.symlink_metadata(&file).ok()?;
        // Something that exists but is not a file gets its own reason later.
        (!metadata.is_symlink() && !metadata.is_dir()).then_some(Self {
            folder,
            below,
            file: Some(file),
        })
    }

    /// The name that people know it by: of the file, or of the folder.
    pub fn name(&self) -> String {
        let own = || {
            self.folder
                .canonical
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let last = self.file.as_ref().or_else(|| self.below.last()).cloned();
        last.or_else(own).unwrap_or_else(|| "files".to_owned())
    }

    /// The folder, or the folder that holds the file.
    pub fn folder_path(&self) -> PathBuf {
        let mut path = self.folder.canonical.clone();
        path.extend(&self.below);
        path
    }

    /// The folder or file itself.
    pub fn path(&self) -> PathBuf {
        let mut path = self.folder_path();
        path.extend(&self.file);
        path
    }

    /// The files to upload, sorted by path, and those that may not be uploaded.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    /// For more files than a directory may hold, and for a folder that is too large to look through, or to look through in time.
    pub fn files(&self, selection: &Selection) -> Result<Found, TooMuch> {
        let Some(name) = &self.file else {
            return walk(&self.folder, &self.below, selection);
        };
        let candidate = self.check(name);
        let mut found = Found::default();
        match candidate {
            Ok(candidate) => found.files.push(candidate),
            Err(refusal) => found.refused.push((name.clone(), refusal)),
        }
        Ok(found)
    }

    fn check(&self, name: &str) -> Result<Candidate, Refusal> {
        let dir = self.folder.below(&self.below).map_err(|error| Refusal::of(&error))?;
        let (_, stamp) = open_document(&dir, name)?;
        Ok(Candidate::new(
            &self.folder,
            self.below.clone(),
            name,
            name.to_owned(),
            stamp,
        ))
    }

    /// Locks [`Place::folder_path`] for this process; `None` while another process has locked it.
    pub fn lock(&self) -> Option<Locked> {
        match self.folder.below(&self.below) {
            Ok(dir) => Locked::of(&dir),
            // The walk of the folder says what is wrong with it.
            Err(_) => Some(Locked::nothing()),
        }
    }
}

impl Candidate {
    /// Opens the file again, by the same rules.
    ///
    /// # Errors
    /// Why it may no longer be uploaded.
    pub(super) fn open(&self) -> Result<(std::fs::File, Stamp), Refusal> {
        let dir = self.folder.below(&self.below).map_err(|error| Refusal::of(&error))?;
        open_document(&dir, &self.name)
    }
}

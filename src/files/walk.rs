//! The files of a folder that may be uploaded, and why the others may not.

use std::collections::HashSet;
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use tokio::time::Instant;

use super::MAX_FILES;
use super::folder::{Folder, Stamp, open_document, read};
use super::refusal::Refusal;
use crate::untrusted::quote;

/// How many entries a folder and its subfolders may have.
const MAX_ENTRIES: usize = 100_000;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 32;

/// How a folder of results is told from one of documents: by a file in it.
#[derive(Debug, Clone, Copy)]
pub struct ResultsMark {
    /// The name of the file.
    pub name: &'static str,
    /// Longer files are something else.
    pub max_bytes: u64,
    /// The paths of the results that the file lists, relative to its folder; `None` if it is something else.
    pub saved_paths: fn(&[u8]) -> Option<Vec<String>>,
}

/// Which files of a folder to take, and how long to look for them.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `None`: all.
    include: Option<GlobSet>,
    /// Whether to look into folders inside the folder.
    recursive: bool,
    /// `None`: as long as it takes.
    until: Option<Instant>,
    /// What marks results, which are left out.
    results: Option<ResultsMark>,
}

impl Selection {
    /// Patterns such as `*.pdf`, which matches at any depth, or `2026/**/*.pdf`. No patterns mean all files. Upper and lower case
    /// are the same.
    ///
    /// # Errors
    /// The first invalid pattern, and why.
    pub fn new(include: &[String], recursive: bool) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for pattern in include {
            let anchored = pattern.trim_start_matches("./");
            let anywhere = if anchored.contains('/') {
                anchored.to_owned()
            } else {
                format!("**/{anchored}")
            };
            let glob = GlobBuilder::new(&anywhere)
                .case_insensitive(true)
                .literal_separator(true)
                .build()
                .map_err(|error| format!("{} is not a glob pattern: {}", quote(pattern, 100), error.kind()))?;
            set.add(glob);
        }
        let set = set
            .build()
            .map_err(|error| format!("these patterns are too large: {}", error.kind()))?;
        Ok(Self {
            include: (!include.is_empty()).then_some(set),
            recursive,
            until: None,
            results: None,
        })
    }

    /// The same, with an end to the search.
    #[must_use]
    pub const fn until(mut self, until: Instant) -> Self {
        self.until = Some(until);
        self
    }

    /// Leaves out saved results: folders that are marked, and in the folder that was asked for what its own mark lists.
    #[must_use]
    pub fn without_results(self, mark: ResultsMark) -> Self {
        Self {
            results: Some(mark),
            ..self
        }
    }

    /// The results that the mark of a folder lists; `None` if the folder is not marked.
    fn results_in(&self, dir: &Dir) -> Option<Vec<String>> {
        let mark = self.results?;
        let text = read(dir, mark.name, mark.max_bytes).ok()?;
        (mark.saved_paths)(&text)
    }

    fn takes(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.is_match(path))
    }
}

/// A file that may be uploaded.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub(super) folder: Arc<Folder>,
    pub(super) below: Vec<String>,
    pub(super) name: String,
    /// Relative to the folder that was asked for, with `/`. Shape: `2026/invoice-0417.pdf`.
    pub path: String,
    /// Its state when it was found.
    pub stamp: Stamp,
}

impl Candidate {
    pub(super) fn new(folder: &Arc<Folder>, below: Vec<String>, name: &str, path: String, stamp: Stamp) -> Self {
        Self {
            folder: Arc::clone(folder),
            below,
            name: name.to_owned(),
            path,
            stamp,
        }
    }

    /// The file's own name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Sorted by path.
    pub files: Vec<Candidate>,
    /// The paths of the others, and why.
    pub refused: Vec<(String, Refusal)>,
}

/// A folder that is too much for one directory. Reads as a sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More files than a directory may hold.
    #[error(
        "the folder holds {0} files to upload, and a batch takes at most {MAX_FILES}. Upload the folder's subfolders one by \
         one. `upload_files` can also take a part of a folder, with `include`"
    )]
    Files(usize),
    /// More than can be looked through.
    #[error("the folder holds more than {MAX_ENTRIES} entries. Name a subfolder")]
    Entries,
    /// More than can be looked through in the time that there is.
    #[error("listing the folder takes too long. Name a subfolder, or set a longer `--timeout`")]
    Time,
}

/// Looks through a folder.
pub(super) fn walk(folder: &Arc<Folder>, below: &[String], selection: &Selection) -> Result<Found, TooMuch> {
    let mut walk = Walk {
        folder,
        selection,
        below: below.to_vec(),
        start: below.len(),
        entries: 0,
        results: HashSet::new(),
        found: Found::default(),
    };
    match folder.below(below) {
        Ok(dir) => {
            walk.results.extend(selection.results_in(&dir).into_iter().flatten());
            walk.look_into(&dir)?;
        }
        Err(error) => walk.found.refused.push((String::new(), Refusal::of(&error))),
    }
    let mut found = walk.found;
    if found.files.len() > MAX_FILES {
        return Err(TooMuch::Files(found.files.len()));
    }
    found.files.sort_by(|one, other| one.path.cmp(&other.path));
    found.refused.sort();
    Ok(found)
}

struct Walk<'a> {
    folder: &'a Arc<Folder>,
    selection: &'a Selection,
    below: Vec<String>,
    /// How many of `below` lead to the folder that was asked for.
    start: usize,
    entries: usize,
    /// What the mark of the folder that was asked for lists.
    results: HashSet<String>,
    found: Found,
}

impl Walk<'_> {
    fn look_into(&mut self, dir: &Dir) -> Result<(), TooMuch> {
        let entries = match dir.entries() {
            Ok(entries) => entries,
            Err(error) => {
                let path = self.path_of(None);
                self.refuse(path, Refusal::of(&error));
                return Ok(());
            }
        };
        for entry in entries {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(TooMuch::Entries);
            }
            if self.selection.until.is_some_and(|until| Instant::now() >= until) {
                return Err(TooMuch::Time);
            }
            let Ok(entry) = entry else { continue };
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let path = self.path_of(Some(&name.to_string_lossy()));
                self.refuse(path, Refusal::NotUnicode);
                continue;
            };
            let path = self.path_of(Some(name));
            match entry.file_type() {
                _ if name.starts_with('.') => self.refuse(path, Refusal::Hidden),
                Err(error) => self.refuse(path, Refusal::of(&error)),
                Ok(kind) if kind.is_symlink() => self.refuse(path, Refusal::SymbolicLink),
                Ok(kind) if kind.is_dir() => self.folder(dir, name, path)?,
                Ok(_) if !self.selection.takes(&path) => {}
                Ok(_) if self.results.contains(&path) => self.refuse(path, Refusal::SavedResult),
                Ok(kind) if !kind.is_file() => self.refuse(path, Refusal::NotRegular),
                Ok(_) => self.file(dir, name, path),
            }
        }
        Ok(())
    }

    fn folder(&mut self, dir: &Dir, name: &str, path: String) -> Result<(), TooMuch> {
        if !self.selection.recursive {
            return Ok(());
        }
        if self.below.len() - self.start >= MAX_DEPTH {
            self.refuse(path, Refusal::TooDeep);
            return Ok(());
        }
        match dir.open_dir_nofollow(name) {
            Ok(inner) if self.selection.results_in(&inner).is_some() => self.refuse(path, Refusal::ResultsFolder),
            Ok(inner) => {
                self.below.push(name.to_owned());
                self.look_into(&inner)?;
                self.below.pop();
            }
            Err(error) => self.refuse(path, Refusal::of(&error)),
        }
        Ok(())
    }

    fn file(&mut self, dir: &Dir, name: &str, path: String) {
        match open_document(dir, name) {
            Ok((_, stamp)) => {
                let candidate = Candidate::new(self.folder, self.below.clone(), name, path, stamp);
                self.found.files.push(candidate);
            }
            Err(refusal) => self.refuse(path, refusal),
        }
    }

    /// Relative to the folder that was asked for.
    fn path_of(&self, name: Option<&str>) -> String {
        let below = self.below.iter().skip(self.start).map(String::as_str);
        below.chain(name).collect::<Vec<_>>().join("/")
    }

    fn refuse(&mut self, path: String, refusal: Refusal) {
        self.found.refused.push((path, refusal));
    }
}

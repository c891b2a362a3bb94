//! The user's folders: documents to upload, and a place for results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) const FILES: [&str; 3] = ["a.txt", "b.txt", "sub/c.txt"];

/// Folders of their own, gone when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = Self(std::env::temp_dir().join(format!("lcb-chaos-{}-{number}", std::process::id())));
        for name in FILES {
            write(&folder.documents().join(name), &format!("the text of {name}"));
        }
        fs::create_dir_all(folder.results()).unwrap();
        folder
    }

    pub(crate) fn documents(&self) -> PathBuf {
        self.0.join("documents")
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.0.join("results")
    }

    /// Everything in the folder for results, by its path.
    pub(crate) fn saved(&self) -> BTreeMap<String, String> {
        let mut saved = BTreeMap::new();
        read(&self.results(), "", &mut saved);
        saved
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(folder: &Path, prefix: &str, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &format!("{name}/"), into);
        } else {
            into.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

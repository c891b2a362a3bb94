//! What a batch runs over.

use std::path::{Path, PathBuf};

use crate::cli;

/// What a batch runs over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A file of this machine, by the folder that holds it and its name there.
    File { folder: PathBuf, name: String },
    /// A directory of LlamaCloud.
    Directory(String),
}

impl Source {
    /// What the typed path names.
    pub(crate) fn of(arguments: &cli::Run) -> Self {
        if let Some(directory_id) = arguments.directory() {
            return Self::Directory(directory_id.to_string());
        }
        let path = arguments.path.as_path();
        let name = path.file_name().and_then(|name| name.to_str());
        match (path.parent(), name) {
            (Some(parent), Some(name)) if path.is_file() => Self::File {
                folder: if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                }
                .to_owned(),
                name: name.to_owned(),
            },
            _ => Self::Folder(path.to_owned()),
        }
    }

    /// The folder that the server must be allowed to read.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) | Self::File { folder, .. } => Some(folder),
            Self::Directory(_) => None,
        }
    }
}

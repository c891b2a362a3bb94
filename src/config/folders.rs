//! The folders of this machine that the settings name.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::variable::Said;
use crate::cli::{Environment, Flags};
use crate::files::Forbidden;

/// What may be read and written on this machine. Nothing is opened yet.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// May be read.
    pub allowed: Vec<PathBuf>,
    /// Results may be written below it.
    pub output: Option<PathBuf>,
    /// What none of them may be or contain.
    pub forbidden: Forbidden,
}

impl Folders {
    pub(super) fn of(flags: &Flags, key_file: Option<PathBuf>, environment: &Environment) -> Self {
        let listed = match Said::of("LLAMA_CLOUD_ALLOW_DIR", environment) {
            Said::Text(text) => Some(OsStr::new(text)),
            // Paths need not be Unicode.
            Said::NotUnicode(text) => Some(text),
            Said::Nothing | Said::Unexpanded(_) => None,
        };
        let listed = listed.map(std::env::split_paths).into_iter().flatten();
        let listed = listed.filter(|path| !path.as_os_str().is_empty());
        let listed = listed.map(|path| environment.path(&path));
        Self {
            allowed: flags.allow_dir.iter().cloned().chain(listed).collect(),
            output: flags.output_dir.clone(),
            forbidden: Forbidden {
                home: environment.home().map(PathBuf::from),
                key_file,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_adds_folders_and_permits_nothing_where_it_cannot_be_read() {
        let listed = std::env::join_paths(["a", "b"]).unwrap().into_string().unwrap();
        for (said, expected) in [
            (listed.as_str(), &["c", "a", "b"][..]),
            ("", &["c"]),
            ("${DIRS}", &["c"]),
        ] {
            let flags = Flags {
                allow_dir: vec!["c".into()],
                ..Flags::default()
            };
            let folders = Folders::of(&flags, None, &Environment::of([("LLAMA_CLOUD_ALLOW_DIR", said)]));
            assert_eq!(folders.allowed, expected.iter().map(PathBuf::from).collect::<Vec<_>>());
        }
    }
}

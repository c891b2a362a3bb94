//! The folders of this machine that the settings name.

use std::path::PathBuf;

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
    pub(super) fn of(flags: &Flags, environment: &Environment) -> Self {
        let home = environment.home.as_ref().filter(|home| !home.is_empty());
        Self {
            allowed: flags.allow_dir.clone(),
            output: flags.output_dir.clone(),
            forbidden: Forbidden {
                home: home.map(PathBuf::from),
                key_file: flags.api_key_file.clone(),
            },
        }
    }
}

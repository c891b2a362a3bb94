//! What a variable says. Hosts pass an empty text or a literal `${NAME}` for one that is not set.

use std::ffi::OsStr;

use crate::cli::Environment;
use crate::untrusted::is_unexpanded;

/// A variable's value, without the spaces around it.
pub(super) enum Said<'a> {
    /// It is not set, or empty.
    Nothing,
    Text(&'a str),
    NotUnicode(&'a OsStr),
    /// A reference that was not expanded. Shape: `${NAME}`.
    Unexpanded(&'a str),
}

impl<'a> Said<'a> {
    pub(super) fn of(name: &str, environment: &'a Environment) -> Self {
        let Some(value) = environment.get(name) else {
            return Self::Nothing;
        };
        match value.to_str().map(str::trim) {
            None => Self::NotUnicode(value),
            Some("") => Self::Nothing,
            Some(text) if is_unexpanded(text) => Self::Unexpanded(text),
            Some(text) => Self::Text(text),
        }
    }

    /// The text; everything else counts as not set.
    pub(super) const fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

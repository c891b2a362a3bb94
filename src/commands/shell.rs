//! What a person may type next.

use crate::hosts::{System, command_line, word};

/// The word, between quotation marks where this system's shell would read it differently.
pub(super) fn quoted(text: &str) -> String {
    word(text, System::current())
}

/// A call of this program with these words.
pub(super) fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = std::iter::once(env!("CARGO_PKG_NAME")).chain(words).collect();
    command_line(&words, System::current())
}

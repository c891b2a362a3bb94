//! The registration inside a file that the user has already. Only the server's own entry changes: every other byte stays.
//!
//! JSON may have comments and trailing commas, as most hosts accept them. Both syntaxes are parsed for positions alone; the text is then
//! changed by inserting, or by replacing the entry that was there.

mod json;
mod toml;

use super::{Host, Registration, Syntax};

/// The mark that some editors put before the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a file cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is not in the host's syntax.
    #[error("it is not valid {syntax}: {reason}")]
    Invalid {
        /// Shape: `JSON`.
        syntax: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// The member that should hold the entry holds something else.
    #[error("`{0}` in it does not have the form that the host expects")]
    Other(String),
    /// A name is there twice, so it is unclear which one counts.
    #[error("it has `{0}` twice")]
    Twice(String),
    /// Nothing edits this syntax.
    #[error("YAML files are not edited")]
    Yaml,
}

impl Host {
    /// The text of the host's file with this server registered. None if it is registered like this already.
    ///
    /// What the user has added to the entry stays, including an existing key.
    ///
    /// # Errors
    /// If the text is not what the host's file has to be.
    pub fn merged(&self, text: &str, registration: &Registration) -> Result<Option<String>, Refusal> {
        let (mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => ("\u{feff}", rest),
            None => ("", text),
        };
        let merged = match self.syntax() {
            Syntax::Yaml => return Err(Refusal::Yaml),
            _ if text.trim().is_empty() => Some(self.configuration(registration)),
            Syntax::Json if has_old_line_ends(text) => {
                return Err(Refusal::Invalid {
                    syntax: "JSON",
                    reason: "a line ends with a carriage return alone".to_owned(),
                });
            }
            Syntax::Json => {
                let inputs = self.inputs(registration);
                json::merged(
                    text,
                    self.servers,
                    &self.entry(registration),
                    inputs.as_ref(),
                    registration.passes_key,
                )?
            }
            Syntax::Toml => toml::merged(text, self.servers, &self.configuration(registration))?,
        };
        Ok(merged.map(|merged| format!("{mark}{merged}")))
    }
}

/// Whether a line ends with a carriage return alone. Some parsers end a comment there and others do not, so what is added beside a
/// comment may become part of it.
fn has_old_line_ends(text: &str) -> bool {
    text.split('\r').skip(1).any(|rest| !rest.starts_with('\n'))
}

/// How lines end in this text.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

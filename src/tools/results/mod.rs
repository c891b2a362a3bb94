//! What the jobs of a batch produced, and how it is shown piece by piece.
//!
//! | file | holds |
//! |---|---|
//! | `reading` | the result of one job from LlamaCloud: pages of text, or data |
//! | `document` | a parsed document as cleaned pages, and the pieces of it that fit an answer |
//! | `selection` | which pages of a document are wanted |
//! | `find` | plain text found in a document |
//! | `array` | a JSON array whose items are found without reading it from its beginning |
//! | `json` | JSON as text: cleaned, and taken apart without decoding it |
//! | `data` | extracted data, and the parts of it that fit an answer |
//! | `citations` | where extracted values come from |

mod array;
pub(crate) mod citations;
pub(crate) mod data;
pub(crate) mod document;
pub(crate) mod find;
pub(crate) mod json;
pub(crate) mod reading;
pub(crate) mod selection;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Markdown,
    Text,
    Data,
}

impl Format {
    /// As in arguments and answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Data => "data",
        }
    }
}

//! A list searched for a part of a name.
//!
//! LlamaCloud's lists take a `name` "to match", which may mean the whole name. So what it answers is filtered again here, and if it
//! finds nothing, the list is searched without `name`.

use serde::Deserialize;

use super::call::Call;
use super::error::{Failure, explain};
use super::listing::{Beginning, read_beginning};
use super::wording::number;
use crate::llamacloud::{Error, Page, Window};
use crate::mcp::ToolError;
use crate::untrusted::{clean, folded, quote};

/// How much of a list is looked through.
const MAX_SEARCHED: usize = 1000;
const PAGES: [Option<u32>; 3] = [Some(100), Some(20), None];
pub(crate) const MAX_NAME_CHARS: usize = 255;

/// A part of a name, in any case and normal form.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct PartOfName {
    /// As it is sent.
    text: String,
    folded: String,
}

impl From<String> for PartOfName {
    fn from(text: String) -> Self {
        Self {
            folded: folded(&text),
            text: clean(&text, MAX_NAME_CHARS),
        }
    }
}

impl PartOfName {
    /// Whether it has nothing but white space or invisible characters.
    pub(crate) fn is_empty(&self) -> bool {
        self.folded.is_empty()
    }

    /// Whether a name has this part.
    pub(crate) fn is_in(&self, name: &str) -> bool {
        folded(name).contains(&self.folded)
    }

    /// In quotation marks.
    pub(crate) fn quoted(&self) -> String {
        quote(&self.text, 100)
    }
}

impl Call {
    /// The entries of a list that have a part of a name: all of them, if the list was looked through to its end.
    ///
    /// # Errors
    /// If the list cannot be read.
    pub(crate) async fn search<T, F: Future<Output = Result<Page<T>, Error>>>(
        &self,
        failure: &Failure,
        name: &PartOfName,
        name_of: impl Fn(&T) -> &str,
        fetch: impl Fn(Option<String>, Window) -> F,
    ) -> Result<Beginning<T>, ToolError> {
        let search = async |asked: Option<&String>| {
            let found = read_beginning(MAX_SEARCHED, PAGES, |window| fetch(asked.cloned(), window)).await;
            let mut found = found.map_err(|error| explain(failure, error, &self.context, &self.account))?;
            found.entries.retain(|entry| name.is_in(name_of(entry)));
            Ok(found)
        };
        let found = search(Some(&name.text)).await?;
        if found.entries.is_empty() {
            search(None).await
        } else {
            Ok(found)
        }
    }
}

/// The sentence about a search that did not come to the end of the list.
pub(crate) fn search_limit<T>(found: &Beginning<T>, what: &str) -> Option<String> {
    let sentence = || {
        format!(
            "Only the first {} {what} were searched: searching for the full name may find more.",
            number(MAX_SEARCHED)
        )
    };
    (!found.is_whole).then(sentence)
}

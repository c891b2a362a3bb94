//! Which job each file of a batch has, and what it is called.

use super::Seen;
use crate::llamacloud::BatchResult;

impl Seen {
    /// What LlamaCloud says of each file; nothing where that was not read, or there are no results.
    pub(crate) fn mapping(&self) -> &[BatchResult] {
        self.files.as_ref().map_or(&[], |files| files.results.as_slice())
    }

    /// The name of a file, if it was read. Untrusted text.
    pub(crate) fn name_of(&self, file_id: &str) -> Option<&str> {
        self.names.as_ref()?.get(file_id)
    }

    /// Why names are missing, a clause.
    pub(crate) fn why_names_are_missing(&self) -> Option<&str> {
        let unread = self.names.as_ref()?.unread.as_ref()?;
        Some(&unread.cause)
    }
}

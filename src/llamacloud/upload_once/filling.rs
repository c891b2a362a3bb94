//! Which directories this process is filling. A batch over half of the files would cost credits, and the batch over all of them
//! would cost more.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::llamacloud::DirectoryId;

/// How many sources are remembered; beyond that, sources that no call is sending are dropped.
const MAX_SOURCES: usize = 1000;

/// Why a directory is not ready for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// Files are being sent to it, or are being read for that.
    Filling,
    /// A call ended before all files were sent.
    Incomplete,
}

#[derive(Default)]
pub(super) struct Fillings {
    /// For each directory and source of files.
    sources: Mutex<HashMap<(DirectoryId, String), Source>>,
}

#[derive(Default)]
struct Source {
    /// How many calls are about to send it, or are sending it.
    calls: usize,
    /// Whether a file may have been sent since all of them were there.
    is_incomplete: bool,
}

/// A call that fills a directory with the files of a source.
pub struct Filling {
    fillings: Arc<Fillings>,
    key: (DirectoryId, String),
}

impl Fillings {
    /// Files are sent. Dropped before [`Filling::complete`], it leaves the directory incomplete.
    pub(super) fn begin(this: &Arc<Self>, directory_id: &DirectoryId, source: &str) -> Filling {
        let filling = Self::hold(this, directory_id, source);
        filling.set_incomplete(true);
        filling
    }

    /// Nothing is sent yet. Dropped, it leaves no trace.
    pub(super) fn hold(this: &Arc<Self>, directory_id: &DirectoryId, source: &str) -> Filling {
        let key = (directory_id.clone(), source.to_owned());
        let mut sources = this.sources.lock();
        if sources.len() >= MAX_SOURCES {
            sources.retain(|_, source| source.calls > 0);
        }
        sources.entry(key.clone()).or_default().calls += 1;
        Filling {
            fillings: Arc::clone(this),
            key,
        }
    }

    pub(super) fn state(&self, directory_id: &DirectoryId) -> Option<Unfinished> {
        let sources = self.sources.lock();
        let mut of_directory = sources.iter().filter(|((id, _), _)| id == directory_id).peekable();
        of_directory.peek()?;
        Some(if of_directory.any(|(_, source)| source.calls > 0) {
            Unfinished::Filling
        } else {
            Unfinished::Incomplete
        })
    }
}

impl Filling {
    /// All files of the source are there.
    pub fn complete(self) {
        self.set_incomplete(false);
    }

    fn set_incomplete(&self, is_incomplete: bool) {
        if let Some(source) = self.fillings.sources.lock().get_mut(&self.key) {
            source.is_incomplete = is_incomplete;
        }
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let mut sources = self.fillings.sources.lock();
        if let Entry::Occupied(mut entry) = sources.entry(self.key.clone()) {
            let source = entry.get_mut();
            source.calls = source.calls.saturating_sub(1);
            if source.calls == 0 && !source.is_incomplete {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_finished_when_every_source_is() {
        let fillings = Arc::default();
        let directory = DirectoryId::try_from("dir-1").unwrap();
        let state = || Fillings::state(&fillings, &directory);
        assert_eq!(state(), None);
        let held = Fillings::hold(&fillings, &directory, "a");
        assert_eq!(state(), Some(Unfinished::Filling));
        drop(held);
        assert_eq!(state(), None, "nothing was sent");
        let first = Fillings::begin(&fillings, &directory, "a");
        let other = Fillings::begin(&fillings, &directory, "b");
        assert_eq!(state(), Some(Unfinished::Filling));
        other.complete();
        drop(first);
        assert_eq!(state(), Some(Unfinished::Incomplete));
        assert_eq!(fillings.state(&DirectoryId::try_from("dir-2").unwrap()), None);
        Fillings::begin(&fillings, &directory, "a").complete();
        assert_eq!(state(), None);
    }
}

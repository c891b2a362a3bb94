//! Which directories this process is filling. A batch over half of the files would cost credits, and the batch over all of them
//! would cost more.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::llamacloud::DirectoryId;

/// How many sources are remembered; beyond that, sources that no call is sending are dropped.
const MAX_SOURCES: usize = 1000;

/// Why a directory is not ready for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// Files are being sent to it.
    Filling,
    /// A call ended before all files were sent.
    Incomplete,
}

#[derive(Default)]
pub(super) struct Fillings {
    /// For each directory and source of files: how many calls are sending it. None at all means that it was left incomplete.
    sources: Mutex<HashMap<(DirectoryId, String), usize>>,
}

/// The files of a source that are being sent. Dropped before [`Filling::complete`], it leaves the directory incomplete.
pub struct Filling {
    fillings: Arc<Fillings>,
    key: (DirectoryId, String),
    is_complete: bool,
}

impl Fillings {
    pub(super) fn begin(this: &Arc<Self>, directory_id: &DirectoryId, source: &str) -> Filling {
        let key = (directory_id.clone(), source.to_owned());
        let mut sources = this.sources.lock();
        if sources.len() >= MAX_SOURCES {
            sources.retain(|_, calls| *calls > 0);
        }
        *sources.entry(key.clone()).or_default() += 1;
        Filling {
            fillings: Arc::clone(this),
            key,
            is_complete: false,
        }
    }

    pub(super) fn state(&self, directory_id: &DirectoryId) -> Option<Unfinished> {
        let sources = self.sources.lock();
        let calls = sources
            .iter()
            .filter(|((id, _), _)| id == directory_id)
            .map(|(_, calls)| *calls);
        calls.max().map(|calls| {
            if calls > 0 {
                Unfinished::Filling
            } else {
                Unfinished::Incomplete
            }
        })
    }
}

impl Filling {
    /// All files of the source are there.
    pub fn complete(mut self) {
        self.is_complete = true;
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let mut sources = self.fillings.sources.lock();
        let Some(calls) = sources.get_mut(&self.key) else {
            return;
        };
        *calls = calls.saturating_sub(1);
        if self.is_complete && *calls == 0 {
            sources.remove(&self.key);
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

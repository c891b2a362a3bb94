//! Whether a batch's input has changed since: the files of its directory, its configuration.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio::time::Instant;

use super::types::{Access, Change, Input, Order};
use crate::llamacloud::{Batch, Configuration, DirectoryFile};

/// The input of new batches, as far as it could be read.
pub(super) struct Present<'a> {
    pub(super) files: Option<&'a [DirectoryFile]>,
    /// Whether they cannot change: [`Order::fixed_files`].
    pub(super) fixed_files: bool,
    /// Whether a connector may have updated files; `None` if that could not be read.
    pub(super) connector: Option<bool>,
    pub(super) configuration: Saved,
    /// A COMPLETED batch of the same work and the files that it has results for, if they were read.
    covered: Option<(&'a Batch, HashSet<String>)>,
}

/// The configuration of new batches.
pub(super) enum Saved {
    /// Built in: there are no versions of it.
    Preset,
    /// Saved, with the times of its latest version and its last change.
    At(Option<Timestamp>, Option<Timestamp>),
    Unread,
}

impl<'a> Present<'a> {
    /// Reads what is not known yet. `newest`: the newest COMPLETED batch of the same work; `ended`: when the earliest one ended.
    pub(super) async fn read(
        access: &Access,
        order: &Order,
        files: Option<&'a [DirectoryFile]>,
        newest: &'a Batch,
        ended: Option<Timestamp>,
        deadline: Instant,
    ) -> Self {
        let request = &order.request;
        let is_older = |file: &DirectoryFile| file.updated_at.is_some_and(|at| Some(at) <= ended);
        let are_older = files.is_some_and(|files| files.iter().all(is_older));
        let connector = async {
            if are_older || order.fixed_files {
                return Some(false);
            }
            let read = access
                .client
                .get_directory(&order.scope, &request.source_directory_id, deadline);
            Some(read.await.ok()?.connector_subscription_id.is_some())
        };
        let configuration = async {
            if request.config.job.configuration_id.is_preset() {
                return Saved::Preset;
            }
            let read = access
                .client
                .get_configuration(&order.scope, &request.config.job.configuration_id, deadline);
            read.await.map_or(
                Saved::Unread,
                |Configuration {
                     version, updated_at, ..
                 }| { Saved::At(version, updated_at) },
            )
        };
        let covered = async {
            let (created, files) = (newest.created()?, files.filter(|_| !order.fixed_files)?);
            let seem_later = files.iter().any(|file| file.created_at > Some(created));
            let batch_id = newest.id.parse().ok().filter(|_| seem_later)?;
            let now = Instant::now();
            // Without an answer, what seems to be later counts as added: there must be time left for the create.
            let until = now + deadline.saturating_duration_since(now) / 2;
            let read = access.client.get_batch_with_results(&order.scope, &batch_id, until);
            let results = read.await.ok()?.results?.into_iter();
            Some((newest, results.map(|result| result.source_directory_file_id).collect()))
        };
        let (connector, configuration, covered) = tokio::join!(connector, configuration, covered);
        Self {
            files,
            fixed_files: order.fixed_files,
            connector,
            configuration,
            covered,
        }
    }

    /// What changed since a batch. Anything that certainly changed outweighs what could not be read.
    pub(super) fn since(&self, batch: &Batch) -> Input {
        let Some(created) = batch.created() else {
            return Input::Unknown;
        };
        let findings = [
            self.files_added(batch, created),
            self.files_updated(batch.updated()),
            self.configuration(created),
        ];
        let changed = findings.iter().find(|finding| matches!(finding, Input::Changed(_)));
        let unknown = || findings.iter().find(|finding| **finding == Input::Unknown);
        changed.or_else(unknown).copied().unwrap_or(Input::Unchanged)
    }

    fn files_added(&self, batch: &Batch, created: Timestamp) -> Input {
        if self.fixed_files {
            return Input::Unchanged;
        }
        let covered = self.covered.as_ref().filter(|(newest, _)| newest.id == batch.id);
        // The clocks of files and batches may differ: a file that the batch covers was there when it was created.
        let added = |file: &DirectoryFile| match covered {
            Some((_, files)) if files.contains(&file.id) => Some(created),
            _ => file.created_at,
        };
        self.later_files(added, created, Change::FilesAdded)
    }

    fn files_updated(&self, ended: Option<Timestamp>) -> Input {
        // Processing may change `updated_at`, so it proves an update only where a connector may fill the directory.
        if self.connector == Some(false) {
            return Input::Unchanged;
        }
        let Some(ended) = ended else {
            return Input::Unknown;
        };
        match self.later_files(|file| file.updated_at, ended, Change::FilesUpdated) {
            Input::Changed(_) if self.connector.is_none() => Input::Unknown,
            finding => finding,
        }
    }

    fn later_files(
        &self,
        time: impl Fn(&DirectoryFile) -> Option<Timestamp>,
        than: Timestamp,
        change: impl Fn(usize) -> Change,
    ) -> Input {
        let Some(files) = self.files else {
            return Input::Unknown;
        };
        let later = files
            .iter()
            .filter(|file| time(file).is_some_and(|time| time > than))
            .count();
        match later {
            0 if files.iter().any(|file| time(file).is_none()) => Input::Unknown,
            0 => Input::Unchanged,
            later => Input::Changed(change(later)),
        }
    }

    fn configuration(&self, created: Timestamp) -> Input {
        match self.configuration {
            Saved::Unread | Saved::At(None, None) => Input::Unknown,
            Saved::At(version, updated) if version.max(updated) > Some(created) => {
                Input::Changed(Change::Configuration)
            }
            Saved::Preset | Saved::At(..) => Input::Unchanged,
        }
    }
}

//! The request for a create, its outcomes, and what it works with.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::llamacloud::{Batch, Client, CreateBatch, Error, ErrorKind, Scope, error::Attempts};

/// A requested create.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where to look and create.
    pub scope: Scope,
    /// The work.
    pub request: CreateBatch,
    /// What to do if the work has a batch already.
    pub duplicates: Duplicates,
    /// The number of files that the batch has to cover, such as the one that the user agreed to. Otherwise nothing is created.
    pub agreed_files: Option<usize>,
    /// Whether the directory holds the same files for ever, so that its list says nothing about what changed: its name is made from
    /// them, and nobody else fills it.
    pub fixed_files: bool,
}

/// What to do if the work has a batch already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// Answer with it and create nothing.
    Refuse,
    /// Create another one.
    Allow,
}

/// The batch that does the work.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The batch, as last seen.
    pub batch: Batch,
    /// How it came to be the answer.
    pub how: How,
}

/// How a batch came to be the answer to a create.
#[derive(Debug, Clone)]
pub enum How {
    /// This create made it.
    Created {
        /// How many files it covers, if that could be read.
        files: Option<usize>,
        /// Earlier batches of the same work that a reader should know of, at most two.
        earlier: Vec<Earlier>,
    },
    /// This create made it; the answer to the POST was lost, and the batch was found in the list.
    Recovered,
    /// An identical call at the same time made it.
    Shared,
    /// It was there before. For a COMPLETED batch: what is known of its input since.
    AlreadyThere(Input),
}

/// Why there is no batch, or no known one.
#[derive(Debug, Clone)]
pub enum NotSettled {
    /// There is no new batch.
    NotCreated(Error),
    /// Nothing was sent: the list could not be read, so the work may have a batch already.
    NotChecked(Error),
    /// Nothing was sent: the directory has no files.
    NoFiles,
    /// Nothing was sent: the directory has more files than a batch may cover, [`MAX_FILES`].
    TooManyFiles,
    /// Nothing was sent: the directory has another number of files than [`Order::agreed_files`].
    OtherFiles {
        /// The number that it should have.
        agreed: usize,
        /// The number now, if it could be read.
        now: Option<usize>,
    },
    /// A batch may or may not exist, and the search did not find out in time.
    Unknown {
        /// What happened to the POST.
        error: Error,
        /// The batch, if there is one, was created then or later. `None` if the API's clock is not known.
        look_after: Option<Timestamp>,
    },
}

/// A batch of the same work that does not prevent another create.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The batch.
    pub batch: Batch,
    /// What changed since; `None` for one that FAILED or was CANCELLED.
    pub change: Option<Change>,
}

/// What is known about changes to a batch's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// It has not changed.
    Unchanged,
    /// It changed.
    Changed(Change),
    /// It could not be determined, which counts as unchanged.
    Unknown,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// This many files were added to the directory after the batch was created.
    FilesAdded(usize),
    /// This many files were updated, by the connector that fills the directory, after the batch ended.
    FilesUpdated(usize),
    /// The saved configuration was changed after the batch was created.
    Configuration,
}

/// The most files that a batch may have. Source: LlamaCloud's documentation, "Getting started" of Batches.
pub const MAX_FILES: usize = 1000;

/// The delays of the protocol.
#[derive(Debug, Clone)]
pub struct CreatePolicy {
    /// The pause before an empty directory is read again: files may just have been uploaded.
    pub empty_pause: Duration,
    /// The time kept for reconciling after a POST, at most a third of what is left.
    pub reconcile_reserve: Duration,
    /// The pause before the first read; each later one is twice as long.
    pub first_look: Duration,
    /// The longest pause between two reads.
    pub longest_look: Duration,
    /// How long a batch that exists may be missing from the list.
    pub list_lag: Duration,
    /// How far the API's clocks may differ from each other.
    pub clock_slack: Duration,
}

impl Default for CreatePolicy {
    fn default() -> Self {
        Self {
            empty_pause: Duration::from_secs(2),
            reconcile_reserve: Duration::from_secs(15),
            first_look: Duration::from_millis(500),
            longest_look: Duration::from_secs(4),
            list_lag: Duration::from_mins(1),
            clock_slack: Duration::from_mins(15),
        }
    }
}

impl CreatePolicy {
    /// The default, made for calls of 45 seconds, scaled for calls of another length. What depends on the API, such as the
    /// lag of its list, stays.
    pub fn within(timeout: Duration) -> Self {
        const MADE_FOR: Duration = Duration::from_secs(45);
        let standard = Self::default();
        let scaled = |part: Duration| part.mul_f64(timeout.as_secs_f64() / MADE_FOR.as_secs_f64());
        Self {
            reconcile_reserve: scaled(standard.reconcile_reserve),
            first_look: scaled(standard.first_look),
            longest_look: scaled(standard.longest_look),
            ..standard
        }
    }
}

pub(super) type Outcome = Result<Settled, NotSettled>;

/// What the steps of the protocol work with.
pub(super) struct Access {
    pub(super) client: Client,
    pub(super) policy: CreatePolicy,
}

/// What earlier attempts of this process for the same work have left.
#[derive(Default)]
pub(super) struct Memory {
    /// The batches that they made.
    pub(super) made: HashMap<String, Batch>,
    /// The last unknown outcome: when it was noted, the error, and the earliest time at which its batch may have been created.
    pub(super) unknown: Option<(Instant, Error, Option<Timestamp>)>,
}

impl Access {
    /// The earliest time that a batch created from now on can have.
    pub(super) fn look_after(&self) -> Option<Timestamp> {
        let now = self.client.api_time()?;
        let slack = SignedDuration::try_from(self.policy.clock_slack).ok()?;
        now.checked_sub(slack).ok()
    }
}

impl Memory {
    pub(super) fn is_worth_keeping(&self) -> bool {
        !self.made.is_empty() || self.unknown.is_some()
    }
}

pub(super) fn busy(started: Instant) -> NotSettled {
    NotSettled::NotCreated(timed_out(
        started,
        true,
        "the outcome of an earlier request to create the same batch is not known yet",
    ))
}

/// The timeout error for a create that ended without an error from LlamaCloud.
pub(super) fn timed_out(started: Instant, no_effect: bool, reason: &str) -> Error {
    failed(ErrorKind::TimedOut, started, no_effect, reason)
}

/// An error that the protocol itself found.
pub(super) fn failed(kind: ErrorKind, started: Instant, no_effect: bool, reason: &str) -> Error {
    let attempts = Attempts {
        count: 0,
        elapsed: started.elapsed(),
        no_effect,
    };
    Error::new(
        kind,
        Some(reason.to_owned()),
        "POST /api/v2/batches".to_owned(),
        attempts,
    )
}

//! What a create is asked for, and what it comes to.

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::llamacloud::{Batch, Error};

/// What to do about a batch that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// Answer with it and create nothing.
    Refuse,
    /// Create another one.
    Allow,
}

/// What a caller wants to know before anything is sent: how many files there are, if that can be told, or why no batch may be created.
pub type Precheck = BoxFuture<'static, Result<Option<usize>, String>>;

/// How a create ended.
#[derive(Debug, Clone)]
pub enum CreateOutcome {
    /// There is a new batch.
    Created {
        /// It.
        batch: Batch,
        /// Recent batches of the same job that FAILED or were CANCELLED.
        mentions: Vec<Batch>,
        /// Whether duplicates were looked for.
        guard: Guard,
        /// What the precheck found.
        files: Option<usize>,
    },
    /// Nothing was created, for there is one already.
    AlreadyThere {
        /// It.
        batch: Batch,
        /// In which way.
        kind: Existing,
    },
    /// The answer to the POST was lost, and the batch it made was found.
    Recovered {
        /// It.
        batch: Batch,
    },
    /// There may be a batch, or not, and looking for it in time did not tell.
    Unknown {
        /// What happened to the POST.
        error: Error,
        /// The batch, if there is one, was created then or later: the argument for a later listing. `None` if the API's clock is not known.
        look_after: Option<Timestamp>,
    },
    /// Nothing was sent, for the precheck found a reason.
    Refused {
        /// It, as the precheck gave it.
        reason: String,
    },
    /// There is surely no new batch.
    NotCreated {
        /// Why.
        error: Error,
    },
}

/// In which way a batch was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is not final.
    Running,
    /// It is COMPLETED and recent.
    JustCompleted,
    /// An identical request in this process, at the same time, has just made it.
    SharedAttempt,
}

/// Whether duplicates were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// In everything the API listed.
    Checked,
    /// Not, or not in everything.
    Skipped {
        /// Why: the failure of the listing as a log line, or that it had too many pages.
        reason: String,
    },
}

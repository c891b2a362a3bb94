//! The dimensions of the matrix, and which of their combinations mean something.

/// What the first POST meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it is answered with the batch.
    None,
    /// After the guard has read the last page of the list, nobody listens.
    Refused,
    /// Its connection is accepted, then reset before any of the request is read.
    ResetUnread,
    /// Its connection is reset when half of its body was read.
    HalfRequest,
    /// It makes the batch, and the connection is reset.
    LostAfterCommit,
    /// It makes the batch, and nothing is said about it.
    SilenceAfterCommit,
    /// It makes the batch, and the connection ends within the answer.
    HalfAnswer,
    /// It makes the batch, and 500 is the answer.
    ErrorAfterCommit,
    /// It makes the batch, and the answer is 303 with the batch's address.
    SeeOther,
    /// It makes no batch, and 500 is the answer.
    ErrorBeforeCommit,
    /// It makes no batch; the answer is 503 and invites a retry.
    Unavailable,
    /// It makes no batch; the answer is 429 and invites a retry.
    TooMany,
    /// It makes no batch and is redirected to the same address.
    RedirectHere,
    /// It makes no batch and is sent to another origin.
    RedirectElsewhere,
}

/// What happens to the process once the fault has its POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    Sigterm,
    Sigkill,
    InputEnds,
    OutputCloses,
}

/// What the caller does once the fault has its POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Waits,
    Cancels,
    /// Calls once more, with the same arguments, while the first call is in flight.
    CallsAgainAtOnce,
    /// Calls once more, with the same arguments, after the answer, whatever it was.
    CallsAgainAfterTheAnswer,
    /// Starts another process and calls there, with the same arguments: while the first process lives, or after it has ended.
    Restarts,
}

/// What the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    Consistent,
    /// One look does not show a new batch, the next one does.
    LagsBriefly,
    /// No look shows a new batch before the cell is over.
    LagsLong,
    /// 500 up to the first POST: the guard sees nothing.
    FailsBeforeThePost,
    /// 500 from the first POST on.
    FailsAfterThePost,
    /// 500 always.
    Fails,
    /// 403 from the first POST on.
    ForbiddenAfterThePost,
    /// 403 always. No POST leaves, so this is no part of the matrix.
    Forbidden,
}

/// One combination.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) fault: Fault,
    pub(crate) fate: Fate,
    pub(crate) caller: Caller,
    pub(crate) listing: Listing,
}

pub(crate) const FAULTS: [Fault; 14] = [
    Fault::None,
    Fault::Refused,
    Fault::ResetUnread,
    Fault::HalfRequest,
    Fault::LostAfterCommit,
    Fault::SilenceAfterCommit,
    Fault::HalfAnswer,
    Fault::ErrorAfterCommit,
    Fault::SeeOther,
    Fault::ErrorBeforeCommit,
    Fault::Unavailable,
    Fault::TooMany,
    Fault::RedirectHere,
    Fault::RedirectElsewhere,
];
const FATES: [Fate; 5] = [
    Fate::Lives,
    Fate::Sigterm,
    Fate::Sigkill,
    Fate::InputEnds,
    Fate::OutputCloses,
];
const CALLERS: [Caller; 5] = [
    Caller::Waits,
    Caller::Cancels,
    Caller::CallsAgainAtOnce,
    Caller::CallsAgainAfterTheAnswer,
    Caller::Restarts,
];
pub(crate) const LISTINGS: [Listing; 7] = [
    Listing::Consistent,
    Listing::LagsBriefly,
    Listing::LagsLong,
    Listing::FailsBeforeThePost,
    Listing::FailsAfterThePost,
    Listing::Fails,
    Listing::ForbiddenAfterThePost,
];

/// Every meaningful cell of a fault.
pub(crate) fn cells(fault: Fault) -> Vec<Cell> {
    let mut cells = Vec::new();
    for fate in FATES {
        for caller in CALLERS {
            for listing in LISTINGS {
                let cell = Cell {
                    fault,
                    fate,
                    caller,
                    listing,
                };
                if cell.skipped().is_none() {
                    cells.push(cell);
                }
            }
        }
    }
    cells
}

impl Fault {
    pub(crate) const fn commits(self) -> bool {
        match self {
            Self::None
            | Self::LostAfterCommit
            | Self::SilenceAfterCommit
            | Self::HalfAnswer
            | Self::ErrorAfterCommit
            | Self::SeeOther => true,
            Self::Refused
            | Self::ResetUnread
            | Self::HalfRequest
            | Self::ErrorBeforeCommit
            | Self::Unavailable
            | Self::TooMany
            | Self::RedirectHere
            | Self::RedirectElsewhere => false,
        }
    }

    /// How often the client may send the body of one create: twice after a 429, otherwise once.
    pub(crate) const fn bodies(self) -> usize {
        match self {
            Self::TooMany => 2,
            _ => 1,
        }
    }
}

impl Listing {
    /// The status with which a listing fails.
    pub(crate) const fn error(self, post_arrived: bool) -> Option<u16> {
        match self {
            Self::Fails => Some(500),
            Self::FailsBeforeThePost if !post_arrived => Some(500),
            Self::FailsAfterThePost if post_arrived => Some(500),
            Self::ForbiddenAfterThePost if post_arrived => Some(403),
            Self::Forbidden => Some(403),
            _ => None,
        }
    }

    /// Whether the guard sees nothing.
    pub(crate) const fn blinds_the_guard(self) -> bool {
        matches!(self, Self::FailsBeforeThePost | Self::Fails)
    }
}

impl Cell {
    /// Why a combination is left out.
    pub(crate) fn skipped(self) -> Option<&'static str> {
        match (self.fault, self.fate, self.caller, self.listing) {
            (_, Fate::Sigkill, Caller::Cancels | Caller::CallsAgainAtOnce, _) => {
                Some("the process is killed before what the caller does could matter: the same as a caller who waits")
            }
            (
                _,
                Fate::Sigterm | Fate::Sigkill | Fate::InputEnds | Fate::OutputCloses,
                Caller::CallsAgainAfterTheAnswer,
                _,
            ) => Some("nobody is left to call"),
            (Fault::TooMany, Fate::Lives, Caller::Restarts, _) => {
                Some("two processes race before either has made anything, which nothing can decide")
            }
            (_, _, caller, Listing::ForbiddenAfterThePost)
                if !matches!(caller, Caller::Waits | Caller::CallsAgainAfterTheAnswer) || self.fate != Fate::Lives =>
            {
                Some("as where the list fails after the POST, only sooner")
            }
            (_, _, _, listing) if listing.blinds_the_guard() => {
                Some("no POST leaves: without the list, nobody knows whether the work has a batch")
            }
            _ => None,
        }
    }
}

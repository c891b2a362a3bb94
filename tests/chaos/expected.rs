//! What must come of each cell.

use crate::matrix::{Caller, Cell, Fate, Fault, Listing};

/// How the first call must end, as far as anybody hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Created,
    Recovered,
    Unknown,
    NotCreated,
}

impl Cell {
    /// Whether the second process cannot know about the first one's batch: the processes share no memory, and the list does not
    /// show the batch yet.
    pub(crate) fn is_beyond_the_promise(self) -> bool {
        let made_first = self.fault.commits() || self.fault == Fault::TooMany && self.fate != Fate::Sigkill;
        self.caller == Caller::Restarts
            && made_first
            && matches!(self.listing, Listing::LagsBriefly | Listing::LagsLong)
    }

    /// How the first call ends.
    pub(crate) fn expected(self) -> Expected {
        match self.fault {
            Fault::None | Fault::TooMany => Expected::Created,
            Fault::Refused | Fault::RedirectHere | Fault::RedirectElsewhere => Expected::NotCreated,
            Fault::ResetUnread | Fault::HalfRequest | Fault::ErrorBeforeCommit | Fault::Unavailable => {
                Expected::Unknown
            }
            Fault::LostAfterCommit
            | Fault::SilenceAfterCommit
            | Fault::HalfAnswer
            | Fault::ErrorAfterCommit
            | Fault::SeeOther => {
                if tells_in_time(self.listing) {
                    Expected::Recovered
                } else {
                    Expected::Unknown
                }
            }
        }
    }

    /// Whether the first call's answer can be read.
    pub(crate) fn is_answered(self) -> bool {
        matches!(self.fate, Fate::Lives | Fate::InputEnds) && self.caller != Caller::Cancels
    }

    /// Whether nobody can hear the first call's answer while there is time to settle it: then stderr tells.
    pub(crate) fn is_logged(self) -> bool {
        match self.fate {
            Fate::Lives | Fate::InputEnds => self.caller == Caller::Cancels,
            Fate::Sigterm => true,
            // On Linux, a closed output can be noticed without a write; on other systems, only by writing an answer.
            Fate::OutputCloses => {
                self.caller == Caller::Cancels || cfg!(target_os = "linux") && self.expected() != Expected::Created
            }
            Fate::Sigkill => false,
        }
    }

    /// If a second process creates a batch while the first still reads the list, the first may find that batch instead of its
    /// own.
    pub(crate) fn races(self) -> bool {
        self.fate == Fate::Lives && self.caller == Caller::Restarts
    }
}

/// Whether the list shows what a POST made before the call's time limit.
const fn tells_in_time(listing: Listing) -> bool {
    match listing {
        Listing::Consistent | Listing::FailsBeforeThePost | Listing::LagsBriefly => true,
        Listing::LagsLong
        | Listing::FailsAfterThePost
        | Listing::Fails
        | Listing::ForbiddenAfterThePost
        | Listing::Forbidden => false,
    }
}

//! Whether anything about a batch will still change.

use super::missing::Unread;

/// Whether anything about a batch will still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finality {
    /// Nothing can change.
    Final,
    /// The batch or one of its jobs waits or runs.
    Going,
    /// The jobs could not be read now.
    Unreadable,
    /// The jobs were not looked up, or cannot be.
    Unknown,
}

impl Finality {
    /// Whether the batch is final, if that is known.
    pub(crate) const fn known(self) -> Option<bool> {
        match self {
            Self::Final => Some(true),
            Self::Going | Self::Unreadable => Some(false),
            Self::Unknown => None,
        }
    }
}

impl Unread {
    /// What is known of a batch where this could not be read.
    pub(super) const fn finality(&self) -> Finality {
        if self.may_pass {
            Finality::Unreadable
        } else {
            Finality::Unknown
        }
    }
}

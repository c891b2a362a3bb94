//! LlamaCloud as an attempt uses it: the client, and how to check a list after an unknown outcome.

use std::time::Duration;

use tokio::time::Instant;

use super::super::{Client, CreatePolicy};

pub(super) struct Upstream {
    pub(super) client: Client,
    pub(super) policy: CreatePolicy,
}

impl Upstream {
    /// The pauses between reads after an unknown outcome.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let longest = self.policy.longest_look;
        std::iter::successors(Some(self.policy.first_look), move |pause| {
            Some((*pause * 2).min(longest))
        })
    }

    /// When reading after an unknown outcome ends.
    pub(super) fn look_until(&self) -> Instant {
        Instant::now() + self.policy.reconcile_reserve
    }
}

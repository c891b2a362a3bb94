//! How patient the protocol is.

use std::time::Duration;

/// The patience of the protocol. Its parts shrink with the deadline, so that each gets its share.
#[derive(Debug, Clone)]
pub struct CreatePolicy {
    /// How long a COMPLETED batch counts as a duplicate, from its creation on.
    pub recent: Duration,
    /// How long the guard may look, at most a third of the time there is.
    pub guard_limit: Duration,
    /// What is kept of the time for looking after a POST of unknown outcome, at most a third of it.
    pub reconcile_reserve: Duration,
    /// The wait before the first look; each further one is twice as long.
    pub first_look: Duration,
    /// The longest wait between two looks.
    pub longest_look: Duration,
    /// How long a batch that exists may be missing from the list.
    pub list_lag: Duration,
    /// How far the API's own clocks may differ. Units: whole seconds matter, for `Date` has no others.
    pub clock_slack: Duration,
    /// How many pages of a listing are read.
    pub max_pages: usize,
    /// How many batches are asked for at once; if the API rejects that, its own default is taken.
    pub page_size: u32,
}

impl Default for CreatePolicy {
    fn default() -> Self {
        Self {
            recent: Duration::from_mins(10),
            guard_limit: Duration::from_secs(10),
            reconcile_reserve: Duration::from_secs(12),
            first_look: Duration::from_millis(500),
            longest_look: Duration::from_secs(4),
            list_lag: Duration::from_mins(1),
            clock_slack: Duration::from_secs(5),
            max_pages: 20,
            page_size: 100,
        }
    }
}

impl CreatePolicy {
    /// The default, made for calls of 45 seconds, in proportion for calls of another length. What is a matter of the API, such as how
    /// long its list may lag, stays.
    pub fn within(timeout: Duration) -> Self {
        const MADE_FOR: Duration = Duration::from_secs(45);
        let standard = Self::default();
        let scaled = |part: Duration| part.mul_f64(timeout.as_secs_f64() / MADE_FOR.as_secs_f64());
        Self {
            guard_limit: scaled(standard.guard_limit),
            reconcile_reserve: scaled(standard.reconcile_reserve),
            first_look: scaled(standard.first_look),
            longest_look: scaled(standard.longest_look),
            ..standard
        }
    }
}

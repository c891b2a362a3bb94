//! One pure decision: after this failure, wait and send again, or give up?
//!
//! A GET may be repeated freely. A POST is repeated only if it cannot have had an effect: no connection was made, or the API
//! refused it (429). Not if no answer came in time, nor after a broken connection, 408, 409 or any 5xx, 503 included: a batch costs
//! money, and the API has no idempotency key for it.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How often and how patiently requests are repeated. Waits double from `min_delay` to `max_delay`, with jitter.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The first wait.
    pub min_delay: Duration,
    /// The longest wait of our own choosing; `Retry-After` may ask for more.
    pub max_delay: Duration,
    /// Attempts in all, the first included.
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            min_delay: Duration::from_millis(300),
            max_delay: Duration::from_secs(5),
            max_attempts: 5,
        }
    }
}

/// The two methods this client uses, because the decision depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// How one attempt failed, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection was made, so nothing left this machine.
    NotConnected,
    /// Nothing was sent, and another attempt would send nothing either: a bad certificate, a bad address.
    NotSendable,
    /// The connection broke after the request may have left.
    Interrupted,
    /// No complete answer in time, after the request may have left.
    TimedOut,
    /// An HTTP status other than 2xx.
    Status(u16),
    /// A success that could not be used: too large, or not readable.
    Unusable,
}

impl Failure {
    /// Whether the request certainly changed nothing.
    pub(super) fn had_no_effect(self) -> bool {
        match self {
            Self::NotConnected | Self::NotSendable => true,
            Self::Interrupted | Self::TimedOut | Self::Unusable => false,
            // 303 answers a POST that took effect; 408 does not say whether it did.
            Self::Status(status) => (300..500).contains(&status) && status != 303 && status != 408,
        }
    }

    /// Whether another attempt is harmless and may help.
    fn may_repeat(self, method: Method) -> bool {
        match self {
            Self::NotConnected | Self::Status(429) => true,
            Self::Interrupted | Self::TimedOut | Self::Status(408 | 500..=599) => method == Method::Get,
            Self::NotSendable | Self::Unusable | Self::Status(_) => false,
        }
    }
}

/// The wait before another attempt; `None`: give up.
///
/// `backoff` is our own next wait, `None` when the attempts are used up. `retry_after` is the wait that the API asks for.
/// `remaining` is the time until the deadline; a wait that would not end before the deadline is not begun.
pub(super) fn wait(
    method: Method,
    failure: Failure,
    backoff: Option<Duration>,
    retry_after: Option<Duration>,
    remaining: Duration,
) -> Option<Duration> {
    let backoff = backoff.filter(|_| failure.may_repeat(method))?;
    // A requested wait of zero must not become a hot loop.
    let wait = retry_after.filter(|wish| !wish.is_zero()).unwrap_or(backoff);
    (wait < remaining).then_some(wait)
}

/// The waits between the attempts of one request: one fewer than attempts.
pub(super) fn waits(policy: &RetryPolicy) -> ExponentialBackoff {
    let retries = policy.max_attempts.saturating_sub(1);
    ExponentialBuilder::default()
        .with_min_delay(policy.min_delay)
        .with_max_delay(policy.max_delay)
        .with_max_times(usize::try_from(retries).unwrap_or(usize::MAX))
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [u16; 21] = [
        301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504,
    ];

    fn failures() -> impl Iterator<Item = Failure> {
        use Failure::{Interrupted, NotConnected, NotSendable, TimedOut, Unusable};
        let others = [NotConnected, NotSendable, Interrupted, TimedOut, Unusable];
        others.into_iter().chain(STATUSES.map(Failure::Status))
    }

    /// Every method with every failure at the first, a middle and the last attempt.
    #[test]
    fn every_combination() {
        let second = Duration::from_secs(1);
        for method in [Method::Get, Method::Post] {
            let repeated: Vec<_> = failures()
                .filter(|failure| wait(method, *failure, Some(second), None, second * 9) == Some(second))
                .collect();
            let expected = match method {
                Method::Get => [Failure::NotConnected, Failure::Interrupted, Failure::TimedOut]
                    .into_iter()
                    .chain([408, 429, 500, 501, 502, 503, 504].map(Failure::Status))
                    .collect::<Vec<_>>(),
                Method::Post => vec![Failure::NotConnected, Failure::Status(429)],
            };
            assert_eq!(repeated, expected, "{method:?}");
            for failure in failures() {
                assert_eq!(wait(method, failure, None, None, second * 9), None, "attempts used up");
                assert_eq!(wait(method, failure, Some(second), None, second), None, "deadline");
                assert_eq!(wait(method, failure, Some(second), Some(second * 9), second * 9), None);
                if method == Method::Post && wait(method, failure, Some(second), None, second * 9).is_some() {
                    assert!(failure.had_no_effect(), "{failure:?} must not be sent again");
                }
            }
        }
    }

    #[test]
    fn retry_after_is_obeyed() {
        let (short, long) = (Duration::from_millis(5), Duration::from_secs(3));
        let wait = |wish| wait(Method::Post, Failure::Status(429), Some(short), wish, long * 2);
        assert_eq!(wait(Some(long)), Some(long));
        assert_eq!(wait(Some(Duration::from_millis(1))), Some(Duration::from_millis(1)));
        assert_eq!(wait(Some(Duration::ZERO)), Some(short));
        assert_eq!(wait(None), Some(short));
    }

    #[test]
    fn which_failures_surely_did_nothing() {
        let unknown: Vec<_> = failures().filter(|failure| !failure.had_no_effect()).collect();
        let expected: Vec<_> = [Failure::Interrupted, Failure::TimedOut, Failure::Unusable]
            .into_iter()
            .chain([303, 408, 500, 501, 502, 503, 504].map(Failure::Status))
            .collect();
        assert_eq!(unknown, expected);
    }

    #[test]
    fn waits_are_bounded() {
        let policy = RetryPolicy {
            min_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(4),
            max_attempts: 5,
        };
        let waits: Vec<_> = waits(&policy).collect();
        assert_eq!(waits.len(), 4);
        assert!(
            waits
                .iter()
                .all(|wait| (Duration::from_secs(1)..=Duration::from_secs(8)).contains(wait)),
            "{waits:?}"
        );
        assert_eq!(
            super::waits(&RetryPolicy {
                max_attempts: 0,
                ..policy
            })
            .count(),
            0
        );
    }
}

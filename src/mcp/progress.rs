//! Progress of a call, reported to clients that gave a token for it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::notification::notification;
use super::outbox::Outbox;
use super::version::Revision;

/// How far a call has come.
#[derive(Debug, Clone, Copy)]
pub enum Progress {
    /// It has waited this long; the total is unknown.
    Elapsed(Duration),
    /// Some of a known number of parts are done.
    Done {
        /// Parts that are done.
        parts: u64,
        /// All parts.
        of: u64,
    },
}

/// Reports the progress of one request. Source: basic/utilities/progress.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    token: Box<RawValue>,
    outbox: Arc<Outbox>,
    with_message: bool,
    last: Arc<Mutex<Option<u64>>>,
}

/// Source: `ProgressNotificationParams`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    progress_token: &'a RawValue,
    progress: Progress,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Progress {
    /// In milliseconds or parts: what has to grow from report to report.
    fn steps(self) -> u64 {
        match self {
            Self::Elapsed(elapsed) => u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            Self::Done { parts, .. } => parts,
        }
    }

    const fn total(self) -> Option<u64> {
        match self {
            Self::Elapsed(_) => None,
            Self::Done { of, .. } => Some(of),
        }
    }
}

impl Serialize for Progress {
    /// As a number: seconds, exact to the millisecond, or parts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Elapsed(_) => serializer.serialize_f64(Duration::from_millis(self.steps()).as_secs_f64()),
            Self::Done { parts, .. } => serializer.serialize_u64(*parts),
        }
    }
}

impl Reporter {
    /// `token` has to be a string or an integer; there is no progress for anything else.
    pub(crate) fn new(token: &RawValue, outbox: &Arc<Outbox>, revision: Revision) -> Option<Self> {
        super::envelope::RequestId::read(token)?;
        Some(Self {
            token: token.to_owned(),
            outbox: Arc::clone(outbox),
            with_message: revision.has_progress_messages(),
            last: Arc::default(),
        })
    }

    /// Sends one notification. Progress only grows: a report that does not is omitted.
    pub(crate) async fn report(&self, progress: Progress, message: &str) {
        {
            let mut last = self.last.lock();
            if last.is_some_and(|last| progress.steps() <= last) {
                return;
            }
            *last = Some(progress.steps());
        }
        let params = Params {
            progress_token: &self.token,
            progress,
            total: progress.total(),
            message: self.with_message.then_some(message),
        };
        self.outbox.send(&notification("notifications/progress", &params)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_in_seconds_and_parts_are_counted() {
        for (progress, json, total) in [
            (Progress::Elapsed(Duration::from_micros(2_500_900)), "2.5", None),
            (Progress::Elapsed(Duration::from_secs(7)), "7.0", None),
            (Progress::Done { parts: 3, of: 12 }, "3", Some(12)),
        ] {
            assert_eq!(
                (serde_json::to_string(&progress).unwrap().as_str(), progress.total()),
                (json, total)
            );
        }
    }
}

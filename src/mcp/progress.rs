//! Progress of a call, told to clients that gave a token for it.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;

use super::notification::notification;
use super::outbox::Outbox;
use super::version::Revision;

/// Reports the progress of one request. Source: basic/utilities/progress.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
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
    progress: u64,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Progress {
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

    /// Sends one notification. Progress only ever grows: a report that does not is left out.
    pub(crate) async fn report(&self, progress: u64, total: u64, message: &str) {
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| progress <= last) {
                return;
            }
            *last = Some(progress);
        }
        let params = Params {
            progress_token: &self.token,
            progress,
            total,
            message: self.with_message.then_some(message),
        };
        self.outbox.send(&notification("notifications/progress", &params)).await;
    }
}

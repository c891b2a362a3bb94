//! An API that answers what a test says, byte for byte.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::PATIENCE;
use super::http::{HttpServer, Seen};
pub(crate) use super::http::{Reply, response};

/// A fake API. The last reply is repeated.
pub(crate) struct Upstream {
    server: HttpServer,
    released: Arc<Notify>,
}

impl Reply {
    /// A whole answer with a JSON body and further header lines.
    pub(crate) fn json(status: &str, headers: &str, body: &str) -> Self {
        let headers = format!("content-type: application/json\r\n{headers}");
        Self::Keep(response(status, &headers, body))
    }

    /// The answer to a `GET` of a batch that is RUNNING.
    pub(crate) fn running() -> Self {
        Self::json("200 OK", "", r#"{"id":"bat-1","status":"RUNNING"}"#)
    }

    /// Nothing, until the client goes away.
    pub(crate) const fn silence() -> Self {
        Self::Hang(Vec::new())
    }

    /// A list without end.
    pub(crate) fn endless() -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n[\r\n";
        Self::Endless(head.into())
    }

    /// The same once [`Upstream::release`] says so.
    pub(crate) fn held(self) -> Self {
        // The permit is the upstream's own, which is not there yet.
        Self::When(Arc::default(), Box::new(self))
    }
}

impl Upstream {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let released = Arc::new(Notify::new());
        let permit = Arc::clone(&released);
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        let next = move |_, _: &Seen| {
            let reply = match replies.len() {
                1 => replies.front().cloned(),
                _ => replies.pop_front(),
            };
            match reply.unwrap() {
                Reply::When(_, then) => Reply::When(Arc::clone(&permit), then),
                other => other,
            }
        };
        Self {
            server: HttpServer::start(next).await,
            released,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The request lines so far. Shape: `GET /api/v2/batches HTTP/1.1`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.seen().iter().map(|seen| seen.line().to_owned()).collect()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn arrived(&self, count: usize) {
        timeout(PATIENCE, self.server.has_seen(count))
            .await
            .expect("the request did not come");
    }

    /// Lets one held reply go.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

//! A directory with its batches, which can lose answers, lag, and refuse.

use std::time::Duration;

use crate::llamacloud::test_server::{Act, Seen, reply};

/// When the fake's clock stands still.
pub(super) const NOW: &str = "Tue, 24 Nov 2026 12:00:00 GMT";

/// A simulated directory with its batches.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) batches: Vec<String>,
    pub(super) posts: usize,
    pub(super) lists: usize,
    /// The POST's answer is lost, though the batch is made.
    pub(super) lose_answer: bool,
    /// The POST's answer takes so long.
    pub(super) answer_delay: Duration,
    /// Neither is the batch made.
    pub(super) lose_request: bool,
    /// So many listings after the first POST do not show what it made.
    pub(super) lag: usize,
    /// What the first listings answer instead.
    pub(super) list_errors: Vec<&'static str>,
    pub(super) page_size: Option<usize>,
}

pub(super) fn batch(id: &str, status: &str, created: &str) -> String {
    format!(
        r#"{{"id":"{id}","source_directory_id":"dir-1","status":"{status}","created_at":"{created}",
            "config":{{"job":{{"type":"parse_v2","configuration_id":"cfg-1"}}}}}}"#
    )
}

impl Fake {
    pub(super) fn answer(&mut self, request: &Seen) -> Act {
        if request.is_post() {
            self.posts += 1;
            self.lists = 0;
            let made = batch(&format!("bat-new-{}", self.posts), "PENDING", "2026-11-24T12:00:01Z");
            if !self.lose_request {
                self.batches.push(made.clone());
            }
            let lost = self.lose_answer || self.lose_request;
            return if lost {
                Act::Close(Vec::new())
            } else {
                Act::After(self.answer_delay, Box::new(reply("201 Created", made)))
            };
        }
        self.lists += 1;
        if let Some(error) = self.list_errors.pop() {
            return reply(&format!("{error}\ndate: {NOW}"), r#"{"detail":"no"}"#);
        }
        let hidden = if self.posts > 0 && self.lists <= self.lag {
            self.posts
        } else {
            0
        };
        let shown = &self.batches[..self.batches.len() - hidden.min(self.batches.len())];
        let size = self.page_size.unwrap_or(usize::MAX);
        let page = request
            .head
            .split_once("page_token=")
            .map_or(0, |(_, rest)| usize::from(rest.as_bytes()[0] - b'0'));
        let items: Vec<_> = shown.chunks(size).nth(page).unwrap_or_default().to_vec();
        let more = shown.chunks(size).count() > page + 1;
        let token = if more {
            format!("\"{}\"", page + 1)
        } else {
            "null".to_owned()
        };
        let body = format!(r#"{{"items":[{}],"next_page_token":{token}}}"#, items.join(","));
        reply(&format!("200 OK\ndate: {NOW}"), body)
    }
}

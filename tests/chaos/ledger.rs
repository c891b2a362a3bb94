//! What really happened: the oracle of every cell.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

use crate::http::Answer;
use crate::matrix::Listing;

/// The directory that every cell creates a batch of.
pub(crate) const DIRECTORY: &str = "dir-chaos";
/// The configuration that every cell creates a batch with.
pub(crate) const CONFIGURATION: &str = "cfg-chaos";
/// How far the API's clock is behind ours: a client that compares its timestamps with ours finds no batch.
const BEHIND: Duration = Duration::from_hours(3);
/// How many listings omit an existing batch when the list lags briefly.
const LAG: usize = 2;
/// No page is larger, whatever is asked for: every listing of the directory has several.
const PAGE: usize = 4;

/// Everything the fault server has received and done.
pub(crate) struct Ledger {
    batches: Vec<Batch>,
    pub(crate) posts: Vec<Post>,
    /// What no client may do, in words.
    pub(crate) violations: Vec<String>,
    pub(crate) log: Vec<String>,
    listing: Listing,
    post_arrived: bool,
    /// When the one file of the directory was added; `None`: the file list fails.
    pub(crate) file_added: Option<Timestamp>,
    /// When the configuration was saved; `None`: it cannot be read.
    pub(crate) configured: Option<Timestamp>,
    /// The answer to a POST is about a batch of another directory.
    pub(crate) answers_about_another: bool,
}

struct Batch {
    id: String,
    directory: String,
    job: Value,
    status: &'static str,
    created: Timestamp,
    /// How many listings have not shown it.
    missed_by: usize,
    /// There before the cell began.
    old: bool,
}

/// A POST of which at least a part was read.
pub(crate) struct Post {
    pub(crate) key: String,
    /// Whether the body arrived, and not only a part of it.
    pub(crate) whole: bool,
    /// The id of what it made.
    pub(crate) made: Option<String>,
}

impl Ledger {
    /// A directory with a past: nothing in it stops a create of the chaos job, for a file was added since it was last COMPLETED.
    pub(crate) fn new(listing: Listing) -> Self {
        let now = now();
        let old = |id: &str, directory: &str, configuration: &str, status, hours| Batch {
            id: id.to_owned(),
            directory: directory.to_owned(),
            job: json!({ "type": "parse_v2", "configuration_id": configuration }),
            status,
            created: now - SignedDuration::from_hours(hours),
            missed_by: usize::MAX,
            old: true,
        };
        Self {
            batches: vec![
                old("bat-old-1", DIRECTORY, CONFIGURATION, "COMPLETED", 30),
                old("bat-old-2", DIRECTORY, CONFIGURATION, "FAILED", 29),
                old("bat-old-3", DIRECTORY, "cfg-other", "RUNNING", 2),
                old("bat-old-4", DIRECTORY, CONFIGURATION, "CANCELLED", 28),
                old("bat-old-5", DIRECTORY, "cfg-other", "COMPLETED", 0),
                old("bat-old-6", "dir-other", CONFIGURATION, "RUNNING", 0),
            ],
            posts: Vec::new(),
            violations: Vec::new(),
            log: Vec::new(),
            listing,
            post_arrived: false,
            file_added: Some(now - SignedDuration::from_hours(1)),
            configured: Some(now - SignedDuration::from_hours(99)),
            answers_about_another: false,
        }
    }

    /// Dates the file before the COMPLETED batch, so that nothing has changed since and that batch counts.
    pub(crate) fn nothing_changed(&mut self) {
        self.file_added = Some(now() - SignedDuration::from_hours(99));
    }

    /// The configuration was saved again after the last COMPLETED batch.
    pub(crate) fn configure_again(&mut self) {
        self.configured = Some(now() - SignedDuration::from_hours(1));
    }

    /// The files of a directory.
    pub(crate) fn files(&self) -> Answer {
        self.file_added.map_or_else(
            || Answer::error(500),
            |at| {
                let file = json!({ "id": "dfl-1", "display_name": "one.pdf", "created_at": at.to_string() });
                Answer::json(200, &json!({ "items": [file] }))
            },
        )
    }

    /// The saved configuration.
    pub(crate) fn configuration(&self) -> Answer {
        self.configured.map_or_else(
            || Answer::error(500),
            |at| {
                let saved = json!({ "id": CONFIGURATION, "product_type": "parse_v2", "version": at.to_string() });
                Answer::json(200, &saved)
            },
        )
    }

    /// From now on the list shows what there is.
    pub(crate) fn heal(&mut self) {
        self.listing = Listing::Consistent;
    }

    /// Ids of the batches made since the beginning, oldest first.
    pub(crate) fn made(&self) -> Vec<String> {
        self.batches
            .iter()
            .filter(|batch| !batch.old)
            .map(|batch| batch.id.clone())
            .collect()
    }

    /// Adds a batch of the chaos job that has been running for this many minutes.
    pub(crate) fn add_running(&mut self, minutes: i64) -> String {
        self.add_old("RUNNING", minutes)
    }

    /// Adds a batch of the chaos job in this status, created `minutes` ago.
    pub(crate) fn add_old(&mut self, status: &'static str, minutes: i64) -> String {
        let job = json!({ "type": "parse_v2", "configuration_id": CONFIGURATION });
        let id = self.add(DIRECTORY.to_owned(), job);
        if let Some(batch) = self.batches.last_mut() {
            batch.status = status;
            batch.created -= SignedDuration::from_mins(minutes);
            batch.missed_by = usize::MAX;
            batch.old = true;
        }
        id
    }

    pub(crate) fn post_arrived(&mut self, key: &str, whole: bool) -> usize {
        self.post_arrived = true;
        self.note(format!("POST {} arrived", if whole { "whole" } else { "in part" }));
        let key = key.to_owned();
        self.posts.push(Post { key, whole, made: None });
        self.posts.len() - 1
    }

    /// For a fault that strikes before anything of the POST is read.
    pub(crate) fn post_lost(&mut self) {
        self.post_arrived = true;
        self.note("a POST was lost unread");
    }

    /// Makes the batch that a POST asks for.
    pub(crate) fn commit(&mut self, post: usize, body: &[u8]) -> Value {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let directory = body["source_directory_id"].as_str().unwrap_or_default().to_owned();
        let id = self.add(directory, body["config"]["job"].clone());
        self.note(format!("{id} made"));
        self.posts[post].made = Some(id);
        let mut answer = self.batches.last().map_or(Value::Null, Batch::json);
        if self.answers_about_another {
            answer["id"] = json!("bat-another");
            answer["source_directory_id"] = json!("dir-other");
        }
        answer
    }

    fn add(&mut self, directory: String, job: Value) -> String {
        let id = format!("bat-new-{}", self.batches.len());
        self.batches.push(Batch {
            id: id.clone(),
            directory,
            job,
            status: "PENDING",
            created: now(),
            missed_by: 0,
            old: false,
        });
        id
    }

    pub(crate) fn note(&mut self, event: impl Into<String>) {
        self.log.push(event.into());
    }

    pub(crate) fn get(&self, id: &str) -> Option<Value> {
        self.batches.iter().find(|batch| batch.id == id).map(Batch::json)
    }

    /// One page, and whether it is the last.
    pub(crate) fn page(&mut self, target: &Url) -> (Answer, bool) {
        let query = |wanted: &str| {
            let mut pairs = target.query_pairs();
            pairs
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        self.note(format!("GET {}", target.query().unwrap_or_default()));
        if let Some(status) = self.listing.error(self.post_arrived) {
            return (Answer::error(status), true);
        }
        let token: Option<usize> = query("page_token").and_then(|token| token.strip_prefix("page-")?.parse().ok());
        if token.is_none() {
            for batch in &mut self.batches {
                batch.missed_by = batch.missed_by.saturating_add(1);
            }
        }
        let directory = query("source_directory_id");
        let after: Option<Timestamp> = query("created_at_on_or_after").and_then(|after| after.parse().ok());
        let shown = self.batches.iter().filter(|batch| {
            self.shows(batch)
                && directory.as_ref().is_none_or(|directory| *directory == batch.directory)
                && after.is_none_or(|after| batch.created >= after)
        });
        let shown: Vec<_> = shown.map(Batch::json).collect();
        let size = query("page_size")
            .and_then(|size| size.parse().ok())
            .unwrap_or(PAGE)
            .min(PAGE);
        let start = token.unwrap_or(0).min(shown.len());
        let end = (start + size).min(shown.len());
        let mut page = json!({ "items": &shown[start..end] });
        if end < shown.len() {
            page["next_page_token"] = json!(format!("page-{end}"));
        }
        (Answer::json(200, &page), end == shown.len())
    }

    fn shows(&self, batch: &Batch) -> bool {
        match self.listing {
            Listing::LagsBriefly => batch.missed_by > LAG,
            Listing::LagsLong => batch.old,
            _ => true,
        }
    }
}

impl Batch {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "project_id": "prj-1",
            "source_directory_id": self.directory,
            "config": { "job": self.job },
            "status": self.status,
            "created_at": self.created.to_string(),
            "updated_at": self.created.to_string(),
            "results": null,
        })
    }
}

/// The API's `Date` header.
pub(crate) fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now() - BEHIND)
}

fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now() - BEHIND).unwrap()
}

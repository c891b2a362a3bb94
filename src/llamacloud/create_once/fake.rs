//! A directory with its batches, which can lose answers, lag, and refuse.

use std::time::Duration;

use tokio::{task::JoinHandle, time::Instant};
use tokio_util::task::TaskTracker;

use super::{CreateOnce, CreatePolicy, Duplicates, How, NotSettled, Order, Settled, types::Outcome};
use crate::llamacloud::{
    BatchConfig, CreateBatch, JobType, NewJob, Scope,
    test_server::{Reply, Seen, TestServer, after, reply},
};

/// The fixed time of the fake's clock.
pub(super) const NOW: &str = "Tue, 24 Nov 2026 12:00:00 GMT";

/// A simulated directory with its batches.
pub(super) struct Fake {
    pub(super) batches: Vec<String>,
    pub(super) posts: usize,
    pub(super) lists: usize,
    /// The POST's answer is lost, though the batch is made.
    pub(super) lose_answer: bool,
    /// The POST's answer takes this long.
    pub(super) answer_delay: Duration,
    /// The POST is lost before it arrives: no batch is made, and no answer comes.
    pub(super) lose_request: bool,
    /// The POST's answer, instead of the batch that it made.
    pub(super) foreign_answer: Option<String>,
    /// What a new batch says instead of `cfg-1`.
    pub(super) made_with: &'static str,
    /// This many listings after the first POST do not show what it made.
    pub(super) lag: usize,
    /// Status lines and bodies with which the first listings are answered instead. The last element comes first.
    pub(super) list_errors: Vec<(&'static str, String)>,
    /// Every listing takes this long.
    pub(super) list_delay: Duration,
    pub(super) page_size: Option<usize>,
    /// The API's clock, as its `Date` header shows it.
    pub(super) date: &'static str,
    /// The `results` of each batch, where a request expands them; empty for a 500.
    pub(super) results: String,
    /// The bodies of the file lists, first to last; the last is repeated. An empty one is a 500.
    pub(super) files: Vec<String>,
    /// The directory; empty for a 500.
    pub(super) directory: String,
    /// The configuration; empty for a 500.
    pub(super) configuration: String,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            posts: 0,
            lists: 0,
            lose_answer: false,
            answer_delay: Duration::ZERO,
            lose_request: false,
            foreign_answer: None,
            made_with: "cfg-1",
            lag: 0,
            list_errors: Vec::new(),
            list_delay: Duration::ZERO,
            page_size: None,
            date: NOW,
            results: "[]".to_owned(),
            files: vec![file_list(&[(LONG_AGO, LONG_AGO)])],
            directory: r#"{"id":"dir-1","name":"Invoices"}"#.to_owned(),
            configuration: configuration(LONG_AGO, LONG_AGO),
        }
    }
}

/// A time before everything that the tests do.
pub(super) const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Files `dfl-1`, `dfl-2`… with the times at which they were created and updated.
pub(super) fn file_list(files: &[(&str, &str)]) -> String {
    let file = |(number, (created, updated)): (usize, &(&str, &str))| {
        format!(r#"{{"id":"dfl-{number}","display_name":"a.pdf","created_at":"{created}","updated_at":"{updated}"}}"#)
    };
    let files: Vec<_> = (1..).zip(files).map(file).collect();
    format!(r#"{{"items":[{}]}}"#, files.join(","))
}

pub(super) fn configuration(version: &str, updated: &str) -> String {
    format!(r#"{{"id":"cfg-1","name":"x","product_type":"parse_v2","version":"{version}","updated_at":"{updated}"}}"#)
}

pub(super) fn batch(id: &str, status: &str, created: &str) -> String {
    format!(
        r#"{{"id":"{id}","source_directory_id":"dir-1","status":"{status}","created_at":"{created}","updated_at":"{created}",
            "config":{{"job":{{"type":"parse_v2","configuration_id":"cfg-1"}}}}}}"#
    )
}

impl Fake {
    pub(super) fn answer(&mut self, request: &Seen) -> Reply {
        if request.is_post() {
            return self.post();
        }
        let line = request.head.lines().next().unwrap_or_default();
        let path = line.split([' ', '?']).nth(1).unwrap_or_default();
        if path.ends_with("/files") {
            let files = if self.files.len() > 1 {
                self.files.remove(0)
            } else {
                self.files[0].clone()
            };
            return or_500(files);
        }
        if path.contains("/directories/") {
            return or_500(self.directory.clone());
        }
        if path.contains("/configurations/") {
            return or_500(self.configuration.clone());
        }
        match path.strip_prefix("/api/v2/batches/") {
            Some(id) => self.one(id, line.contains("expand=results")),
            None => after(self.list_delay, self.list(request)),
        }
    }

    fn one(&self, id: &str, with_results: bool) -> Reply {
        let id = format!(r#""id":"{id}""#);
        let Some(batch) = self.batches.iter().find(|batch| batch.contains(&id)) else {
            return reply("404 Not Found", "{}");
        };
        if !with_results {
            return reply("200 OK", batch);
        }
        let results = &self.results;
        or_500(if results.is_empty() {
            String::new()
        } else {
            batch.replacen('{', &format!(r#"{{"results":{results},"#), 1)
        })
    }

    fn post(&mut self) -> Reply {
        self.posts += 1;
        self.lists = 0;
        let made = batch(&format!("bat-new-{}", self.posts), "PENDING", "2026-11-24T12:00:01Z");
        let made = made.replace("cfg-1", self.made_with);
        if !self.lose_request {
            self.batches.push(made.clone());
        }
        let lost = self.lose_answer || self.lose_request;
        if lost {
            return Reply::Close(Vec::new());
        }
        let answer = self.foreign_answer.clone().unwrap_or(made);
        after(self.answer_delay, reply("201 Created", answer))
    }

    fn list(&mut self, request: &Seen) -> Reply {
        self.lists += 1;
        let date = self.date;
        if let Some((status, body)) = self.list_errors.pop() {
            return reply(&format!("{status}\ndate: {date}"), body);
        }
        let hidden = if self.posts > 0 && self.lists <= self.lag {
            self.posts
        } else {
            0
        };
        // Times are compared as text, up to the second. In the query, colons are escaped.
        let after = request
            .head
            .split_once("created_at_on_or_after=")
            .and_then(|(_, rest)| Some(rest.get(..23)?.replace("%3A", ":")));
        let shown = &self.batches[..self.batches.len() - hidden.min(self.batches.len())];
        let is_after = |batch: &&String| {
            let created = batch
                .split_once(r#""created_at":""#)
                .and_then(|(_, rest)| rest.get(..19));
            let after = after.as_deref().and_then(|after| after.get(..19));
            after.zip(created).is_none_or(|(after, created)| created >= after)
        };
        let shown: Vec<_> = shown.iter().filter(is_after).cloned().collect();
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
        reply(&format!("200 OK\ndate: {date}"), body)
    }
}

fn or_500(body: String) -> Reply {
    if body.is_empty() {
        reply("500 Internal Server Error", "{}")
    } else {
        reply("200 OK", body)
    }
}

/// The protocol, over a fake.
pub(super) struct Bench {
    pub(super) server: TestServer,
    pub(super) create_once: CreateOnce,
    pub(super) settling: TaskTracker,
}

impl Bench {
    pub(super) async fn new(mut fake: Fake) -> Self {
        let server = TestServer::start(move |_, request| fake.answer(request)).await;
        let policy = CreatePolicy {
            empty_pause: Duration::from_millis(1),
            reconcile_reserve: Duration::from_secs(1),
            first_look: Duration::from_millis(2),
            longest_look: Duration::from_millis(10),
            ..CreatePolicy::default()
        };
        let settling = TaskTracker::new();
        let create_once = CreateOnce::new(&server.client(), policy, settling.clone());
        Self {
            server,
            create_once,
            settling,
        }
    }

    pub(super) async fn create(&self, duplicates: Duplicates) -> String {
        self.create_within(duplicates, Duration::from_secs(3)).await
    }

    pub(super) async fn create_within(&self, duplicates: Duplicates, time: Duration) -> String {
        let order = Order { duplicates, ..order() };
        self.create_order(order, time).await
    }

    pub(super) async fn create_order(&self, order: Order, time: Duration) -> String {
        shown(&self.create_once.create(order, Instant::now() + time).await)
    }

    /// A create in a separate task, to be aborted.
    pub(super) fn begin(&self) -> JoinHandle<Outcome> {
        let create_once = self.create_once.clone();
        let deadline = Instant::now() + Duration::from_secs(3);
        tokio::spawn(async move { create_once.create(order(), deadline).await })
    }

    /// How many requests expanded the results of a batch.
    pub(super) fn expansions(&self) -> usize {
        let seen = self.server.seen();
        seen.iter().filter(|seen| seen.head.contains("expand=results")).count()
    }

    pub(super) fn posts(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.is_post()).count()
    }

    /// The request lines of the listings of batches.
    pub(super) fn lists(&self) -> Vec<String> {
        let lines = self
            .server
            .seen()
            .into_iter()
            .filter_map(|seen| Some(seen.head.lines().next()?.to_owned()));
        lines.filter(|line| line.starts_with("GET /api/v2/batches?")).collect()
    }
}

pub(super) fn order() -> Order {
    Order {
        scope: Scope::default(),
        request: CreateBatch {
            source_directory_id: "dir-1".parse().unwrap(),
            config: BatchConfig {
                job: NewJob {
                    job_type: JobType::ParseV2,
                    configuration_id: "cfg-1".parse().unwrap(),
                },
            },
        },
        duplicates: Duplicates::Refuse,
        agreed_files: None,
        fixed_files: false,
    }
}

pub(super) fn shown(outcome: &Outcome) -> String {
    match outcome {
        Ok(Settled { batch, how }) => {
            let id = &batch.id;
            match how {
                How::Created { files, earlier } => {
                    let earlier = earlier.iter().map(|earlier| match earlier.change {
                        None => format!("; before it {} {}", earlier.batch.id, earlier.batch.status),
                        Some(change) => format!("; before it {} {change:?}", earlier.batch.id),
                    });
                    let files = files.map_or("?".to_owned(), |files| files.to_string());
                    format!("created {id} over {files}{}", earlier.collect::<String>())
                }
                How::Recovered => format!("recovered {id}"),
                How::Shared => format!("shared {id}"),
                How::AlreadyThere(input) => format!("there {id} {} {input:?}", batch.status),
            }
        }
        Err(NotSettled::Unknown { error, look_after }) => {
            let after = look_after.map_or("?".to_owned(), |at| format!("{at:.0}"));
            format!("unknown: {}; after {after}", error.kind())
        }
        Err(NotSettled::NotCreated(error)) => format!("not created: {}", error.kind()),
        Err(NotSettled::NotChecked(error)) => format!("not checked: {}", error.kind()),
        Err(NotSettled::NoFiles) => "no files".to_owned(),
        Err(NotSettled::TooManyFiles) => "too many files".to_owned(),
        Err(NotSettled::OtherFiles { agreed, now }) => format!("agreed to {agreed}, now {now:?}"),
    }
}

pub(super) fn running(id: &str) -> String {
    batch(id, "RUNNING", "2026-11-24T11:59:59Z")
}

//! The protocol against a raw fake that can lose answers, lag, and refuse.

use std::io;

use super::{
    fake::{Fake, NOW, batch},
    *,
};
use crate::llamacloud::{JobType, test_server::TestServer};

struct Bench {
    server: TestServer,
    create_once: CreateOnce,
    settling: TaskTracker,
}

impl Bench {
    async fn new(mut fake: Fake) -> Self {
        let server = TestServer::start(move |_, request| fake.answer(request)).await;
        let policy = CreatePolicy {
            guard_limit: Duration::from_secs(1),
            reconcile_reserve: Duration::from_secs(1),
            first_look: Duration::from_millis(2),
            longest_look: Duration::from_millis(10),
            max_pages: 3,
            ..CreatePolicy::default()
        };
        let settling = TaskTracker::new();
        let create_once = CreateOnce::new(server.client(), policy, settling.clone());
        Self {
            server,
            create_once,
            settling,
        }
    }

    async fn create(&self, duplicates: Duplicates) -> String {
        self.create_within(duplicates, Duration::from_secs(3)).await
    }

    async fn create_within(&self, duplicates: Duplicates, time: Duration) -> String {
        let deadline = Instant::now() + time;
        told(
            &self
                .create_once
                .create(&Scope::default(), &request(), duplicates, nothing_to_check(), deadline)
                .await,
        )
    }

    /// A create in a task of its own, to be given up.
    fn begin(&self) -> tokio::task::JoinHandle<CreateOutcome> {
        let create_once = self.create_once.clone();
        let deadline = Instant::now() + Duration::from_secs(3);
        tokio::spawn(async move {
            create_once
                .create(&Scope::default(), &request(), Refuse, nothing_to_check(), deadline)
                .await
        })
    }

    fn posts(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.is_post()).count()
    }
}

fn request() -> CreateBatch {
    CreateBatch {
        source_directory_id: "dir-1".parse().unwrap(),
        job_type: JobType::ParseV2,
        configuration_id: "cfg-1".parse().unwrap(),
    }
}

fn told(outcome: &CreateOutcome) -> String {
    match outcome {
        CreateOutcome::Created {
            batch, mentions, guard, ..
        } => {
            let mentions: Vec<_> = mentions.iter().map(|batch| batch.id.as_str()).collect();
            let guard = if *guard == Guard::Checked { "checked" } else { "skipped" };
            format!("created {}, {guard}, mentions {mentions:?}", batch.id)
        }
        CreateOutcome::AlreadyThere { batch, kind } => format!("there {} {kind:?}", batch.id),
        CreateOutcome::Recovered { batch } => format!("recovered {}", batch.id),
        CreateOutcome::Unknown { error, look_after } => {
            format!(
                "unknown: {}; after {}",
                error.kind(),
                look_after.map_or("?".to_owned(), |at| at.to_string())
            )
        }
        CreateOutcome::Refused { reason } => format!("refused: {reason}"),
        CreateOutcome::NotCreated { error } => format!("not created: {}", error.kind()),
    }
}

fn nothing_to_check() -> Precheck {
    Box::pin(std::future::ready(Ok(None)))
}

use Duplicates::{Allow, Refuse};

#[tokio::test]
async fn a_precheck_that_finds_a_reason_stops_the_create() {
    let bench = Bench::new(Fake::default()).await;
    let precheck: Precheck = Box::pin(std::future::ready(Err("no files".to_owned())));
    let deadline = Instant::now() + Duration::from_secs(3);
    let outcome = bench
        .create_once
        .create(&Scope::default(), &request(), Refuse, precheck, deadline)
        .await;
    assert_eq!((told(&outcome).as_str(), bench.posts()), ("refused: no files", 0));
}

#[tokio::test]
async fn the_guard_decides() {
    let check = async |status: &str, created: &str, duplicates: Duplicates, posts: usize, expected: &str| {
        let batches = vec![
            batch("bat-old", status, created),
            batch("bat-x", "RUNNING", NOW).replace("cfg-1", "cfg-2"),
        ];
        let bench = Bench::new(Fake {
            batches,
            ..Fake::default()
        })
        .await;
        assert_eq!(bench.create(duplicates).await, expected, "{status} {created}");
        assert_eq!(bench.posts(), posts, "{status} {created}");
    };
    let (recent, old) = ("2026-11-24T11:51:00+00:00", "2026-11-24T11:49:00+00:00");
    let created = "created bat-new-1, checked, mentions []";
    for status in ["PENDING", "THROTTLED", "RUNNING", "PAUSED"] {
        check(status, old, Refuse, 0, "there bat-old Running").await;
        check(status, old, Allow, 1, created).await;
    }
    check("COMPLETED", recent, Refuse, 0, "there bat-old JustCompleted").await;
    check(
        "COMPLETED",
        "2026-11-24T11:51:00",
        Refuse,
        0,
        "there bat-old JustCompleted",
    )
    .await;
    check("COMPLETED", recent, Allow, 1, created).await;
    check("COMPLETED", old, Refuse, 1, created).await;
    for status in ["FAILED", "CANCELLED"] {
        check(
            status,
            recent,
            Refuse,
            1,
            r#"created bat-new-1, checked, mentions ["bat-old"]"#,
        )
        .await;
        check(status, old, Refuse, 1, created).await;
    }
}

#[tokio::test]
async fn every_page_is_read_up_to_a_limit() {
    let mut batches = vec![batch("bat-f", "FAILED", "2026-01-01T00:00:00Z"); 2];
    batches.push(batch("bat-old", "RUNNING", "2026-11-24T00:00:00Z"));
    let bench = Bench::new(Fake {
        batches: batches.clone(),
        page_size: Some(1),
        ..Fake::default()
    })
    .await;
    assert_eq!(bench.create(Refuse).await, "there bat-old Running");
    batches.insert(0, batch("bat-g", "FAILED", "2026-01-01T00:00:00Z"));
    let bench = Bench::new(Fake {
        batches,
        page_size: Some(1),
        ..Fake::default()
    })
    .await;
    assert_eq!(bench.create(Refuse).await, "created bat-new-1, skipped, mentions []");
}

#[tokio::test]
async fn a_failing_guard_stops_only_what_would_fail_anyway() {
    let check = async |list_errors: Vec<&'static str>, posts: usize, expected: &str| {
        let bench = Bench::new(Fake {
            list_errors,
            ..Fake::default()
        })
        .await;
        assert_eq!(bench.create(Refuse).await, expected);
        assert_eq!(bench.posts(), posts);
    };
    check(vec!["500 x"; 3], 1, "created bat-new-1, skipped, mentions []").await;
    check(vec!["404 x"], 1, "created bat-new-1, skipped, mentions []").await;
    check(vec!["422 x"], 1, "created bat-new-1, checked, mentions []").await;
    check(vec!["422 x"; 2], 1, "created bat-new-1, skipped, mentions []").await;
    check(vec!["401 x"], 0, "not created: API key rejected (401)").await;
    check(vec!["403 x"], 0, "not created: forbidden (403)").await;
}

#[tokio::test]
async fn a_lost_answer_is_recovered() {
    for lag in [0, 3] {
        let batches = vec![batch("bat-old", "FAILED", "2026-11-24T11:59:59Z")];
        let bench = Bench::new(Fake {
            batches,
            lose_answer: true,
            lag,
            ..Fake::default()
        })
        .await;
        assert_eq!(bench.create(Refuse).await, "recovered bat-new-1");
        let listed: Vec<_> = bench
            .server
            .seen()
            .iter()
            .filter(|seen| !seen.is_post())
            .map(|seen| seen.head.clone())
            .collect();
        let [guard, .., look] = listed.as_slice() else {
            panic!("guard and look: {listed:?}")
        };
        assert!(
            guard.starts_with("GET /api/v2/batches?page_size=100&source_directory_id=dir-1 HTTP/1.1\n"),
            "{guard}"
        );
        assert!(
            look.contains("&created_at_on_or_after=2026-11-24T11%3A59%3A55"),
            "{look}"
        );
        assert_eq!(bench.create(Refuse).await, "there bat-new-1 Running");
        assert_eq!(bench.posts(), 1);
    }
}

#[tokio::test]
async fn without_a_guard_only_a_younger_batch_is_taken_for_ours() {
    let list_errors = vec!["500 x"; 3];
    let batches = vec![batch("bat-old", "RUNNING", "2026-11-24T11:59:59Z")];
    let fake = Fake {
        batches,
        list_errors,
        lose_answer: true,
        ..Fake::default()
    };
    assert_eq!(Bench::new(fake).await.create(Refuse).await, "recovered bat-new-1");
    let list_errors = vec!["500 x"; 3];
    let batches = vec![batch("bat-old", "RUNNING", "2026-11-24T11:59:59Z")];
    let fake = Fake {
        batches,
        list_errors,
        lose_request: true,
        ..Fake::default()
    };
    let told = Bench::new(fake)
        .await
        .create_within(Refuse, Duration::from_secs(1))
        .await;
    assert!(
        told.starts_with("unknown: unreachable; after 2026-11-24T11:59:55"),
        "{told}"
    );
}

#[tokio::test]
async fn an_unknown_outcome_is_not_tried_again() {
    let bench = Bench::new(Fake {
        lose_request: true,
        ..Fake::default()
    })
    .await;
    let time = Duration::from_secs(1);
    for _ in 0..2 {
        let told = bench.create_within(Refuse, time).await;
        assert!(
            told.starts_with("unknown: unreachable; after 2026-11-24T11:59:55"),
            "{told}"
        );
        assert_eq!(bench.posts(), 1);
    }
    bench.create_within(Allow, time).await;
    assert_eq!(bench.posts(), 2, "whoever insists may pay again");
}

#[tokio::test]
async fn a_lagging_list_is_bridged() {
    let bench = Bench::new(Fake {
        lag: 9,
        ..Fake::default()
    })
    .await;
    assert_eq!(bench.create(Refuse).await, "created bat-new-1, checked, mentions []");
    assert_eq!(bench.create(Refuse).await, "there bat-new-1 Running");
    assert_eq!(bench.posts(), 1);
}

#[tokio::test]
async fn identical_creates_share_one_attempt() {
    let bench = Bench::new(Fake::default()).await;
    let (one, two, three) = tokio::join!(bench.create(Refuse), bench.create(Refuse), bench.create(Refuse));
    assert_eq!(one, "created bat-new-1, checked, mentions []");
    assert_eq!([two.as_str(), three.as_str()], ["there bat-new-1 SharedAttempt"; 2]);
    assert_eq!(bench.server.seen().len(), 2);
}

#[tokio::test]
async fn allowed_duplicates_do_not_take_each_others_batch() {
    let bench = Bench::new(Fake {
        lose_answer: true,
        lag: 2,
        ..Fake::default()
    })
    .await;
    let (one, two) = tokio::join!(bench.create(Allow), bench.create(Allow));
    assert_eq!(
        [one.as_str(), two.as_str()],
        ["recovered bat-new-1", "recovered bat-new-2"]
    );
    assert_eq!(bench.posts(), 2);
}

#[tokio::test]
async fn a_dropped_call_tears_nothing_and_leaves_a_line() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .without_time()
        .with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let bench = Bench::new(Fake {
        answer_delay: Duration::from_millis(50),
        ..Fake::default()
    })
    .await;
    let call = bench.begin();
    bench.server.has_seen(2).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    bench.settling.close();
    bench.settling.wait().await;
    assert_eq!(bench.posts(), 1);
    let line = "WARN llamacloud_batches_mcp::llamacloud::create_once: created batch bat-new-1; \
                the call that asked for it was cancelled batch.id=\"bat-new-1\"";
    assert_eq!(log.text().trim(), line);
}

#[tokio::test]
async fn a_call_given_up_before_the_post_sends_nothing() {
    let bench = Bench::new(Fake::default()).await;
    let call = bench.begin();
    bench.server.has_seen(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    bench.settling.close();
    bench.settling.wait().await;
    assert_eq!(bench.posts(), 0);
}

#[tokio::test]
async fn a_deadline_that_has_passed_creates_nothing() {
    let bench = Bench::new(Fake::default()).await;
    let told = bench.create_within(Refuse, Duration::ZERO).await;
    assert_eq!((told.as_str(), bench.posts()), ("not created: timed out", 0));
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

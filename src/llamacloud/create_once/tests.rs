//! The protocol against a raw fake that can lose answers, lag, and refuse.

use std::{io, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{
    CreateOnce, CreatePolicy,
    Duplicates::{Allow, Refuse},
    Order,
    fake::{Bench, Fake, LONG_AGO, batch, order, running, shown},
};
use crate::llamacloud::{
    Product, Scope, Window,
    client::MAX_AT_ONCE,
    test_server::{Reply, TestServer},
};

fn error(status: &'static str) -> (&'static str, String) {
    (status, r#"{"detail":"no"}"#.to_owned())
}

#[tokio::test]
async fn a_batch_that_is_not_final_is_the_answer_and_another_job_is_not() {
    for status in ["PENDING", "THROTTLED", "RUNNING"] {
        let fake = || Fake {
            batches: vec![
                batch("bat-old", status, LONG_AGO),
                running("bat-x").replace("cfg-1", "cfg-2"),
            ],
            ..Fake::default()
        };
        let bench = Bench::new(fake()).await;
        assert_eq!(bench.create(Refuse).await, format!("there bat-old {status} Unchanged"));
        assert_eq!(bench.posts(), 0);
        let bench = Bench::new(fake()).await;
        assert_eq!(bench.create(Allow).await, "created bat-new-1 over 1");
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let mut batches = vec![batch("bat-f", "FAILED", LONG_AGO); 6];
    batches.push(running("bat-old"));
    let bench = Bench::new(Fake {
        batches,
        page_size: Some(1),
        ..Fake::default()
    })
    .await;
    assert_eq!(bench.create(Refuse).await, "there bat-old RUNNING Unchanged");
}

/// The list never ends: each page names itself as the next one.
#[tokio::test]
async fn a_list_without_an_end_is_not_read() {
    let endless = || r#"{"items":[],"next_page_token":"0"}"#.to_owned();
    let fake = || Fake {
        list_errors: vec![("200 OK", endless()), ("200 OK", endless())],
        ..Fake::default()
    };
    let bench = Bench::new(fake()).await;
    assert!(bench.create(Refuse).await.starts_with("not checked: "));
    assert_eq!((bench.posts(), bench.lists().len()), (0, 2));
}

#[tokio::test]
async fn an_unreadable_list_stops_what_allows_no_duplicates() {
    let check = async |errors: Vec<(&'static str, String)>, refused: &str, allowed: &str| {
        for (duplicates, expected) in [(Refuse, refused), (Allow, allowed)] {
            let bench = Bench::new(Fake {
                list_errors: errors.clone(),
                ..Fake::default()
            })
            .await;
            let told = bench.create(duplicates).await;
            assert!(told.starts_with(expected), "{told}; expected: {expected}");
            assert_eq!(bench.posts(), usize::from(expected.starts_with("created")));
        }
    };
    let created = "created bat-new-1 over 1";
    check(vec![error("500 x"); 3], "not checked: unavailable (500)", created).await;
    check(
        vec![error("404 x")],
        "not created: no such path (404)",
        "not created: no such path (404)",
    )
    .await;
    check(
        vec![error("405 x"); 3],
        "not created: no such path (405)",
        "not created: no such path (405)",
    )
    .await;
    check(vec![error("422 x"); 3], "not checked: rejected (422)", created).await;
    check(vec![error("422 x"); 2], created, created).await;
    let page = ("200 OK\ncontent-type: text/html", "<html>Sign in</html>".to_owned());
    check(vec![page], "not checked: ", created).await;
    let huge = ("200 OK", format!("[{}]", " ".repeat(70_000)));
    check(vec![huge; 3], "not checked: ", created).await;
    let (unauthorized, forbidden) = ("not created: API key rejected (401)", "not created: forbidden (403)");
    check(vec![error("401 x")], unauthorized, unauthorized).await;
    check(vec![error("403 x")], forbidden, forbidden).await;
}

/// The guard has the whole time of the call.
#[tokio::test]
async fn a_slow_list_is_waited_for() {
    let bench = Bench::new(Fake {
        batches: vec![running("bat-old")],
        list_delay: Duration::from_millis(400),
        ..Fake::default()
    })
    .await;
    let told = bench.create_within(Refuse, Duration::from_millis(900)).await;
    assert_eq!((told.as_str(), bench.posts()), ("there bat-old RUNNING Unchanged", 0));
}

/// Other reads that never end take every place in their queue.
#[tokio::test]
async fn other_reads_do_not_delay_the_guard() {
    let server = TestServer::start({
        let mut fake = Fake::default();
        move |_, request| {
            if request.head.contains("/parse") {
                Reply::Hang(Vec::new())
            } else {
                fake.answer(request)
            }
        }
    })
    .await;
    let client = server.client();
    let create_once = CreateOnce::new(&client, CreatePolicy::default(), TaskTracker::new());
    let deadline = Instant::now() + Duration::from_secs(9);
    let reads: Vec<_> = (0..=MAX_AT_ONCE)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                client
                    .list_jobs(&Scope::default(), Product::Parse, &[], &Window::default(), deadline)
                    .await
            })
        })
        .collect();
    server.has_seen(MAX_AT_ONCE).await;
    assert_eq!(
        shown(&create_once.create(order(), deadline).await),
        "created bat-new-1 over 1"
    );
    for read in reads {
        read.abort();
    }
}

#[tokio::test]
async fn a_lost_answer_is_recovered() {
    for lag in [0, 3] {
        let bench = Bench::new(Fake {
            batches: vec![batch("bat-old", "FAILED", "2026-11-24T11:59:59Z")],
            lose_answer: true,
            lag,
            ..Fake::default()
        })
        .await;
        assert_eq!(bench.create(Refuse).await, "recovered bat-new-1");
        let lists = bench.lists();
        let [guard, .., look] = lists.as_slice() else {
            panic!("guard and look: {lists:?}")
        };
        assert_eq!(
            guard,
            "GET /api/v2/batches?page_size=100&source_directory_id=dir-1 HTTP/1.1"
        );
        assert!(look.contains("&created_at_on_or_after=2026-11-24T11%3A45"), "{look}");
        assert_eq!(bench.create(Refuse).await, "there bat-new-1 PENDING Unchanged");
        assert_eq!(bench.posts(), 1);
    }
}

/// The `Date` header is ahead of `created_at`, or behind it.
#[tokio::test]
async fn a_lost_answer_is_recovered_although_clocks_differ() {
    for date in [
        "Tue, 24 Nov 2026 12:00:09 GMT",
        "Tue, 24 Nov 2026 12:04:01 GMT",
        "Tue, 24 Nov 2026 11:56:01 GMT",
    ] {
        let fake = || Fake {
            date,
            ..Fake::default()
        };
        let bench = Bench::new(Fake {
            lose_answer: true,
            ..fake()
        })
        .await;
        assert_eq!(bench.create(Refuse).await, "recovered bat-new-1", "{date}");
        let bench = Bench::new(Fake {
            lose_request: true,
            ..fake()
        })
        .await;
        let told = bench.create_within(Refuse, Duration::from_secs(1)).await;
        let (_, after) = told.split_once("; after ").unwrap();
        assert!(after < "2026-11-24T12:00:01Z", "later than the batch: {told}");
    }
}

#[tokio::test]
async fn without_a_guard_only_a_younger_batch_is_taken_for_ours() {
    let fake = || Fake {
        batches: vec![running("bat-old")],
        list_errors: vec![error("500 x"); 3],
        ..Fake::default()
    };
    let bench = Bench::new(Fake {
        lose_answer: true,
        ..fake()
    })
    .await;
    assert_eq!(bench.create(Allow).await, "recovered bat-new-1");
    let bench = Bench::new(Fake {
        lose_request: true,
        ..fake()
    })
    .await;
    let told = bench.create_within(Allow, Duration::from_secs(1)).await;
    assert!(
        told.starts_with("unknown: unreachable; after 2026-11-24T11:45"),
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
    let elsewhere = Order {
        scope: Scope {
            project_id: Some("5A11BA5E-0000-4000-8000-000000000001".parse().unwrap()),
            ..Scope::default()
        },
        ..order()
    };
    for order in [order(), order(), elsewhere] {
        let told = bench.create_order(order, time).await;
        assert!(
            told.starts_with("unknown: unreachable; after 2026-11-24T11:45"),
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
    assert_eq!(bench.create(Refuse).await, "created bat-new-1 over 1");
    assert_eq!(bench.create(Refuse).await, "there bat-new-1 PENDING Unchanged");
    assert_eq!(bench.posts(), 1);
}

#[tokio::test]
async fn identical_creates_share_one_attempt() {
    let bench = Bench::new(Fake::default()).await;
    let (one, two, three) = tokio::join!(bench.create(Refuse), bench.create(Refuse), bench.create(Refuse));
    assert_eq!(one, "created bat-new-1 over 1");
    assert_eq!([two.as_str(), three.as_str()], ["shared bat-new-1"; 2]);
    assert_eq!(bench.server.seen().len(), 3);
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
    let mut recovered = [one.as_str(), two.as_str()];
    recovered.sort_unstable();
    assert_eq!(recovered, ["recovered bat-new-1", "recovered bat-new-2"]);
    assert_eq!(bench.posts(), 2);
}

/// The POST leaves only while at least an eighth of the time is left: one that is cut off would leave its outcome unknown.
#[tokio::test]
async fn a_guard_that_takes_all_the_time_sends_nothing() {
    let bench = Bench::new(Fake {
        list_delay: Duration::from_millis(950),
        ..Fake::default()
    })
    .await;
    let told = bench.create_within(Refuse, Duration::from_secs(1)).await;
    assert_eq!((told.as_str(), bench.posts()), ("not created: timed out", 0));
}

#[tokio::test]
async fn a_dropped_call_tears_nothing_and_leaves_a_line() {
    let (log, writer) = io::pipe().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(Arc::new(writer))
        .without_time()
        .with_ansi(false);
    let logging = tracing::subscriber::set_default(subscriber.finish());
    let bench = Bench::new(Fake {
        answer_delay: Duration::from_millis(50),
        ..Fake::default()
    })
    .await;
    let call = bench.begin();
    bench.server.has_seen(3).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    bench.settling.close();
    bench.settling.wait().await;
    assert_eq!(bench.posts(), 1);
    let line = "WARN llamacloud_batches_mcp::llamacloud::create_once: created batch bat-new-1; \
                the call that requested it was cancelled batch.id=\"bat-new-1\"";
    drop(logging);
    assert_eq!(io::read_to_string(log).unwrap().trim(), line);
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
    assert_eq!((told.as_str(), bench.posts()), ("not checked: timed out", 0));
}

//! Which batches are the same work, and whether their input has changed since.

use std::time::Duration;

use super::{
    Duplicates::{Allow, Refuse},
    Order,
    fake::{Bench, Fake, LONG_AGO, batch, configuration, file_list, order, running},
};
use crate::llamacloud::Scope;

const CREATED: &str = "2026-05-08T12:00:00Z";
const ENDED: &str = "2026-05-08T14:00:00Z";
const LATER: &str = "2026-05-09T12:00:00Z";

/// A batch of this work that was COMPLETED months ago.
fn old() -> String {
    batch("bat-old", "COMPLETED", CREATED).replace(
        &format!(r#""updated_at":"{CREATED}""#),
        &format!(r#""updated_at":"{ENDED}""#),
    )
}

async fn check(fake: Fake, expected: &str) {
    let bench = Bench::new(fake).await;
    assert_eq!(bench.create(Refuse).await, expected);
    assert_eq!(
        bench.posts(),
        usize::from(expected.starts_with("created")),
        "{expected}"
    );
}

fn with_old(fake: Fake) -> Fake {
    Fake {
        batches: vec![old()],
        ..fake
    }
}

#[tokio::test]
async fn completed_41_minutes_3_hours_or_200_days_ago_and_nothing_changed() {
    for created in [
        "2026-11-24T11:19:00Z",
        "2026-11-24T09:00:00",
        "2026-05-08T12:00:00+00:00",
    ] {
        let fake = || Fake {
            batches: vec![batch("bat-old", "COMPLETED", created)],
            ..Fake::default()
        };
        check(fake(), "there bat-old COMPLETED Unchanged").await;
        assert_eq!(Bench::new(fake()).await.create(Allow).await, "created bat-new-1 over 1");
    }
}

#[tokio::test]
async fn completed_and_a_file_was_added_since() {
    let files = vec![file_list(&[(LONG_AGO, LONG_AGO), (LATER, LATER)])];
    let fake = with_old(Fake {
        files,
        ..Fake::default()
    });
    check(fake, "created bat-new-1 over 2; before it bat-old FilesAdded(1)").await;
}

/// The clock of files is ahead of the clock of batches. A file that has a result was there when the batch began.
#[tokio::test]
async fn completed_and_its_own_files_seem_to_be_later() {
    const AHEAD: (&str, &str) = ("2026-05-08T12:00:20Z", "2026-05-08T12:00:20Z");
    let fake = |results: &str, files: &[(&str, &str)]| {
        with_old(Fake {
            results: results.to_owned(),
            files: vec![file_list(files)],
            ..Fake::default()
        })
    };
    let one = r#"[{"source_directory_file_id":"dfl-1"}]"#;
    let bench = Bench::new(fake(one, &[AHEAD])).await;
    for _ in 0..3 {
        assert_eq!(bench.create(Refuse).await, "there bat-old COMPLETED Unchanged");
    }
    assert_eq!((bench.posts(), bench.expansions()), (0, 3));
    let created = "created bat-new-1 over 2; before it bat-old FilesAdded(1)";
    check(fake(one, &[AHEAD, (LATER, LATER)]), created).await;
    let unread = "created bat-new-1 over 1; before it bat-old FilesAdded(1)";
    check(fake("", &[AHEAD]), unread).await;
    check(fake("null", &[AHEAD]), unread).await;
}

/// What the newest batch did not cover, no earlier one covered either.
#[tokio::test]
async fn the_results_of_one_batch_are_read_and_only_if_a_file_seems_to_be_later() {
    for (added, expansions) in [(LONG_AGO, 0), ("2026-05-10T12:00:00Z", 1)] {
        let bench = Bench::new(Fake {
            batches: vec![old(), batch("bat-newer", "COMPLETED", LATER)],
            files: vec![file_list(&[(added, added)])],
            ..Fake::default()
        })
        .await;
        bench.create(Refuse).await;
        assert_eq!((bench.posts(), bench.expansions()), (expansions, expansions));
    }
}

/// A retry's directory is named after its files and never holds others, whenever they were added.
#[tokio::test]
async fn completed_over_files_that_are_fixed() {
    let bench = Bench::new(with_old(Fake {
        files: vec![file_list(&[(LATER, LATER)])],
        ..Fake::default()
    }))
    .await;
    let order = Order {
        fixed_files: true,
        ..order()
    };
    let told = bench.create_order(order, Duration::from_secs(3)).await;
    assert_eq!((told.as_str(), bench.posts()), ("there bat-old COMPLETED Unchanged", 0));
}

#[tokio::test]
async fn completed_and_its_files_were_updated_since_but_none_was_added() {
    let files = vec![file_list(&[(LONG_AGO, LATER)])];
    let fake = with_old(Fake {
        files,
        ..Fake::default()
    });
    check(fake, "there bat-old COMPLETED Unchanged").await;
}

#[tokio::test]
async fn completed_in_a_connectors_directory_and_a_file_was_updated_after_it_ended_or_before() {
    let connected = r#"{"id":"dir-1","connector_subscription_id":"sub-1"}"#;
    for (updated, directory, expected) in [
        (
            LATER,
            connected,
            "created bat-new-1 over 1; before it bat-old FilesUpdated(1)",
        ),
        ("2026-05-08T13:00:00Z", connected, "there bat-old COMPLETED Unchanged"),
        (LATER, "", "there bat-old COMPLETED Unknown"),
    ] {
        let fake = with_old(Fake {
            files: vec![file_list(&[(LONG_AGO, updated)])],
            directory: directory.to_owned(),
            ..Fake::default()
        });
        check(fake, expected).await;
    }
}

#[tokio::test]
async fn completed_and_its_configuration_has_a_newer_version_or_update() {
    for (version, updated) in [(LATER, LATER), (LATER, LONG_AGO), (LONG_AGO, LATER)] {
        let fake = with_old(Fake {
            configuration: configuration(version, updated),
            ..Fake::default()
        });
        check(fake, "created bat-new-1 over 1; before it bat-old Configuration").await;
    }
}

#[tokio::test]
async fn completed_and_the_change_cannot_be_determined() {
    let unknown = "there bat-old COMPLETED Unknown";
    let unread = || vec![String::new()];
    check(
        with_old(Fake {
            files: unread(),
            ..Fake::default()
        }),
        unknown,
    )
    .await;
    check(
        with_old(Fake {
            configuration: String::new(),
            ..Fake::default()
        }),
        unknown,
    )
    .await;
    let fake = Fake {
        batches: vec![old().replace(&format!(r#""created_at":"{CREATED}","#), "")],
        files: vec![file_list(&[(LATER, LATER)])],
        ..Fake::default()
    };
    check(fake, unknown).await;
    let undated = r#"{"items":[{"id":"dfl-1","created_at":7}]}"#.to_owned();
    check(
        with_old(Fake {
            files: vec![undated],
            ..Fake::default()
        }),
        unknown,
    )
    .await;
    // What certainly changed outweighs what could not be read.
    let fake = with_old(Fake {
        files: unread(),
        configuration: configuration(LATER, LATER),
        ..Fake::default()
    });
    check(fake, "created bat-new-1 over ?; before it bat-old Configuration").await;
}

/// A built-in preset has no versions, and nobody asks for them.
#[tokio::test]
async fn completed_with_a_preset() {
    let bench = Bench::new(Fake {
        batches: vec![old().replace("cfg-1", "cfg-PARSE_AGENTIC")],
        configuration: configuration(LATER, LATER),
        ..Fake::default()
    })
    .await;
    let mut order = order();
    order.request.config.job.configuration_id = "cfg-PARSE_AGENTIC".parse().unwrap();
    let told = bench.create_order(order, Duration::from_secs(3)).await;
    assert_eq!(told, "there bat-old COMPLETED Unchanged");
}

#[tokio::test]
async fn of_several_batches_the_one_that_runs_or_the_newest_is_the_answer() {
    let newer = batch("bat-newer", "COMPLETED", LATER);
    let files = vec![file_list(&[("2026-05-09T00:00:00Z", LONG_AGO)])];
    let fake = |batches| Fake {
        batches,
        files: files.clone(),
        ..Fake::default()
    };
    check(fake(vec![newer.clone(), old()]), "there bat-newer COMPLETED Unchanged").await;
    check(
        fake(vec![newer.clone(), running("bat-runs"), old()]),
        "there bat-runs RUNNING Unchanged",
    )
    .await;
    let failed = batch("bat-failed", "FAILED", LATER);
    check(
        fake(vec![old(), failed]),
        "created bat-new-1 over 1; before it bat-old FilesAdded(1); before it bat-failed FAILED",
    )
    .await;
}

#[tokio::test]
async fn failed_or_cancelled_3_hours_ago() {
    for status in ["FAILED", "CANCELLED"] {
        let fake = Fake {
            batches: vec![batch("bat-old", status, "2026-11-24T09:00:00Z")],
            ..Fake::default()
        };
        check(fake, &format!("created bat-new-1 over 1; before it bat-old {status}")).await;
    }
}

#[tokio::test]
async fn a_status_that_is_unknown_or_null() {
    for (status, seen) in [(r#""EXPIRED""#, "EXPIRED "), ("null", " "), ("7", "7 ")] {
        let batches = vec![running("bat-odd").replace(r#""RUNNING""#, status)];
        let fake = Fake {
            batches,
            ..Fake::default()
        };
        check(fake, &format!("there bat-odd {seen}Unchanged")).await;
    }
}

#[tokio::test]
async fn a_status_in_other_letters() {
    let fake = |status| Fake {
        batches: vec![batch("bat-old", status, CREATED)],
        ..Fake::default()
    };
    check(fake("completed"), "there bat-old COMPLETED Unchanged").await;
    check(fake("Failed"), "created bat-new-1 over 1; before it bat-old FAILED").await;
}

/// Two calls overlap. Only one of them names a project or an organization, or both name the same project, once in capital
/// letters.
#[tokio::test]
async fn a_scope_that_is_spelled_in_another_way_is_the_same_work() {
    let scope = |project: Option<&str>, organization: Option<&str>| Order {
        scope: Scope {
            project_id: project.map(|id| id.parse().unwrap()),
            organization_id: organization.map(|id| id.parse().unwrap()),
        },
        ..order()
    };
    let (small, capital) = (
        "5a11ba5e-0000-4000-8000-000000000001",
        "5A11BA5E-0000-4000-8000-000000000001",
    );
    let pairs = [
        (order(), scope(Some(small), None)),
        (order(), scope(None, Some(small))),
        (scope(Some(small), None), scope(Some(capital), None)),
    ];
    for (one, two) in pairs {
        let bench = Bench::new(Fake::default()).await;
        let time = Duration::from_secs(3);
        let (one, two) = tokio::join!(bench.create_order(one, time), bench.create_order(two, time));
        assert_eq!(
            (one.as_str(), two.as_str()),
            ("created bat-new-1 over 1", "shared bat-new-1")
        );
        assert_eq!(bench.posts(), 1);
    }
}

/// LlamaCloud names what a preset stands for. The list then shows the batch under another configuration.
#[tokio::test]
async fn a_batch_that_this_process_made_is_known_by_its_id() {
    let mut order = order();
    order.request.config.job.configuration_id = "cfg-PARSE_AGENTIC".parse().unwrap();
    let bench = Bench::new(Fake {
        made_with: "cfg-resolved",
        ..Fake::default()
    })
    .await;
    let time = Duration::from_secs(3);
    assert_eq!(
        bench.create_order(order.clone(), time).await,
        "created bat-new-1 over 1"
    );
    assert_eq!(
        bench.create_order(order, time).await,
        "there bat-new-1 PENDING Unchanged"
    );
    assert_eq!(bench.posts(), 1);
}

/// The batch was made all the same, and is found in the list.
#[tokio::test]
async fn an_answer_about_something_else_is_an_unknown_outcome() {
    let made = || batch("bat-else", "PENDING", LATER);
    for foreign in [
        made().replace("dir-1", "dir-2"),
        made().replace("parse_v2", "extract_v2"),
        made().replace("cfg-1", "cfg-2"),
        made().replace("bat-else", ""),
        made().replace("bat-else", "../x"),
        "{}".to_owned(),
    ] {
        let fake = |lose_request| Fake {
            foreign_answer: Some(foreign.clone()),
            lag: if lose_request { usize::MAX } else { 0 },
            ..Fake::default()
        };
        let bench = Bench::new(fake(false)).await;
        assert_eq!(bench.create(Refuse).await, "recovered bat-new-1", "{foreign}");
        let bench = Bench::new(fake(true)).await;
        let told = bench.create_within(Refuse, Duration::from_secs(1)).await;
        assert!(told.starts_with("unknown: "), "{told}");
        assert_eq!(bench.posts(), 1);
    }
}

#[tokio::test]
async fn an_empty_directory_is_read_twice() {
    let (none, one) = (file_list(&[]), file_list(&[(LONG_AGO, LONG_AGO)]));
    let fake = |files| Fake {
        files,
        ..Fake::default()
    };
    check(fake(vec![none.clone(), one]), "created bat-new-1 over 1").await;
    check(fake(vec![none.clone(), none.clone()]), "no files").await;
    let batches = vec![running("bat-old")];
    check(
        Fake {
            batches,
            ..fake(vec![none])
        },
        "there bat-old RUNNING Unchanged",
    )
    .await;
}

#[tokio::test]
async fn a_yes_counts_for_the_number_of_files_that_the_user_saw() {
    let four = file_list(&[(LONG_AGO, LONG_AGO); 4]);
    for (files, expected) in [
        (four.clone(), "created bat-new-1 over 4"),
        (file_list(&[(LONG_AGO, LONG_AGO); 500]), "agreed to 4, now Some(500)"),
        (String::new(), "agreed to 4, now None"),
    ] {
        let mut order = order();
        order.agreed_files = Some(4);
        let bench = Bench::new(Fake {
            files: vec![files],
            ..Fake::default()
        })
        .await;
        assert_eq!(bench.create_order(order, Duration::from_secs(3)).await, expected);
    }
}

//! Lists of batches and of files: filters, and pages that hold each entry once.

use std::collections::BTreeSet;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_BROKEN, DIR_FAILING, DIR_SMALL, DIR_THOUSAND, ORGANIZATION_ID, PROJECT_ID};
use serde_json::{Value, json};

use super::harness::peer::Peer;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup};
use super::tools_call::create;

/// Creates a batch for each directory. Each takes three requests: one lists the files, one lists the batches for the guard, and
/// one creates the batch.
async fn create_all(peer: &mut Peer, directories: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for directory in directories {
        ids.push(create(peer, directory).await);
    }
    ids
}

#[tokio::test]
async fn the_pages_of_a_large_batch_hold_each_file_once() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_THOUSAND).await;
    let before = harness.ledger().total();
    let mut files = Vec::new();
    let mut arguments = json!({ "batch_id": id, "expand": ["results"] });
    let mut pages = 0;
    loop {
        let page = harness.call("get_batch", arguments).await.json();
        pages += 1;
        let results = page["results"].as_array().unwrap();
        files.extend(results.iter().map(|file| file["file_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.get("next_results_cursor") else {
            break;
        };
        arguments = json!({ "batch_id": id, "results_cursor": cursor });
    }
    assert_eq!(files.iter().collect::<BTreeSet<_>>().len(), 1000);
    assert_eq!(files.len(), 1000);
    assert!(pages > 10, "{pages} pages");
    // The mapping of a COMPLETED batch does not change.
    harness.close(before + 1).await;
}

#[tokio::test]
async fn a_cursor_fits_one_batch_only() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let ids = create_all(&mut harness, &[DIR_THOUSAND, DIR_THOUSAND, DIR_BROKEN]).await;
    let page = harness
        .call("get_batch", json!({ "batch_id": ids[0], "expand": ["results"] }))
        .await
        .json();
    let cursor = page["next_results_cursor"].as_str().unwrap();
    for (id, cursor) in [
        (&ids[1], cursor),
        (&ids[2], cursor),
        (&ids[0], "MS41Ny4w"),
        (&ids[0], "not a cursor"),
    ] {
        let said = harness
            .call("get_batch", json!({ "batch_id": id, "results_cursor": cursor }))
            .await;
        assert!(
            said.error().contains("`results_cursor`") && said.error().contains("without"),
            "{}",
            said.text
        );
    }
    harness.close(12).await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let ids = create_all(&mut harness, &[DIR_SMALL, DIR_FAILING, DIR_BROKEN, DIR_SMALL]).await;
    let newest_first: Vec<_> = ids.iter().rev().cloned().collect();
    let of = |list: &Value| -> Vec<String> {
        let batches = list["batches"].as_array().unwrap().iter();
        batches.map(|batch| batch["id"].as_str().unwrap().to_owned()).collect()
    };
    for (arguments, expected) in [
        (json!({}), newest_first.clone()),
        (json!({ "status": "FAILED" }), vec![ids[2].clone()]),
        (json!({ "status": "RUNNING" }), vec![]),
        (
            json!({ "source_directory_id": DIR_SMALL }),
            vec![ids[3].clone(), ids[0].clone()],
        ),
        (json!({ "source_directory_id": "dir-elsewhere" }), vec![]),
        (json!({ "created_at_on_or_after": "2020-01-01" }), newest_first.clone()),
        (
            json!({ "created_at_on_or_before": "2020-01-01T00:00:00+02:00" }),
            vec![],
        ),
        (
            json!({ "created_at_on_or_after": "2020-01-01", "created_at_on_or_before": "2100-01-01" }),
            newest_first.clone(),
        ),
        (
            json!({ "project_id": PROJECT_ID, "organization_id": ORGANIZATION_ID }),
            newest_first.clone(),
        ),
    ] {
        assert_eq!(
            of(&harness.call("list_batches", arguments.clone()).await.json()),
            expected,
            "{arguments}"
        );
    }
    let mut seen = Vec::new();
    let mut arguments = json!({ "page_size": 3 });
    loop {
        let list = harness.call("list_batches", arguments.clone()).await.json();
        seen.extend(of(&list));
        let Some(token) = list.get("next_page_token") else {
            break;
        };
        arguments["page_token"] = token.clone();
    }
    assert_eq!(seen, newest_first);
    harness.close(23).await;
}

/// The query carries what was asked, with our own default; instants are sent in UTC.
#[tokio::test]
async fn what_is_sent_is_what_was_asked() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for (arguments, query) in [
        (json!({}), "page_size=20"),
        (
            json!({ "page_size": 7, "status": "THROTTLED" }),
            "page_size=7&status=THROTTLED",
        ),
        (
            json!({ "created_at_on_or_after": "2026-11-24", "created_at_on_or_before": "2026-11-24T08:00:00+02:00" }),
            "page_size=20&created_at_on_or_after=2026-11-24T00%3A00%3A00Z&created_at_on_or_before=2026-11-24T06%3A00%3A00Z",
        ),
        // A date is that whole day.
        (
            json!({ "created_at_on_or_after": "2026-03-05", "created_at_on_or_before": "2026-03-05" }),
            "page_size=20&created_at_on_or_after=2026-03-05T00%3A00%3A00Z&created_at_on_or_before=2026-03-05T23%3A59%3A59.999999Z",
        ),
    ] {
        harness.call("list_batches", arguments).await.json();
        assert_eq!(
            harness.ledger().lines.last().unwrap(),
            &format!("GET /api/v2/batches?{query}")
        );
    }
    harness.close(4).await;
}

#[tokio::test]
async fn a_list_that_is_too_long_is_asked_for_in_smaller_pages() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let mut ids = create_all(&mut harness, &[DIR_SMALL; 40]).await;
    let mut arguments = json!({ "page_size": 40 });
    let mut seen = Vec::new();
    loop {
        let list = harness.call("list_batches", arguments.clone()).await.json();
        let batches = list["batches"].as_array().unwrap();
        seen.extend(batches.iter().map(|batch| batch["id"].as_str().unwrap().to_owned()));
        let Some(token) = list.get("next_page_token") else {
            break;
        };
        arguments["page_token"] = token.clone();
    }
    ids.reverse();
    assert_eq!(seen, ids);
    let hits = harness.ledger().count("GET /api/v2/batches") + 80;
    harness.close(hits).await;
}

/// A page of batches that share nothing.
fn page(count: usize, next_page_token: Option<&str>) -> Reply {
    let batch = |index: usize| {
        let id = |prefix: &str| format!("{prefix}-aaaaaaaa-bbbb-cccc-dddd-{index:012}");
        json!({
            "id": id("bat"),
            "source_directory_id": id("dir"),
            "config": { "job": { "type": "parse_v2", "configuration_id": id("cfg") } },
            "status": "COMPLETED",
            "created_at": format!("2026-11-24T10:{:02}:00Z", index % 60),
        })
    };
    let items: Vec<_> = (0..count).map(batch).collect();
    let body = json!({ "items": items, "next_page_token": next_page_token });
    Reply::json("200 OK", "", &body.to_string())
}

async fn over(upstream: &Upstream, arguments: &[&str]) -> Harness {
    Setup::over(upstream, arguments).open(Revision::V2025_06_18).await
}

#[tokio::test]
async fn an_api_that_ignores_page_size_gets_at_most_three_requests() {
    for (count, page_size, most) in [(50, 20, 1), (28, 20, 1), (50, 50, 2), (10, 10, 3)] {
        let upstream = Upstream::start([page(count, None)]).await;
        let mut harness = over(&upstream, &["--max-result-chars", "2000"]).await;
        let said = harness.call("list_batches", json!({ "page_size": page_size })).await;
        let list = said.json();
        assert!(said.text.chars().count() <= 2000, "{}", said.text);
        let summary = list["summary"].as_str().unwrap();
        let shown = list["batches"].as_array().unwrap().len();
        assert!((1..count).contains(&shown));
        assert!(
            summary.contains(&format!("{count} batches on this page, of which the first {shown} fit")),
            "{summary}"
        );
        assert!(upstream.lines().len() <= most, "{:#?}", upstream.lines());
        harness.close(0).await;
    }
}

#[tokio::test]
async fn a_page_token_that_is_refused_means_to_start_again() {
    for status in [
        "400 Bad Request",
        "404 Not Found",
        "410 Gone",
        "422 Unprocessable Content",
    ] {
        let upstream = Upstream::start([Reply::json(status, "", r#"{"detail":"Invalid page token"}"#)]).await;
        let mut harness = over(&upstream, &[]).await;
        let said = harness.call("list_batches", json!({ "page_token": "pgt-1" })).await;
        assert!(
            said.error().contains("start again without `page_token`"),
            "{}",
            said.text
        );
        harness.close(0).await;
    }
}

#[tokio::test]
async fn a_page_token_that_is_given_works_and_never_holds_what_hides() {
    let long = |length: usize| "t".repeat(length);
    for own in [
        "a\u{9b}b".to_owned(),
        "a\u{202e}b".to_owned(),
        "a\u{7f}b".to_owned(),
        long(3_000),
        long(7_000),
        long(20_000),
    ] {
        let upstream = Upstream::start([page(2, Some(&own)), page(1, None)]).await;
        let mut harness = over(&upstream, &[]).await;
        let said = harness.call("list_batches", json!({})).await;
        assert!(said.text.chars().count() <= 6000);
        assert!(!said.text.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{}", said.text);
        let token = said.json()["next_page_token"].clone();
        harness
            .call("list_batches", json!({ "page_token": token }))
            .await
            .json();
        let line = upstream.lines().pop().unwrap();
        let sent = line
            .split(['&', ' '])
            .find_map(|part| part.strip_prefix("page_token="))
            .unwrap();
        let expected = url_encoded(&own);
        assert!(sent == expected, "{} bytes for {}", sent.len(), expected.len());
        harness.close(0).await;
    }
    // An address holds at most 65,534 bytes.
    let upstream = Upstream::start([page(2, Some(&long(500_000)))]).await;
    let mut harness = over(&upstream, &[]).await;
    let list = harness.call("list_batches", json!({})).await.json();
    assert_eq!(list.get("next_page_token"), None);
    let summary = list["summary"].as_str().unwrap();
    assert!(
        summary.contains("on this page") && summary.contains("narrow the filters"),
        "{summary}"
    );
    harness.close(0).await;

    let upstream = Upstream::start([page(1, None)]).await;
    let mut harness = over(&upstream, &[]).await;
    let said = harness
        .call("list_batches", json!({ "page_token": "kept-of-another-process" }))
        .await;
    assert!(
        said.error().contains("Start again without `page_token`"),
        "{}",
        said.text
    );
    assert!(upstream.lines().is_empty());
    harness.close(0).await;
}

/// As a form is encoded.
fn url_encoded(text: &str) -> String {
    let pairs: String = reqwest::Url::parse_with_params("http://x/", [("t", text)])
        .unwrap()
        .query()
        .unwrap()
        .to_owned();
    pairs["t=".len()..].to_owned()
}

#[tokio::test]
async fn completed_does_not_mean_that_every_file_succeeded() {
    let upstream = Upstream::start([page(1, None)]).await;
    let mut harness = over(&upstream, &[]).await;
    let list = harness.call("list_batches", json!({})).await.json();
    let summary = list["summary"].as_str().unwrap();
    assert!(
        summary.contains("COMPLETED does not mean that every file succeeded"),
        "{summary}"
    );
    assert!(list["now"].as_str().unwrap().ends_with('Z'));
    harness.close(0).await;
}

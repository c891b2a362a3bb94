//! Lists of batches and of files: filters, and pages that hold each entry once.

use std::collections::BTreeSet;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_BROKEN, DIR_FAILING, DIR_SMALL, DIR_THOUSAND, ORGANIZATION_ID, PROJECT_ID};
use serde_json::{Value, json};

use super::harness::Harness;
use super::harness::peer::Peer;
use super::tools_call::create;

/// Creates a batch for each directory. Each takes two requests: the guard lists, and one is sent.
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
    ] {
        harness.call("list_batches", arguments).await.json();
        assert_eq!(
            harness.ledger().lines.last().unwrap(),
            &format!("GET /api/v2/batches?{query}")
        );
    }
    harness.close(3).await;
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

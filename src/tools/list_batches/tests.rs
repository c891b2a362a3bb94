//! Twenty batches in one answer, and the sentences about them.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::llamacloud::Batch;

fn batch(index: usize, status: &str) -> Value {
    let id = |prefix: &str, number: usize| format!("{prefix}-aaaaaaaa-bbbb-cccc-dddd-{number:012}");
    json!({
        "id": id("bat", index),
        "project_id": id("prj", 0),
        "source_directory_id": id("dir", index),
        "config": { "job": {
            "type": if index.is_multiple_of(2) { "parse_v2" } else { "extract_v2" },
            "configuration_id": id("cfg", index),
        } },
        "status": status,
        "created_at": format!("2026-11-24T10:{index:02}:00.123456Z"),
        "updated_at": format!("2026-11-24T11:{index:02}:00Z"),
    })
}

fn batches(batches: Vec<Value>) -> Vec<Entry> {
    let read = |batch: Value| Entry::from(serde_json::from_str::<Batch>(&batch.to_string()).unwrap());
    batches.into_iter().map(read).collect()
}

fn end(next_page_token: Option<&str>) -> PageEnd {
    PageEnd {
        next_page_token: next_page_token.map(str::to_owned),
        hidden: 0,
        ..PageEnd::default()
    }
}

fn shown(list: Vec<Value>, next_page_token: Option<&str>) -> String {
    let answer = answer(
        &Account::unreachable(6000),
        &batches(list),
        &end(next_page_token),
        Timestamp::UNIX_EPOCH,
    );
    serde_json::to_string(&answer).unwrap()
}

#[test]
fn twenty_batches_that_share_nothing_but_the_project_fit() {
    let list = (0..20).map(|index| batch(index, "COMPLETED")).collect();
    let text = shown(list, Some(&"t".repeat(200)));
    assert!(text.chars().count() <= 6000, "{}", text.chars().count());
    let output: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        output["in_common"],
        json!({ "project_id": "prj-aaaaaaaa-bbbb-cccc-dddd-000000000000" })
    );
    for member in ["id", "status", "source_directory_id", "job_type", "created_at"] {
        assert!(output["batches"][19].get(member).is_some(), "{member}");
    }
}

#[test]
fn what_is_shared_is_told_once() {
    let output: Value = serde_json::from_str(&shown(vec![batch(4, "RUNNING"); 3], None)).unwrap();
    assert_eq!(output["in_common"].as_object().unwrap().len(), 4);
    let members: Vec<_> = output["batches"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "status", "final", "created_at", "updated_at"]);
    let alone: Value = serde_json::from_str(&shown(vec![batch(4, "RUNNING")], None)).unwrap();
    assert!(alone.get("in_common").is_none() && alone["batches"][0]["project_id"].is_string());
}

#[test]
fn sentences() {
    let check = |list: Vec<Value>, token: Option<&str>, left_out: &[&str], expected: &Expect| {
        expected.assert_eq(&format!("{}\n", summarize(&batches(list), &end(token), left_out)));
    };
    check(
        vec![],
        None,
        &[],
        &expect![[r#"
            No batches found. Omit any filters, or use another project.
        "#]],
    );
    check(
        vec![],
        Some("t"),
        &[],
        &expect![[r#"
            This page has no batches. There are more: pass `next_page_token` as `page_token` and repeat the other arguments.
        "#]],
    );
    check(
        vec![batch(1, "COMPLETED")],
        None,
        &[],
        &expect![[r#"
            1 batch: 1 COMPLETED. COMPLETED does not mean that every file succeeded: `get_batch` counts the failed ones.
        "#]],
    );
    check(
        vec![
            batch(3, "RUNNING"),
            batch(1, "FAILED"),
            batch(2, "RUNNING"),
            batch(4, "THROTTLED"),
        ],
        Some("t"),
        &["updated_at"],
        &expect![[r#"
            4 batches on this page: 2 RUNNING, 1 FAILED, 1 THROTTLED. The oldest unfinished batch on this page: bat-aaaaaaaa-bbbb-cccc-dddd-000000000002 (RUNNING, created 2026-11-24T10:02:00Z); check its progress with `get_batch`. To save space, `updated_at` is left out; `get_batch` has them. There are more: pass `next_page_token` as `page_token` and repeat the other arguments.
        "#]],
    );
    check(
        vec![batch(3, "PENDING"), batch(1, "FAILED")],
        None,
        &["updated_at", "configuration_id"],
        &expect![[r#"
            2 batches: 1 PENDING, 1 FAILED. Unfinished: bat-aaaaaaaa-bbbb-cccc-dddd-000000000003 (PENDING, created 2026-11-24T10:03:00Z); check its progress with `get_batch`. To save space, `updated_at` and `configuration_id` are left out; `get_batch` has them.
        "#]],
    );
}

#[test]
fn the_oldest_unfinished_batch_is_the_oldest_whether_or_not_its_time_has_an_offset() {
    let mut list = vec![batch(3, "RUNNING"), batch(1, "RUNNING")];
    list[1]["created_at"] = json!("2026-11-24T10:01:00");
    let text = summarize(&batches(list), &end(None), &[]);
    assert!(
        text.contains("oldest unfinished batch on this page: bat-aaaaaaaa-bbbb-cccc-dddd-000000000001"),
        "{text}"
    );
}

#[test]
fn what_did_not_fit_is_counted() {
    let end = PageEnd {
        next_page_token: None,
        hidden: 40,
        ..PageEnd::default()
    };
    let text = summarize(&batches(vec![batch(1, "FAILED"); 10]), &end, &[]);
    assert!(
        text.starts_with("50 batches on this page, of which the first 10 fit into this answer: 10 FAILED."),
        "{text}"
    );
}

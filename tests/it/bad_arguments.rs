//! What the tools say to arguments that they do not accept: the argument, the rule, the remedy; and nothing is sent.

use expect_test::{Expect, expect};
use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::errors::sentence;
use super::harness::Harness;

async fn check_arguments(cases: &[(&str, Value, Expect)]) {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for (tool, arguments, expected) in cases {
        expected.assert_eq(&sentence(&mut harness, tool, arguments.clone()).await);
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_bad_argument_is_named_with_its_rule() {
    check_arguments(&[
        ("get_batch", json!({}), expect!["`get_batch` was not carried out. argument `batch_id`: is required. Correct this and call again."]),
        ("get_batch", json!({ "batch_id": null }), expect!["`get_batch` was not carried out. argument `batch_id`: is required. Correct this and call again."]),
        ("get_batch", json!({ "batch_id": "" }), expect!["`get_batch` was not carried out. argument `batch_id`: is empty. Correct this and call again."]),
        ("get_batch", json!({ "batch_id": "../files" }), expect![[r#"`get_batch` was not carried out. argument `batch_id`: "../files" holds characters other than A-Z, a-z, 0-9, _ and -. Correct this and call again."#]]),
        ("get_batch", json!({ "batch_id": "x".repeat(129) }), expect!["`get_batch` was not carried out. argument `batch_id`: is 129 characters long, more than 128. Correct this and call again."]),
        ("get_batch", json!({ "batch_id": 7 }), expect!["`get_batch` was not carried out. argument `batch_id`: expected a string, not 7. Correct this and call again."]),
        ("get_batch", json!({ "batchId": "bat-1" }), expect!["`get_batch` was not carried out. argument `batch_id`: is required; argument `batchId`: no such argument (did you mean `batch_id`?); accepted are `batch_id`, `expand`, `results_cursor`, `wait_seconds`, `project_id`, `organization_id`. Correct this and call again."]),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "expand": "results" }),
            expect![[r#"`get_batch` was not carried out. argument `expand`: expected an array, not "results". Correct this and call again."#]],
        ),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "expand": ["result"] }),
            expect![[r#"`get_batch` was not carried out. argument `expand[0]`: "result" is not one of `outcomes`, `results` (did you mean `results`?). Correct this and call again."#]],
        ),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "results_cursor": "x".repeat(2049) }),
            expect!["`get_batch` was not carried out. argument `results_cursor`: is 2049 characters long, more than 2048. Correct this and call again."],
        ),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "results_cursor": "" }),
            expect!["`get_batch` was not carried out. argument `results_cursor`: is empty. Correct this and call again."],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_filter_is_named_with_its_rule() {
    check_arguments(&[
        ("list_batches", json!({ "status": "DONE" }), expect![[r#"`list_batches` was not carried out. argument `status`: "DONE" is not one of `PENDING`, `THROTTLED`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED`. Correct this and call again."#]]),
        ("list_batches", json!({ "status": "completed" }), expect![[r#"`list_batches` was not carried out. argument `status`: "completed" is not one of `PENDING`, `THROTTLED`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED` (did you mean `COMPLETED`?). Correct this and call again."#]]),
        ("list_batches", json!({ "page_size": 0 }), expect!["`list_batches` was not carried out. argument `page_size`: 0 is less than 1. Correct this and call again."]),
        ("list_batches", json!({ "page_size": -1 }), expect!["`list_batches` was not carried out. argument `page_size`: -1 is less than 1. Correct this and call again."]),
        ("list_batches", json!({ "page_size": 1.5 }), expect!["`list_batches` was not carried out. argument `page_size`: expected an integer, not 1.5. Correct this and call again."]),
        ("list_batches", json!({ "page_size": "20" }), expect![[r#"`list_batches` was not carried out. argument `page_size`: expected an integer, not "20". Correct this and call again."#]]),
        ("list_batches", json!({ "page_token": "" }), expect!["`list_batches` was not carried out. argument `page_token`: is empty. Correct this and call again."]),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "yesterday" }),
            expect![[r#"`list_batches` was not carried out. argument `created_at_on_or_after`: "yesterday" is no date (2026-11-24) and no RFC 3339 instant with an offset (2026-11-24T08:00:00Z). Correct this and call again."#]],
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-24T08:00:00" }),
            expect![[r#"`list_batches` was not carried out. argument `created_at_on_or_after`: "2026-11-24T08:00:00" is no date (2026-11-24) and no RFC 3339 instant with an offset (2026-11-24T08:00:00Z). Correct this and call again."#]],
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-25", "created_at_on_or_before": "2026-11-24" }),
            expect!["argument `created_at_on_or_after`: it is later than `created_at_on_or_before`, so nothing could match. Correct this and call again."],
        ),
        ("list_batches", json!({ "limit": 3, "api_key": "x" }), expect!["`list_batches` was not carried out. argument `limit`: no such argument; accepted are `status`, `source_directory_id`, `created_at_on_or_after`, `created_at_on_or_before`, `page_size`, `page_token`, `project_id`, `organization_id`; argument `api_key`: no such argument; accepted are `status`, `source_directory_id`, `created_at_on_or_after`, `created_at_on_or_before`, `page_size`, `page_token`, `project_id`, `organization_id`. Correct this and call again."]),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_create_is_named_with_its_rule() {
    check_arguments(&[
        ("create_batch", json!({}), expect!["`create_batch` was not carried out. argument `source_directory_id`: is required; argument `config`: is required. Correct this and call again."]),
        ("create_batch", json!({ "source_directory_id": "dir-1", "config": {} }), expect!["`create_batch` was not carried out. argument `config.job`: is required. Correct this and call again."]),
        ("create_batch", json!({ "source_directory_id": "dir-1", "config": "parse_v2" }), expect![[r#"`create_batch` was not carried out. argument `config`: expected an object, not "parse_v2". Correct this and call again."#]]),
        (
            "create_batch",
            json!({ "source_directory_id": "dir 1", "config": { "job": { "type": "parse", "configuration_id": "c" } } }),
            expect![[r#"`create_batch` was not carried out. argument `config.job.type`: "parse" is not one of `parse_v2`, `extract_v2` (did you mean `parse_v2`?); argument `source_directory_id`: "dir 1" holds characters other than A-Z, a-z, 0-9, _ and -. Correct this and call again."#]],
        ),
        (
            "create_batch",
            json!({ "directory_id": "dir-1", "config": { "job": { "type": "parse_v2", "configuration_id": "c", "x": 1 } } }),
            expect!["`create_batch` was not carried out. argument `source_directory_id`: is required; argument `directory_id`: no such argument (did you mean `source_directory_id`?); accepted are `source_directory_id`, `config`, `allow_duplicate`, `wait_seconds`, `project_id`, `organization_id`; argument `config.job.x`: no such argument; accepted are `type`, `configuration_id`. Correct this and call again."],
        ),
    ])
    .await;
}

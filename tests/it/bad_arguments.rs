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
        ("get_batch", json!({}), expect!["`batch_id` is required. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": null }), expect!["`batch_id` is required. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": "" }), expect!["`batch_id` is required. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": "../files" }), expect![[r#"`batch_id` "../files" holds characters other than A-Z, a-z, 0-9, _ and -. Nothing was sent. Correct this and call `get_batch` again."#]]),
        ("get_batch", json!({ "batch_id": "x".repeat(129) }), expect!["`batch_id` is 129 characters long, more than 128. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batch_id": 7 }), expect!["`batch_id` must be a string, not 7. Nothing was sent. Correct this and call `get_batch` again."]),
        ("get_batch", json!({ "batchId": "bat-1" }), expect!["`batch_id` is required; `batchId` is not accepted (did you mean `batch_id`?); accepted are `batch_id`, `expand`, `results_cursor`, `wait_seconds`, `project_id`, `organization_id`. Nothing was sent. Correct this and call `get_batch` again."]),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "expand": ["result"] }),
            expect![[r#"`expand[0]` must be one of `problems`, `outcomes`, `results`, not "result" (did you mean `results`?). Nothing was sent. Correct this and call `get_batch` again."#]],
        ),
        (
            "get_batch",
            json!({ "batch_id": "bat-1", "results_cursor": "x".repeat(2049) }),
            expect!["`results_cursor` is 2049 characters long, more than 2048. Nothing was sent. Correct this and call `get_batch` again."],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_filter_is_named_with_its_rule() {
    check_arguments(&[
        ("list_batches", json!({ "status": "DONE" }), expect![[r#"`status` must be one of `PENDING`, `THROTTLED`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED`, not "DONE". Nothing was sent. Correct this and call `list_batches` again."#]]),
        ("list_batches", json!({ "page_size": 0 }), expect!["`page_size` must be an integer of at least 1, not 0. Nothing was sent. Correct this and call `list_batches` again."]),
        ("list_batches", json!({ "page_size": -1 }), expect!["`page_size` must be an integer of at least 1, not -1. Nothing was sent. Correct this and call `list_batches` again."]),
        ("list_batches", json!({ "page_size": 1.5 }), expect!["`page_size` must be an integer of at least 1, not 1.5. Nothing was sent. Correct this and call `list_batches` again."]),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "yesterday" }),
            expect![[r#"`created_at_on_or_after` "yesterday" is neither a date (2026-11-24) nor an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z). Nothing was sent. Correct this and call `list_batches` again."#]],
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-24T08:00:00" }),
            expect![[r#"`created_at_on_or_after` "2026-11-24T08:00:00" is neither a date (2026-11-24) nor an RFC 3339 timestamp with an offset (2026-11-24T08:00:00Z). Nothing was sent. Correct this and call `list_batches` again."#]],
        ),
        (
            "list_batches",
            json!({ "created_at_on_or_after": "2026-11-25", "created_at_on_or_before": "2026-11-24" }),
            expect!["argument `created_at_on_or_after`: it is later than `created_at_on_or_before`, so nothing could match. Correct this and call again."],
        ),
        ("list_batches", json!({ "limit": 3, "api_key": "x" }), expect!["`limit` is not accepted; `api_key` is not accepted; accepted are `status`, `source_directory_id`, `created_at_on_or_after`, `created_at_on_or_before`, `page_size`, `page_token`, `project_id`, `organization_id`. Nothing was sent. Correct this and call `list_batches` again."]),
    ])
    .await;
}

#[tokio::test]
async fn a_bad_create_is_named_with_its_rule() {
    check_arguments(&[
        ("create_batch", json!({}), expect!["`source_directory_id` is required; `config` is required. Nothing was sent. Correct this and call `create_batch` again."]),
        ("create_batch", json!({ "source_directory_id": "dir-1", "config": {} }), expect!["`config.job` is required. Nothing was sent. Correct this and call `create_batch` again."]),
        ("create_batch", json!({ "source_directory_id": "dir-1", "config": "parse_v2" }), expect![[r#"`config` must be an object, not "parse_v2". Nothing was sent. Correct this and call `create_batch` again."#]]),
        (
            "create_batch",
            json!({ "source_directory_id": "dir 1", "config": { "job": { "type": "parse", "configuration_id": "c" } } }),
            expect![[r#"`config.job.type` must be one of `parse_v2`, `extract_v2`, not "parse" (did you mean `parse_v2`?); `source_directory_id` "dir 1" holds characters other than A-Z, a-z, 0-9, _ and -; directory IDs begin with `dir-`. If this is the name of a directory, ask the user for its ID. Nothing was sent. Correct this and call `create_batch` again."#]],
        ),
        (
            "create_batch",
            json!({ "directory_id": "dir-1", "config": { "job": { "type": "parse_v2", "configuration_id": "c", "x": 1 } } }),
            expect!["`config.job.x` is not accepted; accepted are `type`, `configuration_id`; `source_directory_id` is required; `directory_id` is not accepted (did you mean `source_directory_id`?); accepted are `source_directory_id`, `config`, `allow_duplicate`, `wait_seconds`, `project_id`, `organization_id`. Nothing was sent. Correct this and call `create_batch` again."],
        ),
    ])
    .await;
}

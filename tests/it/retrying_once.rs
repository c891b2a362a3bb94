//! `retry_failed_files` and what LlamaCloud no longer lists, or does not list yet: the same files are paid for once.

use std::time::Duration;

use llamacloud_batches_mcp::sandbox::Speed;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Harness, Setup};
use super::retrying::{beside, change, close, open, retry};
use super::tools_call::parse;

const HOUR: Duration = Duration::from_hours(1);

async fn delete_directory(harness: &Harness, batch: &Value) {
    let id = batch["source_directory_id"].as_str().unwrap();
    change(harness, Method::DELETE, &format!("/api/v1/beta/directories/{id}")).await;
}

#[tokio::test]
async fn a_retry_is_found_after_its_directory_is_gone() {
    for is_deleted in [true, false] {
        let mut harness = open(Setup::default()).await;
        let first = retry(&mut harness, "bat-sandbox-flaky").await.json();
        let arguments = json!({ "batch_id": first["id"] });
        let ended = harness.call("get_batch", arguments).await.json();
        assert_eq!(ended["status"], json!("COMPLETED"));
        if is_deleted {
            delete_directory(&harness, &first).await;
        } else {
            harness.advance(HOUR * 49);
        }
        let mut other = beside(&harness).await;
        for peer in [&mut harness, &mut other] {
            let again = retry(peer, "bat-sandbox-flaky").await.json();
            assert_eq!(
                (&again["created"], &again["id"], &again["retried"]),
                (&json!(false), &first["id"], &json!(2)),
                "{again}"
            );
        }
        other.close(0).await;
        close(harness, (1, 2, 1)).await;
    }
}

#[tokio::test]
async fn a_cancelled_retry_whose_directory_is_gone_is_made_again() {
    let mut harness = open(Setup {
        speed: Speed::Lasting(HOUR),
        ..Setup::default()
    })
    .await;
    let before = harness.call("create_batch", parse("dir-flaky")).await.json();
    harness.advance(HOUR * 2);
    let before = before["id"].as_str().unwrap();
    let first = retry(&mut harness, before).await.json();
    let cancel = format!("/api/v2/batches/{}/cancel", first["id"].as_str().unwrap());
    change(&harness, Method::POST, &cancel).await;
    delete_directory(&harness, &first).await;
    let mut other = beside(&harness).await;
    let again = retry(&mut other, before).await.json();
    assert_eq!(again["created"], json!(true), "{again}");
    assert_ne!(again["source_directory_id"], first["source_directory_id"]);
    other.close(0).await;
    close(harness, (2, 4, 3)).await;
}

#[tokio::test]
async fn a_repeated_retry_names_the_files_that_are_not_part_of_it() {
    let mut harness = open(Setup {
        faults: "422@add-file:1",
        ..Setup::default()
    })
    .await;
    let first = retry(&mut harness, "bat-sandbox-failing").await.json();
    assert_eq!(first["retried"], json!(6));
    let again = retry(&mut harness, "bat-sandbox-failing").await.json();
    assert_eq!((&again["id"], &again["retried"]), (&first["id"], &json!(6)));
    let named = |answer: &Value| {
        let reasons = answer["cannot_be_retried"].as_array().unwrap();
        let mut names: Vec<_> = reasons.iter().map(|reason| reason["examples"].clone()).collect();
        names.sort_by_key(Value::to_string);
        names
    };
    assert_eq!(named(&again), named(&first));
    assert!(again.to_string().contains("not part of the existing retry"), "{again}");
    // What cannot be read any more is not taken for absent.
    delete_directory(&harness, &first).await;
    let last = retry(&mut harness, "bat-sandbox-failing").await.json();
    assert_eq!((&last["id"], &last["retried"]), (&first["id"], &json!(7)));
    close(harness, (1, 7, 1)).await;
}

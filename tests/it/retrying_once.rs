//! `retry_failed_files` and what LlamaCloud no longer lists, or does not list yet: the same files are paid for once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use expect_test::expect;
use llamacloud_batches_mcp::sandbox::Speed;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::http::{HttpServer, Seen};
use super::harness::upstream::Reply;
use super::harness::{Harness, Setup};
use super::retrying::{beside, change, close, open, retry, retry_again};
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
        assert_eq!(first["retried"], json!(2), "{first}");
        retry_again(&mut harness, "bat-sandbox-flaky", &first).await;
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

/// Batch `bat-0006` of two failed files; the job of the second is listed only if `is_whole`. Every directory is `dir-retry`.
async fn two_failed_files(job_type: &'static str, is_whole: Arc<AtomicBool>) -> HttpServer {
    let mut added = Vec::new();
    let answer = move |_, seen: &Seen| {
        let target = seen.line().split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let sent = || serde_json::from_str::<Value>(&seen.body).unwrap();
        let file = |number| json!({ "id": format!("dfl-{number}"), "file_id": format!("file-{number}") });
        let job = |number| json!({ "id": format!("pjb-{number}"), "status": "FAILED" });
        let result = |number| {
            let job = json!({ "type": job_type, "id": format!("pjb-{number}") });
            json!({ "source_directory_file_id": format!("dfl-{number}"), "job_reference": job })
        };
        let body = match (seen.head.starts_with("POST "), path) {
            (true, "/api/v1/beta/directories") => json!({ "id": "dir-retry", "name": sent()["name"] }),
            (true, "/api/v1/beta/directories/dir-retry/files") => {
                let mut file = sent();
                file["id"] = json!(format!("dfl-new-{}", added.len()));
                added.push(file.clone());
                file
            }
            (true, _) => json!({ "id": "bat-0007", "status": "PENDING" }),
            (false, "/api/v1/beta/directories/dir-1/files") => json!({ "items": [file(1), file(2)] }),
            (false, "/api/v1/beta/directories/dir-retry/files") => json!({ "items": added }),
            (false, "/api/v2/parse") if is_whole.load(Ordering::Relaxed) => json!({ "items": [job(1), job(2)] }),
            (false, "/api/v2/parse") => json!({ "items": [job(1)] }),
            (false, path) if path.eq_ignore_ascii_case("/api/v2/batches/bat-0006") => {
                let job = json!({ "type": job_type, "configuration_id": "cfg-1" });
                json!({ "id": "bat-0006", "status": "COMPLETED", "source_directory_id": "dir-1", "config": { "job": job },
                    "results": [result(1), result(2)] })
            }
            _ => json!({ "items": [] }),
        };
        Reply::json("200 OK", "", &body.to_string())
    };
    HttpServer::start(answer).await
}

fn posts(server: &HttpServer) -> Vec<Seen> {
    let seen = server.seen().into_iter();
    seen.filter(|seen| seen.head.starts_with("POST ")).collect()
}

#[tokio::test]
async fn nothing_is_retried_while_a_job_is_not_listed() {
    let is_whole = Arc::new(AtomicBool::new(false));
    let server = two_failed_files("parse_v2", Arc::clone(&is_whole)).await;
    let mut harness = open(Setup {
        base_url: Some(server.base_url()),
        ..Setup::default()
    })
    .await;
    let call = json!({ "name": "retry_failed_files", "arguments": { "batch_id": "bat-0006" } });
    let refused = harness.result("tools/call", call).await;
    expect!["No batch was created: LlamaCloud does not list the job of 1 file of batch bat-0006 at the moment, so it is not known whether it failed, too. Call `retry_failed_files` again in a minute with the same arguments; if that does not help, tell the user."]
        .assert_eq(refused["content"][0]["text"].as_str().unwrap());
    assert_eq!(refused["_meta"]["llamacloud/retryable"], json!(true), "{refused}");
    assert_eq!(posts(&server), []);
    is_whole.store(true, Ordering::Relaxed);
    let retried = retry(&mut harness, "bat-0006").await.json();
    assert_eq!((&retried["created"], &retried["retried"]), (&json!(true), &json!(2)));
    harness.close(0).await;
}

#[tokio::test]
async fn a_job_that_can_never_be_looked_up_is_not_waited_for() {
    let server = two_failed_files("split_v1", Arc::default()).await;
    let mut harness = open(Setup {
        base_url: Some(server.base_url()),
        ..Setup::default()
    })
    .await;
    let said = retry(&mut harness, "bat-0006").await;
    assert!(
        said.error().contains("job could not be looked up (2 files)"),
        "{}",
        said.error()
    );
    assert_eq!(posts(&server), []);
    harness.close(0).await;
}

#[tokio::test]
async fn one_batch_has_one_retry_however_its_id_is_typed() {
    let mut names = Vec::new();
    for typed in ["bat-0006", "BAT-0006"] {
        let server = two_failed_files("parse_v2", Arc::new(AtomicBool::new(true))).await;
        let mut harness = open(Setup {
            base_url: Some(server.base_url()),
            ..Setup::default()
        })
        .await;
        let retried = retry(&mut harness, typed).await.json();
        assert_eq!(retried["retry_of"], json!("bat-0006"), "{retried}");
        harness.close(0).await;
        let directory = posts(&server).swap_remove(0);
        names.push((directory.line().to_owned(), directory.body));
    }
    assert_eq!(names[0], names[1]);
}

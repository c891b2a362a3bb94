//! `list_batches` with `expand: ["counts"]`: which batches hold files that did not succeed, and what it costs to know it.

use expect_test::expect;
use llamacloud_batches_mcp::sandbox::{DIR_BROKEN, DIR_FAILING, DIR_SMALL, DIR_STRAGGLERS, PRESET_PARSE, Speed};
use serde_json::{Value, json};

use super::session::Session;
use super::tools::Tools;

async fn ended(session: &mut Session, directory: &str) -> String {
    let id = session.create(directory, "parse_v2", PRESET_PARSE).await;
    until_it_has_ended(session, &id).await;
    id
}

/// Looks at a batch until it has ended. Only its mapping is read: how its jobs ended is still unknown.
async fn until_it_has_ended(session: &mut Session, id: &str) {
    let look = json!({ "batch_id": id, "expand": ["results"] });
    while !["COMPLETED", "FAILED"].contains(
        &session.call("get_batch", look.clone()).await.unwrap()["status"]
            .as_str()
            .unwrap(),
    ) {}
}

fn files<'a>(list: &'a Value, id: &str) -> &'a Value {
    let batches = list["batches"].as_array().unwrap();
    &batches.iter().find(|batch| batch["id"] == id).unwrap()["files"]
}

#[tokio::test]
async fn counts_say_which_batches_hold_failed_files() {
    let mut session = Session::start(Speed::Instant, "", 6000).await;
    let small = ended(&mut session, DIR_SMALL).await;
    let failing = ended(&mut session, DIR_FAILING).await;
    let broken = ended(&mut session, DIR_BROKEN).await;
    let stragglers = ended(&mut session, DIR_STRAGGLERS).await;
    let list = session
        .call("list_batches", json!({ "expand": ["counts"] }))
        .await
        .unwrap();
    expect![[r#"{"total":4,"completed":4}"#]].assert_eq(&files(&list, &small).to_string());
    expect![[r#"{"total":12,"completed":4,"failed":5,"not_mapped":2,"no_job_yet":1}"#]]
        .assert_eq(&files(&list, &failing).to_string());
    expect![[r#"{"total":5,"completed":3,"running":2}"#]].assert_eq(&files(&list, &stragglers).to_string());
    assert_eq!(
        files(&list, &broken),
        &Value::Null,
        "a FAILED batch has no files that ended"
    );
    let summary = list["summary"].as_str().unwrap();
    let summary = [
        (small, "SMALL"),
        (failing, "FAILING"),
        (broken, "BROKEN"),
        (stragglers, "STRAGGLERS"),
    ]
    .iter()
    .fold(summary.to_owned(), |summary, (id, name)| summary.replace(id, name));
    expect!["[sandbox] 4 batches: 3 COMPLETED, 1 FAILED. Files failed in FAILING (7 of 12); `get_batch` says why. Files are still queued or being processed in STRAGGLERS (2 of 5). It is not known whether all files succeeded in FAILING (1 of 12)."].assert_eq(&summary);
    session.end().await;
}

#[tokio::test]
async fn a_page_of_counts_is_short_and_final_batches_are_counted_once() {
    let mut session = Session::start(Speed::Instant, "", 6000).await;
    for directory in [DIR_SMALL, DIR_BROKEN, DIR_FAILING].repeat(4) {
        let job = json!({ "type": "parse_v2", "configuration_id": PRESET_PARSE });
        let arguments = json!({ "source_directory_id": directory, "config": { "job": job }, "allow_duplicate": true });
        let id = session.call("create_batch", arguments).await.unwrap()["id"].clone();
        until_it_has_ended(&mut session, id.as_str().unwrap()).await;
    }
    let counted = json!({ "expand": ["counts"] });
    let mut requests = Vec::new();
    for _ in 0..2 {
        let before = session.ledger().total();
        let list = session.call("list_batches", counted.clone()).await.unwrap();
        assert_eq!(list["batches"].as_array().unwrap().len(), 10);
        assert!(list["next_page_token"].is_string());
        assert!(list["summary"].as_str().unwrap().contains("Files failed in"));
        requests.push(session.ledger().total() - before);
    }
    // The page itself, one list of jobs for each small batch, two for each with failures.
    assert_eq!(requests, [1 + 3 + 2 * 4, 1]);
    session.end().await;
}

#[tokio::test]
async fn a_batch_that_cannot_be_counted_is_still_listed() {
    let mut session = Session::start(Speed::Instant, "403@parse", 6000).await;
    let id = ended(&mut session, DIR_SMALL).await;
    let list = session
        .call("list_batches", json!({ "expand": ["counts"] }))
        .await
        .unwrap();
    assert_eq!(list["batches"][0]["id"], *id);
    expect!["[sandbox] 1 batch: 1 COMPLETED. It is not known whether all files succeeded in SMALL (4 of 4)."]
        .assert_eq(&list["summary"].as_str().unwrap().replace(&id, "SMALL"));
    expect![[r#"{"total":4,"unknown":4}"#]].assert_eq(&files(&list, &id).to_string());
    session.end().await;
}

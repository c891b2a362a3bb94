//! One batch for the same work, over hours and days, and what is said about each reason for or against another one.

use std::time::Duration;

use expect_test::{Expect, expect};
use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_SMALL, PROJECT_ID, SAVED_PARSE, Speed};
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::upstream::{Reply, Upstream};
use super::harness::{CANARY, Harness, Setup};
use super::tools_call::parse;

const HOUR: Duration = Duration::from_hours(1);

async fn open(setup: Setup) -> Harness {
    setup.open(Revision::V2025_06_18).await
}

/// A server without a memory of its own over the same sandbox.
async fn beside(harness: &Harness) -> Harness {
    let setup = Setup {
        base_url: Some(harness.base_url()),
        ..Setup::default()
    };
    open(setup).await
}

/// Changes something in the sandbox, past our own client.
async fn change(harness: &Harness, method: Method, path: &str, body: &Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .request(method, format!("{}{path}", harness.base_url()))
        .bearer_auth(CANARY);
    let response = request.json(body).send().await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
}

async fn add_a_file(harness: &Harness) {
    let path = format!("/api/v1/beta/directories/{DIR_SMALL}/files");
    change(harness, Method::POST, &path, &json!({ "file_id": "fil-ten-0001" })).await;
}

fn saved() -> Value {
    let job = json!({ "type": "parse_v2", "configuration_id": SAVED_PARSE });
    json!({ "source_directory_id": DIR_SMALL, "config": { "job": job } })
}

/// The summary, with `OLD` and `NEW` for the ids and `#` for times.
fn summary(answer: &Value, old: &str) -> String {
    let summary = answer["summary"].as_str().unwrap().replace(old, "OLD");
    let summary = summary.replace(answer["id"].as_str().unwrap(), "NEW");
    let words = summary
        .split_inclusive(' ')
        .map(|word| match word.find("2026-").or_else(|| word.find("2027-")) {
            Some(at) => format!("{}#{}", &word[..at], &word[at + "2026-11-24T10:00:00Z".len()..]),
            None => word.to_owned(),
        });
    words.collect()
}

/// A batch runs for two hours. The same call is made at its start, in its middle, at its end, and a day later, by a process that
/// made it and by one that did not.
#[tokio::test]
async fn a_day_in_miniature() {
    let setup = Setup {
        speed: Speed::Lasting(HOUR * 2),
        ..Setup::default()
    };
    let mut harness = open(setup).await;
    let made = harness.call("create_batch", saved()).await.json();
    assert_eq!(made["created"], json!(true));
    let mut seen = Vec::new();
    for later in [Duration::ZERO, HOUR, HOUR, HOUR * 22, HOUR * 24 * 200] {
        harness.advance(later);
        let mut other = beside(&harness).await;
        for peer in [&mut harness, &mut other] {
            let answer = peer.call("create_batch", saved()).await.json();
            assert_eq!(
                (&answer["created"], &answer["id"]),
                (&json!(false), &made["id"]),
                "{answer}"
            );
            seen.push(answer["status"].as_str().unwrap().to_owned());
        }
        other.close(0).await;
    }
    assert_eq!(
        seen[..6],
        ["PENDING", "PENDING", "RUNNING", "RUNNING", "COMPLETED", "COMPLETED"]
    );
    harness.end_after_creates(1).await;
}

/// Each reason against another batch, as a model reads it.
#[tokio::test]
async fn what_is_said_of_the_batch_that_is_there() {
    let check = async |speed, fault: Option<&str>, expected: Expect| {
        let mut harness = open(Setup {
            speed,
            ..Setup::default()
        })
        .await;
        let made = harness.call("create_batch", saved()).await.json();
        if let Some(fault) = fault {
            harness.inject(fault);
        }
        let there = harness.call("create_batch", saved()).await.json();
        expected.assert_eq(&summary(&there, made["id"].as_str().unwrap()));
        harness.end_after_creates(1).await;
    };
    check(Speed::Lasting(HOUR), None, expect!["[sandbox] Nothing was created: batch OLD (created #) does the same work (same directory, job type and configuration) and is PENDING. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Check again with `get_batch` in 15 seconds."]).await;
    check(Speed::Instant, None, expect![[r#"[sandbox] Nothing was created: batch OLD (created #) for the same work (same directory, job type and configuration) already exists and is COMPLETED. No files were added and the configuration was not changed since then. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Of its 4 files, 4 succeeded. Call `get_batch` with `expand: ["outcomes"]` to get the `job_id` of each result."#]]).await;
    check(Speed::Instant, Some("500@configurations"), expect![[r#"[sandbox] Nothing was created: batch OLD (created #) for the same work (same directory, job type and configuration) already exists and is COMPLETED. It could not be determined whether files were added or the configuration was changed since then. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Of its 4 files, 4 succeeded. Call `get_batch` with `expand: ["outcomes"]` to get the `job_id` of each result."#]]).await;
    check(Speed::Instant, Some("403@files"), expect![[r#"[sandbox] Nothing was created: batch OLD (created #) for the same work (same directory, job type and configuration) already exists and is COMPLETED. It could not be determined whether files were added or the configuration was changed since then. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Of its 4 files, 4 succeeded. The file names could not be read: this API key is not allowed to do that (403): "You do not have access to this project". IDs are shown instead. Call `get_batch` with `expand: ["outcomes"]` to get the `job_id` of each result."#]]).await;
}

/// Each reason for another batch, as a model reads it.
#[tokio::test]
async fn what_is_said_of_the_batch_before() {
    let check = async |directory: &str, change_something: Option<&str>, expected: Expect| {
        let mut harness = open(Setup::default()).await;
        let mut arguments = saved();
        arguments["source_directory_id"] = json!(directory);
        let old = harness.call("create_batch", arguments.clone()).await.json();
        harness.advance(HOUR);
        match change_something {
            Some("file") => add_a_file(&harness).await,
            Some(path) => change(&harness, Method::PUT, path, &json!({ "name": "Other" })).await,
            None => {}
        }
        let new = harness.call("create_batch", arguments).await.json();
        assert_eq!(new["created"], json!(true));
        expected.assert_eq(&summary(&new, old["id"].as_str().unwrap()));
        harness.end_after_creates(2).await;
    };
    check(DIR_SMALL, Some("file"), expect!["[sandbox] Batch NEW over 5 files was created and is PENDING. The earlier batch OLD (created #) did the same work and is COMPLETED, but 1 file was added to directory dir-small since then. The new batch processes all files again, and all of them cost credits. Check again with `get_batch` in 15 seconds."]).await;
    let configuration = format!("/api/v1/beta/configurations/{SAVED_PARSE}");
    check(DIR_SMALL, Some(&configuration), expect!["[sandbox] Batch NEW over 4 files was created and is PENDING. The earlier batch OLD (created #) did the same work and is COMPLETED, but configuration cfg-parse-saved was changed since then. The new batch processes all files again, and all of them cost credits. Check again with `get_batch` in 15 seconds."]).await;
    check("dir-broken", None, expect!["[sandbox] Batch NEW over 3 files was created and is PENDING. The earlier batch OLD (created #) for the same work FAILED. Check again with `get_batch` in 15 seconds."]).await;
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_quoted_and_not_called_running() {
    for (status, expected) in [
        (
            r#""EXPIRED""#,
            expect![[
                r#"Nothing was created: batch OLD (created #) exists for the same work (same directory, job type and configuration). It has the status "EXPIRED", which this server does not know. Whether it is still being processed is unknown. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Check again with `get_batch` in 300 seconds."#
            ]],
        ),
        (
            r#""\u202eEX\"PIRED""#,
            expect![[
                r#"Nothing was created: batch OLD (created #) exists for the same work (same directory, job type and configuration). It has the status "EX'PIRED", which this server does not know. Whether it is still being processed is unknown. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Check again with `get_batch` in 300 seconds."#
            ]],
        ),
        (
            "null",
            expect![
                "Nothing was created: batch OLD (created #) exists for the same work (same directory, job type and configuration). It has no status in LlamaCloud's response. Whether it is still being processed is unknown. Only if the user wants to pay for all files again, call `create_batch` again with `allow_duplicate: true`. Check again with `get_batch` in 300 seconds."
            ],
        ),
    ] {
        let batch = format!(
            r#"{{"id":"bat-odd","source_directory_id":"{DIR_SMALL}","status":{status},"created_at":"2026-11-24T10:00:00Z",
                "config":{{"job":{{"type":"parse_v2","configuration_id":"{SAVED_PARSE}"}}}}}}"#
        );
        // The list of files is the same; nobody looks at it.
        let page = format!(r#"{{"items":[{batch}]}}"#);
        let upstream = Upstream::start([Reply::json("200 OK", "", &page)]).await;
        let mut harness = open(Setup::over(&upstream, &[])).await;
        let there = harness.call("create_batch", saved()).await.json();
        assert_eq!((&there["created"], &there["final"]), (&json!(false), &json!(false)));
        expected.assert_eq(&summary(&there, "bat-odd"));
        assert!(upstream.lines().iter().all(|line| line.starts_with("GET ")));
        harness.close(0).await;
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_stops_the_create_and_says_how_to_insist() {
    let mut harness = open(Setup {
        faults: "500@list",
        timeout: Duration::from_secs(3),
        ..Setup::default()
    })
    .await;
    let said = harness.call("create_batch", saved()).await;
    let text = said.error();
    for part in [
        "No batch was created: ",
        "nothing was sent",
        "(500)",
        "`allow_duplicate: true`",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let mut insisting = saved();
    insisting["allow_duplicate"] = json!(true);
    assert_eq!(
        harness.call("create_batch", insisting).await.json()["created"],
        json!(true)
    );
    harness.end_after_creates(1).await;
}

/// The POST makes a batch and is answered with 500, and the list does not show it yet.
#[tokio::test]
async fn the_advised_call_holds_the_scope_and_finds_the_batch() {
    let organization = "5a11ba5e-0000-4000-8000-0000000000aa";
    let scope = json!({ "project_id": PROJECT_ID, "organization_id": organization });
    for pinned in [false, true] {
        let flags = ["--project-id", PROJECT_ID];
        let mut harness = open(Setup {
            flags: super::harness::flags(if pinned { &flags } else { &[] }),
            faults: "500-after-commit:1,lagging-list=600000",
            timeout: Duration::from_secs(2),
            ..Setup::default()
        })
        .await;
        let mut arguments = saved();
        arguments["organization_id"] = json!(organization);
        if !pinned {
            arguments["project_id"] = json!(PROJECT_ID);
        }
        let said = harness.call("create_batch", arguments.clone()).await;
        let text = said.error();
        assert!(text.starts_with("The outcome is unknown"), "{text}");
        let advised = &text[text.find('{').unwrap()..=text.find('}').unwrap()];
        let advised: Value = serde_json::from_str(advised).unwrap();
        assert_eq!(advised["organization_id"], scope["organization_id"]);
        assert_eq!(
            advised["project_id"],
            if pinned {
                Value::Null
            } else {
                scope["project_id"].clone()
            }
        );
        // The same call in other words is the same work.
        arguments["organization_id"] = Value::Null;
        assert!(
            harness
                .call("create_batch", arguments)
                .await
                .error()
                .starts_with("The outcome is unknown")
        );
        harness.advance(HOUR);
        let listed = harness.call("list_batches", advised).await.json();
        assert_eq!(listed["batches"].as_array().unwrap().len(), 1, "{listed}");
        harness.end_after_creates(1).await;
    }
}

/// A file that comes between the question and the yes.
#[tokio::test]
async fn a_yes_does_not_count_for_files_that_the_user_did_not_see() {
    let confirming = || Setup {
        flags: super::harness::flags(&["--confirm-create"]),
        capabilities: json!({ "elicitation": {} }),
        ..Setup::default()
    };
    let yes = json!({ "action": "accept", "content": { "confirm": true } });

    let mut harness = open(confirming()).await;
    let id = harness.ask_tool("create_batch", saved()).await;
    let (question, _) = harness.next_request().await;
    add_a_file(&harness).await;
    harness.reply(&question, json!({ "result": yes })).await;
    let said = harness.said(&id).await;
    expect!["No batch was created: the user agreed to 4 files, but directory dir-small now has 5 files. Nothing was sent. Call again, and the user will be asked about the files that are there now."].assert_eq(said.error());
    harness.end_after_creates(0).await;

    let mut harness = confirming().start().await;
    let call = json!({ "name": "create_batch", "arguments": saved() });
    let asked = harness.result("tools/call", call.clone()).await;
    add_a_file(&harness).await;
    let mut again = call;
    again["inputResponses"] = json!({ "confirm": yes });
    again["requestState"] = asked["requestState"].clone();
    let id = harness.ask("tools/call", again).await;
    let said = harness.said(&id).await;
    assert!(said.error().contains("another number of files"), "{}", said.error());
    harness.end_after_creates(0).await;
}

#[tokio::test]
async fn a_name_in_place_of_an_id_is_refused() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for name in [
        "Lease contracts",
        "invoices",
        parse(DIR_SMALL)["config"]["job"]["type"].as_str().unwrap(),
    ] {
        let said = harness.call("create_batch", parse(name)).await;
        let text = said.error();
        assert!(
            text.contains("directory IDs begin with `dir-`") && text.contains(name),
            "{text}"
        );
    }
    // IDs in other shapes than today's are not refused here.
    for id in ["DIR-none", "5a11ba5e-0000-4000-8000-00000000000f"] {
        let said = harness.call("create_batch", parse(id)).await;
        assert!(said.error().contains("404"), "{}", said.error());
    }
    let ledger = harness.ledger();
    harness.close(ledger.total()).await;
}

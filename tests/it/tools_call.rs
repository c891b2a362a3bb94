//! What the tools do with a LlamaCloud that behaves.

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{
    DIR_BROKEN, DIR_FAILING, DIR_SMALL, PRESET_PARSE, PROJECT_ID, SAVED_EXTRACT, Speed,
};
use serde_json::{Value, json};

use super::harness::peer::Peer;
use super::harness::{Harness, Setup, flags};

/// Arguments of a create over a directory.
pub(crate) fn parse(directory: &str) -> Value {
    let job = json!({ "type": "parse_v2", "configuration_id": PRESET_PARSE });
    json!({ "source_directory_id": directory, "config": { "job": job } })
}

/// Creates a batch; its id.
pub(crate) async fn create(peer: &mut Peer, directory: &str) -> String {
    let mut arguments = parse(directory);
    arguments["allow_duplicate"] = json!(true);
    let created = peer.call("create_batch", arguments).await.json();
    assert_eq!(created["created"], json!(true));
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_revision_gets_the_same_results() {
    let mut harness = Harness::start().await;
    let id = create(&mut harness, DIR_FAILING).await;
    let calls = [
        ("create_batch", parse(DIR_FAILING)),
        ("list_batches", json!({})),
        ("list_batches", json!({ "status": "PENDING" })),
        ("list_batches", json!({ "page_size": 0 })),
        ("get_batch", json!({ "batch_id": id })),
        ("get_batch", json!({ "batch_id": id, "expand": ["results"] })),
        ("get_batch", json!({ "batch_id": "bat-none" })),
        ("get_batch", json!({})),
    ];
    for (tool, arguments) in calls {
        let mut said = Vec::new();
        for revision in Revision::ALL {
            harness.speak(revision).await;
            said.push(harness.call(tool, arguments.clone()).await.without_time());
        }
        assert!(
            said.iter().all(|other| *other == said[0]),
            "{tool} {arguments}: {said:#?}"
        );
    }
    harness.close(43).await;
}

#[tokio::test]
async fn a_batch_is_created_followed_and_read() {
    let setup = Setup {
        speed: Speed::Steps,
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_11_25).await;
    let created = harness.call("create_batch", parse(DIR_SMALL)).await.json();
    assert_eq!(harness.ledger().count("POST /api/v2/batches"), 1);
    assert_eq!(created["status"], json!("PENDING"));
    assert_eq!(created["final"], json!(false));
    assert_eq!(created["created"], json!(true));
    assert!(created["check_again_in_seconds"].as_u64().unwrap() >= 1);
    let asked = json!({ "batch_id": created["id"], "expand": ["results"] });
    let running = harness.call("get_batch", asked.clone()).await.json();
    assert_eq!(running["status"], json!("RUNNING"));
    assert!(
        running.get("results").is_none() && running["summary"].as_str().unwrap().contains("yet"),
        "{running}"
    );
    let done = harness.call("get_batch", asked).await.json();
    // Whether its jobs have ended was not asked.
    assert_eq!((&done["status"], done.get("final")), (&json!("COMPLETED"), None));
    assert_eq!(done["files"], json!({ "total": 4, "with_job": 4 }));
    assert_eq!(done["results"].as_array().unwrap().len(), 4);
    assert!(done.get("check_again_in_seconds").is_none() && done.get("problems").is_none());
    assert_eq!(harness.ledger().bodies, [parse(DIR_SMALL)]);
    assert_eq!(harness.ledger().count("GET /api/v2/batches/{batch_id}"), 2);
    harness.close(5).await;
}

#[tokio::test]
async fn a_second_create_answers_with_the_first_batch() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let first = harness.call("create_batch", parse(DIR_SMALL)).await.json();
    let again = harness.call("create_batch", parse(DIR_SMALL)).await.json();
    assert_eq!((&again["created"], &again["id"]), (&json!(false), &first["id"]));
    assert_eq!(harness.ledger().batches, 1);
    create(&mut harness, DIR_SMALL).await;
    assert_eq!(harness.ledger().batches, 2);
    harness.close(11).await;
}

#[tokio::test]
async fn what_failed_comes_first_and_hostile_words_stay_words() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_FAILING).await;
    let read = harness
        .call("get_batch", json!({ "batch_id": id, "expand": ["results"] }))
        .await
        .json();
    assert_eq!(
        read["files"],
        json!({ "total": 12, "with_job": 9, "not_mapped": 2, "no_job_yet": 1 })
    );
    let results = read["results"].as_array().unwrap();
    let kinds: Vec<_> = results
        .iter()
        .map(|file| (file.get("error").is_some(), file.get("job_id").is_some()))
        .collect();
    assert!(
        kinds[..2].iter().all(|kind| *kind == (true, false)) && kinds[2] == (false, false),
        "{kinds:?}"
    );
    assert!(kinds[3..].iter().all(|kind| *kind == (false, true)), "{kinds:?}");
    assert_eq!(read["problems"].as_array().unwrap().len(), 2);
    let id = create(&mut harness, DIR_BROKEN).await;
    let read = harness
        .call("get_batch", json!({ "batch_id": id, "expand": ["results"] }))
        .await
        .json();
    assert_eq!((&read["status"], read.get("results")), (&json!("FAILED"), None));
    harness.close(8).await;
}

#[tokio::test]
async fn an_optional_argument_may_be_null() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_SMALL).await;
    let without_clock = |mut answer: Value| {
        answer.as_object_mut().unwrap().remove("now");
        answer
    };
    for (tool, mut arguments) in [
        ("create_batch", parse(DIR_SMALL)),
        ("list_batches", json!({})),
        ("get_batch", json!({ "batch_id": id })),
    ] {
        let plain = without_clock(harness.call(tool, arguments.clone()).await.json());
        let list = harness.result("tools/list", json!({})).await;
        let definition = list["tools"]
            .as_array()
            .unwrap()
            .iter()
            .find(|listed| listed["name"] == tool)
            .unwrap();
        for name in definition["inputSchema"]["properties"].as_object().unwrap().keys() {
            if arguments.get(name).is_none() {
                arguments[name] = Value::Null;
            }
        }
        let same = without_clock(harness.call(tool, arguments.clone()).await.json());
        assert_eq!(same, plain, "{tool} {arguments}");
    }
    harness.close(15).await;
}

#[tokio::test]
async fn arguments_may_be_left_out_and_must_be_an_object() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for params in [
        json!({ "name": "list_batches" }),
        json!({ "name": "list_batches", "arguments": null }),
        json!({ "name": "list_batches", "arguments": "{}" }),
    ] {
        let result = harness.result("tools/call", params.clone()).await;
        assert_eq!(result["isError"], json!(false), "{params}");
        assert_eq!(result["structuredContent"]["batches"], json!([]), "{params}");
    }
    for params in [
        json!({}),
        json!({ "name": 7 }),
        json!({ "name": null, "arguments": {} }),
        json!({ "name": "list_batches", "arguments": [] }),
        json!({ "name": "list_batches", "arguments": 7 }),
        json!({ "name": "nope", "arguments": {} }),
        json!({ "name": "List_Batches", "arguments": {} }),
    ] {
        let (code, message) = harness.refusal("tools/call", params.clone()).await;
        assert_eq!(code, -32602, "{params}: {message}");
    }
    harness.close(3).await;
}

#[tokio::test]
async fn a_preset_of_the_other_product_is_refused_before_anything_is_sent() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let extract = |configuration: &str| {
        let job = json!({ "type": "extract_v2", "configuration_id": configuration });
        json!({ "source_directory_id": DIR_SMALL, "config": { "job": job } })
    };
    let said = harness.call("create_batch", extract(PRESET_PARSE)).await;
    assert!(said.error().contains("`config.job.configuration_id`") && said.error().contains("Nothing was sent"));
    assert_eq!(harness.ledger().total(), 0);
    harness.call("create_batch", extract(SAVED_EXTRACT)).await.json();
    harness.close(3).await;
}

#[tokio::test]
async fn read_only_says_why_it_creates_nothing() {
    let setup = Setup {
        flags: flags(&["--read-only"]),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let call = json!({ "name": "create_batch", "arguments": parse(DIR_SMALL) });
    let (code, message) = harness.refusal("tools/call", call).await;
    assert_eq!(code, -32602);
    assert!(
        message.contains("Unknown tool: create_batch") && message.contains("--read-only"),
        "{message}"
    );
    harness.call("list_batches", json!({})).await.json();
    harness.close(1).await;
}

#[tokio::test]
async fn a_pinned_project_is_sent_and_no_other_accepted() {
    let setup = Setup {
        flags: flags(&["--project-id", PROJECT_ID]),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    harness.call("list_batches", json!({})).await.json();
    harness
        .call("list_batches", json!({ "project_id": PROJECT_ID }))
        .await
        .json();
    for line in harness.ledger().lines {
        assert!(line.contains(&format!("project_id={PROJECT_ID}")), "{line}");
    }
    let mut other = parse(DIR_SMALL);
    other["project_id"] = json!("another");
    for (tool, arguments) in [
        ("list_batches", json!({ "project_id": "another" })),
        ("get_batch", json!({ "batch_id": "bat-1", "project_id": "another" })),
        ("create_batch", other),
    ] {
        let said = harness.call(tool, arguments).await;
        assert!(
            said.error().contains("`project_id`") && said.error().contains("pinned"),
            "{}",
            said.text
        );
    }
    harness.close(2).await;
}

#[tokio::test]
async fn what_a_sandbox_says_is_marked() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_SMALL).await;
    for (tool, arguments) in [
        ("create_batch", parse(DIR_SMALL)),
        ("list_batches", json!({})),
        ("get_batch", json!({ "batch_id": id })),
    ] {
        let said = harness.call(tool, arguments).await.json();
        assert!(said["summary"].as_str().unwrap().starts_with("[sandbox] "), "{said}");
    }
    harness.close(9).await;
}

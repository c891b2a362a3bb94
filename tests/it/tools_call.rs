//! What the tools do with a LlamaCloud that behaves.

use std::collections::BTreeSet;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{
    DIR_BROKEN, DIR_FAILING, DIR_SMALL, DIR_THOUSAND, ORGANIZATION_ID, PRESET_PARSE, PROJECT_ID, SAVED_EXTRACT, Speed,
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

/// Creates a batch for each directory. Each takes two requests: the guard lists, and one is sent.
async fn create_all(peer: &mut Peer, directories: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for directory in directories {
        ids.push(create(peer, directory).await);
    }
    ids
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
            said.push(harness.call(tool, arguments.clone()).await);
        }
        assert!(
            said.iter().all(|other| *other == said[0]),
            "{tool} {arguments}: {said:#?}"
        );
    }
    harness.close(32).await;
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
    assert_eq!((&done["status"], &done["final"]), (&json!("COMPLETED"), &json!(true)));
    assert_eq!(done["files"], json!({ "total": 4, "with_job": 4 }));
    assert_eq!(done["results"].as_array().unwrap().len(), 4);
    assert!(done.get("check_again_in_seconds").is_none() && done.get("problems").is_none());
    assert_eq!(harness.ledger().bodies, [parse(DIR_SMALL)]);
    assert_eq!(harness.ledger().count("GET /api/v2/batches/{batch_id}"), 2);
    harness.close(4).await;
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
    harness.close(5).await;
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
    harness.close(6).await;
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
    harness.close(before + pages).await;
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
    harness.close(11).await;
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
    harness.close(19).await;
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
    let hits = harness.ledger().count("GET /api/v2/batches") + 40;
    harness.close(hits).await;
}

#[tokio::test]
async fn an_optional_argument_may_be_null() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_SMALL).await;
    for (tool, mut arguments) in [
        ("create_batch", parse(DIR_SMALL)),
        ("list_batches", json!({})),
        ("get_batch", json!({ "batch_id": id })),
    ] {
        let plain = harness.call(tool, arguments.clone()).await.json();
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
        assert_eq!(
            harness.call(tool, arguments.clone()).await.json(),
            plain,
            "{tool} {arguments}"
        );
    }
    harness.close(8).await;
}

#[tokio::test]
async fn arguments_may_be_left_out_and_must_be_an_object() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let absent = harness.result("tools/call", json!({ "name": "list_batches" })).await;
    assert_eq!(absent["isError"], json!(false));
    let null = harness
        .result("tools/call", json!({ "name": "list_batches", "arguments": null }))
        .await;
    assert_eq!(null, absent);
    for params in [
        json!({}),
        json!({ "name": 7 }),
        json!({ "name": null, "arguments": {} }),
        json!({ "name": "list_batches", "arguments": [] }),
        json!({ "name": "list_batches", "arguments": "{}" }),
        json!({ "name": "list_batches", "arguments": 7 }),
        json!({ "name": "nope", "arguments": {} }),
        json!({ "name": "List_Batches", "arguments": {} }),
    ] {
        let (code, message) = harness.refusal("tools/call", params.clone()).await;
        assert_eq!(code, -32602, "{params}: {message}");
    }
    harness.close(2).await;
}

#[tokio::test]
async fn a_preset_of_the_other_product_is_refused_before_anything_is_sent() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let extract = |configuration: &str| {
        let job = json!({ "type": "extract_v2", "configuration_id": configuration });
        json!({ "source_directory_id": DIR_SMALL, "config": { "job": job } })
    };
    let said = harness.call("create_batch", extract(PRESET_PARSE)).await;
    assert!(said.error().contains("`config.job.configuration_id`") && said.error().contains("nothing was sent"));
    assert_eq!(harness.ledger().total(), 0);
    harness.call("create_batch", extract(SAVED_EXTRACT)).await.json();
    harness.close(2).await;
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
    harness.close(5).await;
}

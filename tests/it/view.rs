//! The view of a batch: which clients get it, and what it is. What it looks like is tested in a browser (`tests/view`).

use llamacloud_batches_mcp::mcp::{Era, Revision, UI_EXTENSION, VIEW_TYPE};
use llamacloud_batches_mcp::sandbox::{DIR_FAILING, PRESET_PARSE, Speed};
use serde_json::{Value, json};

use super::harness::{Harness, Setup, flags};

const URI: &str = "ui://llamacloud-batches/batch.html";

fn shows_views() -> Value {
    json!({ "extensions": { UI_EXTENSION: { "mimeTypes": ["text/html+other", VIEW_TYPE] } } })
}

async fn open(revision: Revision, capabilities: Value, arguments: &[&str]) -> Harness {
    let setup = Setup {
        capabilities,
        flags: flags(arguments),
        ..Setup::default()
    };
    setup.open(revision).await
}

/// What the server says it can do, to a client with these capabilities.
async fn capabilities(revision: Revision, declared: Value) -> Value {
    let mut harness = Setup {
        capabilities: declared.clone(),
        ..Setup::default()
    }
    .start()
    .await;
    let result = match revision.era() {
        Era::Modern => harness.result("server/discover", json!({})).await,
        Era::Legacy => {
            let mut params = super::harness::rpc::initialize(revision.as_str());
            params["capabilities"] = declared;
            harness.result("initialize", params).await
        }
    };
    harness.close(0).await;
    result["capabilities"].clone()
}

#[tokio::test]
async fn only_clients_that_show_views_see_them_declared() {
    for revision in Revision::ALL {
        let answered = capabilities(revision, shows_views()).await;
        assert_eq!(answered["resources"], json!({}), "{}", revision.as_str());
        assert_eq!(answered["extensions"][UI_EXTENSION], json!({}));
        for others in [
            json!({}),
            json!({ "extensions": { UI_EXTENSION: {} } }),
            json!({ "extensions": { UI_EXTENSION: { "mimeTypes": ["text/html"] } } }),
            json!({ "extensions": { UI_EXTENSION: { "mimeTypes": VIEW_TYPE } } }),
        ] {
            let answered = capabilities(revision, others.clone()).await;
            assert_eq!(answered.get("resources"), None, "{others}");
            assert_eq!(answered["extensions"].get(UI_EXTENSION), None, "{others}");
        }
    }
}

#[tokio::test]
async fn the_list_of_tools_differs_by_the_view_alone() {
    for revision in Revision::ALL {
        let mut plain = open(revision, json!({}), &[]).await;
        let expected = plain.result("tools/list", json!({})).await["tools"].clone();
        plain.close(0).await;
        let mut harness = open(revision, shows_views(), &[]).await;
        let mut tools = harness.result("tools/list", json!({})).await["tools"].clone();
        harness.close(0).await;
        let mut shown = Vec::new();
        for tool in tools.as_array_mut().unwrap() {
            if let Some(meta) = tool.as_object_mut().unwrap().remove("_meta") {
                assert_eq!(meta, json!({ "ui": { "resourceUri": URI }, "ui/resourceUri": URI }));
                shown.push(tool["name"].as_str().unwrap().to_owned());
            }
        }
        let tools = tools.as_array().unwrap();
        let mut expected_to_show = vec!["create_batch", "retry_failed_files", "show_batch"];
        expected_to_show.retain(|name| tools.iter().any(|tool| tool["name"] == *name));
        assert_eq!(shown, expected_to_show);
        assert_eq!(tools.last().unwrap()["name"], "show_batch");
        assert_eq!(
            json!(tools[..tools.len() - 1]).to_string(),
            expected.to_string(),
            "{}",
            revision.as_str()
        );
    }
}

#[tokio::test]
async fn only_answers_that_are_the_same_for_every_client_may_be_shared_by_a_cache() {
    for declared in [json!({}), shows_views()] {
        let mut harness = open(Revision::V2026_07_28, declared, &[]).await;
        for (method, params, scope) in [
            ("tools/list", json!({}), "private"),
            ("resources/list", json!({}), "public"),
            ("resources/templates/list", json!({}), "public"),
            ("resources/read", json!({ "uri": URI }), "public"),
        ] {
            assert_eq!(harness.result(method, params).await["cacheScope"], scope, "{method}");
        }
        harness.close(0).await;
    }
}

#[tokio::test]
async fn the_view_is_one_document_in_every_revision() {
    for revision in Revision::ALL {
        for declared in [json!({}), shows_views()] {
            let mut harness = open(revision, declared, &["--allow-cancel"]).await;
            let resources = harness.result("resources/list", json!({})).await["resources"].clone();
            assert_eq!(
                (resources[0]["uri"].as_str(), resources.as_array().unwrap().len()),
                (Some(URI), 1)
            );
            let templates = harness.result("resources/templates/list", json!({})).await;
            assert_eq!(templates["resourceTemplates"], json!([]));
            let read = harness.result("resources/read", json!({ "uri": URI })).await;
            let [contents] = &read["contents"].as_array().unwrap()[..] else {
                panic!("{read}")
            };
            assert_eq!(
                (&contents["uri"], &contents["mimeType"]),
                (&json!(URI), &json!(VIEW_TYPE))
            );
            assert_eq!(contents["_meta"], json!({ "ui": { "prefersBorder": true } }));
            let html = contents["text"].as_str().unwrap();
            assert!(html.starts_with("<!doctype html>") && html.contains("cancel_batch"));
            let code = if revision.era() == Era::Modern { -32602 } else { -32002 };
            for uri in ["ui://llamacloud-batches/other.html", "", "file:///etc/passwd"] {
                assert_eq!(
                    harness.refusal("resources/read", json!({ "uri": uri })).await.0,
                    code,
                    "{uri}"
                );
            }
            harness.close(0).await;
        }
    }
}

#[tokio::test]
async fn show_batch_answers_as_get_batch_does_and_only_where_views_are_shown() {
    let arguments = json!({ "batch_id": "bat-sandbox-failing" });
    for revision in Revision::ALL {
        let mut harness = open(revision, shows_views(), &[]).await;
        let read = harness.call("get_batch", arguments.clone()).await;
        let requests = harness.ledger().total();
        let shown = harness.call("show_batch", arguments.clone()).await;
        assert_eq!(
            (&shown.json()["status"], &shown.text),
            (&json!("COMPLETED"), &read.text)
        );
        harness.close(requests).await;
        let mut plain = open(revision, json!({}), &[]).await;
        let call = json!({ "name": "show_batch", "arguments": arguments });
        assert_eq!(plain.refusal("tools/call", call).await.0, -32602);
        plain.close(0).await;
    }
}

#[tokio::test]
async fn a_batch_that_runs_has_the_number_of_its_files_and_is_not_reported_beside_its_view() {
    let arguments = json!({
        "source_directory_id": DIR_FAILING,
        "config": { "job": { "type": "parse_v2", "configuration_id": PRESET_PARSE } },
    });
    for (declared, is_shown) in [(shows_views(), true), (json!({}), false)] {
        let setup = Setup {
            capabilities: declared,
            speed: Speed::Real,
            ..Setup::default()
        };
        let mut harness = setup.open(Revision::V2025_11_25).await;
        let created = harness.call("create_batch", arguments.clone()).await.json();
        let read = harness
            .call("get_batch", json!({ "batch_id": created["id"] }))
            .await
            .json();
        for answer in [&created, &read] {
            assert_eq!(
                (&answer["files_in_directory"], answer.get("files")),
                (&json!(12), None),
                "{answer}"
            );
        }
        let sentence = "The user sees this batch in a view that updates itself";
        assert_eq!(
            created["summary"].as_str().unwrap().contains(sentence),
            is_shown,
            "{created}"
        );
        harness.end().await;
    }
}

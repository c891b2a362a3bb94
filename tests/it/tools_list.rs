//! What is advertised: the contract of `manifests/tools.json`, and the rules that hosts and model providers hold definitions to.

use expect_test::expect_file;
use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::harness::{Harness, Setup, flags};

/// What a server offers without flags.
pub(crate) const DEFAULT_TOOLS: [&str; 7] = [
    "create_batch",
    "list_batches",
    "get_batch",
    "list_directories",
    "list_configurations",
    "read_result",
    "retry_failed_files",
];

async fn tools(arguments: &[&str], revision: Revision) -> Vec<Value> {
    let setup = Setup {
        flags: flags(arguments),
        ..Setup::default()
    };
    let mut harness = setup.open(revision).await;
    let list = harness.result("tools/list", json!({})).await;
    assert_eq!(list, harness.result("tools/list", json!({})).await, "the list changed");
    harness.close(0).await;
    list["tools"].as_array().unwrap().clone()
}

fn names(tools: &[Value]) -> Vec<&str> {
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

/// Every schema inside a schema, with its path.
fn walk<'a>(schema: &'a Value, path: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), visit);
    }
}

#[tokio::test]
async fn the_contract() {
    let tools = tools(&[], Revision::V2026_07_28).await;
    let golden = serde_json::to_string_pretty(&tools).unwrap() + "\n";
    expect_file!["../../manifests/tools.json"].assert_eq(&golden);
}

#[tokio::test]
async fn each_revision_lists_the_same_tools() {
    let newest = tools(&[], Revision::V2026_07_28).await;
    for revision in Revision::ALL {
        let listed = tools(&[], revision).await;
        assert_eq!(listed.len(), newest.len());
        for (tool, newest) in listed.iter().zip(&newest) {
            for (member, value) in tool.as_object().unwrap() {
                assert_eq!(value, &newest[member], "{member} in {}", revision.as_str());
            }
        }
    }
}

#[tokio::test]
async fn definitions_are_short_and_complete() {
    let mut bytes = 0;
    for tool in tools(&[], Revision::V2026_07_28).await {
        let name = tool["name"].as_str().unwrap();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        assert!((1..=64).contains(&name.len()) && name.bytes().all(plain), "{name}");
        assert!(!tool["title"].as_str().unwrap().is_empty());
        let description = tool["description"].as_str().unwrap();
        assert!(
            (80..=1024).contains(&description.chars().count()),
            "{name}: {}",
            description.len()
        );
        bytes += name.len() + description.len() + tool["inputSchema"].to_string().len();
    }
    assert!(
        bytes <= 9000,
        "names, descriptions and input schemas take {bytes} bytes"
    );
}

#[tokio::test]
async fn input_schemas_are_what_every_provider_takes() {
    for tool in tools(&[], Revision::V2026_07_28).await {
        let name = tool["name"].as_str().unwrap();
        let schema = &tool["inputSchema"];
        jsonschema::draft202012::meta::validate(schema).unwrap();
        walk(schema, name, &mut |path, schema| {
            for keyword in [
                "$ref",
                "$defs",
                "$schema",
                "$id",
                "oneOf",
                "anyOf",
                "allOf",
                "not",
                "if",
                "format",
                "title",
                "const",
                "nullable",
                "additionalProperties",
            ] {
                assert!(schema.get(keyword).is_none(), "{path} has {keyword}");
            }
            match schema["type"]
                .as_str()
                .unwrap_or_else(|| panic!("{path} has no single type"))
            {
                "object" => {
                    let required = schema["required"].as_array().into_iter().flatten();
                    for required in required {
                        assert!(
                            schema["properties"].get(required.as_str().unwrap()).is_some(),
                            "{path}: {required}"
                        );
                    }
                }
                "string" => {
                    // An ID, a date or a cursor is checked for more than its length.
                    let rules = ["_id", "_token", "cursor", "_on_or_after", "_on_or_before"];
                    let has_a_rule = rules.iter().any(|name| path.ends_with(name));
                    let bounded = has_a_rule || schema["maxLength"].is_u64() || schema["enum"].is_array();
                    assert!(bounded, "{path} is as long as it likes");
                }
                "array" => assert!(schema["items"].is_object(), "{path}"),
                "integer" | "boolean" => {}
                other => panic!("{path} is of type {other}"),
            }
            let is_property = path.contains('.') && !path.ends_with("[]");
            let description = schema["description"].as_str().unwrap_or_default();
            assert!(!is_property || !description.is_empty(), "{path} has no description");
        });
    }
}

/// If a result did not fit its schema, a host that validates would hide it, and with it the id of a batch that already exists. So
/// the schemas demand little.
#[tokio::test]
async fn output_schemas_are_lenient_objects() {
    for tool in tools(&[], Revision::V2026_07_28).await {
        let name = tool["name"].as_str().unwrap();
        let schema = &tool["outputSchema"];
        jsonschema::draft202012::meta::validate(schema).unwrap();
        assert_eq!(schema["type"], json!("object"));
        assert_eq!(
            schema["properties"].as_object().unwrap().keys().next().unwrap(),
            "summary"
        );
        walk(schema, name, &mut |path, schema| {
            for keyword in [
                "$ref",
                "$schema",
                "oneOf",
                "anyOf",
                "allOf",
                "enum",
                "pattern",
                "format",
                "maxLength",
            ] {
                assert!(schema.get(keyword).is_none(), "{path} has {keyword}");
            }
            assert_ne!(schema["additionalProperties"], json!(false), "{path}");
            // Extracted data is an object or an array, as its configuration says.
            let is_any = path == "read_result.data";
            assert!(schema["type"].is_string() || is_any, "{path} has no single type");
        });
    }
}

#[tokio::test]
async fn hints_are_always_stated() {
    let hints = |read_only: bool, open_world: bool| json!({ "readOnlyHint": read_only, "destructiveHint": false, "idempotentHint": read_only, "openWorldHint": open_world });
    for tool in tools(&[], Revision::V2026_07_28).await {
        let creates = [json!("create_batch"), json!("retry_failed_files")].contains(&tool["name"]);
        let reads_documents = tool["name"] == json!("read_result");
        assert_eq!(
            tool["annotations"],
            hints(!creates, reads_documents),
            "{}",
            tool["name"]
        );
        let icon = tool["icons"][0]["src"].as_str().unwrap();
        assert!(icon.starts_with("data:image/png;base64,"), "{icon}");
    }
}

#[tokio::test]
async fn the_list_has_one_page() {
    for revision in Revision::ALL {
        let mut harness = Harness::open(revision).await;
        for cursor in [json!("x"), json!(7)] {
            let (code, message) = harness.refusal("tools/list", json!({ "cursor": cursor })).await;
            assert_eq!(code, -32602, "{cursor}");
            assert!(message.contains("cursor"), "{message}");
        }
        for none in [json!(null), json!("")] {
            harness.result("tools/list", json!({ "cursor": none, "more": 1 })).await;
        }
        harness.close(0).await;
    }
}

#[tokio::test]
async fn the_same_bytes_come_from_every_server() {
    let mut lists = Vec::new();
    for _ in 0..2 {
        let mut harness = Harness::start().await;
        lists.push(harness.result("tools/list", json!({})).await.to_string());
        harness.close(0).await;
    }
    assert_eq!(lists[0], lists[1]);
}

#[tokio::test]
async fn read_only_withholds_what_creates() {
    assert_eq!(names(&tools(&[], Revision::V2025_06_18).await), DEFAULT_TOOLS);
    let withheld = tools(&["--read-only"], Revision::V2025_06_18).await;
    assert_eq!(names(&withheld), DEFAULT_TOOLS[1..6]);
}

#[tokio::test]
async fn a_pinned_project_takes_its_argument_away() {
    let has = |tools: &[Value], argument: &str| {
        let having = |tool: &&Value| tool["inputSchema"]["properties"].get(argument).is_some();
        match tools.iter().filter(having).count() {
            0 => false,
            count => count == tools.len() || panic!("{argument}: {count} of {}", tools.len()),
        }
    };
    for (arguments, project, organization) in [
        (&[][..], true, true),
        (&["--project-id", "p1"][..], false, true),
        (&["--organization-id", "o1"][..], true, false),
        (&["--project-id", "p1", "--organization-id", "o1"][..], false, false),
    ] {
        let tools = tools(arguments, Revision::V2026_07_28).await;
        assert_eq!(
            (has(&tools, "project_id"), has(&tools, "organization_id")),
            (project, organization),
            "{arguments:?}"
        );
    }
}

//! What every line of the server must be, in the revision in which its request was served.

use std::collections::BTreeSet;

use llamacloud_batches_mcp::mcp::{Era, Revision};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::rpc::{self, Message};
use super::{CANARY, schemas};

/// The longest text of a tool's result, in characters.
pub(crate) const MAX_RESULT_CHARS: usize = 6000;

/// Members of every task.
const TASK: [&str; 7] = [
    "taskId",
    "status",
    "statusMessage",
    "createdAt",
    "lastUpdatedAt",
    "ttlMs",
    "pollIntervalMs",
];

/// A request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) revision: Revision,
    /// The tool, of a `tools/call`.
    pub(crate) tool: String,
}

/// Checks one message; `asked` finds the request of an id.
pub(crate) fn check(text: &str, session: Option<Revision>, asked: impl FnOnce(&str) -> Option<Asked>) -> Message {
    assert!(!text.contains(CANARY), "the API key is in {text}");
    let message = Message::read(text).unwrap_or_else(|error| panic!("{error}"));
    let whole: Value = serde_json::from_str(text).unwrap();
    assert!(whole.get("id") != Some(&Value::Null), "{text}");
    let asked = message
        .answers()
        .map(|id| asked(id).unwrap_or_else(|| panic!("nothing was asked with this id, or it was answered: {text}")));
    match (&message, asked) {
        (Message::Request { method, .. }, _) => check_request(method, session, &whole),
        (Message::Notification { method, .. }, _) => check_notification(method, &whole),
        (Message::Result { result, .. }, asked) => {
            let (asked, exact) = (asked.unwrap(), rpc::members(text).unwrap()["result"]);
            check_result(&asked, result, &whole);
            if asked.method == "tools/call" && matches!(result["resultType"].as_str(), None | Some("complete")) {
                check_tool_result(&asked, exact);
            }
            if asked.method == "tasks/get" && result["status"] == json!("completed") {
                check_task_result(exact);
            }
        }
        (
            Message::Error {
                code, message, data, ..
            },
            asked,
        ) => {
            let revision = asked.map(|asked| asked.revision).or(session);
            check_error(*code, message, data.as_ref(), &whole, revision);
        }
    }
    message
}

fn check_result(asked: &Asked, result: &Value, whole: &Value) {
    let Asked { method, revision, .. } = asked;
    let (definition, own): (&'static str, &[&str]) = match method.as_str() {
        "initialize" => (
            "InitializeResult",
            &["protocolVersion", "capabilities", "serverInfo", "instructions"],
        ),
        "ping" => ("EmptyResult", &[]),
        "server/discover" => (
            "DiscoverResult",
            &[
                "supportedVersions",
                "capabilities",
                "instructions",
                "ttlMs",
                "cacheScope",
            ],
        ),
        "tools/list" => ("ListToolsResult", &["tools"]),
        "resources/list" => ("ListResourcesResult", &["resources"]),
        "resources/templates/list" => ("ListResourceTemplatesResult", &["resourceTemplates"]),
        "resources/read" => ("ReadResourceResult", &["contents"]),
        "tools/call" => match result["resultType"].as_str() {
            Some("task") => ("CreateTaskResult", &TASK),
            Some("input_required") => ("InputRequiredResult", &["inputRequests", "requestState"]),
            _ => ("CallToolResult", &["content", "isError"]),
        },
        "tasks/get" => ("GetTaskResult", &TASK),
        "tasks/update" => ("UpdateTaskResult", &[]),
        "tasks/cancel" => ("CancelTaskResult", &[]),
        "subscriptions/listen" => ("SubscriptionsListenResult", &[]),
        other => panic!("no result is known of {other}"),
    };
    let mut expected: BTreeSet<&str> = own.iter().copied().collect();
    if revision.era() == Era::Modern && (method == "tools/list" || method.starts_with("resources/")) {
        expected.extend(["ttlMs", "cacheScope"]);
    }
    if revision.era() == Era::Modern {
        expected.extend(["resultType", "_meta"]);
        let result_type = result["resultType"].as_str().unwrap();
        assert!(
            result_type == "complete" || (method == "tools/call" && ["task", "input_required"].contains(&result_type)),
            "{result:#}"
        );
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert!(
            server["name"].is_string() && server["version"].is_string(),
            "{result:#}"
        );
    }
    if method == "tools/call" && *revision >= Revision::V2025_06_18 && result["isError"] == json!(false) {
        expected.insert("structuredContent");
    }
    if method == "tools/call" && result["isError"] == json!(true) && result.get("_meta").is_some() {
        expected.insert("_meta");
    }
    if method == "tasks/get" && result["status"] == json!("completed") {
        expected.insert("result");
    }
    assert_eq!(
        members(result),
        expected,
        "{method} in {}: {result:#}",
        revision.as_str()
    );
    let response = if *revision >= Revision::V2025_11_25 {
        "JSONRPCResultResponse"
    } else {
        "JSONRPCResponse"
    };
    schemas::validate(*revision, response, whole);
    if method.starts_with("tasks/") || definition == "CreateTaskResult" {
        schemas::validate_tasks(definition, result);
    } else {
        schemas::validate(*revision, definition, result);
    }
    match method.as_str() {
        "initialize" => check_implementation(*revision, &result["serverInfo"]),
        "tools/list" => result["tools"]
            .as_array()
            .unwrap()
            .iter()
            .for_each(|tool| check_tool(*revision, tool)),
        _ => {}
    }
}

/// What a finished task brings is what the call would have been answered with.
fn check_task_result(task: &RawValue) {
    #[derive(Deserialize)]
    struct Task<'a> {
        #[serde(borrow, rename = "taskId")]
        id: &'a str,
        #[serde(borrow)]
        result: &'a RawValue,
    }
    let Task { id, result } = serde_json::from_str(task.get()).unwrap();
    // Batches have tasks, and so has long work of the process itself.
    let tool = if id.starts_with("batch.") {
        "get_batch"
    } else {
        "upload_files"
    };
    let asked = Asked {
        method: "tools/call".to_owned(),
        revision: Revision::V2026_07_28,
        tool: tool.to_owned(),
    };
    let value: Value = serde_json::from_str(result.get()).unwrap();
    let whole = json!({ "jsonrpc": "2.0", "id": 1, "result": value });
    check_result(&asked, &value, &whole);
    check_tool_result(&asked, result);
}

fn check_implementation(revision: Revision, server: &Value) {
    let mut expected = BTreeSet::from(["name", "version"]);
    if revision >= Revision::V2025_06_18 {
        expected.insert("title");
    }
    if revision >= Revision::V2025_11_25 {
        expected.extend(["description", "icons"]);
    }
    assert_eq!(members(server), expected, "serverInfo in {}", revision.as_str());
}

fn check_tool(revision: Revision, tool: &Value) {
    let mut expected = BTreeSet::from(["name", "description", "inputSchema"]);
    if revision >= Revision::V2025_03_26 {
        expected.insert("annotations");
    }
    if revision >= Revision::V2025_06_18 {
        expected.extend(["title", "outputSchema"]);
    }
    if revision >= Revision::V2025_11_25 {
        expected.insert("icons");
    }
    if tool.get("_meta").is_some() {
        expected.insert("_meta");
    }
    assert_eq!(members(tool), expected, "a tool in {}", revision.as_str());
    schemas::validate(revision, "Tool", tool);
}

/// One block of text; on success the same JSON as the structured content, byte for byte, and fit for its schema.
fn check_tool_result(asked: &Asked, result: &RawValue) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ToolResult<'a> {
        content: [Block; 1],
        #[serde(borrow)]
        structured_content: Option<&'a RawValue>,
        is_error: bool,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Block {
        r#type: String,
        text: String,
    }
    let ToolResult {
        content: [Block { r#type, text }],
        structured_content,
        is_error,
    } = serde_json::from_str(result.get()).unwrap_or_else(|error| panic!("{error} in {}", result.get()));
    assert_eq!(r#type, "text");
    assert!(
        text.chars().count() <= MAX_RESULT_CHARS,
        "{} characters: {text}",
        text.chars().count()
    );
    if is_error {
        assert!(structured_content.is_none() && !text.trim().is_empty());
        return;
    }
    if let Some(structured) = structured_content {
        assert_eq!(structured.get(), text, "the two halves of a result differ");
    }
    let output: Value = serde_json::from_str(&text).unwrap();
    if let Some(summary) = output["summary"].as_str() {
        assert_eq!(summary, summary.trim(), "a sentence is missing");
    }
    schemas::validate_output(&asked.tool, &output);
}

fn check_error(code: i64, message: &str, data: Option<&Value>, whole: &Value, revision: Option<Revision>) {
    const KNOWN: [i64; 9] = [-32700, -32600, -32601, -32602, -32603, -32000, -32022, -32021, -32002];
    assert!(KNOWN.contains(&code), "{whole}");
    assert!(!message.is_empty() && message.chars().count() < 600, "{whole}");
    match code {
        -32022 => {
            let data = data.unwrap();
            assert_eq!(members(data), BTreeSet::from(["supported", "requested"]));
            assert!(data["requested"].is_string() && data["supported"].is_array(), "{whole}");
        }
        -32021 => assert!(data.unwrap()["requiredCapabilities"].is_object(), "{whole}"),
        _ => assert_eq!(data, None, "{whole}"),
    }
    // Up to 2025-06-18 there is no valid shape for an error without an id.
    let Some(revision) = revision else { return };
    if revision >= Revision::V2025_11_25 {
        schemas::validate(revision, "JSONRPCErrorResponse", whole);
    } else if whole.get("id").is_some() {
        schemas::validate(revision, "JSONRPCError", whole);
    }
}

/// The server sends its client only one kind of request, `elicitation/create`, and only in a session whose revision has it.
fn check_request(method: &str, session: Option<Revision>, whole: &Value) {
    let session = session.unwrap_or_else(|| panic!("a server request without a session: {whole}"));
    assert!(
        [Revision::V2025_06_18, Revision::V2025_11_25].contains(&session),
        "a server request in {}: {whole}",
        session.as_str()
    );
    assert_eq!(method, "elicitation/create", "{whole}");
    assert_eq!(members(whole), BTreeSet::from(["jsonrpc", "id", "method", "params"]));
    assert_eq!(
        members(&whole["params"]),
        BTreeSet::from(["message", "requestedSchema"]),
        "{whole}"
    );
    assert!(whole["id"].as_str().unwrap().starts_with("server-"), "{whole}");
    schemas::validate(session, "ElicitRequest", whole);
}

fn check_notification(method: &str, whole: &Value) {
    if method == "notifications/tasks" {
        let mut expected: BTreeSet<&str> = TASK.iter().copied().collect();
        expected.insert("_meta");
        if whole["params"]["status"] == json!("completed") {
            expected.insert("result");
        }
        assert_eq!(members(&whole["params"]), expected, "{whole}");
        return schemas::validate_tasks("TaskStatusNotification", whole);
    }
    let definition = match method {
        "notifications/subscriptions/acknowledged" => "SubscriptionsAcknowledgedNotification",
        "notifications/progress" => "ProgressNotification",
        "notifications/cancelled" => "CancelledNotification",
        other => panic!("nobody asked for {other}"),
    };
    schemas::validate(Revision::V2026_07_28, definition, whole);
}

fn members(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

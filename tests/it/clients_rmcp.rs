//! The official Rust SDK as a client of the built binary, with a handshake and without: it lists, calls and fails, asks its user, and
//! follows tasks.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llamacloud_batches_mcp::sandbox::{DIR_FAILING, DIR_SMALL};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ClientConfig, ElicitRequestParams,
    ElicitResult, ErrorCode, GetTaskParams, ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RequestContext, RunningService, ServiceError};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::harness::child::command;
use super::harness::{PATIENCE, oracle, schemas};
use super::tools_call::parse;
use super::tools_list::DEFAULT_TOOLS;

/// A user who always answers the same, and how often they were asked.
#[derive(Clone)]
struct User {
    answer: Value,
    asked: Arc<AtomicUsize>,
    capabilities: Value,
}

type Client = RunningService<RoleClient, User>;

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let info = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": self.capabilities,
            "clientInfo": { "name": "rmcp", "version": "3" },
        });
        serde_json::from_value(info).unwrap()
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let question = serde_json::to_value(&request).unwrap()["message"].to_string();
        assert!(question.contains("4 files of directory dir-small"), "{question}");
        Ok(serde_json::from_value(self.answer.clone()).unwrap())
    }
}

fn lifecycles() -> [ClientLifecycleMode; 3] {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover {
            preferred_versions: preferred_versions.clone(),
        },
        ClientLifecycleMode::Auto {
            preferred_versions,
            legacy_version: None,
        },
    ]
}

async fn connect(lifecycle: ClientLifecycleMode, user: User, arguments: &[&str]) -> Client {
    let process = TokioChildProcess::builder(command(arguments)).stderr(Stdio::null());
    let (process, _) = process.spawn().unwrap();
    timeout(PATIENCE, user.serve_with_lifecycle(process, lifecycle))
        .await
        .unwrap()
        .unwrap()
}

fn user(answer: Value, capabilities: Value) -> User {
    User {
        answer,
        asked: Arc::default(),
        capabilities,
    }
}

async fn call(client: &Client, tool: &'static str, arguments: &Value) -> Result<CallToolResult, ServiceError> {
    let params = CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone());
    timeout(PATIENCE, client.call_tool(params)).await.unwrap()
}

/// What a tool says, as structured content and as text.
async fn result(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let result = call(client, tool, &arguments).await.unwrap();
    assert_eq!(result.is_error, Some(false), "{result:?}");
    let text = &result.content[0].as_text().unwrap().text;
    assert!(text.chars().count() <= oracle::MAX_RESULT_CHARS);
    let structured = result.structured_content.unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), structured);
    schemas::validate_output(tool, &structured);
    structured
}

async fn error(client: &Client, tool: &'static str, arguments: Value) -> String {
    let result = call(client, tool, &arguments).await.unwrap();
    assert_eq!(
        (result.is_error, &result.structured_content),
        (Some(true), &None),
        "{result:?}"
    );
    result.content[0].as_text().unwrap().text.clone()
}

#[tokio::test]
async fn it_lists_calls_and_fails_every_tool() {
    for lifecycle in lifecycles() {
        let client = connect(
            lifecycle,
            user(Value::Null, json!({})),
            &["--sandbox", "--sandbox-speed", "instant"],
        )
        .await;
        let tools = timeout(PATIENCE, client.list_all_tools()).await.unwrap().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, DEFAULT_TOOLS);
        let created = result(&client, "create_batch", parse(DIR_FAILING)).await;
        let read = json!({ "batch_id": created["id"], "expand": ["results"] });
        assert_eq!(result(&client, "get_batch", read).await["files"]["total"], json!(12));
        assert_eq!(
            result(&client, "list_batches", json!({})).await["batches"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert!(error(&client, "create_batch", parse("dir-none")).await.contains("404"));
        assert!(
            error(&client, "get_batch", json!({ "batch_id": "bat-none" }))
                .await
                .contains("404")
        );
        assert!(
            error(&client, "list_batches", json!({ "page_size": 0 }))
                .await
                .contains("`page_size`")
        );
        let refused = call(&client, "nope", &json!({})).await;
        assert!(
            matches!(&refused, Err(ServiceError::McpError(error)) if error.code == ErrorCode::INVALID_PARAMS),
            "{refused:?}"
        );
        client.cancel().await.unwrap();
    }
}

fn create(arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new("create_batch").with_arguments(arguments.as_object().unwrap().clone())
}

#[tokio::test]
async fn its_user_is_asked_before_credits_are_spent() {
    let yes = json!({ "action": "accept", "content": { "confirm": true } });
    for (answer, creates) in [
        (yes, true),
        (json!({ "action": "decline" }), false),
        (json!({ "action": "cancel" }), false),
    ] {
        for lifecycle in lifecycles() {
            let user = user(answer.clone(), json!({ "elicitation": {} }));
            let asked = Arc::clone(&user.asked);
            let client = connect(lifecycle, user, &["--sandbox", "--confirm-create"]).await;
            let result = timeout(PATIENCE, client.call_tool(create(&parse(DIR_SMALL))))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(result.is_error, Some(!creates), "{answer}: {result:?}");
            assert_eq!(asked.load(Ordering::SeqCst), 1);
            let params = CallToolRequestParams::new("list_batches");
            let listed = timeout(PATIENCE, client.call_tool(params)).await.unwrap().unwrap();
            let batches = listed.structured_content.unwrap()["batches"].as_array().unwrap().len();
            assert_eq!(batches, usize::from(creates));
            client.cancel().await.unwrap();
        }
    }
}

#[tokio::test]
async fn it_follows_a_task_to_its_end_and_cancels_another() {
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let arguments = ["--sandbox", "--sandbox-speed", "steps", "--poll-interval", "20ms"];
    let [_, modern, _] = lifecycles();
    let client = connect(modern, user(Value::Null, capabilities), &arguments).await;
    let mut waiting = parse(DIR_SMALL);
    waiting["wait_seconds"] = json!(60);
    let first = task(&client, &waiting).await;
    // Each look lets the sandbox go one state further.
    let ended = loop {
        let task = json!(
            timeout(PATIENCE, client.get_task(GetTaskParams::new(&first)))
                .await
                .unwrap()
                .unwrap()
        );
        if task["status"] != "working" {
            break task;
        }
    };
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(ended["result"]["structuredContent"]["status"], "COMPLETED", "{ended}");

    waiting["allow_duplicate"] = json!(true);
    let second = task(&client, &waiting).await;
    timeout(PATIENCE, client.cancel_task(CancelTaskParams::new(&second)))
        .await
        .unwrap()
        .unwrap();
    let ended = json!(
        timeout(PATIENCE, client.get_task(GetTaskParams::new(&second)))
            .await
            .unwrap()
            .unwrap()
    );
    assert_eq!(ended["status"], "cancelled", "{ended}");
    client.cancel().await.unwrap();
}

/// Creates a batch and waits for it, which is answered with a task.
async fn task(client: &Client, arguments: &Value) -> String {
    let response = timeout(PATIENCE, client.call_tool_once(create(arguments)))
        .await
        .unwrap()
        .unwrap();
    let CallToolResponse::Task(created) = response else {
        panic!("no task: {response:?}")
    };
    json!(created)["taskId"].as_str().unwrap().to_owned()
}

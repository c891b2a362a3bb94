//! The official Rust SDK as a client that can ask its user and follow tasks.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llamacloud_batches_mcp::sandbox::DIR_SMALL;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, ClientConfig, ElicitRequestParams, ElicitResult,
    GetTaskParams, ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RequestContext, RunningService};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::harness::PATIENCE;
use super::harness::child::command;
use super::tools_call::parse;

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

async fn connect(modern: bool, user: User, arguments: &[&str]) -> Client {
    let lifecycle = if modern {
        ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        }
    } else {
        ClientLifecycleMode::Initialize
    };
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
        for modern in [false, true] {
            let user = user(answer.clone(), json!({ "elicitation": {} }));
            let asked = Arc::clone(&user.asked);
            let client = connect(modern, user, &["--sandbox", "--confirm-create"]).await;
            let result = timeout(PATIENCE, client.call_tool(create(&parse(DIR_SMALL))))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(result.is_error, Some(!creates), "{answer} modern {modern}: {result:?}");
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
    let client = connect(true, user(Value::Null, capabilities), &arguments).await;
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

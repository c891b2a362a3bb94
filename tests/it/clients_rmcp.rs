//! The official Rust SDK as a client of the built binary, with a handshake and without.

use std::process::Stdio;

use llamacloud_batches_mcp::sandbox::{DIR_FAILING, DIR_SMALL};
use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, CallToolResult, ErrorCode, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RunningService, ServiceError};
use rmcp::transport::TokioChildProcess;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::harness::child::command;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{PATIENCE, oracle, schemas};
use super::tools_call::parse;
use super::tools_list::DEFAULT_TOOLS;

type Client = RunningService<RoleClient, ()>;

fn lifecycles() -> [ClientLifecycleMode; 3] {
    [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
        ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        },
    ]
}

async fn connect(lifecycle: ClientLifecycleMode, arguments: &[&str]) -> Client {
    let process = TokioChildProcess::builder(command(arguments)).stderr(Stdio::null());
    let (process, _) = process.spawn().unwrap();
    timeout(PATIENCE, ().serve_with_lifecycle(process, lifecycle))
        .await
        .unwrap()
        .unwrap()
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
        let client = connect(lifecycle, &["--sandbox", "--sandbox-speed", "instant"]).await;
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

#[tokio::test]
async fn a_call_that_it_drops_is_given_up() {
    for lifecycle in lifecycles() {
        let upstream = Upstream::start([Reply::silence(), Reply::running()]).await;
        let client = connect(lifecycle, &["--base-url", &upstream.base_url()]).await;
        let read = json!({ "batch_id": "bat-1" });
        tokio::select! {
            said = call(&client, "get_batch", &read) => panic!("{said:?}"),
            () = upstream.arrived(1) => {}
        }
        assert_eq!(result(&client, "get_batch", read).await["status"], json!("RUNNING"));
        client.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn its_calls_run_side_by_side() {
    let client = connect(
        ClientLifecycleMode::Initialize,
        &["--sandbox", "--sandbox-fault", "slow=30"],
    )
    .await;
    let created = result(&client, "create_batch", parse(DIR_SMALL)).await;
    let calls = (0..50).map(|_| result(&client, "get_batch", json!({ "batch_id": created["id"] })));
    for read in futures_util::future::join_all(calls).await {
        assert_eq!(read["id"], created["id"]);
    }
    client.cancel().await.unwrap();
}

//! The same tool with the official Rust SDK, `rmcp`.
//!
//! `peer-rmcp documented|fastest BASE-URL TOOLS-FILE`, with the key in `LLAMA_CLOUD_API_KEY`. `documented` is `stdio()` on a runtime
//! with a thread for each core, as in the SDK's examples; `fastest` is `stdio_pipes()` on a runtime of one thread.

use std::sync::{Arc, LazyLock};

use anyhow::{Context, bail};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool};
use rmcp::schemars::JsonSchema;
use rmcp::service::RequestContext;
use rmcp::transport::io::{stdio, stdio_pipes};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use serde::Deserialize;

/// Made by the first call, so that a start does not wait for it. What it speaks to is on loopback: it needs no certificates.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap_or_default()
});

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct GetBatch {
    batch_id: String,
}

#[derive(Clone)]
struct Server {
    tool_router: ToolRouter<Self>,
    tools: Arc<Vec<Tool>>,
    base_url: String,
    key: String,
}

#[tool_router]
impl Server {
    #[tool(description = "Reads one batch.")]
    async fn get_batch(&self, Parameters(GetBatch { batch_id }): Parameters<GetBatch>) -> Result<String, String> {
        let url = format!("{}/api/v2/batches/{batch_id}", self.base_url);
        let response = HTTP.get(url).bearer_auth(&self.key).send().await;
        let body = response.and_then(reqwest::Response::error_for_status);
        let body = body.map_err(|error| error.to_string())?;
        body.text().await.map_err(|error| error.to_string())
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    /// The product's list of tools, so that every server writes equally much.
    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let form = arguments.next().context("the first argument is the form")?;
    let base_url = arguments.next().context("the second argument is the API's base URL")?;
    let tools = arguments.next().context("the third argument is the file of tools")?;
    let tools = std::fs::read_to_string(&tools).with_context(|| tools.clone())?;
    rustls::crypto::ring::default_provider().install_default().ok();
    let server = Server {
        tool_router: Server::tool_router(),
        tools: Arc::new(serde_json::from_str(&tools)?),
        base_url,
        key: std::env::var("LLAMA_CLOUD_API_KEY").context("LLAMA_CLOUD_API_KEY")?,
    };
    match form.as_str() {
        "documented" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(async { anyhow::Ok(server.serve(stdio()).await?.waiting().await?) })?;
        }
        "fastest" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { anyhow::Ok(server.serve(stdio_pipes()).await?.waiting().await?) })?;
        }
        _ => bail!("{form} is no form of this server"),
    }
    Ok(())
}

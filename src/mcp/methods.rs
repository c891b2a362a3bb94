//! The methods, as a table: what the server answers to, with which parameters, and what it says.
//!
//! Which method belongs to which era is settled before one is called ([`super::context`]); what a revision's result looks like is
//! decided in [`super::types`].

use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use jsonrpsee::Extensions;
use jsonrpsee::core::server::Methods;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::context::{RequestContext, Session};
use super::dispatch::{Placeholder, Written};
use super::elicitation::Answers;
use super::error::ProtocolError;
use super::meta::client_name;
use super::notification::{Acknowledged, Promised, SubscriptionMeta, notification};
use super::outcome::{InputRequired, Outcome, Task};
use super::task::{DetailedTask, Follower, Subscription, TaskSource};
use super::tool::ToolSet;
use super::types::{
    Caching, CallToolResult, ClientCapabilities, DiscoverResult, Empty, Implementation, InitializeResult,
    ServerCapabilities, Stamped, TASKS_EXTENSION,
};
use super::version::{Era, Revision};

/// The protocol's methods. Tools are not methods: they are called through `tools/call`.
#[rpc(server)]
pub(crate) trait Mcp {
    /// Opens a legacy session, or reopens it. Source: 2025-11-25, basic/lifecycle.
    #[method(name = "initialize", param_kind = map, with_extensions)]
    fn initialize(
        &self,
        #[argument(rename = "protocolVersion")] protocol_version: String,
        capabilities: Option<Box<RawValue>>,
        #[argument(rename = "clientInfo")] client_info: Option<Box<RawValue>>,
    ) -> RpcResult<InitializeResult>;

    /// Says that the server is running; legacy only. Source: 2025-11-25, basic/utilities/ping.
    #[method(name = "ping")]
    fn ping(&self) -> RpcResult<Empty>;

    /// Says what the server is, without a session. Source: 2026-07-28, server/discover.
    #[method(name = "server/discover", with_extensions)]
    fn discover(&self) -> RpcResult<Stamped<DiscoverResult>>;

    /// Lists the tools, all on one page. Source: server/tools, listing tools.
    #[method(name = "tools/list", param_kind = map, with_extensions)]
    fn list_tools(&self, cursor: Option<Box<RawValue>>) -> RpcResult<Placeholder>;

    /// Calls a tool. Source: server/tools, calling tools.
    #[method(name = "tools/call", param_kind = map, with_extensions)]
    async fn call_tool(
        &self,
        name: String,
        arguments: Option<Box<RawValue>>,
        #[argument(rename = "inputResponses")] input_responses: Option<Box<RawValue>>,
        #[argument(rename = "requestState")] request_state: Option<String>,
    ) -> RpcResult<Placeholder>;

    /// Lists the views. Source: server/resources, listing resources.
    #[method(name = "resources/list", param_kind = map, with_extensions)]
    fn list_resources(&self, cursor: Option<Box<RawValue>>) -> RpcResult<Stamped<Listing>>;

    /// Lists the templates of resources, of which there are none. Source: server/resources, resource templates.
    #[method(name = "resources/templates/list", param_kind = map, with_extensions)]
    fn list_resource_templates(&self, cursor: Option<Box<RawValue>>) -> RpcResult<Stamped<Listing>>;

    /// Reads a view. Source: server/resources, reading resources.
    #[method(name = "resources/read", param_kind = map, with_extensions)]
    fn read_resource(&self, uri: String) -> RpcResult<Stamped<Listing>>;

    /// Returns the state of a task. Source: ext-tasks, tasks/get.
    #[method(name = "tasks/get", param_kind = map, with_extensions)]
    async fn get_task(&self, #[argument(rename = "taskId")] task_id: String) -> RpcResult<Stamped<DetailedTask>>;

    /// Takes input for a task; ours never request any. Source: ext-tasks, tasks/update.
    #[method(name = "tasks/update", param_kind = map, with_extensions)]
    async fn update_task(
        &self,
        #[argument(rename = "taskId")] task_id: String,
        #[argument(rename = "inputResponses")] input_responses: Box<RawValue>,
    ) -> RpcResult<Stamped<Empty>>;

    /// Requests a task's cancellation. Source: ext-tasks, tasks/cancel.
    #[method(name = "tasks/cancel", param_kind = map, with_extensions)]
    async fn cancel_task(&self, #[argument(rename = "taskId")] task_id: String) -> RpcResult<Stamped<Empty>>;

    /// Keeps a stream of notifications open until it is cancelled or the input ends. Source: 2026-07-28, subscriptions/listen.
    #[method(name = "subscriptions/listen", param_kind = map, with_extensions)]
    async fn listen(&self, notifications: Box<RawValue>) -> RpcResult<Stamped<Empty>>;
}

/// What `tools/call` is answered with.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum CallAnswer {
    Result(CallToolResult),
    Task(Box<DetailedTask>),
    Ask(InputRequired),
}

/// A list as the value of a member with its own name, such as `tools`. It never changes while the process runs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listing {
    #[serde(flatten)]
    list: Map<String, Value>,
    #[serde(flatten)]
    caching: Option<Caching>,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub struct ServerIdentity {
    /// Name, version and what people see.
    pub implementation: Implementation,
    /// What a model reads before it uses the tools; at most 800 characters.
    pub instructions: String,
}

/// A server: its identity, its tools, and the method table over both.
#[derive(Clone)]
pub struct Server {
    pub(crate) methods: Methods,
}

impl Server {
    /// Builds the method table.
    pub fn new(identity: ServerIdentity, tools: ToolSet, tasks: Arc<dyn TaskSource>) -> Self {
        let table = Table {
            identity,
            tools,
            tasks,
            lists: Default::default(),
        };
        Self {
            methods: table.into_rpc().into(),
        }
    }
}

struct Table {
    identity: ServerIdentity,
    tools: ToolSet,
    tasks: Arc<dyn TaskSource>,
    /// The answer to `tools/list` in each revision, without and with views: it never changes while the process runs.
    lists: [[OnceLock<Box<RawValue>>; 2]; Revision::ALL.len()],
}

#[async_trait]
impl McpServer for Table {
    fn initialize(
        &self,
        extensions: &Extensions,
        protocol_version: String,
        capabilities: Option<Box<RawValue>>,
        client_info: Option<Box<RawValue>>,
    ) -> RpcResult<InitializeResult> {
        let context = context(extensions)?;
        let revision = Revision::negotiate(&protocol_version);
        let client_name = client_info.as_deref().and_then(client_name);
        tracing::debug!(
            client = client_name.as_deref(),
            revision = revision.as_str(),
            "session opened"
        );
        let capabilities = capabilities.map(|declared| ClientCapabilities::read(&declared, revision));
        let capabilities = capabilities.unwrap_or_default();
        context.connection.open_session(Session {
            revision,
            client_name,
            capabilities,
        });
        Ok(InitializeResult {
            protocol_version: revision.as_str(),
            capabilities: ServerCapabilities::for_client(revision, capabilities),
            server_info: self.identity.implementation.for_revision(revision),
            instructions: self.identity.instructions.clone(),
        })
    }

    fn ping(&self) -> RpcResult<Empty> {
        Ok(Empty {})
    }

    fn discover(&self, extensions: &Extensions) -> RpcResult<Stamped<DiscoverResult>> {
        let context = context(extensions)?;
        let revision = context.revision;
        let result = DiscoverResult {
            supported_versions: Revision::MODERN.map(Revision::as_str),
            capabilities: ServerCapabilities::for_client(revision, context.capabilities),
            instructions: self.identity.instructions.clone(),
            caching: Caching::OF_CLIENT,
        };
        Ok(Stamped::complete(
            revision,
            self.identity.implementation.for_revision(revision),
            result,
        ))
    }

    fn list_tools(&self, extensions: &Extensions, cursor: Option<Box<RawValue>>) -> RpcResult<Placeholder> {
        one_page(cursor.as_deref())?;
        let written = written(extensions)?;
        let context = context(extensions)?;
        let (revision, shows_views) = (context.revision, context.capabilities.views);
        let index = Revision::ALL.iter().position(|known| *known == revision);
        let place = index
            .and_then(|index| self.lists.get(index)?.get(usize::from(shows_views)))
            .ok_or_else(ProtocolError::internal)?;
        if let Some(list) = place.get() {
            return Ok(written.put(list)?);
        }
        let tools = self.tools.list(revision, shows_views);
        let list = to_raw_value(&self.listing(revision, "tools", tools, Caching::OF_CLIENT));
        let list = list.map_err(|_| ProtocolError::internal())?;
        Ok(written.put(place.get_or_init(|| list))?)
    }

    fn list_resources(&self, extensions: &Extensions, cursor: Option<Box<RawValue>>) -> RpcResult<Stamped<Listing>> {
        one_page(cursor.as_deref())?;
        let revision = context(extensions)?.revision;
        let views = self.tools.views().iter().map(|view| view.listed(revision));
        Ok(self.listing(revision, "resources", views.collect(), Caching::STATIC))
    }

    fn list_resource_templates(
        &self,
        extensions: &Extensions,
        cursor: Option<Box<RawValue>>,
    ) -> RpcResult<Stamped<Listing>> {
        one_page(cursor.as_deref())?;
        let revision = context(extensions)?.revision;
        Ok(self.listing(revision, "resourceTemplates", json!([]), Caching::STATIC))
    }

    fn read_resource(&self, extensions: &Extensions, uri: String) -> RpcResult<Stamped<Listing>> {
        let revision = context(extensions)?.revision;
        let contents = self.tools.read_view(&uri, revision)?;
        Ok(self.listing(revision, "contents", contents, Caching::STATIC))
    }

    async fn call_tool(
        &self,
        extensions: &Extensions,
        name: String,
        arguments: Option<Box<RawValue>>,
        input_responses: Option<Box<RawValue>>,
        request_state: Option<String>,
    ) -> RpcResult<Placeholder> {
        let context = context(extensions)?;
        context.answers.get_or_init(|| Answers {
            input_responses,
            request_state,
        });
        let outcome = self.tools.call(context, &name, arguments.as_deref()).await?;
        let mut meta = Map::new();
        let mut complete = |outcome| {
            let mut result = CallToolResult::new(context.revision, outcome);
            meta = std::mem::take(&mut result.meta);
            ("complete", CallAnswer::Result(result))
        };
        let (result_type, answer) = match outcome {
            Ok(Outcome::Done(json)) => complete(Ok(json)),
            Err(error) => complete(Err(error)),
            Ok(Outcome::Task(task)) => (
                "task",
                CallAnswer::Task(Box::new(self.detail(context, task).just_begun())),
            ),
            Ok(Outcome::Ask(question)) => ("input_required", CallAnswer::Ask(question)),
        };
        let server = self.identity.implementation.short();
        let result = Stamped::of_type(result_type, context.revision, server, answer).with_meta(meta);
        Ok(written(extensions)?.put(&result)?)
    }

    async fn get_task(&self, extensions: &Extensions, task_id: String) -> RpcResult<Stamped<DetailedTask>> {
        let context = task_context(extensions)?;
        let task = self.tasks.get(context, &task_id).await.map_err(ProtocolError::from)?;
        Ok(self.stamp(context.revision, self.detail(context, task)))
    }

    async fn update_task(
        &self,
        extensions: &Extensions,
        task_id: String,
        _input_responses: Box<RawValue>,
    ) -> RpcResult<Stamped<Empty>> {
        let context = task_context(extensions)?;
        self.tasks.look(context, &task_id).await.map_err(ProtocolError::from)?;
        Ok(self.stamp(context.revision, Empty {}))
    }

    async fn cancel_task(&self, extensions: &Extensions, task_id: String) -> RpcResult<Stamped<Empty>> {
        let context = task_context(extensions)?;
        self.tasks
            .cancel(context, &task_id)
            .await
            .map_err(ProtocolError::from)?;
        Ok(self.stamp(context.revision, Empty {}))
    }

    async fn listen(&self, extensions: &Extensions, notifications: Box<RawValue>) -> RpcResult<Stamped<Empty>> {
        let context = context(extensions)?;
        // Serde would accept an array and read its items as the members in order.
        let object = Some(notifications.get()).filter(|text| text.starts_with('{'));
        let subscription: Option<Subscription> = object.and_then(|text| serde_json::from_str(text).ok());
        let subscription = subscription.ok_or_else(|| {
            ProtocolError::invalid_params("`notifications` must be an object, and its `taskIds` an array of strings")
        })?;
        let follower = Follower {
            source: &self.tasks,
            context,
            server: self.identity.implementation.short(),
        };
        let ids = subscription.distinct_task_ids()?;
        if !ids.is_empty() {
            task_context(extensions)?;
        }
        let tasks = follower.working(&ids).await;
        // Nothing else that a client can subscribe to ever changes, so nothing else is promised.
        let promised = Promised {
            task_ids: tasks.iter().map(|task| task.id.as_str()).collect(),
        };
        let request_id = &context.request_id;
        let acknowledged = Acknowledged {
            notifications: promised,
            meta: SubscriptionMeta {
                subscription_id: request_id,
            },
        };
        let acknowledged = notification("notifications/subscriptions/acknowledged", &acknowledged);
        context.connection.outbox.send(&acknowledged).await;
        let following = async {
            join_all(tasks.into_iter().map(|task| follower.follow(task, request_id))).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = following => {}
            () = context.input_ended() => {}
        }
        Ok(self
            .stamp(context.revision, Empty {})
            .of_subscription(request_id.clone()))
    }
}

impl Table {
    fn listing(&self, revision: Revision, name: &str, list: Value, caching: Caching) -> Stamped<Listing> {
        let caching = (revision.era() == Era::Modern).then_some(caching);
        let list = Map::from_iter([(name.to_owned(), list)]);
        self.stamp(revision, Listing { list, caching })
    }

    fn detail(&self, context: &RequestContext, task: Task) -> DetailedTask {
        DetailedTask::new(task, context.revision, self.identity.implementation.short())
    }

    fn stamp<T>(&self, revision: Revision, result: T) -> Stamped<T> {
        Stamped::complete(revision, self.identity.implementation.short(), result)
    }
}

fn context(extensions: &Extensions) -> Result<&Arc<RequestContext>, ErrorObjectOwned> {
    extensions.get().ok_or_else(|| ProtocolError::internal().into())
}

fn written(extensions: &Extensions) -> Result<&Written, ErrorObjectOwned> {
    extensions.get().ok_or_else(|| ProtocolError::internal().into())
}

/// Refuses a cursor: no list here has a second page.
fn one_page(cursor: Option<&RawValue>) -> Result<(), ProtocolError> {
    match cursor.map(RawValue::get) {
        None | Some("\"\"") => Ok(()),
        Some(_) => Err(ProtocolError::invalid_params(
            "unknown `cursor`: the list has one page; request it without a cursor",
        )),
    }
}

/// The context of a request that only clients with the tasks extension may send.
fn task_context(extensions: &Extensions) -> Result<&RequestContext, ErrorObjectOwned> {
    let context = context(extensions)?;
    if context.can_follow_tasks() {
        return Ok(context);
    }
    Err(ProtocolError::missing_capability(&json!({ "extensions": { TASKS_EXTENSION: {} } })).into())
}

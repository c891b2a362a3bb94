//! The wire types that we send and receive, nothing more. Names and spelling are the specification's.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::outcome::{Json, ToolError};
use super::resources::{UI_EXTENSION, VIEW_TYPE, View};
use super::version::{Era, Revision};

/// Name of the tasks extension, as clients and servers declare it.
pub(crate) const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What a server says about itself. Shape: `{"name": "…", "title": "…", "version": "…"}`. Source: `Implementation`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Implementation {
    /// Machine name.
    pub name: Cow<'static, str>,
    /// Name for people; from 2025-06-18.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Cow<'static, str>>,
    /// Version of this server.
    pub version: Cow<'static, str>,
    /// One sentence for people; from 2025-11-25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'static, str>>,
    /// Pictures for people; from 2025-11-25.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub icons: &'static [Icon],
}

impl Implementation {
    /// The part of this that the revision defines.
    pub(crate) fn for_revision(&self, revision: Revision) -> Self {
        Self {
            name: self.name.clone(),
            title: self.title.clone().filter(|_| revision.has_titles()),
            version: self.version.clone(),
            description: self.description.clone().filter(|_| revision.has_icons()),
            icons: if revision.has_icons() { self.icons } else { &[] },
        }
    }

    /// Name and version alone, as in every modern result.
    pub(crate) fn short(&self) -> Self {
        Self {
            title: None,
            description: None,
            icons: &[],
            ..self.clone()
        }
    }
}

/// A picture. Source: `Icon`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// A `data:` URI, so that no host fetches anything.
    pub src: &'static str,
    /// `image/png`.
    pub mime_type: &'static str,
    /// For example `48x48`.
    pub sizes: &'static [&'static str],
}

/// Hints about what a tool does. All are always stated, since the defaults assume the worst. Source: `ToolAnnotations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the specification's shape")]
pub struct ToolAnnotations {
    /// The tool changes nothing.
    pub read_only_hint: bool,
    /// The tool may destroy something.
    pub destructive_hint: bool,
    /// Calling it again with the same arguments changes nothing more.
    pub idempotent_hint: bool,
    /// It touches things that do not belong to the user.
    pub open_world_hint: bool,
}

impl ToolAnnotations {
    /// A tool that only reads what belongs to the user.
    pub const READ_ONLY: Self = Self {
        read_only_hint: true,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: false,
    };
    /// A tool that only reads, including document text that anybody may have written.
    pub const READS_DOCUMENTS: Self = Self {
        open_world_hint: true,
        ..Self::READ_ONLY
    };
    /// A tool that adds to what belongs to the user, each time it is called.
    pub const ADDS: Self = Self {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: false,
        open_world_hint: false,
    };
    /// A tool that adds to what belongs to the user; called again, it adds nothing.
    pub const ADDS_ONCE: Self = Self {
        idempotent_hint: true,
        ..Self::ADDS
    };
    /// A tool that saves text by others on this machine; called again, it saves nothing.
    pub const WRITES_HERE: Self = Self {
        open_world_hint: true,
        ..Self::ADDS_ONCE
    };
    /// A tool that removes something of the user's, once.
    pub const TAKES_AWAY: Self = Self {
        destructive_hint: true,
        ..Self::ADDS_ONCE
    };
}

/// A tool as `tools/list` shows it, before a revision takes away what it does not define. Source: `Tool`.
#[derive(Debug, Clone)]
pub struct ToolDefinition {
    /// `verb_noun`.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What the model reads.
    pub description: String,
    /// JSON Schema 2020-12 with an object root.
    pub input_schema: Value,
    /// JSON Schema 2020-12 with an object root, lenient.
    pub output_schema: Value,
    /// Hints.
    pub annotations: ToolAnnotations,
    /// Pictures.
    pub icons: &'static [Icon],
    /// The view that shows the tool's results, in hosts that show views.
    pub view: Option<&'static str>,
}

impl ToolDefinition {
    /// The JSON object that the revision defines; its view only for clients that show views.
    pub(crate) fn for_client(&self, revision: Revision, shows_views: bool) -> Value {
        let mut tool = Map::new();
        tool.insert("name".to_owned(), json!(self.name));
        if revision.has_titles() {
            tool.insert("title".to_owned(), json!(self.title));
        }
        tool.insert("description".to_owned(), json!(self.description));
        tool.insert("inputSchema".to_owned(), self.input_schema.clone());
        if revision.has_structured_content() {
            tool.insert("outputSchema".to_owned(), self.output_schema.clone());
        }
        if revision.has_annotations() {
            tool.insert("annotations".to_owned(), json!(self.annotations));
        }
        if revision.has_icons() {
            tool.insert("icons".to_owned(), json!(self.icons));
        }
        if let Some(uri) = self.view.filter(|_| shows_views) {
            tool.insert("_meta".to_owned(), View::meta_of_tool(uri));
        }
        Value::Object(tool)
    }
}

/// What a client declared, as far as it matters. Source: `ClientCapabilities`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ClientCapabilities {
    /// Forms can be shown to the user.
    pub(crate) elicitation: bool,
    /// The tasks extension; modern requests only, whatever a legacy session says.
    pub(crate) tasks: bool,
    /// Views are shown beside results. Any revision: the extension is older than the era that defines extensions.
    pub(crate) views: bool,
}

impl ClientCapabilities {
    /// Reads what a client declared; what cannot be read was not declared.
    pub(crate) fn read(declared: &RawValue, revision: Revision) -> Self {
        #[derive(Deserialize)]
        struct Declared {
            elicitation: Option<Map<String, Value>>,
            extensions: Option<Map<String, Value>>,
        }
        let Ok(declared) = serde_json::from_str::<Declared>(declared.get()) else {
            return Self::default();
        };
        let extension = |name: &str| declared.extensions.as_ref().and_then(|extensions| extensions.get(name));
        let views = extension(UI_EXTENSION).and_then(|settings| settings.get("mimeTypes")?.as_array());
        let forms = |modes: &Map<String, Value>| modes.is_empty() || modes.contains_key("form");
        Self {
            elicitation: revision.has_elicitation() && declared.elicitation.as_ref().is_some_and(forms),
            tasks: revision.era() == Era::Modern && extension(TASKS_EXTENSION).is_some(),
            views: views.is_some_and(|types| types.iter().any(|kind| kind == VIEW_TYPE)),
        }
    }
}

/// Answer to `initialize`. Source: `InitializeResult`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitializeResult {
    pub(crate) protocol_version: &'static str,
    pub(crate) capabilities: ServerCapabilities,
    pub(crate) server_info: Implementation,
    pub(crate) instructions: String,
}

/// What the server offers. Source: `ServerCapabilities`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ServerCapabilities {
    pub(crate) tools: Empty,
    /// Only for clients that show views: some hosts turn it into tools of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Empty>,
    /// By name. Legacy revisions do not define any, but clients that show views expect theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extensions: Option<Value>,
}

impl ServerCapabilities {
    /// What is offered to a client: extensions of the protocol, and views where they are shown.
    pub(crate) fn for_client(revision: Revision, client: ClientCapabilities) -> Self {
        let tasks = (revision.era() == Era::Modern).then_some(TASKS_EXTENSION);
        let views = client.views.then_some(UI_EXTENSION);
        let extensions: Map<String, Value> = [tasks, views]
            .into_iter()
            .flatten()
            .map(|name| (name.to_owned(), json!({})))
            .collect();
        Self {
            tools: Empty {},
            resources: client.views.then_some(Empty {}),
            extensions: (!extensions.is_empty()).then_some(Value::Object(extensions)),
        }
    }
}

/// `{}`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Empty {}

/// Answer to `server/discover`. Source: 2026-07-28, `DiscoverResult`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiscoverResult {
    pub(crate) supported_versions: [&'static str; Revision::MODERN.len()],
    pub(crate) capabilities: ServerCapabilities,
    pub(crate) instructions: String,
    #[serde(flatten)]
    pub(crate) caching: Caching,
}

/// How long a client may keep a result. Source: 2026-07-28, `CacheableResult`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Caching {
    /// Milliseconds.
    ttl_ms: u32,
    cache_scope: &'static str,
}

impl Caching {
    /// For compiled-in content without user data: five minutes, for anybody.
    pub(crate) const STATIC: Self = Self {
        ttl_ms: 300_000,
        cache_scope: "public",
    };
    /// The same for what depends on the client that asks.
    pub(crate) const OF_CLIENT: Self = Self {
        cache_scope: "private",
        ..Self::STATIC
    };
}

/// Answer to `tools/call`. Source: `CallToolResult`.
///
/// A success is sent twice, as text and as structured content, with the same bytes; an error as text alone, which no host hides.
#[derive(Debug, Clone)]
pub(crate) struct CallToolResult {
    outcome: Result<Box<RawValue>, String>,
    has_structured_content: bool,
    /// Members of its `_meta`, which [`Stamped`] writes together with its own.
    pub(crate) meta: Map<String, Value>,
}

impl CallToolResult {
    pub(crate) fn new(revision: Revision, outcome: Result<Json, ToolError>) -> Self {
        let (outcome, meta) = match outcome.map_err(ToolError::into_parts) {
            Ok(json) => (Ok(json.into_raw()), Map::new()),
            Err((text, meta)) => (Err(text), meta),
        };
        Self {
            outcome,
            has_structured_content: revision.has_structured_content(),
            meta,
        }
    }
}

impl Serialize for CallToolResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            content: [TextContent<'a>; 1],
            #[serde(skip_serializing_if = "Option::is_none")]
            structured_content: Option<&'a RawValue>,
            is_error: bool,
        }
        #[derive(Serialize)]
        struct TextContent<'a> {
            r#type: &'static str,
            text: &'a str,
        }
        let (text, json) = match &self.outcome {
            Ok(json) => (json.get(), Some(&**json)),
            Err(text) => (text.as_str(), None),
        };
        Wire {
            content: [TextContent { r#type: "text", text }],
            structured_content: json.filter(|_| self.has_structured_content),
            is_error: self.outcome.is_err(),
        }
        .serialize(serializer)
    }
}

/// A result with its `_meta`, and with what the modern era puts on every result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stamped<T> {
    #[serde(rename = "resultType", skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    #[serde(flatten)]
    result: T,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<ResultMeta>,
}

impl<T> Stamped<T> {
    /// Stamps a finished result as the revision requires.
    pub(crate) fn complete(revision: Revision, server: Implementation, result: T) -> Self {
        Self::of_type("complete", revision, server, result)
    }

    /// Stamps a result that may not be final. Source: 2026-07-28, `ResultType`.
    pub(crate) fn of_type(result_type: &'static str, revision: Revision, server: Implementation, result: T) -> Self {
        match revision.era() {
            Era::Legacy => Self {
                result_type: None,
                result,
                meta: None,
            },
            Era::Modern => Self {
                result_type: Some(result_type),
                result,
                meta: Some(ResultMeta {
                    server_info: Some(server),
                    ..ResultMeta::default()
                }),
            },
        }
    }

    /// The same with more members of `_meta`.
    pub(crate) fn with_meta(mut self, members: Map<String, Value>) -> Self {
        if !members.is_empty() {
            self.meta.get_or_insert_default().more = members;
        }
        self
    }

    /// The same for the result that ends a subscription.
    pub(crate) fn of_subscription(mut self, subscription_id: Box<RawValue>) -> Self {
        if let Some(meta) = &mut self.meta {
            meta.subscription_id = Some(subscription_id);
        }
        self
    }
}

/// `_meta` of a modern result. Source: 2026-07-28, `ResultMetaObject`.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ResultMeta {
    #[serde(
        rename = "io.modelcontextprotocol/serverInfo",
        skip_serializing_if = "Option::is_none"
    )]
    server_info: Option<Implementation>,
    #[serde(
        rename = "io.modelcontextprotocol/subscriptionId",
        skip_serializing_if = "Option::is_none"
    )]
    subscription_id: Option<Box<RawValue>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

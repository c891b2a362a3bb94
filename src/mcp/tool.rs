//! The seam between the protocol and what a model may do: a [`Tool`] says its types and carries out a call; the [`ToolSet`] lists
//! the tools, reads their arguments and turns what they answer into a result.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Instant;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::context::RequestContext;
use super::error::ProtocolError;
use super::question::InputRequired;
use super::task::Task;
use super::types::{CallToolResult, Icon, TextContent, ToolAnnotations, ToolDefinition};
use super::version::Revision;
use super::written::to_json;
use super::{arguments, schema};
use crate::foreign;
use crate::tally::Tally;

/// Something that a model may do.
pub trait Tool: Send + Sync + 'static {
    /// `verb_noun`; never changes once released.
    const NAME: &'static str;
    /// The name for people.
    const TITLE: &'static str;
    /// What the tool does to the world.
    const ANNOTATIONS: ToolAnnotations;
    /// The arguments. The type's own documentation is the tool's description, its members' documentation theirs.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    /// The result, an object.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// Carries out one call. Dropping the future gives the call up.
    ///
    /// # Errors
    /// Whatever the model can act on. There is no other error: a bug is a panic, and answered as one.
    fn call(
        &self,
        context: &RequestContext,
        input: Self::Input,
    ) -> impl Future<Output = Result<Outcome<Self::Output>, ToolError>> + Send;
}

/// What a call comes to, if it does not fail.
#[derive(Debug)]
pub enum Outcome<T> {
    /// The result.
    Done(T),
    /// Work that goes on: only for a client that can follow it ([`RequestContext::can_follow_tasks`]).
    Task(Task),
    /// A question that the client has to ask its user before it calls again: what [`RequestContext::confirm`] gave.
    Ask(InputRequired),
}

impl<T> From<T> for Outcome<T> {
    fn from(output: T) -> Self {
        Self::Done(output)
    }
}

/// A failure that the model can act on: the sentence it reads, and the cause for the log.
#[derive(Debug)]
pub struct ToolError {
    text: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    is_of_arguments: bool,
    meta: Map<String, Value>,
}

impl ToolError {
    /// A failure without a cause worth a log line: the sentence says it all.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source: None,
            is_of_arguments: false,
            meta: Map::new(),
        }
    }

    /// Arguments that the tool does not accept.
    fn of_arguments(text: String) -> Self {
        Self {
            is_of_arguments: true,
            ..Self::new(text)
        }
    }

    /// A failure with its cause.
    pub fn caused_by(text: impl Into<String>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..Self::new(text)
        }
    }

    /// The same with what programs read of it: members of the result's `_meta`.
    #[must_use]
    pub fn with_meta(self, meta: Map<String, Value>) -> Self {
        Self { meta, ..self }
    }

    /// What the model reads.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The tools of a server, in the order in which they are listed.
#[derive(Default)]
pub struct ToolSet {
    tools: Vec<Entry>,
    withheld: Vec<(&'static str, &'static str)>,
    hidden_arguments: Vec<&'static str>,
    icons: &'static [Icon],
}

impl ToolSet {
    /// No tools yet; `icons` are shown beside each.
    pub fn new(icons: &'static [Icon]) -> Self {
        Self {
            icons,
            ..Self::default()
        }
    }

    /// Adds a tool at the end.
    #[must_use]
    pub fn with<T: Tool>(mut self, tool: T) -> Self {
        self.tools.push(Entry::new(tool));
        self
    }

    /// A tool that is neither listed nor callable here; `why` is told to who calls it all the same.
    #[must_use]
    pub fn without(mut self, name: &'static str, why: &'static str) -> Self {
        self.withheld.push((name, why));
        self
    }

    /// Leaves an argument out of every advertised schema, because the server's settings decide it.
    #[must_use]
    pub fn hiding(mut self, argument: &'static str) -> Self {
        self.hidden_arguments.push(argument);
        self
    }

    /// The definitions, as they are advertised.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools.iter().map(|entry| self.advertised(entry)).collect()
    }

    /// The definitions as JSON, as a revision defines them.
    pub(crate) fn list(&self, revision: Revision) -> Value {
        let tools = self.definitions();
        Value::Array(tools.iter().map(|tool| tool.for_revision(revision)).collect())
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// -32602 for a tool that is not there. Everything else is a result.
    pub(crate) async fn call(
        &self,
        context: &RequestContext,
        name: &str,
        arguments: Option<&RawValue>,
    ) -> Result<Outcome<CallToolResult>, ProtocolError> {
        let Some(entry) = self.tools.iter().find(|entry| entry.name == name) else {
            return Err(ProtocolError::unknown_tool(name, &self.why_not(name)));
        };
        let arguments = arguments.map_or("{}", RawValue::get);
        if !arguments.starts_with('{') {
            return Err(ProtocolError::invalid_params("`arguments` must be an object"));
        }
        let outcome = match Told::begin(context, entry.name) {
            None => entry.tool.call(context, arguments).await,
            Some(mut told) => {
                let outcome = told.tally.clone().over(entry.tool.call(context, arguments)).await;
                told.outcome = outcome_in_words(&outcome);
                outcome
            }
        };
        if let Err(ToolError {
            source: Some(source), ..
        }) = &outcome
        {
            tracing::warn!(tool = entry.name, error = %json!(source.to_string()), "tool call failed");
        }
        Ok(match outcome {
            Ok(Outcome::Done(json)) => Outcome::Done(result(context.revision, Ok(json))),
            Ok(Outcome::Task(task)) => Outcome::Task(task),
            Ok(Outcome::Ask(question)) => Outcome::Ask(question),
            Err(error) => Outcome::Done(result(context.revision, Err(error))),
        })
    }

    /// What to do about a tool that is not there.
    fn why_not(&self, name: &str) -> String {
        if let Some((_, why)) = self.withheld.iter().find(|(withheld, _)| *withheld == name) {
            return (*why).to_owned();
        }
        let names = || self.tools.iter().map(|entry| entry.name);
        match foreign::nearest(name, names()) {
            Some(nearest) => format!("Did you mean `{nearest}`?"),
            None => format!(
                "There are {}.",
                names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
        }
    }

    fn advertised(&self, entry: &Entry) -> ToolDefinition {
        let mut definition = entry.definition.get_or_init(|| (entry.define)(self.icons)).clone();
        if let Some(Value::Object(properties)) = definition.input_schema.get_mut("properties") {
            properties.retain(|name, _| !self.hidden_arguments.contains(&name.as_str()));
        }
        definition
    }
}

/// A tool without its types.
struct Entry {
    name: &'static str,
    /// Made when it is first asked for: a process that only calls tools, or only says hello, needs none.
    definition: OnceLock<ToolDefinition>,
    define: fn(&'static [Icon]) -> ToolDefinition,
    tool: Box<dyn Erased>,
}

impl Entry {
    fn new<T: Tool>(tool: T) -> Self {
        Self {
            name: T::NAME,
            definition: OnceLock::new(),
            define: define::<T>,
            tool: Box::new(Typed(tool)),
        }
    }
}

fn define<T: Tool>(icons: &'static [Icon]) -> ToolDefinition {
    let mut input_schema = schema::of_input::<T::Input>();
    let mut output_schema = schema::of_output::<T::Output>();
    let description = schema::take_description(&mut input_schema);
    schema::take_description(&mut output_schema);
    ToolDefinition {
        name: T::NAME,
        title: T::TITLE,
        description,
        input_schema,
        output_schema,
        annotations: T::ANNOTATIONS,
        icons,
    }
}

type Called<'a> = BoxFuture<'a, Result<Outcome<Box<RawValue>>, ToolError>>;

trait Erased: Send + Sync {
    /// The result as compact JSON.
    fn call<'a>(&'a self, context: &'a RequestContext, arguments: &'a str) -> Called<'a>;
}

struct Typed<T>(T);

impl<T: Tool> Erased for Typed<T> {
    fn call<'a>(&'a self, context: &'a RequestContext, arguments: &'a str) -> Called<'a> {
        Box::pin(async move {
            let input = arguments::decode(arguments, schema::of_input::<T::Input>).map_err(|problems| {
                ToolError::of_arguments(format!(
                    "`{}` was not carried out. {problems}. Correct this and call again.",
                    T::NAME
                ))
            })?;
            Ok(match self.0.call(context, input).await? {
                Outcome::Done(output) => Outcome::Done(to_json(&output)?),
                Outcome::Task(task) => Outcome::Task(task),
                Outcome::Ask(question) => Outcome::Ask(question),
            })
        })
    }
}

/// Success is sent twice, byte for byte the same; an error as text alone, since some hosts show only the structured half.
pub(crate) fn result(revision: Revision, outcome: Result<Box<RawValue>, ToolError>) -> CallToolResult {
    let is_error = outcome.is_err();
    let (text, structured_content, meta) = match outcome {
        Ok(json) => (
            json.get().to_owned(),
            Some(json).filter(|_| revision.has_structured_content()),
            Map::new(),
        ),
        Err(error) => (error.text, None, error.meta),
    };
    CallToolResult {
        content: [TextContent::new(text)],
        structured_content,
        is_error,
        meta,
    }
}

/// One line of the log for one call, written when the call is over, however that comes about; never arguments.
struct Told<'a> {
    context: &'a RequestContext,
    tool: &'static str,
    started: Instant,
    tally: Tally,
    outcome: &'static str,
}

impl<'a> Told<'a> {
    /// `None` where nobody reads it: then a call pays for nothing of this.
    fn begin(context: &'a RequestContext, tool: &'static str) -> Option<Self> {
        tracing::enabled!(tracing::Level::INFO).then(|| Self {
            context,
            tool,
            started: Instant::now(),
            tally: Tally::default(),
            outcome: "cancelled",
        })
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            tool = self.tool,
            client = self.context.client_name().unwrap_or("unnamed"),
            outcome = self.outcome,
            duration_ms,
            upstream_requests = self.tally.count(),
            "tool call"
        );
    }
}

fn outcome_in_words<T>(outcome: &Result<Outcome<T>, ToolError>) -> &'static str {
    match outcome {
        Ok(Outcome::Done(_)) => "ok",
        Ok(Outcome::Task(_)) => "task",
        Ok(Outcome::Ask(_)) => "question",
        Err(error) if error.is_of_arguments => "invalid arguments",
        Err(_) => "tool error",
    }
}

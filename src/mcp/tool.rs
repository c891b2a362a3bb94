//! The seam between the protocol and what a model may do: a [`Tool`] states its types and carries out a call, a [`CallSetup`] holds
//! what all tools have in common, and the [`ToolSet`] lists the tools, reads their arguments and turns outcomes into results.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::arguments;
use super::context::RequestContext;
use super::error::ProtocolError;
use super::outcome::{Outcome, ToolError};
use super::resources::{self, View};
use super::schema::{self, InputSchema};
use super::types::{Icon, ToolAnnotations, ToolDefinition};
use super::version::Revision;
use crate::request_count::RequestCount;
use crate::untrusted;

/// Something that a model may do. `Call` is what a tool is handed with each call, as made by a [`CallSetup`].
pub trait Tool<Call>: Send + Sync + 'static {
    /// `verb_noun`; never changes once released.
    const NAME: &'static str;
    /// The name for people.
    const TITLE: &'static str;
    /// Hints about what the tool does.
    const ANNOTATIONS: ToolAnnotations;
    /// The arguments. The documentation of the type describes the tool, that of its members the arguments.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    /// The result, an object.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// Performs one call. Dropping the future cancels the call.
    ///
    /// # Errors
    /// Whatever the model can act on. There is no other error: a bug is a panic, and answered as one.
    fn call(
        &self,
        call: &Call,
        input: Self::Input,
    ) -> impl Future<Output = Result<Outcome<Self::Output>, ToolError>> + Send;

    /// The address of the view that shows the tool's results, in hosts that show views.
    const VIEW: Option<&'static str> = None;
    /// Whether the tool is offered only to hosts that show views.
    const NEEDS_VIEWS: bool = false;
}

/// What all tools of a set have in common: arguments that each takes beside its own, and what a call consists of.
pub trait CallSetup: Send + Sync + 'static {
    /// The common arguments, all of them optional. They are added to the schema of every tool.
    type Arguments: DeserializeOwned + JsonSchema + Send + 'static;
    /// What a tool is handed with each call.
    type Call: Send + Sync;

    /// Common arguments that are not advertised, because the server's settings decide them.
    fn hidden_arguments(&self) -> Vec<&'static str>;

    /// What to do about an argument that cannot be read, besides correcting it: a clause without a full stop.
    fn advice(&self, argument: &str) -> Option<String>;

    /// Makes the call that a tool is handed.
    ///
    /// # Errors
    /// For common arguments that this server does not accept.
    fn call(&self, context: Arc<RequestContext>, arguments: Self::Arguments) -> Result<Self::Call, ToolError>;
}

/// The tools of a server, in the order in which they are listed.
#[derive(Default)]
pub struct ToolSet {
    tools: Vec<Offer>,
    withheld: Vec<(&'static str, String)>,
    views: Vec<View>,
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
    pub fn with<S: CallSetup, T: Tool<S::Call>>(mut self, setup: &Arc<S>, tool: T) -> Self {
        self.tools.push(Offer {
            name: T::NAME,
            needs_views: T::NEEDS_VIEWS,
            tool: Box::new(Typed {
                tool,
                setup: Arc::clone(setup),
                schema: OnceLock::new(),
            }),
        });
        self
    }

    /// A tool that is neither listed nor callable here. A call of it is answered with `reason`, which names the flag to change.
    #[must_use]
    pub fn without(mut self, name: &'static str, reason: String) -> Self {
        self.withheld.push((name, reason));
        self
    }

    /// A view that hosts may show beside the results of tools.
    #[must_use]
    pub fn showing(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    pub(crate) fn views(&self) -> &[View] {
        &self.views
    }

    /// The contents of the view with this address.
    ///
    /// # Errors
    /// As for [`resources::read`].
    pub(crate) fn read_view(&self, uri: &str, revision: Revision) -> Result<Value, ProtocolError> {
        let offered: Vec<_> = self.names().collect();
        resources::read(&self.views, &offered, uri, revision)
    }

    /// The names of the tools on offer to every host.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.offered(false).map(|offer| offer.name)
    }

    fn offered(&self, shows_views: bool) -> impl Iterator<Item = &Offer> {
        self.tools.iter().filter(move |offer| shows_views || !offer.needs_views)
    }

    /// The definitions, as they are advertised.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.offered(false).map(|offer| offer.tool.define(self.icons)).collect()
    }

    /// The definitions as JSON, as a revision defines them.
    pub(crate) fn list(&self, revision: Revision, shows_views: bool) -> Value {
        let define = |offer: &Offer| offer.tool.define(self.icons).for_client(revision, shows_views);
        Value::Array(self.offered(shows_views).map(define).collect())
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// -32602 for a tool that is not there. Everything else is an outcome.
    pub(crate) async fn call(
        &self,
        context: &Arc<RequestContext>,
        name: &str,
        arguments: Option<&RawValue>,
    ) -> Result<Result<Outcome, ToolError>, ProtocolError> {
        let mut offered = self.offered(context.capabilities.views);
        let Some(Offer { name, tool, .. }) = offered.find(|offer| offer.name == name) else {
            return Err(ProtocolError::unknown_tool(name, &self.why_not(name)));
        };
        let none = RawValue::from_string("{}".to_owned()).unwrap_or_default();
        let arguments = arguments.unwrap_or(&none);
        // An object, or the same as JSON text.
        if !arguments.get().starts_with(['{', '"']) {
            return Err(ProtocolError::invalid_params("`arguments` must be an object"));
        }
        let outcome = match CallLog::begin(context, name) {
            None => tool.call(context, arguments).await,
            Some(mut log) => {
                let outcome = log.requests.clone().over(tool.call(context, arguments)).await;
                log.outcome = outcome_in_words(&outcome);
                outcome
            }
        };
        if let Err(error) = &outcome
            && let Some(source) = error.source()
        {
            tracing::warn!(tool = name, error = %json!(source.to_string()), "tool call failed");
        }
        Ok(outcome)
    }

    /// What to do about a tool that is not there.
    fn why_not(&self, name: &str) -> String {
        if let Some((_, reason)) = self.withheld.iter().find(|(withheld, _)| *withheld == name) {
            return reason.clone();
        }
        match untrusted::nearest(name, self.names()) {
            Some(nearest) => format!("Did you mean `{nearest}`?"),
            None => format!(
                "The tools are {}.",
                self.names()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }
    }
}

type Called<'a> = BoxFuture<'a, Result<Outcome, ToolError>>;

/// A tool of the set. Its name is beside it, not behind it: a start asks each tool for its name, and would load the code of each.
struct Offer {
    name: &'static str,
    needs_views: bool,
    tool: Box<dyn Offered>,
}

/// A tool without its types.
trait Offered: Send + Sync {
    fn define(&self, icons: &'static [Icon]) -> ToolDefinition;
    fn call<'a>(&'a self, context: &Arc<RequestContext>, arguments: &'a RawValue) -> Called<'a>;
}

struct Typed<T, S> {
    tool: T,
    setup: Arc<S>,
    /// Made when it is first needed: most processes call few of the tools.
    schema: OnceLock<InputSchema>,
}

impl<S: CallSetup, T: Tool<S::Call>> Typed<T, S> {
    fn schema(&self) -> &InputSchema {
        self.schema
            .get_or_init(|| InputSchema::of::<T::Input, S::Arguments>(self.setup.hidden_arguments()))
    }

    async fn run(&self, context: Arc<RequestContext>, arguments: &RawValue) -> Result<Outcome, ToolError> {
        let (input, common) = arguments::read(arguments, self.schema()).map_err(|mut problems| {
            let name = T::NAME;
            problems.advise(self.schema(), |argument| self.setup.advice(argument));
            ToolError::about_arguments(format!(
                "{problems}. Nothing was sent. Correct this and call `{name}` again."
            ))
        })?;
        let call = self.setup.call(context, common)?;
        let outcome = self.tool.call(&call, input).await?;
        Ok(outcome.untyped())
    }
}

impl<S: CallSetup, T: Tool<S::Call>> Offered for Typed<T, S> {
    fn define(&self, icons: &'static [Icon]) -> ToolDefinition {
        ToolDefinition {
            name: T::NAME,
            title: T::TITLE,
            description: self.schema().description(),
            input_schema: self.schema().advertised(),
            output_schema: schema::of_output::<T::Output>(),
            annotations: T::ANNOTATIONS,
            icons,
            view: T::VIEW,
        }
    }

    fn call<'a>(&'a self, context: &Arc<RequestContext>, arguments: &'a RawValue) -> Called<'a> {
        Box::pin(self.run(Arc::clone(context), arguments))
    }
}

/// One line of the log for one call, written when the call ends, however it ends; never with arguments.
struct CallLog<'a> {
    context: &'a RequestContext,
    tool: &'static str,
    started: Instant,
    requests: RequestCount,
    outcome: &'static str,
}

impl<'a> CallLog<'a> {
    /// `None` if this log level is off, so that it costs the call nothing.
    fn begin(context: &'a RequestContext, tool: &'static str) -> Option<Self> {
        tracing::enabled!(tracing::Level::INFO).then(|| Self {
            context,
            tool,
            started: Instant::now(),
            requests: RequestCount::default(),
            outcome: "cancelled",
        })
    }
}

impl Drop for CallLog<'_> {
    fn drop(&mut self) {
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            tool = self.tool,
            client = self.context.client_name().unwrap_or("unnamed"),
            outcome = self.outcome,
            duration_ms,
            upstream_requests = self.requests.count(),
            "tool call"
        );
    }
}

fn outcome_in_words(outcome: &Result<Outcome, ToolError>) -> &'static str {
    match outcome {
        Ok(Outcome::Done(_)) => "ok",
        Ok(Outcome::Task(_)) => "task",
        Ok(Outcome::Ask(_)) => "question",
        Err(error) if error.is_about_arguments() => "invalid arguments",
        Err(_) => "tool error",
    }
}

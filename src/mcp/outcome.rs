//! The outcome of a tool call: a result, a task, a question for the user, or an error that the model reads.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// The outcome of a call that does not fail. `T` is the tool's output type.
#[derive(Debug)]
pub enum Outcome<T = ()> {
    /// The result.
    Done(Json<T>),
    /// Work that continues. Only for a client that can follow it ([`super::RequestContext::can_follow_tasks`]).
    Task(Task),
    /// A question that the client has to ask its user before it calls again, as made by [`super::RequestContext::confirm`].
    Ask(InputRequired),
}

impl<T: Serialize> Outcome<T> {
    /// The result, written as JSON.
    ///
    /// # Errors
    /// As [`Json::of`].
    pub fn done(output: &T) -> Result<Self, ToolError> {
        Json::of(output).map(Self::Done)
    }
}

impl<T> Outcome<T> {
    /// The same without the output type.
    pub(super) fn untyped(self) -> Outcome {
        match self {
            Self::Done(json) => Outcome::Done(json.untyped()),
            Self::Task(task) => Outcome::Task(task),
            Self::Ask(question) => Outcome::Ask(question),
        }
    }
}

impl<T> From<Json<T>> for Outcome<T> {
    fn from(json: Json<T>) -> Self {
        Self::Done(json)
    }
}

/// A `T` as compact JSON, its members in the order in which they are declared.
///
/// An output is serialized once. The text that was measured is the text that is sent.
#[derive(Debug)]
pub struct Json<T = ()> {
    text: Box<RawValue>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize> Json<T> {
    /// Writes it.
    ///
    /// # Errors
    /// For a value that JSON cannot hold, which is a bug.
    pub fn of(output: &T) -> Result<Self, ToolError> {
        let text = to_raw_value(output)
            .map_err(|error| ToolError::caused_by("The result could not be written as JSON.", error))?;
        Ok(Self { text, of: PhantomData })
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            of: PhantomData,
        }
    }
}

impl<T> Json<T> {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.text.get()
    }

    /// How many characters the text has.
    pub fn chars(&self) -> usize {
        self.as_str().chars().count()
    }

    /// The same without its type.
    pub fn untyped(self) -> Json {
        Json {
            text: self.text,
            of: PhantomData,
        }
    }

    pub(super) fn into_raw(self) -> Box<RawValue> {
        self.text
    }
}

impl<T: JsonSchema> JsonSchema for Json<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A failure that the model can act on: the text it reads, and the cause for the log.
#[derive(Debug)]
pub struct ToolError {
    text: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    is_about_arguments: bool,
    meta: Map<String, Value>,
}

impl ToolError {
    /// A failure without a cause worth a log line.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source: None,
            is_about_arguments: false,
            meta: Map::new(),
        }
    }

    /// Arguments that the tool does not accept.
    pub fn about_arguments(text: impl Into<String>) -> Self {
        Self {
            is_about_arguments: true,
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

    /// The same with members of the result's `_meta`, for programs.
    #[must_use]
    pub fn with_meta(self, meta: Map<String, Value>) -> Self {
        Self { meta, ..self }
    }

    /// What the model reads.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_parts(self) -> (String, Map<String, Value>) {
        (self.text, self.meta)
    }

    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.source.as_deref()
    }

    pub(super) const fn is_about_arguments(&self) -> bool {
        self.is_about_arguments
    }
}

/// Work that outlives a call. Source: ext-tasks, `Task`.
#[derive(Debug)]
pub struct Task {
    /// Identifies the work in any process.
    pub id: String,
    /// Its state.
    pub state: TaskState,
    /// The same, for people.
    pub message: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub last_updated_at: String,
    /// How long a client should wait before it asks again.
    pub poll_interval: Duration,
}

/// The state of a task.
#[derive(Debug)]
pub enum TaskState {
    /// Not ended.
    Working,
    /// Ended, with what the call would have answered: the result, or the error that a model reads.
    Completed(Result<Json, ToolError>),
    /// Stopped before its end.
    Cancelled,
}

/// A call that continues once its client has asked the user. Source: 2026-07-28, basic/patterns/mrtr, `InputRequiredResult`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequired {
    pub(super) input_requests: Value,
    pub(super) request_state: String,
}

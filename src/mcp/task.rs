//! Work that outlives a call, as the tasks extension shows it. Source: ext-tasks, `io.modelcontextprotocol/tasks`.
//!
//! Nothing is kept here: a [`TaskSource`] finds a task by its id alone, so any later process can do so.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::context::RequestContext;
use super::error::ProtocolError;
use super::notification::{SubscriptionMeta, notification};
use super::outcome::{Task, TaskState};
use super::types::{CallToolResult, Implementation, Stamped};
use super::version::Revision;

/// How many tasks one subscription follows. Each is polled separately, and a line could hold half a million ids.
const MAX_FOLLOWED: usize = 100;
/// How many tasks are looked at at the same time when a subscription begins.
const LOOKS_AT_ONCE: usize = 8;

/// What a single request to the API shows of a task.
#[derive(Debug)]
pub enum Look {
    /// It has not ended.
    Working(Box<Task>),
    /// It may have ended: [`TaskSource::get`] finds out.
    MayHaveEnded,
}

/// Why a task cannot be shown.
#[derive(Debug)]
pub enum TaskError {
    /// There is none of this id.
    Unknown,
    /// It cannot be read now; that says nothing about the task. The sentence is for people.
    Unavailable(String),
}

/// Where tasks are found.
pub trait TaskSource: Send + Sync + 'static {
    /// The task of this id, as it is now, with its result if it has ended.
    fn get<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Task, TaskError>>;

    /// The task of this id as far as a single request to the API shows it.
    fn look<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Look, TaskError>>;

    /// Requests its cancellation, which may take time. A task that has ended stays as it is.
    fn cancel<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<(), TaskError>>;
}

impl From<TaskError> for ProtocolError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Unknown => Self::invalid_params("no such task"),
            TaskError::Unavailable(sentence) => Self::internal_because(&sentence),
        }
    }
}

/// A task on the wire. Source: ext-tasks, `DetailedTask`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DetailedTask {
    task_id: String,
    status: &'static str,
    status_message: String,
    created_at: String,
    last_updated_at: String,
    /// The API decides how long it keeps batches.
    ttl_ms: Option<u64>,
    poll_interval_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Stamped<CallToolResult>>,
}

impl DetailedTask {
    pub(crate) fn new(task: Task, revision: Revision, server: Implementation) -> Self {
        let (status, result) = match task.state {
            TaskState::Working => ("working", None),
            TaskState::Cancelled => ("cancelled", None),
            TaskState::Completed(outcome) => (
                "completed",
                Some(Stamped::complete(
                    revision,
                    server,
                    CallToolResult::new(revision, outcome),
                )),
            ),
        };
        Self {
            task_id: task.id,
            status,
            status_message: task.message,
            created_at: task.created_at,
            last_updated_at: task.last_updated_at,
            ttl_ms: None,
            poll_interval_ms: u64::try_from(task.poll_interval.as_millis()).unwrap_or(u64::MAX),
            result,
        }
    }

    /// The same without the result, which a client gets with a later `tasks/get`. Source: ext-tasks, `Task`.
    pub(crate) fn just_begun(mut self) -> Self {
        self.result = None;
        self
    }
}

/// What a client subscribes to. Source: 2026-07-28, `SubscriptionFilter`; ext-tasks, `TaskSubscriptionNotifications`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Subscription {
    #[serde(default, rename = "taskIds")]
    pub(crate) task_ids: Option<Vec<String>>,
}

impl Subscription {
    /// The ids of the tasks, each once.
    ///
    /// # Errors
    /// -32602 for more ids than one subscription may follow.
    pub(crate) fn distinct_task_ids(&self) -> Result<Vec<&str>, ProtocolError> {
        let mut seen = HashSet::new();
        let ids = self.task_ids.iter().flatten().map(String::as_str);
        let distinct: Vec<_> = ids.filter(|id| seen.insert(*id)).collect();
        if distinct.len() > MAX_FOLLOWED {
            return Err(ProtocolError::invalid_params(&format!(
                "`taskIds` has {} ids, but one subscription follows at most {MAX_FOLLOWED}; use several subscriptions",
                distinct.len()
            )));
        }
        Ok(distinct)
    }
}

/// Follows tasks for one subscription and reports every change.
pub(crate) struct Follower<'a> {
    pub(crate) source: &'a Arc<dyn TaskSource>,
    pub(crate) context: &'a RequestContext,
    pub(crate) server: Implementation,
}

impl Follower<'_> {
    /// The requested tasks that can be followed, each once and in this order. One that may have ended cannot: nothing
    /// would change, and its result is for `tasks/get`.
    pub(crate) async fn working(&self, ids: &[&str]) -> Vec<Task> {
        let looks: Vec<_> = ids.iter().map(|id| self.source.look(self.context, id)).collect();
        let looked: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_ONCE).collect().await;
        let working = looked.into_iter().filter_map(|looked| match looked {
            Ok(Look::Working(task)) => Some(*task),
            Ok(Look::MayHaveEnded) | Err(_) => None,
        });
        working.collect()
    }

    /// Reports the state of one task, and then each change, until it has ended.
    pub(crate) async fn follow(&self, mut task: Task, subscription_id: &RawValue) {
        let mut last = String::new();
        loop {
            let (id, pause) = (task.id.clone(), task.poll_interval);
            let has_ended = !matches!(task.state, TaskState::Working);
            let detailed = DetailedTask::new(task, self.context.revision, self.server.clone());
            let params = TaskStatusNotification {
                task: &detailed,
                meta: SubscriptionMeta { subscription_id },
            };
            let notification = notification("notifications/tasks", &params);
            if notification != last {
                self.context.connection.outbox.send(&notification).await;
                last = notification;
            }
            if has_ended {
                return;
            }
            task = loop {
                sleep(pause).await;
                match self.next(&id).await {
                    Ok(task) => break task,
                    Err(TaskError::Unknown) => return,
                    Err(TaskError::Unavailable(_)) => {}
                }
            };
        }
    }

    /// Only a task that may have ended is read in full.
    async fn next(&self, id: &str) -> Result<Task, TaskError> {
        match self.source.look(self.context, id).await? {
            Look::Working(task) => Ok(*task),
            Look::MayHaveEnded => self.source.get(self.context, id).await,
        }
    }
}

/// Source: ext-tasks, `TaskStatusNotification`.
#[derive(Serialize)]
struct TaskStatusNotification<'a> {
    #[serde(flatten)]
    task: &'a DetailedTask,
    #[serde(rename = "_meta")]
    meta: SubscriptionMeta<'a>,
}

//! Batches as tasks: the answer to a call that waits, if the client can follow tasks.
//!
//! `task_reference` has the ids.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::cancel_batch::{Cancelled, cancel};
use super::error::explain;
use super::get_batch;
use super::outcomes::{Depth, Finality, Seen};
use super::task_reference::TaskReference;
use crate::llamacloud::{BatchStatus, ErrorKind, Scope};
use crate::mcp::{Json, Look, RequestContext, Task, TaskError, TaskSource, TaskState, ToolError};

/// Finds batches by their task ids.
pub(crate) struct BatchTasks {
    account: Arc<Account>,
}

impl BatchTasks {
    pub(crate) const fn new(account: Arc<Account>) -> Self {
        Self { account }
    }

    /// What the task is about, if this server may read it.
    fn reference(&self, task_id: &str) -> Result<TaskReference, TaskError> {
        let reference = TaskReference::decode(task_id).ok_or(TaskError::Unknown)?;
        let Scope {
            project_id,
            organization_id,
        } = reference.scope.clone();
        let scope = self
            .account
            .scope(project_id, organization_id)
            .map_err(|_| TaskError::Unknown)?;
        Ok(TaskReference { scope, ..reference })
    }

    /// The batch of a task, in one request while it runs.
    async fn batch(
        &self,
        context: &RequestContext,
        reference: &TaskReference,
        depth: Depth,
    ) -> Result<Seen, TaskError> {
        let TaskReference { batch_id, scope, .. } = reference;
        let seen = Seen::read(&self.account, scope, batch_id, depth, self.account.deadline()).await;
        seen.map_err(|error| {
            let is_not_found = *error.kind() == ErrorKind::NotFound;
            trouble(is_not_found, &explain(&get_batch::FAILS, error, context, &self.account))
        })
    }

    async fn whole(&self, context: &RequestContext, task_id: &str) -> Result<Task, TaskError> {
        let reference = self.reference(task_id)?;
        let mut seen = self.batch(context, &reference, Depth::Ended).await?;
        let state = if seen.batch.status == BatchStatus::Cancelled {
            TaskState::Cancelled
        } else if seen.finality() == Finality::Going {
            TaskState::Working
        } else if seen.finality() == Finality::Unreadable && seen.hopeless().is_none() {
            return Err(TaskError::Unavailable(seen.missing().join(" ")));
        } else {
            let TaskReference { scope, detail, .. } = &reference;
            let depth = get_batch::depth(*detail);
            seen.read_files(&self.account, scope, depth, self.account.deadline())
                .await;
            let answer = get_batch::answer(&self.account, &seen, *detail, reference.cursor.as_ref(), None);
            TaskState::Completed(match answer.map(Json::untyped) {
                Ok(json) if seen.batch.status == BatchStatus::Failed => Err(ToolError::new(json.as_str())),
                done => done,
            })
        };
        Ok(reference.task(&self.account, &seen.batch, state))
    }
}

impl TaskSource for BatchTasks {
    fn get<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Task, TaskError>> {
        self.whole(context, id).boxed()
    }

    fn look<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Look, TaskError>> {
        async move {
            let reference = self.reference(id)?;
            let seen = self.batch(context, &reference, Depth::Status).await?;
            Ok(if seen.batch.status.is_final() {
                Look::MayHaveEnded
            } else {
                Look::Working(Box::new(reference.task(&self.account, &seen.batch, TaskState::Working)))
            })
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<(), TaskError>> {
        async move {
            let TaskReference { batch_id, scope, .. } = self.reference(id)?;
            if self.account.policy.read_only {
                return Err(TaskError::Unavailable(
                    "this server was started with --read-only: it cancels nothing".to_owned(),
                ));
            }
            let ended = cancel(&self.account, &scope, &batch_id, self.account.deadline()).await;
            let ended = ended.map_err(|failed| {
                let is_not_found = failed.is_not_found();
                trouble(is_not_found, &failed.explain(context, &self.account))
            })?;
            match ended {
                Cancelled::Unknown(ref batch, _) if !batch.status.is_final() => {
                    Err(TaskError::Unavailable(ended.sentence()))
                }
                _ => Ok(()),
            }
        }
        .boxed()
    }
}

/// A task whose batch is not found counts as unknown.
fn trouble(is_not_found: bool, error: &ToolError) -> TaskError {
    if is_not_found {
        TaskError::Unknown
    } else {
        TaskError::Unavailable(error.text().to_owned())
    }
}

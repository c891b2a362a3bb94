//! Batches as tasks: what a call that waits is answered with where the client can follow tasks.
//!
//! A task id holds all that is needed to find the batch again (its id, project, organization, and what of it was asked for), so a
//! process that was started later answers it as well, and nothing is kept here.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::batch::BatchFacts;
use super::cancel_batch::{self, cancel};
use super::error::{Failure, explain};
use super::get_batch;
use super::summary::Detail;
use crate::llamacloud::{Batch, BatchId, BatchStatus, Error, ErrorKind, Scope};
use crate::mcp::{Json, RequestContext, Task, TaskError, TaskSource, TaskState, ToolError};

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskReference {
    pub(crate) batch_id: BatchId,
    pub(crate) scope: Scope,
    pub(crate) detail: Detail,
}

impl TaskReference {
    /// Shape: `batch.<batch>.<project>.<organization>.<detail>`, where what is not given is empty.
    fn encode(&self) -> String {
        let Self {
            batch_id,
            scope,
            detail,
        } = self;
        let project = scope.project_id.as_ref().map_or("", |id| id.as_str());
        let organization = scope.organization_id.as_ref().map_or("", |id| id.as_str());
        let detail = match detail {
            Detail::Status => "",
            Detail::Results => "results",
            Detail::Outcomes => "outcomes",
        };
        format!("batch.{batch_id}.{project}.{organization}.{detail}")
    }

    fn decode(task_id: &str) -> Option<Self> {
        let mut parts = task_id.strip_prefix("batch.")?.split('.');
        let (batch, project, organization, detail) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let scope = Scope {
            project_id: given(project).map(str::parse).transpose().ok()?,
            organization_id: given(organization).map(str::parse).transpose().ok()?,
        };
        let detail = match detail {
            "" => Detail::Status,
            "results" => Detail::Results,
            "outcomes" => Detail::Outcomes,
            _ => return None,
        };
        Some(Self {
            batch_id: batch.parse().ok()?,
            scope,
            detail,
        })
    }

    /// The task, for a batch whose result is not needed: it is not final, or will be asked for later.
    pub(crate) fn working(&self, account: &Account, batch: &Batch) -> Task {
        self.task(account, batch, TaskState::Working)
    }

    fn task(&self, account: &Account, batch: &Batch, state: TaskState) -> Task {
        let facts = BatchFacts::from(batch);
        let created_at = facts
            .created_at
            .clone()
            .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
        let longest = account.policy.poll.longest;
        Task {
            id: self.encode(),
            state,
            message: account.summary(&format!("Batch {} is {}.", facts.id, facts.status)),
            last_updated_at: facts.updated_at.clone().unwrap_or_else(|| created_at.clone()),
            created_at,
            poll_interval: if batch.status == BatchStatus::Throttled {
                longest * 2
            } else {
                longest / 2
            },
        }
    }
}

/// Finds batches by their task ids.
pub(crate) struct BatchTasks {
    account: Arc<Account>,
}

impl BatchTasks {
    pub(crate) const fn new(account: Arc<Account>) -> Self {
        Self { account }
    }

    /// What the task is about, if this server may look at it.
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

    async fn look(&self, context: &RequestContext, task_id: &str) -> Result<Task, TaskError> {
        let reference = self.reference(task_id)?;
        let TaskReference { batch_id, scope, .. } = &reference;
        let batch = self
            .account
            .client
            .batches()
            .get(scope, batch_id, &[], self.account.deadline())
            .await;
        let batch = batch.map_err(|error| trouble(&get_batch::FAILS, error, context, &self.account))?;
        let state = match &batch.status {
            BatchStatus::Cancelled => TaskState::Cancelled,
            status if !status.is_final() => TaskState::Working,
            status => {
                let output = get_batch::answer(&self.account, context, &reference, None).await;
                TaskState::Completed(match output.map(Json::untyped) {
                    Ok(json) if *status == BatchStatus::Failed => Err(ToolError::new(json.as_str())),
                    // It was final a moment ago, and stays so: trouble now is this poll's alone.
                    Err(error) => return Err(TaskError::Unavailable(error.text().to_owned())),
                    done => done,
                })
            }
        };
        Ok(reference.task(&self.account, &batch, state))
    }
}

impl TaskSource for BatchTasks {
    fn get<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Task, TaskError>> {
        self.look(context, id).boxed()
    }

    fn cancel<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<(), TaskError>> {
        async move {
            let TaskReference { batch_id, scope, .. } = self.reference(id)?;
            if self.account.policy.read_only {
                return Err(TaskError::Unavailable(
                    "this server was started with --read-only: it cancels nothing".to_owned(),
                ));
            }
            let ended = cancel(&self.account, &scope, &batch_id).await;
            ended.map_err(|error| trouble(&cancel_batch::FAILS, error, context, &self.account))?;
            Ok(())
        }
        .boxed()
    }
}

fn trouble(failure: &Failure, error: Error, context: &RequestContext, account: &Account) -> TaskError {
    if matches!(error.kind(), ErrorKind::NotFound) {
        return TaskError::Unknown;
    }
    TaskError::Unavailable(explain(failure, error, context, account).text().to_owned())
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

//! What a task is about, and its id.
//!
//! A task id holds all that is needed to find the batch again (its id, project, organization, and the requested details), so a
//! process that was started later answers it as well, and nothing is stored here.

use super::account::Account;
use super::batch::BatchFacts;
use super::outcomes::files::Cursor;
use super::outcomes::summary::Detail;
use crate::llamacloud::{Batch, BatchId, BatchStatus, Scope};
use crate::mcp::{Task, TaskState};

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskReference {
    pub(crate) batch_id: BatchId,
    pub(crate) scope: Scope,
    pub(crate) detail: Detail,
    /// Which page of files was requested.
    pub(crate) cursor: Option<Cursor>,
}

impl TaskReference {
    /// Shape: `batch.<batch>.<project>.<organization>.<detail>`, then `.<cursor>` if there is one. Absent parts are empty.
    pub(crate) fn encode(&self) -> String {
        let Self {
            batch_id,
            scope,
            detail,
            cursor,
        } = self;
        let project = scope.project_id.as_ref().map_or("", |id| id.as_str());
        let organization = scope.organization_id.as_ref().map_or("", |id| id.as_str());
        let cursor = cursor.as_ref().map_or(String::new(), |cursor| format!(".{cursor}"));
        format!("batch.{batch_id}.{project}.{organization}.{}{cursor}", word(*detail))
    }

    /// The task as it is sent.
    pub(crate) fn task(&self, account: &Account, batch: &Batch, state: TaskState) -> Task {
        let facts = BatchFacts::from(batch);
        let unknown = || "1970-01-01T00:00:00Z".to_owned();
        let created_at = facts.created_at.clone().unwrap_or_else(unknown);
        let longest = account.policy.poll.longest;
        let jobs_go_on = batch.status == BatchStatus::Completed && matches!(state, TaskState::Working);
        let more = if jobs_go_on { ", and jobs are still running" } else { "" };
        Task {
            id: self.encode(),
            state,
            message: account.summary(&format!("Batch {} is {}{more}.", facts.id, facts.status)),
            last_updated_at: facts.updated_at.clone().unwrap_or_else(|| created_at.clone()),
            created_at,
            poll_interval: if batch.status == BatchStatus::Throttled {
                longest * 2
            } else {
                longest / 2
            },
        }
    }

    /// Reads an id; `None` if it never was one.
    pub(crate) fn decode(task_id: &str) -> Option<Self> {
        let mut parts = task_id.strip_prefix("batch.")?.splitn(5, '.');
        let (batch, project, organization, detail) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let scope = Scope {
            project_id: given(project).map(str::parse).transpose().ok()?,
            organization_id: given(organization).map(str::parse).transpose().ok()?,
        };
        let details = [Detail::Status, Detail::Results, Detail::Problems, Detail::Outcomes];
        let cursor = match parts.next() {
            Some(cursor) => Some(Cursor::decode(cursor)?),
            None => None,
        };
        Some(Self {
            batch_id: batch.parse().ok()?,
            scope,
            detail: details.into_iter().find(|known| word(*known) == detail)?,
            cursor,
        })
    }
}

const fn word(detail: Detail) -> &'static str {
    match detail {
        Detail::Status => "",
        Detail::Results => "results",
        Detail::Problems => "problems",
        Detail::Outcomes => "outcomes",
    }
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_went() {
        for id in [
            "batch.bat-1...",
            "batch.bat-1.5a11ba5e-0000-4000-8000-000000000001..outcomes",
            "batch.bat-1...problems",
            "batch.bat-1...outcomes.o.11.dfl-1.2",
        ] {
            assert_eq!(TaskReference::decode(id).map(|task| task.encode()).as_deref(), Some(id));
        }
        for id in [
            "",
            "bat-1",
            "batch.bat-1",
            "batch.....",
            "batch.bat-1...everything",
            "batch.bat-1...outcomes.x",
        ] {
            assert_eq!(TaskReference::decode(id), None, "{id}");
        }
    }
}

//! `retry_failed_files`: the same job again, over the files of a batch that did not succeed.
//!
//! No state is kept, so every call takes the same steps and finds what earlier ones created:
//! 1. Read how the files of the batch ended. The name of a directory follows from the batch and the files to be retried ([`Plan`]).
//! 2. Look for that directory, and for a batch over it, even if the directory was deleted since. Such a batch is the answer.
//! 3. Ask the user, where the settings say so. Nothing has been created up to here.
//! 4. Make the directory and add the files that it lacks, each once (`upload_once`).
//! 5. Create the batch, once (`create_once`), if the directory then holds exactly these files.

mod filling;
mod plan;
mod report;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use self::filling::{Filled, Guards};
use self::plan::{FAILS, Plan, find_plan};
use self::report::{RetryFailedFilesOutput, explain_not_made, explain_not_settled, output};
use super::call::{Answer, Call};
use super::confirmation::{Permission, permission};
use super::creation::{Step, finish};
use super::error::explain;
use super::outcomes::Seen;
use super::view;
use super::wait::WaitSeconds;
use super::wording;
use crate::llamacloud::{BatchId, CreateOnce, Directory, DirectoryId, How, UploadOnce};
use crate::mcp::{Outcome, Question, Tool, ToolAnnotations, ToolError};
use crate::untrusted::clean;

/// Reruns the files that did not succeed in a `final` batch, with the same configuration, as a new batch over a new directory
/// (then `get_batch`). Costs credits for each page: only if the user asked or agrees. Returns the new batch (`id`, `status`,
/// `final`, `created`), `retry_of`, `retried` (number) and `cannot_be_retried` (files by reason). Called again, returns that new
/// batch (`created: false`), unless it FAILED or is CANCELLED; for its failures, pass its `id`. Encrypted files fail again. For
/// added files, or if the batch is FAILED, use `create_batch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryFailedFilesInput {
    /// `bat-…` from `list_batches`.
    batch_id: BatchId,
    /// Waits up to this many seconds for `final`; over 50, some hosts time out. Default: 0.
    wait_seconds: Option<WaitSeconds>,
}

/// The tool.
pub(crate) struct RetryFailedFiles(Guards);

impl RetryFailedFiles {
    pub(crate) const fn new(create_once: CreateOnce, upload_once: UploadOnce) -> Self {
        Self(Guards {
            create_once,
            upload_once,
        })
    }

    /// The batch that does the work, or the question that the client has to ask first.
    async fn settle(&self, call: &Call, plan: &mut Plan) -> Result<Step, ToolError> {
        let Call { account, scope, .. } = call;
        let Self(guards) = self;
        let found = guards
            .upload_once
            .find_directories(scope, &plan.directory_name, call.deadline);
        let found = found
            .await
            .map_err(|error| explain(&FAILS, error, &call.context, account))?;
        for directory in found {
            let directory_id = id_of(&directory)?;
            if let Some(settled) = guards.find_batch(call, plan, &directory_id, call.deadline).await? {
                plan.keep_files_of(call, &directory_id).await;
                return Ok(Step::Settled(settled));
            }
        }
        let deadline = if account.policy.confirm_create {
            match permission(call, &question(call, plan), "No batch was created", "retry the files").await? {
                Permission::Given(deadline) => deadline,
                Permission::Ask(question) => return Ok(Step::Ask(question)),
            }
        } else {
            call.deadline
        };
        let call = &Call {
            deadline,
            ..call.clone()
        };
        // The last third of the time is for the batch.
        let until = deadline - deadline.saturating_duration_since(Instant::now()) / 3;
        let made = guards.upload_once.directory(scope, &plan.directory_name, until).await;
        let made = made.map_err(|why| explain_not_made(why, call))?;
        let directory_id = id_of(&made.directory)?;
        if let Filled::HasBatch(settled) = guards.fill(call, plan, &made, &directory_id, until).await? {
            plan.keep_files_of(call, &directory_id).await;
            return Ok(Step::Settled(*settled));
        }
        let mut order = plan.order(scope, directory_id);
        order.agreed_files = Some(plan.files.len());
        let created = guards.create_once.create(order.clone(), deadline).await;
        created
            .map(Step::Settled)
            .map_err(|why| explain_not_settled(call, why, &order))
    }
}

impl Tool<Call> for RetryFailedFiles {
    const NAME: &'static str = "retry_failed_files";
    const TITLE: &'static str = "Retry failed files";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::ADDS;
    const VIEW: Option<&'static str> = Some(view::BATCH);
    type Input = RetryFailedFilesInput;
    type Output = Answer<RetryFailedFilesOutput>;

    async fn call(&self, call: &Call, input: RetryFailedFilesInput) -> Result<Outcome<Self::Output>, ToolError> {
        let started = Instant::now();
        let mut plan = find_plan(call, &input.batch_id).await?;
        let step = self.settle(call, &mut plan).await?;
        let answer = |seen: &Seen, how: &How, trouble: Option<&str>| output(call, &plan, seen, how, trouble);
        finish(call, step, input.wait_seconds, started, answer).await
    }
}

/// The question before anything is made. A yes counts for exactly what the user saw.
fn question(call: &Call, plan: &Plan) -> Question {
    let files = plan.files.len();
    Question {
        message: format!(
            "Create a LlamaCloud batch over the {} that did not succeed in batch {} (job type {}, configuration {})? It costs \
             credits.",
            wording::files(files),
            plan.batch_id,
            clean(plan.job.job_type.as_str(), 60),
            plan.job.configuration_id
        ),
        label: "Create the batch and spend credits",
        subject: json!({
            "tool": RetryFailedFiles::NAME,
            "project_id": call.scope.project_id,
            "organization_id": call.scope.organization_id,
            "directory": plan.directory_name,
            "job_type": plan.job.job_type,
            "configuration_id": plan.job.configuration_id,
            "files": files,
        }),
    }
}

fn id_of(directory: &Directory) -> Result<DirectoryId, ToolError> {
    directory.id.parse().map_err(|_| {
        ToolError::new(
            "No batch was created: LlamaCloud answered with a directory whose ID cannot be used. Tell the user.",
        )
    })
}

//! `create_batch`: starts one batch, at most once.

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::account::Account;
use super::call::{Answer, Call};
use super::confirmation::{self, Permission, permission};
use super::create_sentences::tell;
use super::creation::{Creation, Step, finish};
use super::error::{Failure, explain, explain_unchecked, explain_unknown};
use super::next_step::Audience;
use super::outcomes::Seen;
use super::outcomes::report::can_retry;
use super::prefixed::Prefixed;
use super::view;
use super::wait::WaitSeconds;
use super::wording::{files, number};
use crate::llamacloud::{
    self, Checked, ConfigurationId, CreateOnce, DirectoryId, Duplicates, How, MAX_FILES, NewJob, NotSettled, Order,
    Unfinished, UploadOnce,
};
use crate::mcp::{Json, Outcome, RequestContext, Tool, ToolAnnotations, ToolError};
use crate::untrusted::quote;

/// Starts a batch: a parse or extract job over all files of a directory (over 1,000: error). Call only if the user asked or
/// agrees: each page, even if processed before, costs `credits_per_page` (`list_configurations`). Returns `id`, `status`,
/// `final`, `created`. Returns an existing batch (`created: false`) of the same directory, job type and configuration if PENDING,
/// THROTTLED or RUNNING (lacks files added since: call again at `final`), or COMPLETED if neither files nor configuration
/// changed since. Follow with `get_batch`; for failed files use `retry_failed_files`. After a timeout, check `list_batches` first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBatchInput {
    /// `dir-…` from `list_directories`.
    source_directory_id: Prefixed<DirectoryId>,
    /// What to run.
    config: BatchConfig,
    /// Create one even if one for the same work exists; not needed for new files. Default: false.
    allow_duplicate: Option<bool>,
    /// Waits up to this many seconds for `final`; over 50, some hosts time out. Default: 0.
    wait_seconds: Option<WaitSeconds>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BatchConfig {
    /// The job.
    job: JobConfig,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct JobConfig {
    /// `parse_v2`: to text; `extract_v2`: to structured data.
    r#type: JobType,
    /// `cfg-…` from `list_configurations`, of this `type`. The standard for `parse_v2` is `cfg-PARSE_AGENTIC`.
    configuration_id: Prefixed<ConfigurationId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum JobType {
    ParseV2,
    ExtractV2,
}

impl From<JobType> for llamacloud::JobType {
    fn from(job_type: JobType) -> Self {
        match job_type {
            JobType::ParseV2 => Self::ParseV2,
            JobType::ExtractV2 => Self::ExtractV2,
        }
    }
}

fn fails(context: &RequestContext, account: &Account) -> Failure {
    let can_look = ["list_directories", "list_configurations"]
        .iter()
        .all(|tool| account.policy.names(tool));
    Failure {
        what: "No batch was created",
        not_found: match Audience::of(context) {
            Audience::Person => {
                "Check the directory and the configuration: `call list_directories` and `call list_configurations` list those that \
                 exist. For those of another project, add --project-id."
            }
            Audience::Model(_) if can_look => {
                "Check `source_directory_id` with `list_directories` and `configuration_id` with `list_configurations`. For IDs of \
                 another project that the API key can use, also pass its `project_id`."
            }
            Audience::Model(_) => {
                "Check `source_directory_id` and `configuration_id` with the user. For IDs of another project that the API key can \
                 use, also pass its `project_id`."
            }
        },
        ask_less: None,
    }
}

/// The tool.
pub(crate) struct CreateBatch {
    create_once: CreateOnce,
    upload_once: UploadOnce,
}

impl CreateBatch {
    pub(crate) const fn new(create_once: CreateOnce, upload_once: UploadOnce) -> Self {
        Self {
            create_once,
            upload_once,
        }
    }

    /// The batch that does the work, or the question that the client has to ask first.
    async fn settle(&self, call: &Call, order: &mut Order) -> Result<Step, ToolError> {
        let mut deadline = call.deadline;
        if call.account.policy.confirm_create {
            let checked = self.create_once.check(order, deadline).await;
            let files = match checked.map_err(|why| explain_not_settled(call, why, order))? {
                Checked::AlreadyThere(settled) => return Ok(Step::Settled(settled)),
                Checked::Free(free) => free.files,
            };
            let question = confirmation::question(order, files);
            deadline = match permission(call, &question, "No batch was created", "create the batch").await? {
                Permission::Given(deadline) => deadline,
                Permission::Ask(question) => return Ok(Step::Ask(question)),
            };
            order.agreed_files = files;
        }
        let created = self.create_once.create(order.clone(), deadline).await;
        created
            .map(Step::Settled)
            .map_err(|why| explain_not_settled(call, why, order))
    }
}

fn explain_not_settled(call: &Call, why: NotSettled, order: &Order) -> ToolError {
    let Call { context, account, .. } = call;
    let directory = &order.request.source_directory_id;
    match why {
        NotSettled::NotCreated(error) => explain(&fails(context, account), error, context, account),
        NotSettled::NotChecked(error) => explain_unchecked(&fails(context, account), error, context, account),
        NotSettled::Unknown { error, look_after } => {
            explain_unknown("create_batch", order, look_after, error, context, account)
        }
        NotSettled::NoFiles => ToolError::new(format!(
            "No batch was created: directory {directory} has no files, so there is nothing to process. Nothing was sent. If \
             files were uploaded a moment ago, try again in a minute. Otherwise, upload files to it first or choose another \
             directory."
        )),
        NotSettled::TooManyFiles => ToolError::new(format!(
            "No batch was created: directory {directory} has more than {} files, the most that one batch can process. Nothing \
             was sent. {} the files into several directories, then create one batch for each.",
            number(MAX_FILES),
            match Audience::of(context) {
                Audience::Model(_) => "Ask the user to split",
                Audience::Person => "Split",
            }
        )),
        NotSettled::OtherFiles { agreed, now } => ToolError::new(format!(
            "No batch was created: the user agreed to {}, but {}. Nothing was sent. Call again, and the user will be asked \
             about the files that are there now.",
            files(agreed),
            now.map_or_else(
                || format!("the files of directory {directory} could not be counted again"),
                |now| format!("directory {directory} now has {}", files(now))
            )
        )),
    }
}

fn output(call: &Call, seen: &Seen, how: &How, order: &Order, trouble: Option<&str>) -> Answer<Creation> {
    let (creation, sentences) = Creation::of(call, seen, how, trouble);
    let can_retry = can_retry(&call.account, seen);
    let about = tell(&seen.batch, how, order, can_retry).join(" ");
    call.answer(&format!("{about} {sentences}"), creation)
}

impl Tool<Call> for CreateBatch {
    const NAME: &'static str = "create_batch";
    const TITLE: &'static str = "Create batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::ADDS;
    const VIEW: Option<&'static str> = Some(view::BATCH);
    type Input = CreateBatchInput;
    type Output = Answer<Creation>;

    async fn call(&self, call: &Call, input: CreateBatchInput) -> Result<Outcome<Self::Output>, ToolError> {
        let started = Instant::now();
        let BatchConfig { job } = input.config;
        let mut order = Order {
            scope: call.scope.clone(),
            request: llamacloud::CreateBatch {
                source_directory_id: input.source_directory_id.0,
                config: llamacloud::BatchConfig {
                    job: NewJob {
                        job_type: job.r#type.into(),
                        configuration_id: job.configuration_id.0,
                    },
                },
            },
            duplicates: match input.allow_duplicate {
                Some(true) => Duplicates::Allow,
                _ => Duplicates::Refuse,
            },
            agreed_files: None,
            fixed_files: false,
        };
        refuse_foreign_preset(&call.account, &order.request)?;
        refuse_unfinished(&self.upload_once, &order.request.source_directory_id)?;
        let step = self.settle(call, &mut order).await?;
        let answer =
            |seen: &Seen, how: &How, trouble: Option<&str>| Json::of(&output(call, seen, how, &order, trouble));
        finish(call, step, input.wait_seconds, started, answer).await
    }
}

/// Refuses a directory that is still being filled: a batch over some of its files would be paid for, and so would a later one
/// over all of them.
fn refuse_unfinished(upload_once: &UploadOnce, directory_id: &DirectoryId) -> Result<(), ToolError> {
    let why = match upload_once.unfinished(directory_id) {
        None => return Ok(()),
        Some(Unfinished::Filling) => "files are being added to it",
        Some(Unfinished::Incomplete) => "a call that was adding files to it ended too early",
    };
    Err(ToolError::new(format!(
        "No batch was created and nothing was sent: directory {directory_id} is not ready, because {why}. Call the tool that \
         was adding the files (`upload_files` or `retry_failed_files`) again with the same arguments until all files are added; \
         `retry_failed_files` then creates its batch itself."
    )))
}

fn refuse_foreign_preset(account: &Account, request: &llamacloud::CreateBatch) -> Result<(), ToolError> {
    let NewJob {
        job_type,
        configuration_id: id,
    } = &request.config.job;
    if *job_type != llamacloud::JobType::ExtractV2 || !id.is_preset() {
        return Ok(());
    }
    let next = if account.policy.names("list_configurations") {
        "Call `list_configurations` with `job_type: \"extract_v2\"` to find a saved configuration."
    } else {
        "Ask the user for the ID of a saved extract configuration."
    };
    Err(ToolError::about_arguments(format!(
        "`config.job.configuration_id`: {} is a preset for `parse_v2`; `extract_v2` has no presets. Nothing was sent. {next}",
        quote(id.as_str(), 130)
    )))
}

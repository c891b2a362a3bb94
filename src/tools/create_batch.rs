//! `create_batch`: starts one batch, at most once.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::account::Account;
use super::batch::{BatchFacts, MAX_ID_CHARS, check_again_in_seconds};
use super::call::Call;
use super::confirmation;
use super::create_sentences::{News, tell};
use super::directory_size::directory_size;
use super::error::{Failure, explain, explain_unknown};
use super::summary::Detail;
use super::tasks::TaskReference;
use super::wait::{WaitSeconds, Waited};
use crate::foreign::{clean, quote};
use crate::llamacloud::{
    self, Batch, ConfigurationId, CreateOnce, CreateOutcome, DirectoryId, Duplicates, Error, Precheck,
};
use crate::mcp::{InputRequired, Outcome, Tool, ToolAnnotations, ToolError};

/// Starts one batch: a parse or extract job over every file of a LlamaCloud directory (at most 1,000). Costs credits
/// for each page: only call it when asked to. If a batch of the same directory and job is under way or just
/// COMPLETED, that is the answer (`created: false`). The work takes minutes to hours: follow it with `get_batch`.
/// After an error that calls the outcome unknown, do as it says before calling again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBatchInput {
    /// Directory to process, `dir-…`; ask the user.
    source_directory_id: DirectoryId,
    /// What to run.
    config: BatchConfig,
    /// Create another although one is under way or was COMPLETED in the last 10 minutes: the user pays again.
    /// Default: false.
    allow_duplicate: Option<bool>,
    /// Wait up to so long, 0 to 300 s, for a final status. Default: 0.
    wait_seconds: Option<WaitSeconds>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BatchConfig {
    /// Run on each file.
    job: JobConfig,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct JobConfig {
    /// `parse_v2`: documents to text; `extract_v2`: to structured data.
    r#type: JobType,
    /// Saved configuration of that type, `cfg-…`. For `parse_v2` also the preset `cfg-PARSE_AGENTIC`.
    configuration_id: ConfigurationId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum JobType {
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

/// The batch that exists now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreateBatchOutput {
    /// The answer in a few sentences, with what to do next.
    summary: String,
    /// Whether this call created the batch; `false`: it was there already.
    created: bool,
    /// Whether the API's answer was lost and the batch found all the same.
    #[serde(skip_serializing_if = "is_false")]
    recovered: bool,
    #[serde(flatten)]
    batch: BatchFacts,
    /// How long to wait before looking at it; absent once the status is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_again_in_seconds: Option<u32>,
}

const FAILS: Failure = Failure {
    what: "No batch was created",
    not_found: "Check `source_directory_id` and `configuration_id` with the user; IDs of another project need its `project_id`.",
    ask_less: None,
};

/// The tool.
pub(crate) struct CreateBatch {
    create_once: CreateOnce,
}

impl CreateBatch {
    pub(crate) const fn new(create_once: CreateOnce) -> Self {
        Self { create_once }
    }
}

/// Whether a batch can run over the directory at all.
fn precheck(call: &Call, request: &llamacloud::CreateBatch) -> Precheck {
    let (account, scope, deadline) = (Arc::clone(&call.account), call.scope.clone(), call.deadline);
    let directory = request.source_directory_id.clone();
    Box::pin(async move {
        let size = directory_size(&account, &scope, &directory, deadline).await;
        size.map_err(|error| error.text().to_owned())
    })
}

/// Asks the user. `None`: go on.
async fn confirm(
    call: &Call,
    request: &llamacloud::CreateBatch,
    duplicates: Duplicates,
    files: Option<usize>,
) -> Result<Option<InputRequired>, ToolError> {
    let question = confirmation::question(&call.scope, request, duplicates, files);
    // What is left of the time is for the create.
    let limit = call.account.policy.timeout * 2 / 3;
    confirmation::permission(call.context.confirm(&question, limit).await)
}

fn output(account: &Account, batch: &Batch, news: &News, trouble: Option<&Error>) -> CreateBatchOutput {
    CreateBatchOutput {
        summary: account.summary(&tell(batch, news, trouble).join(" ")),
        created: !matches!(news, News::AlreadyThere(_)),
        recovered: matches!(news, News::Recovered),
        batch: BatchFacts::from(batch),
        check_again_in_seconds: check_again_in_seconds(batch, false, Timestamp::now()),
    }
}

impl Tool<Call> for CreateBatch {
    const NAME: &'static str = "create_batch";
    const TITLE: &'static str = "Create batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::ADDS;
    type Input = CreateBatchInput;
    type Output = CreateBatchOutput;

    async fn call(&self, call: &Call, input: CreateBatchInput) -> Result<Outcome<CreateBatchOutput>, ToolError> {
        let started = Instant::now();
        let Call {
            context,
            account,
            scope,
            deadline,
        } = call;
        let duplicates = match input.allow_duplicate {
            Some(true) => Duplicates::Allow,
            _ => Duplicates::Refuse,
        };
        let BatchConfig { job } = input.config;
        refuse_foreign_preset(&job)?;
        let request = llamacloud::CreateBatch {
            source_directory_id: input.source_directory_id,
            job_type: job.r#type.into(),
            configuration_id: job.configuration_id,
        };
        let mut precheck = precheck(call, &request);
        if account.policy.confirm_create {
            // The question names the number of files, so it is found out now, and not again.
            let files = precheck.await.map_err(ToolError::new)?;
            if let Some(question) = confirm(call, &request, duplicates, files).await? {
                return Ok(Outcome::Ask(question));
            }
            precheck = Box::pin(std::future::ready(Ok(files)));
        }
        let (batch, news) = match self
            .create_once
            .create(scope, &request, duplicates, precheck, *deadline)
            .await
        {
            CreateOutcome::Created {
                batch,
                mentions,
                guard,
                files,
            } => (
                batch,
                News::Created {
                    files,
                    duplicates,
                    mentions,
                    guard,
                },
            ),
            CreateOutcome::Recovered { batch } => (batch, News::Recovered),
            CreateOutcome::AlreadyThere { batch, kind } => (batch, News::AlreadyThere(kind)),
            CreateOutcome::Refused { reason } => return Err(ToolError::new(reason)),
            CreateOutcome::NotCreated { error } => {
                return Err(explain(&FAILS, error, context, account));
            }
            CreateOutcome::Unknown { error, look_after } => {
                return Err(explain_unknown(&request, look_after, error));
            }
        };
        if !matches!(news, News::AlreadyThere(_)) {
            context.log_if_unheard(format!("created batch {}", clean(&batch.id, MAX_ID_CHARS)));
        }
        let limit = input.wait_seconds.and_then(WaitSeconds::limit);
        let (Some(limit), Ok(batch_id)) = (limit, batch.id.parse()) else {
            return Outcome::done(&output(account, &batch, &news, None));
        };
        let reference = TaskReference {
            batch_id,
            scope: scope.clone(),
            detail: Detail::Status,
        };
        let left = limit.saturating_sub(started.elapsed());
        match Waited::begin(account, context, reference, batch, left).await {
            Waited::AsTask(task) => Ok(Outcome::Task(task)),
            Waited::Until(batch, trouble) => Outcome::done(&output(account, &batch, &news, trouble.as_ref())),
        }
    }
}

fn refuse_foreign_preset(job: &JobConfig) -> Result<(), ToolError> {
    if job.r#type != JobType::ExtractV2 || !job.configuration_id.as_str().starts_with("cfg-PARSE_") {
        return Ok(());
    }
    Err(ToolError::new(format!(
        "argument `config.job.configuration_id`: {} is a preset for `parse_v2`, and `extract_v2` has none; nothing was sent. Ask \
         the user for the ID of a saved extract configuration.",
        quote(job.configuration_id.as_str(), 130)
    )))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

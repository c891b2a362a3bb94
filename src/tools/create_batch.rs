//! `create_batch`: starts one batch.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::batch::{BatchFacts, check_again_in_seconds};
use super::directory_size::directory_size;
use super::error::explain_create;
use super::summary::{number, plural};
use crate::foreign::quote;
use crate::llamacloud::{self, ConfigurationId, DirectoryId, OrganizationId, ProjectId};
use crate::mcp::{RequestContext, Tool, ToolAnnotations, ToolError};

/// Starts one LlamaCloud batch: a parse or extract job over every file of a directory (at most 1,000). It costs the user credits for
/// each page, so call it only when asked to, and once. It answers as soon as the batch exists; the work takes minutes to hours:
/// follow it with `get_batch`. After an error that calls the outcome unknown, look with `list_batches` before any further call.
/// Answers with `summary` and the batch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBatchInput {
    /// Directory whose files are processed, for example `dir-…`; the user or LlamaCloud's console knows it.
    source_directory_id: DirectoryId,
    /// What to run on each file.
    config: BatchConfig,
    /// Project UUID. Left out: the API key's own project.
    project_id: Option<ProjectId>,
    /// Organization UUID. Left out: the API key's own.
    organization_id: Option<OrganizationId>,
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
    /// `parse_v2` turns documents into text, `extract_v2` into structured data.
    r#type: JobType,
    /// Saved configuration of that type (`cfg-…`). For `parse_v2` also the preset `cfg-PARSE_AGENTIC`; `extract_v2` has no presets.
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
    /// Whether this call created the batch.
    created: bool,
    #[serde(flatten)]
    batch: BatchFacts,
    /// How long to wait before looking at it; absent once the status is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_again_in_seconds: Option<u32>,
}

/// The tool.
pub(crate) struct CreateBatch {
    account: Account,
}

impl CreateBatch {
    pub(crate) const fn new(account: Account) -> Self {
        Self { account }
    }
}

impl Tool for CreateBatch {
    const NAME: &'static str = "create_batch";
    const TITLE: &'static str = "Create batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: false,
        open_world_hint: false,
    };
    type Input = CreateBatchInput;
    type Output = CreateBatchOutput;

    async fn call(&self, context: &RequestContext, input: CreateBatchInput) -> Result<CreateBatchOutput, ToolError> {
        let CreateBatchInput {
            source_directory_id,
            config: BatchConfig { job },
            project_id,
            organization_id,
        } = input;
        let scope = self.account.scope(project_id, organization_id)?;
        if job.r#type == JobType::ExtractV2 && job.configuration_id.as_str().starts_with("cfg-PARSE_") {
            return Err(ToolError::new(format!(
                "argument `config.job.configuration_id`: {} is a preset for `parse_v2`, and `extract_v2` has none; nothing was \
                 sent. Ask the user for the ID of a saved extract configuration.",
                quote(job.configuration_id.as_str(), 130)
            )));
        }
        let deadline = self.account.deadline();
        let files = directory_size(&self.account, &scope, &source_directory_id, deadline).await?;
        let request = llamacloud::CreateBatch {
            source_directory_id,
            job_type: job.r#type.into(),
            configuration_id: job.configuration_id,
        };
        let batch = self.account.client.batches().create(&scope, &request, deadline).await;
        let batch = batch.map_err(|error| explain_create(&request, error, context, &self.account))?;
        let facts = BatchFacts::from(&batch);
        let check_again = check_again_in_seconds(&batch, false, Timestamp::now());
        let next = check_again.map_or(String::new(), |seconds| {
            format!(" Look at it with `get_batch` in {seconds} seconds.")
        });
        let over = files.map_or(String::new(), |files| {
            format!(" It runs over {} {}.", number(files), plural(files, "file", "files"))
        });
        let summary = format!("Batch {} was created and is {}.{over}{next}", facts.id, facts.status);
        Ok(CreateBatchOutput {
            summary: self.account.summary(&summary),
            created: true,
            batch: facts,
            check_again_in_seconds: check_again,
        })
    }
}

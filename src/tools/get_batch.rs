//! `get_batch`: one batch, and on request what became of its files.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::batch::{BatchFacts, check_again_in_seconds};
use super::error::{Operation, explain};
use super::files::{FileCounts, FileEntry, Files, Page};
use super::reasons::Problem;
use super::token::Token;
use crate::foreign::quote;
use crate::llamacloud::{Batch, BatchId, BatchStatus, Expand, OrganizationId, ProjectId};
use crate::mcp::{RequestContext, Tool, ToolAnnotations, ToolError};

/// Reads one batch: its status and, with `expand`, what became of its files. Use it to follow a batch, waiting
/// `check_again_in_seconds` between calls until `final` is true. Changes and costs nothing. `summary` says what to do
/// next.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetBatchInput {
    /// From `create_batch` or `list_batches`, `bat-…`.
    batch_id: BatchId,
    /// `results` adds each file's job ID, or why it has none, problem files first. Default: the status alone, cheaper
    /// while not final.
    expand: Option<Vec<Expansion>>,
    /// `next_results_cursor` of the answer before, for more files.
    results_cursor: Option<Token>,
    /// UUID. Default: the API key's.
    project_id: Option<ProjectId>,
    /// UUID. Default: the API key's.
    organization_id: Option<OrganizationId>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Expansion {
    Results,
}

/// A batch, and what was asked about its files.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetBatchOutput {
    /// The answer in a few sentences, with what to do next.
    summary: String,
    #[serde(flatten)]
    batch: BatchFacts,
    /// Number of files of each kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<FileCounts>,
    /// What went wrong, grouped, most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    /// One page of files, problem files first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    results: Vec<FileEntry>,
    /// Where the next page of files begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_results_cursor: Option<String>,
    /// How long to wait before looking again; absent once the status is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_again_in_seconds: Option<u32>,
}

/// The tool.
pub(crate) struct GetBatch {
    account: Account,
}

impl GetBatch {
    pub(crate) const fn new(account: Account) -> Self {
        Self { account }
    }
}

impl Tool for GetBatch {
    const NAME: &'static str = "get_batch";
    const TITLE: &'static str = "Get batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations {
        read_only_hint: true,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: false,
    };
    type Input = GetBatchInput;
    type Output = GetBatchOutput;

    async fn call(&self, context: &RequestContext, input: GetBatchInput) -> Result<GetBatchOutput, ToolError> {
        let GetBatchInput {
            batch_id,
            expand,
            results_cursor,
            project_id,
            organization_id,
        } = input;
        let scope = self.account.scope(project_id, organization_id)?;
        let with_results = expand.is_some_and(|expand| !expand.is_empty()) || results_cursor.is_some();
        let expand: &[Expand] = if with_results { &[Expand::Results] } else { &[] };
        let batch = self
            .account
            .client
            .batches()
            .get(&scope, &batch_id, expand, self.account.deadline())
            .await;
        let batch = batch.map_err(|error| explain(Operation::Get(&batch_id), error, context, &self.account))?;
        let files = if with_results {
            Files::of(&batch, results_cursor.as_ref().map(|token| token.0.as_str()))?
        } else {
            None
        };
        let answer = Answer {
            batch: &batch,
            asked_for_results: with_results,
            files: files.as_ref(),
            now: Timestamp::now(),
        };
        let max_chars = self.account.policy.max_result_chars;
        let page = files.as_ref().map(|files| {
            files.page(max_chars, |page| {
                let output = answer.output(&self.account, Some(page));
                serde_json::to_string(&output).map_or(usize::MAX, |json| json.chars().count())
            })
        });
        Ok(answer.output(&self.account, page.as_ref()))
    }
}

struct Answer<'a> {
    batch: &'a Batch,
    asked_for_results: bool,
    files: Option<&'a Files>,
    now: Timestamp,
}

impl Answer<'_> {
    fn output(&self, account: &Account, page: Option<&Page<'_>>) -> GetBatchOutput {
        let batch = BatchFacts::from(self.batch);
        GetBatchOutput {
            summary: account.summary(&self.summary(&batch, page)),
            files: self.files.map(|files| files.counts),
            problems: self.files.map_or_else(Vec::new, |files| files.problems.clone()),
            results: page.map_or_else(Vec::new, |page| page.entries.to_vec()),
            next_results_cursor: page.and_then(|page| page.next.clone()),
            check_again_in_seconds: check_again_in_seconds(self.batch, self.now),
            batch,
        }
    }

    fn summary(&self, batch: &BatchFacts, page: Option<&Page<'_>>) -> String {
        let mut sentences = vec![batch.status_sentence(&self.batch.status)];
        match (self.files, page) {
            (Some(files), Some(page)) => sentences.extend(describe_files(files, page)),
            _ if self.asked_for_results && self.batch.status == BatchStatus::Failed => {}
            _ if self.asked_for_results => {
                sentences.push("LlamaCloud gives no results of single files for it yet.".to_owned());
            }
            _ => {}
        }
        sentences.extend(self.next_step());
        sentences.join(" ")
    }

    fn next_step(&self) -> Option<String> {
        if let Some(seconds) = check_again_in_seconds(self.batch, self.now) {
            return Some(format!("Look again with `get_batch` in {seconds} seconds."));
        }
        match self.batch.status {
            BatchStatus::Failed => Some("Tell the user; a new batch costs credits again.".to_owned()),
            _ if !self.asked_for_results => {
                Some("Call `get_batch` with `expand: [\"results\"]` for its files.".to_owned())
            }
            _ => None,
        }
    }
}

fn describe_files(files: &Files, page: &Page<'_>) -> Vec<String> {
    let counts = files.counts;
    if counts.total == 0 {
        return vec!["It has no files.".to_owned()];
    }
    let kinds = [
        (counts.with_job, "with a job"),
        (counts.not_mapped, "that could not be given a job"),
        (counts.no_job_yet, "without a known job so far"),
    ];
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let plural = if counts.total == 1 { "" } else { "s" };
    let mut sentences = vec![format!("{} file{plural}: {}.", counts.total, kinds.join(", "))];
    if let Some(Problem {
        reason,
        count,
        examples,
    }) = files.problems.first()
    {
        let most = if files.problems.len() > 1 {
            "Most frequent reason"
        } else {
            "Reason"
        };
        let examples = examples.join(", ");
        sentences.push(format!(
            "{most} ({count} of {} files, such as {examples}): {}.",
            counts.total,
            quote(reason, 160)
        ));
    }
    sentences.push(match &page.next {
        Some(_) => format!(
            "`results` holds files {} to {}, problem files first; pass `next_results_cursor` as `results_cursor` for more.",
            page.first, page.last
        ),
        None if page.first == 1 => "`results` holds all of them.".to_owned(),
        None => format!("`results` holds files {} to {}, the last ones.", page.first, page.last),
    });
    sentences
}

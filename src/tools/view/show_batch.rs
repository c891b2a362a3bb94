//! `show_batch`: the view of a batch that exists.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::call::Call;
use super::super::get_batch::{GetBatch, GetBatchInput};
use crate::llamacloud::BatchId;
use crate::mcp::{Outcome, Tool, ToolAnnotations, ToolError};

/// Shows the user a live view of one batch that keeps itself up to date: status, files by state, reasons of failures. Use it
/// when the user wants to see or watch a batch; to read the batch yourself call `get_batch`. Changes and costs nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowBatchInput {
    /// Batch ID from `create_batch` or `list_batches`, `bat-…`.
    batch_id: BatchId,
}

/// The tool.
pub(crate) struct ShowBatch;

impl Tool<Call> for ShowBatch {
    const NAME: &'static str = "show_batch";
    const TITLE: &'static str = "Show batch";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::READ_ONLY;
    const VIEW: Option<&'static str> = Some(super::BATCH);
    const NEEDS_VIEWS: bool = true;
    type Input = ShowBatchInput;
    type Output = <GetBatch as Tool<Call>>::Output;

    async fn call(&self, call: &Call, input: ShowBatchInput) -> Result<Outcome<Self::Output>, ToolError> {
        GetBatch.call(call, GetBatchInput::status_of(input.batch_id)).await
    }
}

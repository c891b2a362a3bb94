//! `save_results`: the results of a batch as files in a folder of this machine. Offered only with `--output-dir`.

mod document;
mod plan;
mod report;
mod saving;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use self::report::{SaveResultsOutput, explain_save};
use self::saving::Saving;
use super::call::{Answer, Call};
use super::error::in_use;
use super::long_work::LongWork;
use super::results::Format;
use crate::files::{Output, OutputFolder, blocking, reason};
use crate::llamacloud::{Batch, BatchId, BatchStatus, JobType};
use crate::mcp::{Json, Outcome, Tool, ToolAnnotations, ToolError};
use crate::untrusted::quote;

/// Saves the results of a final batch as files below the output folder of this machine: `a/x.pdf` becomes `a/x.pdf.md`
/// (markdown), `.txt` (text) or `.json` (extracted data), beside a `manifest.json`. To read one file, use `read_result`. Returns
/// `folder`, `complete`, the numbers `saved`, `already_there`, `remaining` and `with_failed_pages`, and `failed` (files without a
/// result, by reason). Never overwrites files with other contents. While `complete` is false, repeat the call unchanged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveResultsInput {
    /// Batch whose results to save, `bat-…` from `list_batches`.
    batch_id: BatchId,
    /// What to save of each file. Default: `markdown` for parse batches; `data` for extract batches, where `markdown` and `text`
    /// are those of the source.
    #[serde(default)]
    formats: Option<Vec<Format>>,
    /// Folder inside the output folder; made if missing. Default: the batch's ID.
    folder: Option<String>,
}

/// The tool.
pub(crate) struct SaveResults {
    output: Output,
    long_work: LongWork,
}

impl SaveResults {
    pub(crate) const fn new(output: Output, long_work: LongWork) -> Self {
        Self { output, long_work }
    }
}

impl Tool<Call> for SaveResults {
    const NAME: &'static str = "save_results";
    const TITLE: &'static str = "Save results";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::WRITES_HERE;
    type Input = SaveResultsInput;
    type Output = Answer<SaveResultsOutput>;

    async fn call(&self, call: &Call, input: SaveResultsInput) -> Result<Outcome<Self::Output>, ToolError> {
        let name = input.folder.unwrap_or_else(|| input.batch_id.to_string());
        let name = self.output.relative(&name);
        let name = name.map_err(|error| ToolError::about_arguments(format!("Nothing was saved. `folder` {error}.")))?;
        let client = &call.account.client;
        let batch = client
            .get_batch_with_results(&call.scope, &input.batch_id, call.deadline)
            .await;
        let batch = batch.map_err(|error| explain_save(error, call))?;
        let formats = formats(&batch, input.formats)?;
        let folder = open(&self.output, name).await?;
        let saving = Saving::prepare(call, input.batch_id, batch, formats, folder).await?;
        let own = call.clone();
        self.long_work
            .run(call, "Saving results", move |pace| async move {
                let (summary, output) = saving.save(&own, pace).await?;
                Json::of(&own.answer(&summary, output))
            })
            .await
    }
}

/// What to save, checked against the kind of batch.
fn formats(batch: &Batch, wanted: Option<Vec<Format>>) -> Result<Vec<Format>, ToolError> {
    let refuse = |text: String| Err(ToolError::new(format!("Nothing was saved: {text}")));
    match &batch.status {
        BatchStatus::Completed | BatchStatus::Cancelled => {}
        BatchStatus::Failed => {
            return refuse(
                "the batch is FAILED, so it has no reliable results. `create_batch` can process the files again, which costs \
                 credits: ask the user first."
                    .to_owned(),
            );
        }
        status => {
            return refuse(format!(
                "the batch is {}, so it has no results yet. Call `get_batch` with `wait_seconds` until `final` is true, then \
                 call `save_results` again.",
                quote(status.as_str(), 60)
            ));
        }
    }
    if batch.status == BatchStatus::Completed && batch.results.as_ref().is_none_or(Vec::is_empty) {
        return refuse("LlamaCloud lists no files for this batch, so it has no results.".to_owned());
    }
    let is_extract = batch.config.job.job_type == JobType::ExtractV2;
    let mut formats = wanted
        .filter(|formats| !formats.is_empty())
        .unwrap_or_else(|| vec![if is_extract { Format::Data } else { Format::Markdown }]);
    formats.sort_unstable();
    formats.dedup();
    if !is_extract && formats.contains(&Format::Data) {
        return refuse("`formats`: a parse batch has no `data`; use `markdown` or `text`.".to_owned());
    }
    Ok(formats)
}

async fn open(output: &Output, name: String) -> Result<Arc<OutputFolder>, ToolError> {
    let output = output.clone();
    let shown = quote(&name, 200);
    let opened = blocking(move || output.folder(&name)).await;
    match opened {
        Ok(Ok(Some(folder))) => Ok(Arc::new(folder)),
        Ok(Ok(None)) => Err(in_use(
            "Nothing was saved: another call or process is writing to this folder. Try again in a few seconds.",
        )),
        Ok(Err(error)) => Err(ToolError::caused_by(
            format!(
                "Nothing was saved: the folder {shown} cannot be used ({}). Use another `folder`, or tell the user.",
                reason(&error)
            ),
            error,
        )),
        Err(error) => Err(ToolError::caused_by(
            "Nothing was saved. This is a bug: please report it.",
            error,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_without_files_is_not_saved_as_if_it_were_complete() {
        for results in ["null", "[]"] {
            let json = format!(
                r#"{{"id":"bat-1","status":"COMPLETED","config":{{"job":{{"type":"parse_v2","configuration_id":"cfg-1"}}}},
                    "source_directory_id":"dir-1","results":{results}}}"#
            );
            let batch: Batch = serde_json::from_str(&json).unwrap();
            let refused = formats(&batch, None).unwrap_err();
            assert!(format!("{refused:?}").contains("lists no files"), "{refused:?}");
        }
    }
}

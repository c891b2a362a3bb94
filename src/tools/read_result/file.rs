//! Which job is meant: that of a file of a batch, found by its name or ID, or a job by its own ID.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::output::FileFacts;
use crate::llamacloud::{BatchId, BatchResult, BatchStatus, JobId, Product};
use crate::mcp::ToolError;
use crate::tools::batch::MAX_ID_CHARS;
use crate::tools::call::Call;
use crate::tools::error::{Failure, NO_SUCH_BATCH, explain};
use crate::tools::outcomes::{Depth, Seen, product};
use crate::tools::wording::{and, files, number, plural};
use crate::untrusted::{clean, folded, quote};

const MAX_REASON_CHARS: usize = 300;
/// In an error.
const MAX_SHOWN_CHARS: usize = 120;
/// How many files an error names.
const MAX_FILES_NAMED: usize = 8;
const MAX_NEAREST: usize = 3;
/// How alike a name has to be to be suggested, from 0 to 1.
const LIKE: f64 = 0.75;

pub(super) const FAILS: Failure = Failure {
    what: "The result could not be read",
    not_found: NO_SUCH_BATCH,
    ask_less: Some("For a parse job, `format: \"text\"` may be shorter."),
};

/// The name or the ID of a file.
#[derive(Debug)]
pub(super) struct FileArgument(String);

/// A job, and what is known of its file.
pub(super) struct Target {
    pub(super) job_id: JobId,
    /// What kind of job it is; several if its ID does not say, the likeliest first.
    pub(super) products: Vec<Product>,
    pub(super) file: FileFacts,
    /// The status of the batch, if the job was found through one.
    pub(super) batch: Option<BatchStatus>,
}

impl Target {
    /// Finds the job.
    ///
    /// # Errors
    /// What the model reads if the job is not clear, or there is none.
    pub(super) async fn of(
        call: &Call,
        batch_id: Option<BatchId>,
        file: Option<FileArgument>,
        job_id: Option<JobId>,
    ) -> Result<Self, ToolError> {
        match (batch_id, file.map(|FileArgument(file)| file), job_id) {
            (_, None, Some(job_id)) => Self::of_job(job_id),
            (Some(batch_id), file, None) => Self::of_batch(call, &batch_id, file.as_deref()).await,
            (_, Some(_), Some(_)) => Err(nothing_read(
                "`file` and `job_id` are both given. Send either `batch_id` with `file`, or `job_id` alone",
            )),
            (None, Some(_), None) => Err(nothing_read(
                "`batch_id` is missing: `file` needs the batch that it belongs to. `list_batches` shows the batches",
            )),
            (None, None, None) => Err(nothing_read(
                "the call does not say which result. Send `batch_id` with `file`, or `job_id`; `get_batch` with `expand: [\"outcomes\"]` shows the \
                 files of a batch and their jobs",
            )),
        }
    }

    fn of_job(job_id: JobId) -> Result<Self, ToolError> {
        let prefix = job_id.as_str().split_once('-').map_or("", |(prefix, _)| prefix);
        let products = match prefix {
            "pjb" => vec![Product::Parse, Product::Extract],
            "bat" | "dfl" | "fil" | "dir" | "cfg" => {
                let argument = match prefix {
                    "bat" => "It is the ID of a batch: send it as `batch_id`, with `file`",
                    "dfl" => "It is the ID of a file: send it as `file`, with `batch_id`",
                    _ => "It is not the ID of a job",
                };
                return Err(nothing_read(&format!(
                    "`job_id` is \"{job_id}\". {argument}; `get_batch` with `expand: [\"outcomes\"]` shows the jobs of a batch"
                )));
            }
            _ => vec![Product::Extract, Product::Parse],
        };
        Ok(Self {
            job_id,
            products,
            file: FileFacts::default(),
            batch: None,
        })
    }

    async fn of_batch(call: &Call, batch_id: &BatchId, file: Option<&str>) -> Result<Self, ToolError> {
        let read = Seen::read(&call.account, &call.scope, batch_id, Depth::Mapping, call.deadline).await;
        let mut seen = read.map_err(|error| explain(&FAILS, error, &call.context, &call.account))?;
        let by_id = seen.mapping().iter().find(|result| Some(id(result)) == file);
        if let Some(result) = by_id {
            return Self::of_result(&seen, result);
        }
        if seen.mapping().is_empty() {
            return Err(without_results(&seen));
        }
        seen.read_files(&call.account, &call.scope, Depth::Named, call.deadline)
            .await;
        match (file, seen.mapping()) {
            (Some(file), _) => Self::of_result(&seen, by_name(&seen, file)?),
            (None, [only]) => Self::of_result(&seen, only),
            (None, _) => Err(nothing_read(&format!(
                "`file` is missing, and the batch has {}. {}",
                files(seen.mapping().len()),
                examples(&seen)
            ))),
        }
    }

    fn of_result(seen: &Seen, result: &BatchResult) -> Result<Self, ToolError> {
        let mut file = FileFacts {
            id: Some(clean(id(result), MAX_ID_CHARS)),
            name: None,
        };
        file.know_name(seen.name_of(id(result)));
        let Some(job) = &result.job_reference else {
            let reason = result
                .error_message
                .as_deref()
                .map(|error| quote(error, MAX_REASON_CHARS));
            let reason = reason.unwrap_or_else(|| "no reason reported".to_owned());
            return Err(ToolError::new(format!(
                "{} has no result: LlamaCloud lists no job for it ({reason}).",
                label(&file)
            )));
        };
        match (product(&job.job_type), job.id.parse()) {
            (Some(product), Ok(job_id)) => Ok(Self {
                job_id,
                products: vec![product],
                file,
                batch: Some(seen.batch.status.clone()),
            }),
            _ => Err(ToolError::new(format!(
                "The result of {} cannot be read: this server does not know jobs of type {}.",
                label(&file),
                quote(job.job_type.as_str(), 60)
            ))),
        }
    }

    /// What the result is called in sentences: the name of the file, quoted, or an ID.
    pub(super) fn label(&self) -> String {
        if self.file.is_empty() {
            self.job_id.to_string()
        } else {
            label(&self.file)
        }
    }
}

fn label(file: &FileFacts) -> String {
    let name = file.name.as_deref().map(|name| quote(name, MAX_SHOWN_CHARS));
    name.or_else(|| file.id.clone()).unwrap_or_default()
}

fn id(result: &BatchResult) -> &str {
    &result.source_directory_file_id
}

fn nothing_read(why: &str) -> ToolError {
    ToolError::new(format!("Nothing was read: {why}."))
}

fn without_results(seen: &Seen) -> ToolError {
    match &seen.batch.status {
        BatchStatus::Failed => nothing_read(
            "the batch is FAILED, so it has no reliable results. `create_batch` can process the files again, which costs \
             credits: ask the user first",
        ),
        BatchStatus::Completed | BatchStatus::Cancelled => nothing_read("LlamaCloud has no results for this batch"),
        status => nothing_read(&format!(
            "the batch is {}, so it has no results yet. Call `get_batch` with `wait_seconds` until `final` is true, then call \
             `read_result` again",
            clean(status.as_str(), 60)
        )),
    }
}

/// The one file of this name. A name is also found in other case or normal form, shortened by an earlier answer (`…`), without the
/// folders before it, or without its extension; the first of these ways that finds any file decides.
fn by_name<'s>(seen: &'s Seen, wanted: &str) -> Result<&'s BatchResult, ToolError> {
    let folded_name = folded(wanted);
    let shortened = folded_name.strip_suffix('…').filter(|start| !start.is_empty());
    let is_exact = |name: &str| name == wanted;
    let is_same = |name: &str| folded(name) == folded_name;
    let is_longer = |name: &str| shortened.is_some_and(|start| folded(name).starts_with(start));
    let is_in_folder = |name: &str| folded(name).rsplit('/').next() == Some(folded_name.as_str());
    let is_stem = |name: &str| {
        folded(name)
            .rsplit_once('.')
            .is_some_and(|(stem, _)| stem == folded_name)
    };
    let ways: [&dyn Fn(&str) -> bool; 5] = [&is_exact, &is_same, &is_longer, &is_in_folder, &is_stem];
    for fits in ways {
        let named = seen
            .mapping()
            .iter()
            .filter(|result| seen.name_of(id(result)).is_some_and(fits));
        match named.collect::<Vec<_>>().as_slice() {
            [] => {}
            [one] => return Ok(one),
            several => return Err(ambiguous(seen, wanted, several)),
        }
    }
    Err(not_there(seen, wanted))
}

fn ambiguous(seen: &Seen, wanted: &str, files: &[&BatchResult]) -> ToolError {
    let shown = files.iter().take(MAX_FILES_NAMED).map(|result| {
        let name = quote(seen.name_of(id(result)).unwrap_or_default(), MAX_SHOWN_CHARS);
        format!("{name} is {}", clean(id(result), MAX_ID_CHARS))
    });
    nothing_read(&format!(
        "`file`: {} files of the batch match {}: {}. Send the ID of one as `file`",
        number(files.len()),
        quote(wanted, MAX_SHOWN_CHARS),
        and(&shown.collect::<Vec<_>>())
    ))
}

fn not_there(seen: &Seen, wanted: &str) -> ToolError {
    let names = seen.mapping().iter().filter_map(|result| seen.name_of(id(result)));
    let mut alike: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&folded(name), &folded(wanted)), name))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .collect();
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    alike.dedup_by_key(|(_, name)| *name);
    let wanted = quote(wanted, MAX_SHOWN_CHARS);
    if let Some(cause) = seen.why_names_are_missing() {
        return nothing_read(&format!(
            "`file`: {wanted} was not found, but not all file names could be read ({cause}). Send the ID of the file, `dfl-…`, \
             which `get_batch` with `expand: [\"outcomes\"]` shows"
        ));
    }
    let nearest: Vec<_> = alike
        .iter()
        .take(MAX_NEAREST)
        .map(|(_, name)| quote(name, MAX_SHOWN_CHARS))
        .collect();
    let advice = if nearest.is_empty() {
        examples(seen)
    } else {
        format!(
            "The nearest {} {}",
            plural(nearest.len(), "name is", "names are"),
            and(&nearest)
        )
    };
    nothing_read(&format!(
        "`file`: the batch has {}, but none is called {wanted}. {advice}",
        files(seen.mapping().len())
    ))
}

/// Some of the files of a batch.
fn examples(seen: &Seen) -> String {
    let label = |result: &BatchResult| {
        let name = seen.name_of(id(result)).map(|name| quote(name, MAX_SHOWN_CHARS));
        name.unwrap_or_else(|| clean(id(result), MAX_ID_CHARS))
    };
    let some: Vec<_> = seen.mapping().iter().take(MAX_FILES_NAMED).map(label).collect();
    let of_all = if some.len() < seen.mapping().len() {
        "Some of them are"
    } else {
        "They are"
    };
    format!(
        "{of_all} {}; `get_batch` with `expand: [\"outcomes\"]` shows all",
        and(&some)
    )
}

impl<'de> Deserialize<'de> for FileArgument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(D::Error::custom("is empty"));
        }
        Ok(Self(text))
    }
}

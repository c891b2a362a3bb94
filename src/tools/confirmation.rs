//! Asking the user before credits are spent: the question, and what follows from each answer.

use crate::foreign::clean;
use crate::llamacloud::{CreateBatch, Duplicates, Scope};
use crate::mcp::{InputRequired, Question, ToolError, Verdict};

/// The question for one create. An answer to it counts for these very arguments only.
pub(super) fn question(scope: &Scope, request: &CreateBatch, duplicates: Duplicates, files: Option<usize>) -> Question {
    let CreateBatch {
        source_directory_id: directory,
        job_type,
        configuration_id,
    } = request;
    let files = match files {
        Some(1) => "the 1 file".to_owned(),
        Some(files) => format!("the {files} files"),
        None => "all files".to_owned(),
    };
    let again = match duplicates {
        Duplicates::Allow => " If such a batch is there already, this is one more, and paid for again.",
        Duplicates::Refuse => "",
    };
    Question {
        message: format!(
            "Create a LlamaCloud batch over {files} of directory {directory} (job {}, configuration {configuration_id})? It costs \
             credits.{again}",
            clean(job_type.as_str(), 60)
        ),
        label: "Create the batch and spend credits",
        subject: format!("create_batch {scope:?} {request:?} {duplicates:?}"),
    }
}

/// Whether the create may go on (`None`), or what its client has to ask first.
///
/// # Errors
/// For every answer but yes: nothing was sent then.
pub(super) fn permission(verdict: Verdict) -> Result<Option<InputRequired>, ToolError> {
    let why_not = match verdict {
        Verdict::Yes => return Ok(None),
        Verdict::Ask(question) => return Ok(Some(question)),
        Verdict::No => "the user was asked and did not agree. Do not call again unless the user asks for it",
        Verdict::NoAnswer => {
            "the user was asked and did not answer in time. Ask the user in the conversation whether to try again"
        }
        Verdict::WrongState => {
            "the confirmation that came along was made for another call, has expired, or was used before. Call again without \
             `inputResponses` and `requestState`, and the user will be asked anew"
        }
        Verdict::Unreadable => {
            "this host's answer to the question cannot be read, so it does not count as a yes. The user has to create the batch \
             from another host, or start the server without --confirm-create"
        }
        Verdict::CannotAsk => {
            "this server was started with --confirm-create, and this host cannot show the user its question. The user has to \
             create the batch from a host that can, or start the server without --confirm-create"
        }
    };
    Err(ToolError::new(format!(
        "No batch was created and nothing was sent: {why_not}."
    )))
}

//! Asking the user before credits are spent: the question, and what follows from each answer.

use serde_json::json;
use tokio::time::Instant;

use super::call::Call;
use super::wording;
use crate::llamacloud::{BatchConfig, CreateBatch, Duplicates, NewJob, Order};
use crate::mcp::{InputRequired, Question, ToolError, Verdict};
use crate::untrusted::clean;

/// The question for one create over this many files. A yes is valid only for what the user saw.
pub(super) fn question(order: &Order, files: Option<usize>) -> Question {
    let CreateBatch {
        source_directory_id: directory,
        config:
            BatchConfig {
                job: NewJob {
                    job_type,
                    configuration_id,
                },
            },
    } = &order.request;
    let over = match files {
        Some(files) => format!("the {}", wording::files(files)),
        None => "all files".to_owned(),
    };
    let again = match order.duplicates {
        Duplicates::Allow => {
            " A batch for the same work may exist already; this one is created and paid for in addition."
        }
        Duplicates::Refuse => "",
    };
    Question {
        message: format!(
            "Create a LlamaCloud batch over {over} of directory {directory} (job type {}, configuration {configuration_id})? It \
             costs credits.{again}",
            clean(job_type.as_str(), 60)
        ),
        label: "Create the batch and spend credits",
        subject: json!({
            "tool": "create_batch",
            "project_id": order.scope.project_id,
            "organization_id": order.scope.organization_id,
            "source_directory_id": directory,
            "job_type": job_type,
            "configuration_id": configuration_id,
            "allow_duplicate": order.duplicates == Duplicates::Allow,
            "files": files,
        }),
    }
}

/// What follows from a question.
pub(super) enum Permission {
    /// The work may continue, until this deadline: the time that the user took does not count.
    Given(Instant),
    /// The client has to ask first.
    Ask(InputRequired),
}

/// Asks the user whether the work may continue.
///
/// # Errors
/// For every answer but yes: nothing was sent then. `outcome` says so; `task` is what the user can then do from another host.
pub(super) async fn permission(
    call: &Call,
    question: &Question,
    outcome: &str,
    task: &str,
) -> Result<Permission, ToolError> {
    let why_not = match call.context.confirm(question).await {
        Verdict::Yes => return Ok(Permission::Given(call.account.deadline())),
        Verdict::Ask(question) => return Ok(Permission::Ask(question)),
        Verdict::No => "the user was asked and did not agree. Do not call again unless the user asks for it",
        Verdict::NoContent => {
            "this host reported that the user accepted, but sent the form without content. Such a yes does not count, because a \
             host can send it without asking anybody. The user has to {task} from another host, or start the server \
             without --confirm-create"
        }
        Verdict::NoAnswer => {
            "the user was asked and did not answer in time. Ask the user in the conversation whether to try again"
        }
        Verdict::WrongState => {
            "the confirmation that came with this call does not count: it was given for another call or another number of files, \
             has expired, or was used before. Call again without `inputResponses` and `requestState`, and the user will be asked \
             again"
        }
        Verdict::Unreadable => {
            "this host's answer to the question cannot be read, so it does not count as a yes. The user has to {task} \
             from another host, or start the server without --confirm-create"
        }
        Verdict::CannotAsk => {
            "this server was started with --confirm-create, and this host cannot show the user the question. The user has to \
             {task} from a host that can, or start the server without --confirm-create"
        }
    };
    let why_not = why_not.replace("{task}", task);
    Err(ToolError::new(format!("{outcome} and nothing was sent: {why_not}.")))
}

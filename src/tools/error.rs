//! What went wrong upstream, as the sentence that a model acts on: what failed, the API's reason in quotation marks, what to do next.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::account::Account;
use super::key_help::how_to_pass_the_key;
use crate::foreign::quote;
use crate::llamacloud::{BatchId, CreateBatch, Detail, Error, ErrorKind};
use crate::mcp::{RequestContext, ToolError};

const MAX_REASON_CHARS: usize = 300;
const MAX_DETAILS: usize = 5;

/// What was asked of LlamaCloud.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation<'a> {
    Create,
    List,
    Get(&'a BatchId),
    Cancel(&'a BatchId),
}

impl Operation<'_> {
    /// A clause without a full stop.
    fn what_failed(self) -> String {
        match self {
            Self::Create => "No batch was created".to_owned(),
            Self::List => "The batches could not be listed".to_owned(),
            Self::Get(batch_id) => format!("Batch {batch_id} could not be read"),
            Self::Cancel(batch_id) => format!("Batch {batch_id} could not be cancelled"),
        }
    }

    fn asking_for_less(self) -> &'static str {
        match self {
            Self::List => "Ask for less with a smaller `page_size`.",
            Self::Get(_) => "Ask for less: leave `expand` out.",
            Self::Create | Self::Cancel(_) => "There is nothing to shorten in this request; tell the user.",
        }
    }

    fn when_not_found(self) -> &'static str {
        match self {
            Self::Create => {
                "Check `source_directory_id` and `configuration_id` with the user; what belongs to another project needs its \
                 `project_id`."
            }
            Self::List => "Check `source_directory_id` and `project_id` with the user.",
            Self::Get(_) | Self::Cancel(_) => {
                "Check `batch_id`: `list_batches` shows the batches that exist, and those of another project need its `project_id`."
            }
        }
    }
}

/// The error of an operation that had no effect.
pub(crate) fn explain(
    operation: Operation<'_>,
    error: Error,
    context: &RequestContext,
    account: &Account,
) -> ToolError {
    let Sentence { cause, next } = sentence(operation, &error, context, account);
    let text = format!("{}: {cause}{}. {next}", operation.what_failed(), reason(&error));
    ToolError::caused_by(text, error)
}

/// The error of a create that may have happened all the same. `look_after`: it was created then or later, if it was.
pub(crate) fn explain_unknown(
    request: &CreateBatch,
    look_after: Option<Timestamp>,
    error: Error,
    context: &RequestContext,
    account: &Account,
) -> ToolError {
    let Sentence { cause, .. } = sentence(Operation::Create, &error, context, account);
    let mut look = json!({ "source_directory_id": request.source_directory_id });
    if let (Some(after), Some(members)) = (look_after, look.as_object_mut()) {
        members.insert("created_at_on_or_after".to_owned(), json!(format!("{after:.0}")));
    }
    let text = format!(
        "The outcome is unknown: a batch may have been created, or not: {cause}{}. Do not call `create_batch` for this again before \
         `list_batches` has told: call it with {look} in a minute. If the batch is there, follow it with `get_batch`; if it is not, \
         nothing was created and `create_batch` may be called again.",
        reason(&error)
    );
    ToolError::caused_by(text, error)
}

/// Two thirds of what a model reads: why, as a clause, and what to do next, as sentences.
struct Sentence {
    cause: String,
    next: String,
}

fn sentence(operation: Operation<'_>, error: &Error, context: &RequestContext, account: &Account) -> Sentence {
    let host = account.client.base_url().host_str().unwrap_or("the API").to_owned();
    let (cause, next) = match error.kind() {
        ErrorKind::MissingKey { reason } => (
            format!("there is no usable LlamaCloud API key ({reason}), so nothing was sent"),
            if reason.contains("--api-key-file") {
                "The user has to correct that file, or the path in the registration of this server, and restart the server.".to_owned()
            } else {
                how_to_pass_the_key(context.client_name())
            },
        ),
        ErrorKind::Unauthorized => (
            format!("{host} rejected the API key (401)"),
            "Calling again will not help. The user has to check LLAMA_CLOUD_API_KEY: it may be revoked, or belong to the other \
             region. Keys of the EU region work with --region eu alone, all others with --region us. Then the server has to be \
             restarted."
                .to_owned(),
        ),
        ErrorKind::PaymentRequired => (
            "the account has no credits left (402)".to_owned(),
            "Calling again will not help before the user adds credits or changes the plan in the LlamaCloud console.".to_owned(),
        ),
        ErrorKind::Forbidden => (
            "this API key may not do that (403)".to_owned(),
            "API keys belong to one project, and batches need a Pro or Enterprise plan. Leave `project_id` and `organization_id` \
             out, or ask the user for a key with access."
                .to_owned(),
        ),
        ErrorKind::NotFound => (
            "LlamaCloud knows no such thing in this project (404)".to_owned(),
            operation.when_not_found().to_owned(),
        ),
        ErrorKind::Conflict => (
            "its present state does not allow that (409)".to_owned(),
            "Look at the state with `get_batch` before trying anything else.".to_owned(),
        ),
        ErrorKind::TooLarge => (
            "LlamaCloud finds the request too large (413)".to_owned(),
            format!("{} If that does not help, the user should check the base URL.", operation.asking_for_less()),
        ),
        ErrorKind::Rejected { status, details } => (
            format!("LlamaCloud rejected the request ({status}){}", list(details)),
            "Correct what it names and call again.".to_owned(),
        ),
        ErrorKind::RateLimited { retry_after } => (
            "too many requests for the account's plan (429)".to_owned(),
            format!("Wait {} and call again.", wait(*retry_after, 60)),
        ),
        ErrorKind::Unavailable { status, correlation_id, retry_after } => (
            format!("LlamaCloud has a problem of its own ({status})"),
            format!(
                "Wait {} and call again{}.",
                wait(*retry_after, 60),
                correlation_id.as_ref().map_or(String::new(), |id| format!(
                    "; if it stays, the user can give LlamaCloud's support the correlation ID {id}"
                ))
            ),
        ),
        ErrorKind::TimedOut => (
            format!("{host} did not answer in time"),
            "Wait a minute and call again.".to_owned(),
        ),
        ErrorKind::Unreachable => (
            format!("{host} could not be reached, or the connection broke"),
            "Call again in a minute. If it stays so, the user should check the network, the proxy and the base URL.".to_owned(),
        ),
        ErrorKind::Tls => (
            format!("no trusted TLS connection to {host} could be made"),
            "Calling again will not help. The user should check for a proxy that intercepts TLS (SSL_CERT_FILE names extra \
             certificates) and the base URL."
                .to_owned(),
        ),
        ErrorKind::Redirected { host: target } => (
            format!(
                "{host} answered with a redirect{}, which is never followed with an API key",
                target.as_ref().map_or(String::new(), |target| format!(" to {}", quote(target, 100)))
            ),
            "Calling again will not help. The user should check the base URL.".to_owned(),
        ),
        ErrorKind::OversizedBody { limit_bytes } => (
            format!("the answer is larger than {} MiB", limit_bytes >> 20),
            operation.asking_for_less().to_owned(),
        ),
        ErrorKind::UnreadableBody => (
            format!("{host} answered with something other than the LlamaCloud API does"),
            "The user should check the base URL and what stands between; calling again may help once.".to_owned(),
        ),
    };
    Sentence { cause, next }
}

fn reason(error: &Error) -> String {
    error
        .reason()
        .map_or(String::new(), |reason| format!(": {}", quote(reason, MAX_REASON_CHARS)))
}

fn list(details: &[Detail]) -> String {
    let details = details.iter().take(MAX_DETAILS).map(|Detail { path, message }| {
        let message = quote(message, MAX_REASON_CHARS);
        if path.is_empty() {
            message
        } else {
            format!("{} {message}", crate::foreign::clean(path, 100))
        }
    });
    let details = details.collect::<Vec<_>>().join("; ");
    if details.is_empty() {
        details
    } else {
        format!(": {details}")
    }
}

fn wait(retry_after: Option<Duration>, default_seconds: u64) -> String {
    let seconds = retry_after.map_or(default_seconds, |wait| {
        (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
    });
    if seconds == 1 {
        "a second".to_owned()
    } else {
        format!("{seconds} seconds")
    }
}

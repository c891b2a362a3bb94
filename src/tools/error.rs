//! What went wrong upstream, as the sentences that a model acts on: what failed, why, what to do next.
//!
//! Why is [`Error::cause`], and what can be done is decided on [`Error::advice`]; a tool adds its own words as a [`Failure`] in its
//! own file. Programs find the advice in `_meta`, so that nobody has to read the sentences: `llamacloud/retryable` is true where the
//! same call may succeed later, and `llamacloud/retryAfterSeconds` says when, if that is known.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::key_help::how_to_pass_the_key;
use crate::llamacloud::{Advice, Error, ErrorKind, KeySource, Order, Scope, Setting};
use crate::mcp::{RequestContext, ToolError};

/// How long to wait where LlamaCloud does not say.
const WAIT: Duration = Duration::from_mins(1);
/// How long to wait for what another call or process uses.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(5);

/// What a tool adds to the sentences about a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    /// What failed, a clause without a full stop.
    pub(crate) what: &'static str,
    /// What to do if LlamaCloud found nothing with an ID of the call.
    pub(crate) not_found: &'static str,
    /// How to get a smaller answer, if that is possible.
    pub(crate) ask_less: Option<&'static str>,
}

/// The error of an operation that had no effect.
pub(crate) fn explain(failure: &Failure, error: Error, context: &RequestContext, account: &Account) -> ToolError {
    let next = next(failure, &error, context, account);
    let text = format!("{}: {}. {next}", failure.what, error.cause());
    with_advice(text, error)
}

/// The error of a create that was not sent, because the list that shows whether a batch exists already could not be read.
pub(crate) fn explain_unchecked(
    failure: &Failure,
    error: Error,
    context: &RequestContext,
    account: &Account,
) -> ToolError {
    let next = next(failure, &error, context, account);
    let text = format!(
        "{}: nothing was sent, because the list of batches could not be read ({}), and a batch for the same work may already \
         exist. {next} Only if the user accepts that the same work may be paid for twice, call again with `allow_duplicate: \
         true`, which needs no list.",
        failure.what,
        error.cause()
    );
    with_advice(text, error)
}

/// The error of a create by this tool that may have succeeded. `look_after`: if there is a batch, it was created then or later.
pub(crate) fn explain_unknown(
    tool: &str,
    order: &Order,
    look_after: Option<Timestamp>,
    error: Error,
    account: &Account,
) -> ToolError {
    let mut look = Map::new();
    look.insert(
        "source_directory_id".to_owned(),
        json!(order.request.source_directory_id),
    );
    look.extend(look_after.map(|after| ("created_at_on_or_after".to_owned(), json!(format!("{after:.0}")))));
    let Scope {
        project_id,
        organization_id,
    } = &order.scope;
    // An argument that the settings have fixed is not offered.
    let fixed: Vec<_> = account.pinned_arguments().collect();
    let scope = [
        ("project_id", json!(project_id)),
        ("organization_id", json!(organization_id)),
    ];
    let named = scope
        .into_iter()
        .filter(|(name, id)| !id.is_null() && !fixed.contains(name));
    look.extend(named.map(|(name, id)| (name.to_owned(), id)));
    let text = format!(
        "The outcome is unknown: a batch may or may not have been created ({}). Do not call `{tool}` again yet. In a minute, \
         call `list_batches` with {}. {}, check its progress with `get_batch`; if not, nothing was created and `{tool}` may \
         be called again.",
        error.cause(),
        Value::from(look),
        if order.request.config.job.configuration_id.is_preset() {
            "If a batch with the same job type was created at the time of this call (LlamaCloud may show another configuration ID \
             for a preset)"
        } else {
            "If a batch with the same job type and configuration is there"
        }
    );
    let meta = Map::from_iter([("llamacloud/outcomeUnknown".to_owned(), Value::Bool(true))]);
    ToolError::caused_by(text, error).with_meta(meta)
}

/// An error in a tool's own words that says to programs whether the same call may succeed later.
pub(crate) fn with_advice(text: String, error: Error) -> ToolError {
    let meta = match error.advice() {
        Advice::Later(after) => retryable(after),
        Advice::Fix(_) | Advice::Never => Map::new(),
    };
    ToolError::caused_by(text, error).with_meta(meta)
}

/// An error for what another call or process uses at the moment.
pub(crate) fn in_use(text: &str) -> ToolError {
    ToolError::new(text).with_meta(retryable(Some(WAIT_FOR_OTHERS)))
}

/// An error for what LlamaCloud may answer later.
pub(crate) fn try_again(text: impl Into<String>) -> ToolError {
    ToolError::new(text).with_meta(retryable(Some(WAIT)))
}

fn retryable(after: Option<Duration>) -> Map<String, Value> {
    let after = after.map(|after| ("llamacloud/retryAfterSeconds".to_owned(), whole_seconds(after).into()));
    let retryable = ("llamacloud/retryable".to_owned(), Value::Bool(true));
    [retryable].into_iter().chain(after).collect()
}

/// What to check if LlamaCloud has no such batch.
pub(crate) const NO_SUCH_BATCH: &str = "Check `batch_id`: `list_batches` shows the batches that exist. For a batch of another project that the API key can use, also pass its `project_id`.";

/// What to do next, as sentences.
fn next(failure: &Failure, error: &Error, context: &RequestContext, account: &Account) -> String {
    const NOTHING_TO_SHORTEN: &str = "This call cannot ask for less. Tell the user.";
    let ask_less = failure.ask_less.unwrap_or(NOTHING_TO_SHORTEN);
    match (error.kind(), error.advice()) {
        (ErrorKind::NotFound, _) => failure.not_found.to_owned(),
        (ErrorKind::Conflict, _) => "Check the current state (of a batch: `get_batch` shows it) before trying anything else.".to_owned(),
        (ErrorKind::TooLarge, _) => format!("{ask_less} If the problem remains, the user has to check the base URL."),
        (ErrorKind::OversizedBody { .. }, _) => ask_less.to_owned(),
        (ErrorKind::UnreadableBody, _) => {
            "Call again once. If that does not help, the user has to check the base URL and any proxy in between.".to_owned()
        }
        (_, Advice::Never) => "Correct the problem named above and call again.".to_owned(),
        (kind, Advice::Later(after)) => later(kind, after),
        (ErrorKind::MissingKey { .. }, _) => match account.client.key_source() {
            KeySource::Variable("LLAMA_CLOUD_API_KEY") => how_to_pass_the_key(context.client_name()),
            KeySource::Variable(name) => format!("The user has to correct {name} and restart this server."),
            KeySource::File => {
                "The user has to correct that file, or the path after --api-key-file in this server's entry in the host's MCP \
                 configuration, and restart this server."
                    .to_owned()
            }
        },
        (_, Advice::Fix(Setting::ApiKey)) => format!(
            "Calling again will not help. The user has to check {}: the key may be revoked, or belong to the other region. Keys of the EU \
             region work only with --region eu, all others only with --region us. Then the user has to restart this server.",
            account.client.key_source()
        ),
        (_, Advice::Fix(Setting::Access)) => {
            "The API key may have no access to this project, and batches need a Pro or Enterprise plan. Omit `project_id` and \
             `organization_id`, or ask the user to configure this server with a key that has access."
                .to_owned()
        }
        (_, Advice::Fix(Setting::Credits)) => {
            format!("Calling again will not help until the user does this: {}.", Setting::Credits.remedy())
        }
        (_, Advice::Fix(setting)) => format!(
            "Calling again will not help. The user has to do this and restart this server: {}.",
            setting.remedy()
        ),
    }
}

/// The advice to wait, and what to do if that does not help.
fn later(kind: &ErrorKind, after: Option<Duration>) -> String {
    let wait = match kind {
        ErrorKind::TimedOut | ErrorKind::Unreachable => "a minute".to_owned(),
        _ => match whole_seconds(after.unwrap_or(WAIT)) {
            1 => "a second".to_owned(),
            seconds => format!("{seconds} seconds"),
        },
    };
    let else_ = match kind {
        ErrorKind::Unavailable {
            correlation_id: Some(id),
            ..
        } => format!(" If this continues, the user can give LlamaCloud's support the correlation ID {id}."),
        _ => kind.last_resort().map_or_else(String::new, |check| {
            format!(" If this continues, the user has to {check}.")
        }),
    };
    format!("Wait {wait} and call again.{else_}")
}

fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

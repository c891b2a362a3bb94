//! What went wrong upstream, as the sentences that a model acts on: what failed, why, what to do next.
//!
//! Why is [`Error::cause`], and what can be done is decided on [`Error::advice`]; a tool adds its own words as a [`Failure`] in its
//! own file. Programs find the advice in `_meta`, so that nobody has to read the sentences: `llamacloud/retryable` is true where the
//! same call may succeed later, and `llamacloud/retryAfterSeconds` says when, if that is known.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Account;
pub(crate) use super::next_step::Failure;
use super::next_step::{Audience, WAIT, whole_seconds};
use crate::llamacloud::{Advice, Error, Order, Scope};
use crate::mcp::{RequestContext, ToolError};

/// How long to wait for what another call or process uses.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(5);

/// The error of an operation that had no effect.
pub(crate) fn explain(failure: &Failure, error: Error, context: &RequestContext, account: &Account) -> ToolError {
    let next = Audience::of(context).next_step(failure, &error, account);
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
    let next = Audience::of(context).next_step(failure, &error, account);
    let (what, cause) = (failure.what, error.cause());
    let may_exist = "and a batch for the same work may already exist";
    let text = match Audience::of(context) {
        Audience::Model(_) => format!(
            "{what}: nothing was sent, because the list of batches could not be read ({cause}), {may_exist}. {next} Only if the user \
             accepts that the same work may be paid for twice, call again with `allow_duplicate: true`, which needs no list."
        ),
        Audience::Person => {
            format!("{what}, because the list of batches could not be read ({cause}), {may_exist}. {next}")
        }
    };
    with_advice(text, error)
}

/// The error of a create by this tool that may have succeeded. `look_after`: if there is a batch, it was created then or later.
pub(crate) fn explain_unknown(
    tool: &str,
    order: &Order,
    look_after: Option<Timestamp>,
    error: Error,
    context: &RequestContext,
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
    let same = if order.request.config.job.configuration_id.is_preset() {
        "If a batch with the same job type was created at the time of this call (LlamaCloud may show another configuration ID \
             for a preset)"
    } else {
        "If a batch with the same job type and configuration is there"
    };
    let what = match Audience::of(context) {
        Audience::Model(_) => format!(
            "Do not call `{tool}` again yet. In a minute, call `list_batches` with {}. {same}, check its progress with \
             `get_batch`; if not, nothing was created and `{tool}` may be called again.",
            Value::from(look)
        ),
        Audience::Person => format!(
            "Do not repeat this yet. In a minute, `call list_batches{}` with the same settings lists the batches of this directory. \
             {same}, it was created; if not, nothing was created, and this may be repeated.",
            words(&look)
        ),
    };
    let text = format!(
        "The outcome is unknown: a batch may or may not have been created ({}). {what}",
        error.cause()
    );
    let meta = Map::from_iter([("llamacloud/outcomeUnknown".to_owned(), Value::Bool(true))]);
    ToolError::caused_by(text, error).with_meta(meta)
}

/// Arguments as a person types them. Shape: ` source_directory_id=dir-1`, for each.
fn words(arguments: &Map<String, Value>) -> String {
    let word = |(name, value): (&String, &Value)| format!(" {name}={}", value.as_str().unwrap_or_default());
    arguments.iter().map(word).collect()
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

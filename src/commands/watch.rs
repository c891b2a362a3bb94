//! `watch`: follows one batch until it is final, and then shows which files did not succeed.
//!
//! The server does the waiting: each request is a `get_batch` that waits as long as a call may, and reports its progress. A failure
//! that the server expects to pass is waited out; any other ends the command.

use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::answer::{Answer, Failure, pause};
use super::call::tell_failure;
use super::client::{Client, ToolCall};
use super::context::{Context, Exit};
use super::progress::Progress;
use super::render::{in_short, render};
use crate::mcp::Server;

/// Units: seconds. The most that `get_batch` accepts.
const LONGEST_WAIT: u64 = 300;
/// Nobody reads more pages of files that failed.
const MOST_PAGES: usize = 10;
/// What is shown of a file: enough to know which it is and what went wrong.
const SHOWN_OF_A_FILE: [&str; 3] = ["name", "status", "error"];

type Object = Map<String, Value>;

/// What is watched.
pub(crate) struct Watch {
    pub(crate) batch_id: String,
    /// Whether the outcome is printed as data.
    pub(crate) json: bool,
}

/// Why there is no batch.
pub(super) enum Stopped {
    /// It cannot be read.
    Failed(Failure),
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// Watches a batch, and says how it ended.
pub(crate) async fn watch(server: &Server, context: &Context<'_>, watch: &Watch) -> Exit {
    let mut client = Client::connect(server, context.drain());
    let exit = match to_its_end(&mut client, context, watch).await {
        Ok(batch) => show(context, watch, batch),
        Err(Stopped::Failed(failure)) => {
            tell_failure(context, &failure);
            Exit::Failed
        }
        Err(Stopped::Interrupted) => {
            tell_what_goes_on(context, &watch.batch_id);
            Exit::Interrupted
        }
    };
    client.close().await;
    exit
}

async fn to_its_end(client: &mut Client, context: &Context<'_>, watch: &Watch) -> Result<Object, Stopped> {
    let progress = if watch.json {
        Progress::without_lines(&context.terminal.err)
    } else {
        Progress::with_lines(&context.terminal.err)
    };
    if !watch.json {
        progress.note(&format!(
            "Following batch {}. Ctrl-C ends this command, not the batch.",
            watch.batch_id
        ));
    }
    let batch = until_final(client, context, &progress, &watch.batch_id).await?;
    match with_problems(client, context, &progress, &watch.batch_id).await {
        Ok(batch) => Ok(batch),
        Err(Stopped::Interrupted) => Err(Stopped::Interrupted),
        // The outcome is known, though not what happened to each file.
        Err(Stopped::Failed(failure)) => {
            progress.note(&failure.text);
            Ok(batch)
        }
    }
}

/// Waits until a batch is final. Failures that may pass are shown and waited out.
///
/// # Errors
/// If the batch cannot be read, or the user pressed Ctrl-C.
pub(super) async fn until_final(
    client: &mut Client,
    context: &Context<'_>,
    progress: &Progress<'_>,
    batch_id: &str,
) -> Result<Object, Stopped> {
    let wait = Duration::from_secs(LONGEST_WAIT);
    let longest_pause = context.config.poll_interval * 5;
    let mut shown = String::new();
    loop {
        let started = Instant::now();
        let rest = match get(
            client,
            context,
            progress,
            json!({ "batch_id": batch_id, "wait_seconds": LONGEST_WAIT }),
        )
        .await
        {
            Ok(batch) if batch.get("final") == Some(&Value::Bool(true)) => return Ok(batch),
            Ok(_) if started.elapsed() >= wait => Duration::ZERO,
            // The server gave up waiting before its time.
            Ok(batch) => pause(
                batch
                    .get("check_again_in_seconds")
                    .and_then(Value::as_f64)
                    .unwrap_or(1.0),
            ),
            Err(Stopped::Failed(Failure {
                text,
                retry_after: Some(rest),
            })) => {
                let rest = rest.max(longest_pause);
                if shown != text {
                    progress.note(&text);
                    shown = text;
                }
                progress.set(&format!("trying again in {} s", rest.as_secs()));
                rest
            }
            Err(stopped) => return Err(stopped),
        };
        tokio::select! {
            () = sleep(rest) => {}
            () = context.stop.cancelled() => return Err(Stopped::Interrupted),
        }
    }
}

/// The batch with the files that did not succeed.
async fn with_problems(
    client: &mut Client,
    context: &Context<'_>,
    progress: &Progress<'_>,
    batch_id: &str,
) -> Result<Object, Stopped> {
    let arguments = json!({ "batch_id": batch_id, "expand": ["outcomes"] });
    let mut batch = get(client, context, progress, arguments.clone()).await?;
    let mut files = files_of(&mut batch);
    let mut next = batch.remove("next_results_cursor");
    for _ in 1..MOST_PAGES {
        // Files that did not succeed come first.
        let Some(cursor) = next.take().filter(|_| files.iter().all(did_not_succeed)) else {
            break;
        };
        let mut arguments = arguments.clone();
        if let Some(arguments) = arguments.as_object_mut() {
            arguments.insert("results_cursor".to_owned(), cursor);
        }
        match get(client, context, progress, arguments).await {
            Ok(mut page) => {
                files.extend(files_of(&mut page));
                next = page.remove("next_results_cursor");
            }
            Err(Stopped::Interrupted) => return Err(Stopped::Interrupted),
            // What was read is shown.
            Err(Stopped::Failed(_)) => break,
        }
    }
    files.retain(did_not_succeed);
    batch.insert("results".to_owned(), files.into());
    Ok(batch)
}

fn files_of(batch: &mut Object) -> Vec<Value> {
    match batch.remove("results") {
        Some(Value::Array(files)) => files,
        _ => Vec::new(),
    }
}

fn did_not_succeed(file: &Value) -> bool {
    file.get("status").and_then(Value::as_str) != Some("COMPLETED")
}

/// One call of `get_batch`.
async fn get(
    client: &mut Client,
    context: &Context<'_>,
    progress: &Progress<'_>,
    arguments: Value,
) -> Result<Object, Stopped> {
    let arguments = to_raw_value(&arguments).map_err(|error| Stopped::Failed(Failure::lasting(error.to_string())))?;
    let request = ToolCall::new("get_batch", &arguments);
    let answered = client
        .call_tool(&request, context.stop, |reported| progress.set(&reported.message))
        .await;
    match answered {
        None => Err(Stopped::Interrupted),
        Some(Err(refusal)) => Err(Stopped::Failed(Failure::lasting(refusal.message))),
        Some(Ok(result)) => match Answer::of(&result) {
            Answer::Done(batch) => Ok(batch),
            Answer::Failed(failure) => Err(Stopped::Failed(failure)),
            Answer::Asks(ask) => Err(Stopped::Failed(Failure::lasting(ask.question))),
        },
    }
}

/// Shows how the batch ended, and the files that did not succeed.
fn show(context: &Context<'_>, watch: &Watch, mut batch: Object) -> Exit {
    let out = &context.terminal.out;
    let exit = if is_all_well(&batch) { Exit::Done } else { Exit::Failed };
    if watch.json {
        out.line(&Value::Object(batch.clone()).to_string());
    } else {
        batch.retain(|name, _| ["summary", "status", "files", "problems", "results"].contains(&name.as_str()));
        for file in batch
            .get_mut("results")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(file) = file.as_object_mut().filter(|file| file.contains_key("name")) {
                file.retain(|name, _| SHOWN_OF_A_FILE.contains(&name.as_str()));
            }
        }
        out.line(&render(&batch, out));
    }
    if out.failure().is_some() {
        let err = &context.terminal.err;
        err.line(&in_short(&batch, err));
    }
    exit
}

/// Whether the batch is COMPLETED, and so is each of its files.
fn is_all_well(batch: &Object) -> bool {
    let count = |name: &str| {
        batch
            .get("files")
            .and_then(|files| files.get(name))
            .and_then(Value::as_u64)
    };
    let is_completed = batch.get("status").and_then(Value::as_str) == Some("COMPLETED");
    is_completed && count("total").is_some_and(|total| total > 0) && count("total") == count("completed")
}

fn tell_what_goes_on(context: &Context<'_>, batch_id: &str) {
    let err = &context.terminal.err;
    if context.is_sandbox {
        err.say("Stopped watching. The sandbox ends with this command, and the batch ends with it.");
    } else {
        err.say("Stopped watching. The batch goes on. To follow it again:");
        err.line(&format!("  {}", context.command(&["watch", batch_id])));
    }
}

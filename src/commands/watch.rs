//! `watch`: follows one batch until it is final, and then shows which files did not succeed.
//!
//! The server does the waiting: each request is a `get_batch` that waits as long as a call may, and reports its progress. A failure
//! that the server expects to pass is waited out; any other ends the command.

use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant};

use super::answer::{pause, text};
use super::caller::{Caller, Patience, Stopped};
use super::client::Client;
use super::context::{Context, Exit};
use super::outcome::Outcome;
use super::progress::Progress;
use super::render::{in_short, render};
use super::terminal::Terminal;
use crate::mcp::Server;

/// Units: seconds. The most that `get_batch` accepts.
const LONGEST_WAIT: u64 = 300;
/// Nobody would read more pages of failed files.
const MOST_PAGES: usize = 10;
const SHOWN_OF_A_BATCH: [&str; 4] = ["status", "files", "problems", "results"];
/// Enough to know which file it is and what went wrong.
const SHOWN_OF_A_FILE: [&str; 3] = ["name", "status", "error"];

type Object = Map<String, Value>;

/// What is watched.
pub(crate) struct Watch {
    pub(crate) batch_id: String,
    /// Whether the outcome is printed as data.
    pub(crate) json: bool,
}

/// Watches a batch, and says how it ended.
pub(crate) async fn watch(server: &Server, context: &Context<'_>, watch: &Watch) -> Exit {
    let mut client = Client::connect(server, context.drain());
    let exit = match to_its_end(&mut client, context, watch).await {
        Ok(batch) => show(context, watch, batch),
        Err(Stopped::Failed(failure)) => {
            context.terminal.err.say(&failure.text);
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

/// Follows a batch to its end, and reads how its files ended.
///
/// # Errors
/// If the batch cannot be read, or the user pressed Ctrl-C.
pub(super) async fn to_its_end(client: &mut Client, context: &Context<'_>, watch: &Watch) -> Result<Object, Stopped> {
    let err = &context.terminal.err;
    let progress = if watch.json {
        Progress::without_lines(err)
    } else {
        let what_ends = if context.is_sandbox {
            "Ctrl-C ends this command and the sandbox."
        } else {
            "Ctrl-C ends this command, not the batch."
        };
        err.say(&format!("Following batch {}. {what_ends}", watch.batch_id));
        Progress::with_lines(err)
    };
    let mut reader = Reader {
        caller: Caller {
            client,
            context,
            patience: Patience::Endless,
            has_agreed: false,
        },
        progress: &progress,
        batch_id: &watch.batch_id,
    };
    let batch = reader.until_final().await?;
    match reader.with_problems().await {
        Ok(batch) => {
            // Without this, nobody would learn what could not be read, and why.
            if batch.get("final") != Some(&Value::Bool(true)) {
                progress.note(text(&batch, "summary"));
            }
            Ok(batch)
        }
        Err(Stopped::Interrupted) => Err(Stopped::Interrupted),
        // The outcome is known, though not what happened to each file.
        Err(Stopped::Failed(failure)) => {
            progress.note(&failure.text);
            Ok(batch)
        }
    }
}

/// Reads one batch again and again.
struct Reader<'a> {
    caller: Caller<'a>,
    progress: &'a Progress<'a>,
    batch_id: &'a str,
}

impl Reader<'_> {
    /// Waits until the batch is final.
    ///
    /// # Errors
    /// If the batch cannot be read, or the user pressed Ctrl-C.
    async fn until_final(&mut self) -> Result<Object, Stopped> {
        let wait = Duration::from_secs(LONGEST_WAIT);
        loop {
            let started = Instant::now();
            let batch = self.read(json!({ "wait_seconds": LONGEST_WAIT })).await?;
            // Final, or it cannot be known whether it is.
            if !batch.contains_key("check_again_in_seconds") {
                return Ok(batch);
            }
            // The server may give up waiting before its time.
            if started.elapsed() < wait {
                let seconds = batch.get("check_again_in_seconds").and_then(Value::as_f64);
                self.caller.rest(pause(seconds.unwrap_or(1.0))).await?;
            }
        }
    }

    /// The batch with the files that did not succeed.
    ///
    /// # Errors
    /// If the batch cannot be read, or the user pressed Ctrl-C.
    async fn with_problems(&mut self) -> Result<Object, Stopped> {
        let mut batch = self.read(json!({ "expand": ["problems"] })).await?;
        let mut files = files_of(&mut batch);
        let mut next = batch.remove("next_results_cursor");
        for _ in 1..MOST_PAGES {
            let Some(cursor) = next.take() else { break };
            let arguments = json!({ "expand": ["problems"], "results_cursor": cursor });
            let mut page = self.read(arguments).await?;
            files.extend(files_of(&mut page));
            next = page.remove("next_results_cursor");
        }
        batch.insert("results".to_owned(), files.into());
        Ok(batch)
    }

    /// Reads the batch.
    async fn read(&mut self, mut arguments: Value) -> Result<Object, Stopped> {
        if let Some(members) = arguments.as_object_mut() {
            members.insert("batch_id".to_owned(), json!(self.batch_id));
        }
        let done = self.caller.call("get_batch", &arguments, self.progress).await?;
        Ok(done.data)
    }
}

fn files_of(batch: &mut Object) -> Vec<Value> {
    match batch.remove("results") {
        Some(Value::Array(files)) => files,
        _ => Vec::new(),
    }
}

/// Shows how the batch ended, and the files that did not succeed.
fn show(context: &Context<'_>, watch: &Watch, mut batch: Object) -> Exit {
    let Terminal { out, err, .. } = context.terminal;
    if watch.json {
        out.line(&Value::Object(batch.clone()).to_string());
    }
    batch.retain(|name, _| SHOWN_OF_A_BATCH.contains(&name.as_str()));
    brief(&mut batch);
    let outcome = Outcome {
        batch_id: &watch.batch_id,
        batch: &batch,
    };
    let marker = if context.is_sandbox { "[sandbox] " } else { "" };
    let sentence = format!("{marker}{}", outcome.sentence());
    if !watch.json {
        let paragraphs = [out.wrap(&sentence), render(&batch, out)].into_iter();
        let paragraphs: Vec<_> = paragraphs.chain(outcome.retry(context, out)).collect();
        out.line(&paragraphs.join("\n\n"));
    }
    if out.failure().is_some() {
        err.line(&format!("{}\n{}", err.wrap(&sentence), in_short(&batch, err)));
    }
    if outcome.is_all_well() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

/// Removes from each file the members that are not shown.
pub(super) fn brief(batch: &mut Object) {
    let files = batch.get_mut("results").and_then(Value::as_array_mut);
    for file in files.into_iter().flatten() {
        if let Some(file) = file.as_object_mut().filter(|file| file.contains_key("name")) {
            file.retain(|name, _| SHOWN_OF_A_FILE.contains(&name.as_str()));
        }
    }
}

fn tell_what_goes_on(context: &Context<'_>, batch_id: &str) {
    let err = &context.terminal.err;
    if context.is_sandbox {
        err.say("Stopped watching. The sandbox and its batch end with this command.");
    } else {
        err.say("Stopped watching. The batch keeps running. To follow it again:");
        err.line(&format!("  {}", context.command(&["watch", batch_id])));
    }
}

//! `run`: the whole job. Uploads a folder, creates a batch, follows it, and saves the results.
//!
//! Each step is a call of a tool through the same server that hosts use, and each tool finds what an earlier call has done. So
//! the command keeps no state: after any stop, running it again continues the work.

mod ending;

use std::path::{Path, PathBuf};

use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant, sleep};

use self::ending::Ending;
use super::agreement::is_agreed;
use super::answer::{Answer, count, text};
use super::call::tell_failure;
use super::client::{Client, ToolCall};
use super::context::{Context, Exit};
use super::outcome::Outcome;
use super::progress::Progress;
use super::render::render;
use super::terminal::Terminal;
use super::watch::{Stopped, Watch, brief, to_its_end};
use crate::cli;
use crate::mcp::Server;
use crate::untrusted::quote;

/// After this many calls in a row without progress, the command ends.
const MAX_IDLE_CALLS: usize = 5;
/// Failures that may pass are retried for at least this long: another process may use a folder for that long.
const MIN_PATIENCE: Duration = Duration::from_mins(1);
const MAX_PATH_CHARS: usize = 300;

type Object = Map<String, Value>;

/// What is run.
#[derive(Debug)]
pub(crate) struct Run {
    /// A folder or file of this machine.
    pub(crate) source: Source,
    pub(crate) job_type: String,
    pub(crate) configuration_id: String,
    /// Where results go, if they are saved.
    pub(crate) out: Option<PathBuf>,
    /// Whether the user need not be asked.
    pub(crate) yes: bool,
}

/// What a batch runs over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A path below the folder that the server may read.
    Local { shown: PathBuf, path: String },
    /// A directory of LlamaCloud.
    Directory(String),
}

impl Source {
    /// The typed source, and the folder that the server must be allowed to read for it.
    pub(crate) fn of(arguments: &cli::Run) -> (Self, Option<PathBuf>) {
        if let Some(directory_id) = arguments.directory() {
            return (Self::Directory(directory_id.to_string()), None);
        }
        let typed = arguments.path.as_path();
        let shown = typed.to_owned();
        match (
            typed.is_file(),
            typed.parent(),
            typed.file_name().and_then(|name| name.to_str()),
        ) {
            (true, Some(parent), Some(name)) => {
                let parent = if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                };
                (
                    Self::Local {
                        shown,
                        path: format!("./{name}"),
                    },
                    Some(parent.to_owned()),
                )
            }
            _ => (
                Self::Local {
                    shown,
                    path: ".".to_owned(),
                },
                Some(typed.to_owned()),
            ),
        }
    }
}

/// Whether the job certainly costs credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    Sure,
    /// Not if a batch has already done the same job over the same files: that batch is used again.
    UnlessDone,
}

/// Runs the whole job, and says how it ended.
pub(crate) async fn run(server: &Server, context: &Context<'_>, run: &Run) -> Exit {
    let mut client = Client::connect(server, context.drain());
    let mut steps = Steps {
        client: &mut client,
        context,
        run,
        has_sent: false,
        is_creating: false,
    };
    let mut batch_id = None;
    let exit = match steps.all(&mut batch_id).await {
        Ok(exit) => exit,
        Err(Stopped::Failed(failure)) => {
            tell_failure(context, &failure);
            // A sandbox ends with this command, and nothing of it can be continued.
            let advice = match (failure.outcome_unknown, steps.has_sent) {
                (true, _) => Some(
                    "Wait a minute, then run the same command again: it looks for the batch before it creates one.",
                ),
                (false, true) => Some(
                    "Run the same command again to continue. Nothing is uploaded twice, and no batch that is unfinished or \
                     COMPLETED is paid for twice; after a FAILED or CANCELLED one, a new one is created, which costs credits.",
                ),
                (false, false) => None,
            };
            if let Some(advice) = advice.filter(|_| !context.is_sandbox) {
                context.terminal.err.say(advice);
            }
            Exit::Failed
        }
        Err(Stopped::Interrupted) => {
            context.terminal.err.say(match (batch_id, steps.has_sent || steps.is_creating) {
                _ if context.is_sandbox => "Stopped. The sandbox ends with this command.",
                (Some(_), _) => "Stopped. This does not stop the batch. Run the same command again to continue.",
                (None, true) => {
                    "Stopped. If a batch was already created, it keeps running. Run the same command again to continue."
                }
                (None, false) => "Stopped. Nothing was uploaded or created.",
            });
            Exit::Interrupted
        }
    };
    client.close().await;
    exit
}

struct Steps<'a> {
    client: &'a mut Client,
    context: &'a Context<'a>,
    run: &'a Run,
    /// Whether there is something to continue.
    has_sent: bool,
    /// Whether a batch may exist.
    is_creating: bool,
}

impl Steps<'_> {
    async fn all(&mut self, batch_id: &mut Option<String>) -> Result<Exit, Stopped> {
        let Self { context, run, .. } = self;
        let (context, run) = (*context, *run);
        let (directory_id, left_out) = match &run.source {
            Source::Directory(id) => {
                let what = format!("The files of directory {id} will be processed");
                self.agree(&what, Cost::UnlessDone).await?;
                (id.clone(), Vec::new())
            }
            Source::Local { shown, path } => self.upload(shown, path).await?,
        };
        let progress = Progress::with_lines(&context.terminal.err);
        progress.set("creating the batch");
        self.is_creating = true;
        let arguments = json!({
            "source_directory_id": directory_id,
            "config": { "job": { "type": run.job_type, "configuration_id": run.configuration_id } },
        });
        let created = self.patiently("create_batch", &arguments, &progress).await?;
        let id = text(&created, "id").to_owned();
        *batch_id = Some(id.clone());
        self.has_sent = true;
        let is_new = created.get("created") == Some(&Value::Bool(true));
        let verb = if is_new { "Created" } else { "Found" };
        progress.note(&format!("{verb} batch {id}."));
        drop(progress);
        let watch = Watch {
            batch_id: id.clone(),
            json: false,
        };
        let mut batch = to_its_end(self.client, context, &watch).await?;
        brief(&mut batch);
        let outcome = Outcome {
            batch_id: &id,
            batch: &batch,
        };
        let saved = match &run.out {
            Some(out) if outcome.has_results() => Some((out.as_path(), self.save(&id).await?)),
            _ => None,
        };
        let ending = Ending {
            outcome,
            saved: saved.as_ref().map(|(out, saved)| (*out, saved)),
            left_out: left_out.iter().filter_map(Value::as_object).collect(),
        };
        Ok(ending.show(context))
    }

    /// Uploads the missing files. Returns their directory, and which files are not in it although the user agreed to them.
    async fn upload(&mut self, shown: &Path, path: &str) -> Result<(String, Vec<Value>), Stopped> {
        let progress = Progress::with_lines(&self.context.terminal.err);
        progress.set("reading the files");
        let plan = loop {
            let plan = self
                .patiently("upload_files", &json!({ "path": path, "dry_run": true }), &progress)
                .await?;
            if plan.contains_key("would_upload") {
                break plan;
            }
        };
        drop(progress);
        let known = refused(&plan);
        self.tell_refused(&known);
        let (new, there) = (count(&plan, "would_upload"), count(&plan, "already_there"));
        if new + there == 0 {
            return Err(Stopped::for_good(format!(
                "{} contains no files that can be uploaded. Nothing was sent.",
                quote(&shown.to_string_lossy(), MAX_PATH_CHARS)
            )));
        }
        let files = match new + there {
            1 => "1 file".to_owned(),
            some => format!("{some} files"),
        };
        let (what, cost) = match (new, there) {
            (_, 0) => (format!("{files} will be uploaded and processed"), Cost::Sure),
            (0, _) => (
                format!("{files} (already uploaded) will be processed"),
                Cost::UnlessDone,
            ),
            _ => (
                format!("{files} ({there} already uploaded, {new} to upload) will be processed"),
                Cost::Sure,
            ),
        };
        self.agree(&what, cost).await?;
        self.has_sent = true;
        let progress = Progress::with_lines(&self.context.terminal.err);
        let mut idle = 0;
        loop {
            let step = self
                .patiently("upload_files", &json!({ "path": path }), &progress)
                .await?;
            let mut left_out = refused(&step);
            left_out.retain(|reason| !known.contains(reason));
            let is_complete = step.get("complete") == Some(&Value::Bool(true));
            if is_complete && count(&step, "uploaded") + count(&step, "already_there") == 0 {
                drop(progress);
                self.tell_refused(&left_out);
                return Err(Stopped::for_good(
                    "No file could be uploaded, so no batch was created.".to_owned(),
                ));
            }
            if is_complete {
                progress.note(&format!("The files are in directory {}.", text(&step, "directory_id")));
                return Ok((text(&step, "directory_id").to_owned(), left_out));
            }
            idle = if count(&step, "uploaded") > 0 { 0 } else { idle + 1 };
            if idle >= MAX_IDLE_CALLS {
                return Err(Stopped::for_good(text(&step, "summary").to_owned()));
            }
        }
    }

    /// Saves the results. What `save_results` answered in the end.
    async fn save(&mut self, batch_id: &str) -> Result<Object, Stopped> {
        let progress = Progress::with_lines(&self.context.terminal.err);
        let arguments = json!({ "batch_id": batch_id, "folder": "." });
        let mut idle = 0;
        loop {
            let step = self.patiently("save_results", &arguments, &progress).await?;
            if step.get("complete") == Some(&Value::Bool(true)) {
                return Ok(step);
            }
            idle = if count(&step, "saved") > 0 { 0 } else { idle + 1 };
            if idle >= MAX_IDLE_CALLS {
                return Err(Stopped::for_good(text(&step, "summary").to_owned()));
            }
        }
    }

    /// Asks the user before anything is sent.
    async fn agree(&self, what: &str, cost: Cost) -> Result<(), Stopped> {
        let Terminal { err, can_ask, .. } = self.context.terminal;
        if self.context.is_sandbox {
            err.say(&format!("{what}. The sandbox costs nothing."));
            return Ok(());
        }
        let unless = match cost {
            Cost::Sure => "",
            Cost::UnlessDone => ", unless an earlier batch already did the same work",
        };
        err.say(&format!(
            "{what} ({}, configuration {}). This costs LlamaCloud credits for each page{unless}.",
            self.run.job_type, self.run.configuration_id
        ));
        if self.run.yes {
            return Ok(());
        }
        if !can_ask {
            let why = "You cannot be asked, because stdin or stderr is not a terminal. Nothing was sent. To agree, add --yes.";
            return Err(Stopped::for_good(why.to_owned()));
        }
        match is_agreed(self.context, "Continue").await {
            Some(true) => Ok(()),
            Some(false) => Err(Stopped::for_good("Nothing was sent.".to_owned())),
            None => Err(Stopped::Interrupted),
        }
    }

    /// Calls a tool. Failures that may pass are shown and waited out.
    async fn patiently(&mut self, tool: &str, arguments: &Value, progress: &Progress<'_>) -> Result<Object, Stopped> {
        let (started, mut failures) = (Instant::now(), 0);
        loop {
            let failure = match self.once(tool, arguments, progress).await {
                Err(Stopped::Failed(failure)) => failure,
                other => return other,
            };
            failures += 1;
            let is_patient = failures < MAX_IDLE_CALLS || started.elapsed() < MIN_PATIENCE;
            let Some(pause) = failure.retry_after.filter(|_| is_patient) else {
                return Err(Stopped::Failed(failure));
            };
            let pause = pause.max(self.context.config.poll_interval);
            progress.note(&failure.text);
            progress.set(&format!("trying again in {} s", pause.as_secs()));
            tokio::select! {
                () = sleep(pause) => {}
                () = self.context.stop.cancelled() => return Err(Stopped::Interrupted),
            }
        }
    }

    async fn once(&mut self, tool: &str, arguments: &Value, progress: &Progress<'_>) -> Result<Object, Stopped> {
        let arguments = to_raw_value(arguments).map_err(|error| Stopped::for_good(error.to_string()))?;
        let mut request = ToolCall::new(tool, &arguments);
        loop {
            let answered = self
                .client
                .call_tool(&request, self.context.stop, |reported| match reported.share() {
                    Some((done, total)) => progress.set_of(done, total, &reported.message),
                    None => progress.set(&reported.message),
                })
                .await;
            match answered {
                None => return Err(Stopped::Interrupted),
                Some(Err(refusal)) => return Err(Stopped::for_good(refusal.message)),
                Some(Ok(result)) => match Answer::of(&result) {
                    Answer::Done(data) => return Ok(data),
                    Answer::Failed(failure) => return Err(Stopped::Failed(failure)),
                    // The user has agreed to the whole run.
                    Answer::Asks(ask) => {
                        request.input_responses =
                            Some(json!({ "confirm": { "action": "accept", "content": { "confirm": true } } }));
                        request.request_state = Some(ask.state);
                    }
                },
            }
        }
    }

    /// Lists the files that will not be uploaded, so that nobody expects them later.
    fn tell_refused(&self, refused: &[Value]) {
        if !refused.is_empty() {
            let shown = Object::from_iter([("not uploaded".to_owned(), refused.into())]);
            let err = &self.context.terminal.err;
            err.say("These files are not uploaded:");
            err.line(&render(&shown, err));
        }
    }
}

/// The files that `upload_files` does not upload, by reason.
fn refused(upload: &Object) -> Vec<Value> {
    let mut reasons = upload
        .get("refused")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if let Some(Value::Array(changed)) = upload.get("changed") {
        reasons.push(json!({
            "reason": "the directory has other content under the same name",
            "count": changed.len(),
            "examples": changed,
        }));
    }
    reasons
}

//! `run`: the whole job. Uploads a folder, creates a batch, follows it, and saves the results.
//!
//! Each step is a call of a tool through the same server that hosts use, and each tool finds what an earlier call has done. So
//! the command keeps no state: after any stop, running it again continues the work.

mod advice;
mod ending;
mod out;
mod source;
mod uploading;

use serde_json::{Map, Value, json};
use tokio::time::Duration;

use self::advice::{Stage, advice, tell_rest, tell_stop};
use self::ending::Ending;
use self::out::Out;
pub(crate) use self::source::Source;
use super::agreement::is_agreed;
use super::answer::{count, text};
use super::caller::{Caller, Done, Patience, Stopped};
use super::client::Client;
use super::context::{Context, Exit};
use super::outcome::Outcome;
use super::progress::Progress;
use super::terminal::Terminal;
use super::tools::Definition;
use super::watch::{Watch, brief, to_its_end};
use crate::cli;
use crate::mcp::Server;

/// After this many calls in a row without progress, the command ends. With the pauses between them, ten seconds by default, they
/// outlast the minute in which an upload with an unknown outcome is not sent again.
const MAX_IDLE_CALLS: usize = 8;

type Object = Map<String, Value>;

/// Whether the job certainly costs credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    Sure,
    /// Not if a batch has already done the same job over the same files: that batch is used again.
    UnlessDone,
}

/// Runs the whole job, and says how it ended.
pub(crate) async fn run(server: &Server, context: &Context<'_>, arguments: &cli::Run, source: &Source) -> Exit {
    if let Some(problem) = unsuitable_configuration(arguments) {
        let err = &context.terminal.err;
        err.say(&problem);
        let job_type = format!("job_type={}", arguments.job);
        let list = ["call", "list_configurations", &job_type];
        err.line(&format!("  {}", context.command(&list)));
        return Exit::Usage;
    }
    let mut client = Client::connect(server, context.drain());
    if let Some(problem) = withheld_tools(&mut client, context, arguments, source).await {
        context.terminal.err.say(&problem);
        client.close().await;
        return Exit::Usage;
    }
    let mut steps = Steps {
        caller: Caller {
            client: &mut client,
            context,
            patience: Patience::Limited,
            // To the whole run, before anything is sent.
            has_agreed: true,
        },
        context,
        arguments,
        source,
        stage: Stage::Reading,
    };
    let exit = match steps.all().await {
        Ok(exit) => exit,
        Err(Stopped::Failed(failure)) => {
            context.terminal.err.say(&failure.text);
            // A sandbox ends with this command, and nothing of it can be continued.
            if !context.is_sandbox {
                if let Stage::Saving { batch_id, out } = &steps.stage {
                    tell_rest(context, batch_id, out);
                } else if let Some(advice) = advice(&failure, steps.stage != Stage::Reading) {
                    context.terminal.err.say(advice);
                }
            }
            Exit::Failed
        }
        Err(Stopped::Interrupted) => {
            tell_stop(context, &steps.stage);
            Exit::Interrupted
        }
    };
    client.close().await;
    exit
}

/// Why the job cannot use the configuration, if that is certain; LlamaCloud judges the rest, but only after the upload.
fn unsuitable_configuration(arguments: &cli::Run) -> Option<String> {
    let cli::Run { job, configuration, .. } = arguments;
    if !configuration.looks_like_one() {
        return Some(format!(
            "--configuration: {configuration} is not a configuration ID (`cfg-…`). Nothing was sent. To list them:"
        ));
    }
    (job == "extract_v2" && configuration.is_preset()).then(|| {
        format!(
            "--configuration: {configuration} is a preset for parse_v2; extract_v2 has no presets. Nothing was sent. Name a \
             saved configuration. To list them:"
        )
    })
}

/// Why the settings do not let the job get to its end, if that is so: found out before anything is paid for.
async fn withheld_tools(
    client: &mut Client,
    context: &Context<'_>,
    arguments: &cli::Run,
    source: &Source,
) -> Option<String> {
    let offered = client.list_tools::<Definition>().await.ok()?;
    let needed = [
        ("upload_files", source.folder().is_some()),
        ("create_batch", true),
        ("get_batch", true),
        ("save_results", arguments.out.is_some()),
    ];
    let withheld: Vec<_> = needed
        .into_iter()
        .filter(|(name, is_needed)| *is_needed && offered.iter().all(|tool| tool.name != *name))
        .map(|(name, _)| name)
        .collect();
    (!withheld.is_empty()).then(|| {
        let by = if context.config.read_only {
            "--read-only (or LLAMA_CLOUD_READ_ONLY)"
        } else {
            "--tools"
        };
        format!(
            "`run` needs tools that {by} withholds: {}. Nothing was uploaded or created.",
            withheld.join(", ")
        )
    })
}

/// Where the uploaded files are.
#[derive(Default)]
struct Uploaded {
    directory_id: String,
    /// The files that are not there although the user agreed to them, by reason.
    left_out: Vec<Object>,
    /// How many files and subfolders were listed as not uploaded before the user agreed.
    passed_over: u64,
}

struct Steps<'a> {
    caller: Caller<'a>,
    context: &'a Context<'a>,
    arguments: &'a cli::Run,
    source: &'a Source,
    stage: Stage,
}

impl Steps<'_> {
    async fn all(&mut self) -> Result<Exit, Stopped> {
        let Self { context, arguments, .. } = *self;
        let out = arguments.out.as_deref().map(Out::look_into).transpose()?;
        let Uploaded {
            directory_id,
            left_out,
            passed_over,
        } = match self.source {
            Source::Directory(id) => {
                let what = format!("The files of directory {id} will be processed");
                self.agree(&what, Cost::UnlessDone).await?;
                Uploaded {
                    directory_id: id.clone(),
                    ..Uploaded::default()
                }
            }
            Source::Folder(_) => self.upload(".", out.as_ref()).await?,
            Source::File { name, .. } => self.upload(&format!("./{name}"), out.as_ref()).await?,
        };
        let progress = Progress::with_lines(&context.terminal.err);
        progress.set("creating the batch");
        self.stage = Stage::Creating;
        let job = json!({ "type": arguments.job, "configuration_id": arguments.configuration });
        let create = json!({ "source_directory_id": directory_id, "config": { "job": job } });
        let created = self.call("create_batch", &create, &progress).await?;
        let id = text(&created, "id").to_owned();
        self.stage = Stage::Following;
        let is = |member: &str| created.get(member) == Some(&Value::Bool(true));
        progress.note(&match (is("created"), is("final"), self.source) {
            (true, ..) => format!("Created batch {id}."),
            (false, false, Source::Directory(_)) => format!(
                "Found batch {id}. It is not finished and does not include files that were added to the directory after it was \
                 created. To process those, run the same command again after it has ended."
            ),
            (false, ..) => format!("Found batch {id}."),
        });
        drop(progress);
        if let Some(out) = &out {
            // Before the batch is followed, which may take hours.
            out.check(&id, context.is_sandbox)?;
        }
        let watch = Watch {
            batch_id: id.clone(),
            json: false,
        };
        let mut batch = to_its_end(self.caller.client, context, &watch).await?;
        brief(&mut batch);
        let outcome = Outcome {
            batch_id: &id,
            batch: &batch,
        };
        let saved = match &out {
            Some(out) if outcome.has_results() => {
                self.stage = Stage::Saving {
                    batch_id: id.clone(),
                    out: out.folder.display().to_string(),
                };
                Some((out.folder, self.save(&id).await?))
            }
            _ => None,
        };
        let ending = Ending {
            outcome,
            saved: saved.as_ref().map(|(out, saved)| (*out, saved)),
            left_out: left_out.iter().collect(),
            passed_over,
        };
        Ok(ending.show(context))
    }

    /// Saves the results. What `save_results` answered in the end.
    async fn save(&mut self, batch_id: &str) -> Result<Object, Stopped> {
        let progress = Progress::with_lines(&self.context.terminal.err);
        let arguments = json!({ "batch_id": batch_id, "folder": "." });
        let mut idle = 0;
        loop {
            let Done { data: step, took } = self.caller.call("save_results", &arguments, &progress).await?;
            if step.get("complete") == Some(&Value::Bool(true)) {
                return Ok(step);
            }
            // Unlike an upload, a result that was not read in time is read from its beginning by the next call.
            idle = if count(&step, "saved") > 0 { 0 } else { idle + 1 };
            if idle >= MAX_IDLE_CALLS {
                let mut why = text(&step, "summary").to_owned();
                if has_used_up(took, self.context.config.timeout) {
                    why.push_str(" To give each call more time for large results, add --timeout 10m.");
                }
                return Err(Stopped::for_now(why));
            }
            if idle > 0 {
                self.pause(&progress).await?;
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
            Cost::UnlessDone => ", unless an earlier batch did or is doing the same work",
        };
        err.say(&format!(
            "{what} ({}, configuration {}). This costs LlamaCloud credits for each page{unless}.",
            self.arguments.job, self.arguments.configuration
        ));
        if self.arguments.yes {
            return Ok(());
        }
        if !can_ask {
            let why = "You cannot be asked, because stdin or stderr is not a terminal. Nothing was uploaded or created. To agree, add \
                       --yes.";
            return Err(Stopped::for_good(why.to_owned()));
        }
        match is_agreed(self.context, "Continue").await {
            Some(true) => Ok(()),
            Some(false) => Err(Stopped::for_good("Nothing was uploaded or created.".to_owned())),
            None => Err(Stopped::Interrupted),
        }
    }

    /// Waits after a call that has achieved nothing.
    async fn pause(&self, progress: &Progress<'_>) -> Result<(), Stopped> {
        let pause = self.context.config.poll_interval * 5;
        progress.set(&format!("trying again in {} s", pause.as_secs()));
        self.caller.rest(pause).await
    }

    async fn call(&mut self, tool: &str, arguments: &Value, progress: &Progress<'_>) -> Result<Object, Stopped> {
        let done = self.caller.call(tool, arguments, progress).await?;
        Ok(done.data)
    }
}

/// Whether a call ended because its time did: an upload that stalls fails after two thirds of it, and the work ends after 8/9.
fn has_used_up(took: Duration, limit: Duration) -> bool {
    took >= limit * 4 / 5
}

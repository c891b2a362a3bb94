//! `call`: one tool call through the same server that hosts use.

use serde_json::Value;
use serde_json::value::RawValue;

use super::agreement::is_agreed;
use super::answer::Answer;
use super::arguments;
use super::client::{Answered, Client, Refusal, ToolCall, Unanswered};
use super::context::{Context, Exit};
use super::progress::Progress;
use super::render::{in_short, render};
use super::tools::{Definition, describe};
use crate::mcp::Server;
use crate::untrusted::clean;

/// What is called.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) tool: String,
    /// As typed.
    pub(crate) arguments: Vec<String>,
    pub(crate) print: Print,
}

/// What is printed of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Print {
    /// Sentences and tables.
    ForPeople,
    /// The data: one line of JSON.
    Data,
    /// What a host gets: one line of JSON.
    Raw,
    /// No result: the tool's arguments.
    Help,
}

/// Calls a tool, prints its result, and says how it went.
pub(crate) async fn call(server: &Server, context: &Context<'_>, call: &Call) -> Exit {
    let Context { terminal, stop, .. } = context;
    let mut client = Client::connect(server, context.drain());
    let exit = if call.print == Print::Help {
        help(&mut client, context, call).await
    } else {
        let arguments = tokio::select! {
            arguments = arguments::read(&call.arguments) => arguments,
            () = stop.cancelled() => return Exit::Interrupted,
        };
        match arguments {
            Ok(arguments) => once(&mut client, context, call, &arguments).await,
            Err(problem) => {
                terminal.err.say(&problem);
                Exit::Usage
            }
        }
    };
    client.close().await;
    exit
}

async fn once(client: &mut Client, context: &Context<'_>, call: &Call, arguments: &RawValue) -> Exit {
    let Context { terminal, .. } = context;
    match until_answered(client, context, call, arguments).await {
        Ended::Answered(answered) => show(context, call, answered),
        Ended::Refused(refusal) => {
            terminal.err.say(&refusal.message);
            if refusal.is_usage() { Exit::Usage } else { Exit::Failed }
        }
        Ended::GivenUp => {
            let is_read_only = client.list_tools::<Definition>().await.is_ok_and(|tools| {
                let named = tools.iter().find(|tool| tool.name == call.tool);
                named.is_some_and(Definition::is_read_only)
            });
            tell_what_goes_on(context, arguments, is_read_only);
            Exit::Interrupted
        }
        Ended::NotAnswered => {
            // The cursor is still on the question's line.
            terminal.err.line("\nCancelled. Nothing was created or uploaded.");
            Exit::Interrupted
        }
        Ended::NotAgreed(question) => without_consent(context, call, &question, "Nothing was created or uploaded."),
        Ended::CannotAsk(question) => {
            let why = "You cannot be asked, because stdin or stderr is not a terminal. Nothing was created or uploaded. To agree, \
                       run the command in a terminal, without a pipe or a redirection.";
            without_consent(context, call, &question, why)
        }
    }
}

/// The call ends with its question.
fn without_consent(context: &Context<'_>, call: &Call, question: &RawValue, why: &str) -> Exit {
    if call.print == Print::Raw {
        context.terminal.out.line(question.get());
    }
    context.terminal.err.say(why);
    Exit::Failed
}

/// The tool's arguments, in place of a call.
async fn help(client: &mut Client, context: &Context<'_>, call: &Call) -> Exit {
    let Context { terminal, .. } = context;
    let tools = match client.list_tools::<Definition>().await {
        Ok(tools) => tools,
        Err(refusal) => {
            terminal.err.say(&refusal.message);
            return Exit::Failed;
        }
    };
    if let Some(tool) = tools.iter().find(|tool| tool.name == call.tool) {
        terminal.out.line(&describe(tool, &terminal.out));
        return Exit::Done;
    }
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    terminal.err.say(&format!(
        "There is no tool {} with these settings. The tools are {}.",
        clean(&call.tool, 60),
        names.join(", ")
    ));
    Exit::Usage
}

/// How a call ends.
enum Ended {
    Answered(Answered),
    Refused(Refusal),
    /// The user stopped the call.
    GivenUp,
    /// The user stopped at the question.
    NotAnswered,
    /// The user said no.
    NotAgreed(Box<RawValue>),
    /// There is a question, and nobody who could answer it.
    CannotAsk(Box<RawValue>),
}

/// Makes the call, and repeats it after the user has answered its question.
async fn until_answered(client: &mut Client, context: &Context<'_>, call: &Call, arguments: &RawValue) -> Ended {
    let mut request = ToolCall::new(&call.tool, arguments);
    loop {
        let progress = Progress::without_lines(&context.terminal.err);
        let answered = client.call_tool(&request, context.stop, &progress).await;
        drop(progress);
        let (ask, result) = match answered {
            Ok(Answered {
                answer: Answer::Asks(ask),
                result,
                ..
            }) => (ask, result),
            Ok(answered) => return Ended::Answered(answered),
            Err(Unanswered::Refused(refusal)) => return Ended::Refused(refusal),
            Err(Unanswered::Interrupted) => return Ended::GivenUp,
        };
        context.terminal.err.say(&ask.question);
        if !context.terminal.can_ask {
            return Ended::CannotAsk(result);
        }
        match is_agreed(context, &ask.label).await {
            Some(true) => request.agree(ask),
            Some(false) => return Ended::NotAgreed(result),
            None => return Ended::NotAnswered,
        }
    }
}

/// Says what keeps running after a cancelled call, and how to follow it.
fn tell_what_goes_on(context: &Context<'_>, arguments: &RawValue, is_read_only: bool) {
    let err = &context.terminal.err;
    if context.is_sandbox {
        err.say("Cancelled. The sandbox and its batches end with this command.");
        return;
    }
    let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
    let batch_id = arguments.get("batch_id").and_then(Value::as_str);
    if let Some(id) = batch_id.filter(|_| is_read_only) {
        err.say("Cancelled. This does not stop the batch. To follow it:");
        err.line(&format!("  {}", context.command(&["watch", &clean(id, 128)])));
    } else if is_read_only {
        err.say("Cancelled.");
    } else {
        err.say("Cancelled. What was already done is not undone. To list batches:");
        err.line(&format!("  {}", context.command(&["call", "list_batches"])));
    }
}

/// Prints a result, and says how the call went.
fn show(context: &Context<'_>, call: &Call, answered: Answered) -> Exit {
    let Context { terminal, .. } = context;
    if call.print == Print::Raw {
        terminal.out.line(answered.result.get());
    }
    match answered.answer {
        Answer::Done(data) => {
            match call.print {
                Print::ForPeople => terminal.out.line(&render(&data, &terminal.out)),
                Print::Data => terminal.out.line(&Value::Object(data.clone()).to_string()),
                Print::Raw | Print::Help => {}
            }
            if terminal.out.failure().is_some() {
                // A full disk must not hide a batch that was paid for.
                terminal.err.line(&in_short(&data, &terminal.err));
            }
            Exit::Done
        }
        Answer::Failed(failure) => {
            if call.print != Print::Raw {
                terminal.err.say(&failure.text);
            }
            Exit::Failed
        }
        Answer::Asks(_) => Exit::Failed,
    }
}

//! `call`: one tool call through the same server that hosts use.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, stdin};
use tokio::time::Instant;

use super::answer::{Answer, Ask, show};
use super::client::{Client, Progress, Refusal};
use super::layout::chop;
use super::{Exit, Person};
use crate::config::ApiKey;
use crate::mcp::Server;

/// What is called.
pub(crate) struct Call {
    pub(crate) tool: String,
    /// As typed.
    pub(crate) arguments: Option<String>,
    /// Whether the result is printed as it is.
    pub(crate) json: bool,
}

/// Calls a tool, prints what it answers, and says how it went.
pub(crate) async fn call(server: &Server, person: &Person<'_>, call: &Call) -> Exit {
    let Person { screen, stop, .. } = person;
    let text = tokio::select! {
        text = given(call.arguments.as_deref()) => text,
        () = stop.cancelled() => return Exit::Interrupted,
    };
    let arguments = match text.and_then(|text| object(&text)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            screen.err.say(&problem);
            return Exit::Usage;
        }
    };
    let mut client = Client::connect(server, person.drain());
    let exit = match until_answered(&mut client, person, call, &arguments).await {
        Ended::Answered(result) => tell(person, call, &result),
        Ended::Refused(refusal) => {
            screen.err.say(&refusal.message);
            if refusal.is_usage() { Exit::Usage } else { Exit::Failed }
        }
        Ended::GivenUp => {
            screen.err.say(&what_goes_on(&call.tool, &arguments));
            Exit::Interrupted
        }
        Ended::NotAnswered => {
            // The cursor stands behind the question.
            screen.err.line("\nGiven up; nothing was sent.");
            Exit::Interrupted
        }
    };
    client.close().await;
    exit
}

/// How a call ends.
enum Ended {
    Answered(Box<RawValue>),
    Refused(Refusal),
    /// The user stopped the call.
    GivenUp,
    /// The user stopped where a question was to be answered.
    NotAnswered,
}

/// The arguments' text.
async fn given(arguments: Option<&str>) -> Result<String, String> {
    match arguments {
        None => Ok("{}".to_owned()),
        Some("-") => {
            let mut text = String::new();
            match stdin().read_to_string(&mut text).await {
                Ok(_) => Ok(text),
                Err(error) => Err(format!("The arguments cannot be read from stdin ({}).", error.kind())),
            }
        }
        Some(text) => Ok(text.to_owned()),
    }
}

/// The arguments as they were written, if they are an object.
fn object(text: &str) -> Result<Box<RawValue>, String> {
    const EXAMPLE: &str =
        "Write one JSON object in single quotes, for example '{\"page_size\":5}', or `-` to read it from stdin.";
    match serde_json::from_str::<Box<RawValue>>(text.trim()) {
        Ok(arguments) if arguments.get().starts_with('{') => Ok(arguments),
        Ok(_) => Err(format!("The arguments are JSON, but no object. {EXAMPLE}")),
        Err(error) => Err(format!("The arguments are no JSON: {error}. {EXAMPLE}")),
    }
}

/// Makes the call, and makes it again once the user has answered what it asks.
async fn until_answered(client: &mut Client, person: &Person<'_>, call: &Call, arguments: &RawValue) -> Ended {
    let mut params = json!({ "name": call.tool, "arguments": arguments });
    loop {
        let result = match once(client, person, params.clone(), wait(arguments)).await {
            Some(Ok(result)) => result,
            Some(Err(refusal)) => return Ended::Refused(refusal),
            None => return Ended::GivenUp,
        };
        let Answer::Asks(ask) = Answer::of(&result) else {
            return Ended::Answered(result);
        };
        let agreed = tokio::select! {
            agreed = is_agreed(person, &ask) => agreed,
            () = person.stop.cancelled() => return Ended::NotAnswered,
        };
        let answer = if agreed {
            json!({ "action": "accept", "content": { "confirm": true } })
        } else {
            json!({ "action": "decline" })
        };
        if let Some(members) = params.as_object_mut() {
            members.insert("inputResponses".to_owned(), json!({ "confirm": answer }));
            members.insert("requestState".to_owned(), json!(ask.state));
        }
    }
}

/// One request, with its progress shown where somebody may look.
async fn once(
    client: &mut Client,
    person: &Person<'_>,
    params: Value,
    wait: Duration,
) -> Option<Result<Box<RawValue>, Refusal>> {
    let started = Instant::now();
    let mut region = person.screen.err.region();
    let seen = RefCell::new(Progress::default());
    let draw = || {
        if !wait.is_zero() {
            let line = waiting(started.elapsed(), wait, &seen.borrow());
            region.draw(&chop(&line, person.screen.err.width.saturating_sub(1)));
        }
    };
    let answered = client
        .call_tool(params, person.stop, |progress| *seen.borrow_mut() = progress, draw)
        .await;
    region.erase();
    answered
}

/// How long the call may wait for a batch. What the server will refuse counts as nothing.
fn wait(arguments: &RawValue) -> Duration {
    let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
    Duration::from_secs(arguments.get("wait_seconds").and_then(Value::as_u64).unwrap_or(0))
}

fn waiting(elapsed: Duration, limit: Duration, seen: &Progress) -> String {
    let status = seen.message.split(' ').next().unwrap_or_default();
    let status = if status.is_empty() {
        String::new()
    } else {
        let ago = elapsed.saturating_sub(Duration::from_millis(seen.progress)).as_secs();
        format!(" The batch is {status}, seen {ago} s ago.")
    };
    format!(
        "Waiting for {} s of at most {} s.{status} Ctrl-C ends the waiting.",
        elapsed.as_secs(),
        limit.as_secs()
    )
}

/// Asks the user. Nothing but an explicit yes is a yes.
async fn is_agreed(person: &Person<'_>, ask: &Ask) -> bool {
    let err = person.screen.err;
    if !person.screen.can_ask {
        err.say(&ask.question);
        err.say("There is no terminal on which this could be answered, so the answer is no.");
        return false;
    }
    err.say(&ask.question);
    err.write(&format!("{}? Type `yes` for yes: ", ask.label));
    let mut line = String::new();
    let read = BufReader::new(stdin()).read_line(&mut line).await;
    read.is_ok() && line.trim().eq_ignore_ascii_case("yes")
}

/// What the user reads about a call that was given up.
fn what_goes_on(tool: &str, arguments: &RawValue) -> String {
    let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
    match (tool, arguments.get("batch_id").and_then(Value::as_str)) {
        ("get_batch", Some(id)) => format!(
            "Given up. The batch goes on; follow it with: {} watch {}",
            env!("CARGO_PKG_NAME"),
            crate::foreign::clean(id, 128)
        ),
        ("create_batch", _) => format!(
            "Given up. If the batch was created by now, it goes on; look with: {} call list_batches",
            env!("CARGO_PKG_NAME")
        ),
        _ => "Given up.".to_owned(),
    }
}

/// Prints a result, and says how the call went.
fn tell(person: &Person<'_>, call: &Call, result: &RawValue) -> Exit {
    let Person { screen, .. } = person;
    let answer = Answer::of(result);
    if call.json {
        screen.out.line(result.get());
    }
    match answer {
        Answer::Done(data) => {
            if !call.json {
                screen.out.line(&show(&data, screen.out.width, screen.out.style));
            }
            Exit::Done
        }
        Answer::Failed(text) => {
            if !call.json {
                screen.err.say(&text);
                tell_of_the_key(person);
            }
            Exit::Failed
        }
        Answer::Asks(_) => Exit::Failed,
    }
}

/// The tools' sentences tell a host how to pass the key. At a terminal it is simpler.
pub(super) fn tell_of_the_key(person: &Person<'_>) {
    if matches!(person.config.api_key, ApiKey::Missing(_)) {
        person.screen.err.say(&format!(
            "In this shell: export LLAMA_CLOUD_API_KEY=llx-… and try again. `{0} doctor` checks the key; --sandbox needs none.",
            env!("CARGO_PKG_NAME")
        ));
    }
}

//! `watch`: looks at one batch until it is final, and then tells what became of its files.
//!
//! Each look is a call of `get_batch`. Whether trouble passes is read from what the tool tells an assistant: an error that says to
//! wait and call again is waited out, any other ends the watching.

mod display;

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::answer::{Answer, files_of};
use super::client::{Client, REDRAWN_EVERY};
use super::{Exit, Person};
use crate::mcp::Server;
use display::Display;

/// Files that failed come first; nobody reads more pages of them.
const MOST_PAGES: usize = 10;

/// What is watched.
pub(crate) struct Watch {
    pub(crate) batch_id: String,
    /// Whether each look is printed as it is.
    pub(crate) json: bool,
}

/// What one look showed.
enum Look {
    Batch(Map<String, Value>),
    /// No batch this time, and how long to pause at least.
    Trouble(String, Duration),
    /// There will be none.
    Hopeless(String),
}

/// Watches a batch, and says how it ended.
pub(crate) async fn watch(server: &Server, person: &Person<'_>, watch: &Watch) -> Exit {
    let mut client = Client::connect(server, person.drain());
    let mut watching = Watching {
        client: &mut client,
        person,
        watch,
        display: Display::new(person.screen.out, &watch.batch_id, watch.json),
    };
    let exit = watching.until_final().await;
    watching.display.end();
    let exit = exit.unwrap_or_else(|| {
        person.screen.err.say(&format!(
            "Stopped watching. The batch goes on; look again with: {} watch {}",
            env!("CARGO_PKG_NAME"),
            watch.batch_id
        ));
        Exit::Interrupted
    });
    client.close().await;
    exit
}

struct Watching<'a> {
    client: &'a mut Client,
    person: &'a Person<'a>,
    watch: &'a Watch,
    display: Display,
}

impl Watching<'_> {
    /// `None`: the user had enough.
    async fn until_final(&mut self) -> Option<Exit> {
        let first = self.person.config.poll_interval;
        let longest = first * 5;
        let mut pause = first;
        let mut is_final = false;
        loop {
            let look = self.look(is_final, None).await?;
            let next = match look {
                Look::Hopeless(text) => {
                    self.display.end();
                    self.person.screen.err.say(&text);
                    super::call::tell_of_the_key(self.person);
                    return Some(Exit::Failed);
                }
                Look::Trouble(text, at_least) => {
                    let pause = longest.max(at_least);
                    self.display.trouble(&text, pause);
                    pause
                }
                Look::Batch(batch) => {
                    self.display.see(&batch);
                    let was_final = is_final;
                    is_final = batch.get("final") == Some(&Value::Bool(true));
                    match (was_final, is_final) {
                        // Once more at once, now with what became of its files.
                        (false, true) => continue,
                        (true, true) if !batch.contains_key("check_again_in_seconds") => {
                            return self.outcome(batch).await;
                        }
                        // Jobs of its own still go on.
                        (_, true) => longest,
                        (_, false) => {
                            let now = pause;
                            pause = (pause * 3 / 2).min(longest);
                            now
                        }
                    }
                }
            };
            self.rest(next).await?;
        }
    }

    /// One look; `None` if the user stops it.
    async fn look(&mut self, with_outcomes: bool, cursor: Option<&Value>) -> Option<Look> {
        let mut arguments = json!({ "batch_id": self.watch.batch_id });
        if let Some(members) = arguments.as_object_mut() {
            if with_outcomes {
                members.insert("expand".to_owned(), json!(["outcomes"]));
            }
            if let Some(cursor) = cursor {
                members.insert("results_cursor".to_owned(), cursor.clone());
            }
        }
        let params = json!({ "name": "get_batch", "arguments": arguments });
        let display = &mut self.display;
        let answered = self
            .client
            .call_tool(params, self.person.stop, |_| {}, || display.tick(None));
        Some(match answered.await? {
            Ok(result) => self.understand(&result),
            Err(refusal) => Look::Hopeless(refusal.message),
        })
    }

    fn understand(&self, result: &RawValue) -> Look {
        if self.watch.json {
            self.person.screen.out.line(result.get());
        }
        match Answer::of(result) {
            Answer::Done(batch) => Look::Batch(batch),
            Answer::Failed(text) => match told_to_wait(&text) {
                Some(at_least) => Look::Trouble(text, at_least),
                None => Look::Hopeless(text),
            },
            Answer::Asks(ask) => Look::Hopeless(ask.question),
        }
    }

    /// Waits for the next look.
    async fn rest(&mut self, pause: Duration) -> Option<()> {
        let next = Instant::now() + pause;
        let mut ticks = interval(REDRAWN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.person.stop.cancelled() => return None,
                () = sleep_until(next) => return Some(()),
                _ = ticks.tick() => self.display.tick(Some(next)),
            }
        }
    }

    /// Tells what became of the batch and of the files that did not succeed.
    async fn outcome(&mut self, mut batch: Map<String, Value>) -> Option<Exit> {
        let is_bad = |file: &Map<String, Value>| file.get("status").and_then(Value::as_str) != Some("COMPLETED");
        let mut files = files_of(&batch);
        let mut next = batch.remove("next_results_cursor");
        for _ in 1..MOST_PAGES {
            let Some(cursor) = next.take().filter(|_| files.iter().all(is_bad)) else {
                break;
            };
            match self.look(true, Some(&cursor)).await? {
                Look::Batch(mut page) => {
                    files.extend(files_of(&page));
                    next = page.remove("next_results_cursor");
                }
                // What is known already is told.
                Look::Trouble(..) | Look::Hopeless(_) => break,
            }
        }
        files.retain(is_bad);
        let all_succeeded = is_all_well(&batch);
        self.display.outcome(&batch, &files);
        Some(if all_succeeded { Exit::Done } else { Exit::Failed })
    }
}

/// Whether the batch is COMPLETED, and so is each of its files.
fn is_all_well(batch: &Map<String, Value>) -> bool {
    let count = |name: &str| {
        batch
            .get("files")
            .and_then(|files| files.get(name))
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    let is_completed = batch.get("status").and_then(Value::as_str) == Some("COMPLETED");
    is_completed && count("total") > 0 && count("total") == count("completed")
}

/// How long to pause at least, if an error says to wait and call again; zero if it leaves that open.
fn told_to_wait(text: &str) -> Option<Duration> {
    let next_step = text.rfind("Wait ").and_then(|at| text.get(at + "Wait ".len()..));
    if let Some((time, _)) = next_step.and_then(|step| step.split_once(" and call again")) {
        let seconds = match time {
            "a second" => 1,
            _ => time
                .split(' ')
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or(0),
        };
        return Some(Duration::from_secs(seconds));
    }
    text.contains("Call again in a minute").then_some(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_says_to_wait_is_waited_out() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(told_to_wait(text), seconds.map(Duration::from_secs), "{text}");
        };
        check(
            "Too many (429): \"Wait for it\". Wait 60 seconds and call again.",
            Some(60),
        );
        check("Too many (429). Wait a second and call again.", Some(1));
        check("It did not answer. Wait a minute and call again.", Some(0));
        check(
            "No way there. Call again in a minute. If it stays so, see the network.",
            Some(0),
        );
        check(
            "A problem (503). Wait 7 seconds and call again; else the ID is 1-2.",
            Some(7),
        );
        check("No such batch (404). Check `batch_id`.", None);
        check("Rejected. Calling again will not help.", None);
    }
}

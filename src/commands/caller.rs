//! Calls of tools that a command cannot do without: failures that may pass are shown and waited out.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use tokio::time::{Duration, Instant, sleep};

use super::answer::{Answer, Failure};
use super::client::{Client, ToolCall, Unanswered};
use super::context::Context;
use super::progress::Progress;

/// How many failures in a row end a call of limited patience.
const MAX_FAILURES: usize = 5;
/// Limited patience lasts at least this long: another process may use a folder for that long.
const MIN_PATIENCE: Duration = Duration::from_mins(1);

type Object = Map<String, Value>;

/// Why there is no result.
pub(super) enum Stopped {
    /// The call failed.
    Failed(Failure),
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl Stopped {
    /// A failure that a repeated request cannot change.
    pub(super) const fn for_good(text: String) -> Self {
        Self::Failed(Failure::lasting(text))
    }

    /// A failure that may pass.
    pub(super) const fn for_now(text: String) -> Self {
        Self::Failed(Failure::passing(text))
    }
}

/// How long failures that may pass are waited out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Limited,
    Endless,
}

/// Calls tools of one connection.
pub(super) struct Caller<'a> {
    pub(super) client: &'a mut Client,
    pub(super) context: &'a Context<'a>,
    pub(super) patience: Patience,
    /// Whether the user has agreed to everything that a tool may ask.
    pub(super) has_agreed: bool,
}

/// What a tool answered.
pub(super) struct Done {
    pub(super) data: Object,
    /// How long the call took, without those that failed before it.
    pub(super) took: Duration,
}

impl Caller<'_> {
    /// Calls a tool. Each failure that may pass is shown once and waited out.
    ///
    /// # Errors
    /// For any other failure, one that does not pass in time, and Ctrl-C.
    pub(super) async fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
        progress: &Progress<'_>,
    ) -> Result<Done, Stopped> {
        let arguments = to_raw_value(arguments).map_err(|error| Stopped::for_good(error.to_string()))?;
        let (first, mut failures, mut shown) = (Instant::now(), 0, String::new());
        loop {
            let started = Instant::now();
            let failure = match self.once(tool, &arguments, progress).await {
                Ok(data) => {
                    return Ok(Done {
                        data,
                        took: started.elapsed(),
                    });
                }
                Err(Stopped::Failed(failure)) => failure,
                Err(Stopped::Interrupted) => return Err(Stopped::Interrupted),
            };
            failures += 1;
            let is_patient = match self.patience {
                Patience::Endless => true,
                Patience::Limited => failures < MAX_FAILURES || first.elapsed() < MIN_PATIENCE,
            };
            let Some(at_least) = failure.retry_after.filter(|_| is_patient) else {
                return Err(Stopped::Failed(failure));
            };
            let pause = at_least.max(self.context.config.poll_interval * 5);
            if shown != failure.text {
                progress.note(&failure.text);
                shown = failure.text;
            }
            progress.set(&format!("trying again in {} s", pause.as_secs()));
            self.rest(pause).await?;
        }
    }

    /// Waits.
    ///
    /// # Errors
    /// If the user presses Ctrl-C.
    pub(super) async fn rest(&self, pause: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = sleep(pause) => Ok(()),
            () = self.context.stop.cancelled() => Err(Stopped::Interrupted),
        }
    }

    async fn once(&mut self, tool: &str, arguments: &RawValue, progress: &Progress<'_>) -> Result<Object, Stopped> {
        let mut request = ToolCall::new(tool, arguments);
        loop {
            let answered = self.client.call_tool(&request, self.context.stop, progress).await;
            let answered = answered.map_err(|why| match why {
                Unanswered::Refused(refusal) => Stopped::for_good(refusal.message),
                Unanswered::Interrupted => Stopped::Interrupted,
            })?;
            match answered.answer {
                Answer::Done(data) => return Ok(data),
                Answer::Failed(failure) => return Err(Stopped::Failed(failure)),
                Answer::Asks(ask) if self.has_agreed => request.agree(ask),
                Answer::Asks(ask) => return Err(Stopped::for_good(ask.question)),
            }
        }
    }
}

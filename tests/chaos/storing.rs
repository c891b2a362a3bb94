//! One cell of what several calls store or make: a step, a fault, what happens to the process, and the same done again.

use futures_util::StreamExt;
use futures_util::stream::iter;
use rustix::process::Signal;
use serde_json::Value;

use crate::cell::BUSY;
use crate::process::Process;
use crate::upload_api::{Fault, Step, UploadApi};

const AT_ONCE: usize = 30;
/// After so many calls the work has to be done.
const MOST_CALLS: u32 = 9;

/// What happens to the process once the fault has its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    /// It lives, and a second process is asked for the same at the same time.
    HasATwin,
    /// Its call is cancelled: by the host, or at a terminal with Ctrl-C.
    IsCancelled,
    Sigkill,
    InputEnds,
}

/// What is done in a cell, and done again by a fresh process in the end.
pub(crate) enum Work {
    Call(Call),
    /// A command with its arguments, which works until it ends.
    Command(Vec<String>),
}

/// A call that is made again and again, as a model is told to, until it has done its work.
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    /// More arguments of the program.
    pub(crate) flags: Vec<String>,
    /// Whether an answer says that all is done.
    pub(crate) is_done: fn(&Value) -> bool,
}

impl Call {
    async fn make(&self, process: &mut Process, id: u32) {
        process.call(id, self.tool, &self.arguments).await;
    }
}

impl Work {
    /// Starts a process and the work.
    pub(crate) async fn start(&self, api: &UploadApi, number: usize) -> Result<Process, String> {
        match self {
            Self::Call(call) => {
                let flags: Vec<&str> = call.flags.iter().map(String::as_str).collect();
                let mut process = Process::start_with(&api.url(), number, &flags).await?;
                call.make(&mut process, 1).await;
                Ok(process)
            }
            Self::Command(arguments) => {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let mut process = Process::spawn(&api.url(), number, &arguments)?;
                process.close_stdin();
                Ok(process)
            }
        }
    }

    /// Waits until the process has read the call; with a command there is nothing to wait for.
    async fn has_begun(&self, process: &mut Process) -> Result<(), String> {
        match self {
            Self::Call(_) => process.has_read_all().await,
            Self::Command(_) => Ok(()),
        }
    }

    /// Waits until what was started has ended, well or not.
    async fn first_ends(&self, process: &mut Process) -> Result<(), String> {
        match self {
            Self::Call(_) => process.answer(1).await.map(drop),
            Self::Command(_) => process.ended().await.map(drop),
        }
    }

    async fn cancel(&self, process: &mut Process) -> Result<(), String> {
        match self {
            Self::Call(_) => {
                process.cancel(1).await;
                process.has_read_all().await
            }
            Self::Command(_) => {
                process.signal(Signal::INT);
                Ok(())
            }
        }
    }

    /// Waits until all is done; calls are made again, from the one with this ID on.
    pub(crate) async fn until_done(&self, process: &mut Process, from: u32) -> Result<(), String> {
        let call = match self {
            Self::Call(call) => call,
            Self::Command(_) => {
                let status = process.ended().await?;
                let said = process.said();
                return match status.code() {
                    Some(0) => Ok(()),
                    code => Err(format!("exit {code:?}\n{}{}", said.stdout.join("\n"), said.stderr)),
                };
            }
        };
        let mut last = None;
        for id in from..=MOST_CALLS {
            if id > 1 {
                call.make(process, id).await;
            }
            let answer = process.answer(id).await?.ok_or("no answer")?;
            if (call.is_done)(&answer.result()["structuredContent"]) {
                return Ok(());
            }
            last = Some(answer);
        }
        Err(format!("never done: {last:?}"))
    }

    /// Plays one cell. At the end, a fresh process finds what already exists and does the rest.
    ///
    /// `leaves_a_doubt`: whether the process cannot know if something is stored, so that it does not send it again for a minute.
    /// `holds_always` is asked when the processes have ended and only that fresh one is still to come.
    pub(crate) async fn play(
        &self,
        api: &UploadApi,
        fate: Fate,
        leaves_a_doubt: bool,
        holds_always: impl Fn() -> Result<(), String>,
    ) -> Result<(), String> {
        let _busy = BUSY.acquire_many(2).await;
        let mut process = self.start(api, 1).await?;
        api.reached().await?;
        let mut twin = None;
        match fate {
            Fate::Lives => {}
            Fate::HasATwin => {
                let mut second = self.start(api, 2).await?;
                self.has_begun(&mut second).await?;
                twin = Some(second);
            }
            Fate::IsCancelled => self.cancel(&mut process).await?,
            Fate::Sigkill => {
                process.signal(Signal::KILL);
                process.ended().await?;
            }
            Fate::InputEnds => process.close_stdin(),
        }
        api.go();
        match fate {
            Fate::Lives | Fate::HasATwin => {
                self.first_ends(&mut process).await?;
                if let Some(twin) = &mut twin {
                    self.first_ends(twin).await?;
                }
                if !leaves_a_doubt {
                    self.until_done(&mut process, 1).await?;
                }
            }
            Fate::IsCancelled if matches!(self, Self::Command(_)) => {
                // It may have been done before it could stop.
                let code = process.ended().await?.code();
                if !matches!(code, Some(0 | 130)) {
                    return Err(format!("exit {code:?}\n{}", process.said().stderr));
                }
            }
            Fate::IsCancelled if !leaves_a_doubt => self.until_done(&mut process, 2).await?,
            Fate::IsCancelled | Fate::Sigkill => {}
            Fate::InputEnds => drop(process.ended().await?),
        }
        if let Some(twin) = &mut twin {
            self.until_done(twin, 1).await?;
        }
        holds_always()?;
        self.by_a_fresh_process(api).await
    }

    /// Does what is left, with an API that works.
    pub(crate) async fn by_a_fresh_process(&self, api: &UploadApi) -> Result<(), String> {
        api.heal();
        let mut process = self.start(api, 9).await?;
        self.until_done(&mut process, 1).await
    }
}

/// Every step with every fault that can strike it.
pub(crate) fn cells<const FAULTS: usize>(
    steps: impl IntoIterator<Item = Step>,
    faults: [Fault; FAULTS],
) -> impl Iterator<Item = (Step, Fault)> {
    let cells = steps
        .into_iter()
        .flat_map(move |step| faults.map(|fault| (step, fault)));
    cells.filter(|(step, fault)| fault.can_strike(*step))
}

/// Plays every cell, and fails with all that failed.
pub(crate) async fn play_all<F: Future<Output = Result<(), String>>>(
    cells: impl IntoIterator<Item = (Step, Fault)>,
    fate: Fate,
    play: impl Fn(Step, Fault, Fate) -> F,
) {
    let cells: Vec<_> = cells.into_iter().collect();
    let count = cells.len();
    let playing = iter(cells).map(|(step, fault)| {
        let played = play(step, fault, fate);
        async move {
            played
                .await
                .map_err(|problem| format!("{step:?} {fault:?} {fate:?}: {problem}"))
        }
    });
    let failed: Vec<_> = playing
        .buffer_unordered(AT_ONCE)
        .filter_map(async |played| played.err())
        .collect()
        .await;
    assert!(
        failed.is_empty(),
        "{} of {count} cells failed:\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}

/// A test for each fate, which plays its cells.
macro_rules! test_each_fate {
    ($play_each:ident, $($test:ident: $fate:ident,)+) => {
        $(#[tokio::test]
        async fn $test() {
            $play_each(crate::storing::Fate::$fate).await;
        })+
    };
}
pub(crate) use test_each_fate;

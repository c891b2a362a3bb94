//! One cell of what several calls store or make: a step, a fault, what becomes of the process, and the call made again.

use std::fmt::Debug;

use futures_util::StreamExt;
use futures_util::stream::iter;
use rustix::process::Signal;
use serde_json::Value;

use crate::cell::BUSY;
use crate::process::Process;
use crate::upload_api::{Fault, Step, UploadApi};

const AT_ONCE: usize = 30;
/// IDs of the calls that are made again end before this one.
const MOST_CALLS: u32 = 9;

/// What becomes of the process once the fault has its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    /// It lives, and a second process is asked for the same at the same time.
    HasATwin,
    IsCancelled,
    Sigkill,
    InputEnds,
}

/// A call that is made again and again, as a model is told to, until it has done its work.
pub(crate) struct Work {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    /// More arguments of the program.
    pub(crate) flags: Vec<String>,
    /// Whether an answer says that all is done.
    pub(crate) is_done: fn(&Value) -> bool,
}

impl Work {
    async fn start(&self, api: &UploadApi, number: usize) -> Result<Process, String> {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        Process::start_with(&api.url(), number, &flags).await
    }

    async fn call(&self, process: &mut Process, id: u32) {
        process.call(id, self.tool, &self.arguments).await;
    }

    async fn until_done(&self, process: &mut Process) -> Result<(), String> {
        let mut last = Value::Null;
        for id in 2..MOST_CALLS {
            self.call(process, id).await;
            last = process.answer(id).await?.ok_or("no answer")?;
            if (self.is_done)(&last["result"]["structuredContent"]) {
                return Ok(());
            }
        }
        Err(format!("never done: {last}"))
    }

    /// Plays one cell, to the end of a fresh process that finds what is there and does the rest.
    ///
    /// `leaves_a_doubt`: whether the process cannot know if something is stored, so that it does not send it again for a minute.
    pub(crate) async fn play(
        &self,
        cell: (Step, Fault),
        fate: Fate,
        leaves_a_doubt: bool,
    ) -> Result<UploadApi, String> {
        let _busy = BUSY.acquire_many(2).await;
        let api = UploadApi::start(cell.0, cell.1).await;
        let mut process = self.start(&api, 1).await?;
        self.call(&mut process, 1).await;
        api.reached().await?;
        let mut twin = None;
        match fate {
            Fate::Lives => {}
            Fate::HasATwin => {
                let mut second = self.start(&api, 2).await?;
                self.call(&mut second, 1).await;
                second.has_read_all().await?;
                twin = Some(second);
            }
            Fate::IsCancelled => {
                process.cancel(1).await;
                process.has_read_all().await?;
            }
            Fate::Sigkill => {
                process.signal(Signal::KILL);
                process.ended().await?;
            }
            Fate::InputEnds => process.close_stdin(),
        }
        api.go();
        if let Some(twin) = &mut twin {
            self.until_done(twin).await?;
        }
        match fate {
            Fate::Lives | Fate::HasATwin => {
                process.answer(1).await?;
                if !leaves_a_doubt {
                    self.until_done(&mut process).await?;
                }
            }
            Fate::IsCancelled if !leaves_a_doubt => self.until_done(&mut process).await?,
            Fate::IsCancelled | Fate::Sigkill => {}
            Fate::InputEnds => drop(process.ended().await?),
        }
        api.heal();
        let mut last = self.start(&api, 9).await?;
        self.until_done(&mut last).await?;
        Ok(api)
    }
}

/// Plays every cell, and fails with all that failed.
pub(crate) async fn play_all<C: Copy + Debug, F: Future<Output = Result<(), String>>>(
    cells: impl IntoIterator<Item = C>,
    fate: Fate,
    play: impl Fn(C) -> F,
) {
    let cells: Vec<C> = cells.into_iter().collect();
    let count = cells.len();
    let playing = iter(cells).map(|cell| {
        let played = play(cell);
        async move { played.await.map_err(|problem| format!("{cell:?} {fate:?}: {problem}")) }
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

//! Work on many files, in calls of bounded length or as a task.
//!
//! A call ends in time for every host and says what remains; a repeated call continues. If the client can follow a task, the work
//! continues by itself. Either way it stops when the input or the connection ends, and requests already sent are finished.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use parking_lot::Mutex;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::Call;
use super::error::try_again;
use crate::mcp::{self, Json, Look, Outcome, RequestContext, Task, TaskError, TaskSource, TaskState, ToolError};

/// How long a task may work.
const LONGEST_TASK: Duration = Duration::from_hours(12);
/// How many ended tasks are remembered.
const MAX_ENDED: usize = 64;
const REPORT_EVERY: Duration = Duration::from_secs(1);
const PREFIX: &str = "work.";

/// The tasks of this process that are not batches.
#[derive(Clone)]
pub(crate) struct LongWork(Arc<Shared>);

struct Shared {
    tracker: TaskTracker,
    tasks: Mutex<HashMap<String, Arc<Work>>>,
}

/// One task.
struct Work {
    id: String,
    created_at: Timestamp,
    stop: CancellationToken,
    state: Mutex<State>,
}

struct State {
    message: String,
    updated_at: Timestamp,
    /// The result, or the text of the error.
    result: Option<Result<Json, String>>,
    is_cancelled: bool,
}

/// Tells a piece of work how long it may run, and receives its reports.
#[derive(Clone)]
pub(crate) struct Pace {
    context: Arc<RequestContext>,
    /// Nothing new is started after this.
    until: Instant,
    stop: CancellationToken,
    work: Option<Arc<Work>>,
}

/// How far the work has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) message: String,
}

impl Pace {
    /// One whose time is over.
    #[cfg(test)]
    pub(crate) fn over() -> Self {
        Self {
            context: Arc::new(RequestContext::alone()),
            until: Instant::now(),
            stop: CancellationToken::new(),
            work: None,
        }
    }

    /// Until when something new may start.
    pub(crate) const fn until(&self) -> Instant {
        self.until
    }

    /// Whether nothing new may start.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.is_cancelled() || Instant::now() >= self.until
    }

    /// Drives the work and reports once a second. `None`: the time is over, the task was cancelled or the input has ended.
    pub(crate) async fn drive<T>(&self, work: impl Future<Output = T>, progress: impl Fn() -> Progress) -> Option<T> {
        tokio::pin!(work);
        let mut ticks = interval(REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep_until(self.until) => return None,
                () = self.stop.cancelled() => return None,
                () = self.context.input_ended() => return None,
                _ = ticks.tick() => self.report(progress()).await,
            }
        }
    }

    async fn report(&self, progress: Progress) {
        let Progress { done, total, message } = progress;
        let Some(work) = &self.work else {
            let progress = mcp::Progress::Done { parts: done, of: total };
            return self.context.report_progress(progress, &message).await;
        };
        let mut state = work.state.lock();
        if state.message != message {
            state.message = message;
            state.updated_at = Timestamp::now();
        }
    }
}

impl LongWork {
    /// Tasks run on `tracker`: wait for it before the process ends.
    pub(crate) fn new(tracker: TaskTracker) -> Self {
        Self(Arc::new(Shared {
            tracker,
            tasks: Mutex::default(),
        }))
    }

    /// Does the work within the call, or as a task if the client can follow one. `title` is for people, without a full stop.
    ///
    /// # Errors
    /// Those of the work, and one if the call has no time left for it.
    pub(crate) async fn run<T, F>(
        &self,
        call: &Call,
        title: &str,
        work: impl FnOnce(Pace) -> F + Send,
    ) -> Result<Outcome<T>, ToolError>
    where
        F: Future<Output = Result<Json<T>, ToolError>> + Send + 'static,
    {
        let context = Arc::clone(&call.context);
        let stop = CancellationToken::new();
        if !context.can_follow_tasks() {
            let timeout = call.account.policy.timeout;
            let pace = Pace {
                context,
                // The remaining time is for the answer.
                until: call.deadline - timeout / 9,
                stop,
                work: None,
            };
            // Otherwise, repeated calls could all end without progress.
            if pace.is_over() {
                return Err(try_again(format!(
                    "{title} did not start: the reads before it took the whole time of the call ({} s). Call again with the same \
                     arguments. If this happens again, the server needs a longer `--timeout`: tell the user.",
                    timeout.as_secs_f32()
                )));
            }
            return work(pace).await.map(Outcome::Done);
        }
        let task = Arc::new(Work::new(title, stop.clone()));
        let pace = Pace {
            context,
            until: Instant::now() + LONGEST_TASK,
            stop,
            work: Some(Arc::clone(&task)),
        };
        self.remember(&task);
        let (running, work) = (Arc::clone(&task), work(pace));
        self.0.tracker.spawn(async move {
            let result = work.await;
            let mut state = running.state.lock();
            state.updated_at = Timestamp::now();
            state.result = Some(match result {
                Ok(json) => Ok(json.untyped()),
                Err(error) => Err(error.text().to_owned()),
            });
        });
        Ok(Outcome::Task(task.task()))
    }

    fn remember(&self, task: &Arc<Work>) {
        let mut tasks = self.0.tasks.lock();
        let mut ended: Vec<_> = tasks.values().filter(|task| task.has_ended()).cloned().collect();
        ended.sort_by_key(|task| task.created_at);
        for old in ended.iter().rev().skip(MAX_ENDED) {
            tasks.remove(&old.id);
        }
        tasks.insert(task.id.clone(), Arc::clone(task));
    }

    fn find(&self, id: &str) -> Option<Arc<Work>> {
        self.0.tasks.lock().get(id).cloned()
    }
}

impl Work {
    fn new(title: &str, stop: CancellationToken) -> Self {
        let now = Timestamp::now();
        Self {
            id: random_id(),
            created_at: now,
            stop,
            state: Mutex::new(State {
                message: format!("{title}."),
                updated_at: now,
                result: None,
                is_cancelled: false,
            }),
        }
    }

    fn has_ended(&self) -> bool {
        self.state.lock().result.is_some()
    }

    fn task(&self) -> Task {
        let state = self.state.lock();
        Task {
            id: self.id.clone(),
            state: match &state.result {
                _ if state.is_cancelled => TaskState::Cancelled,
                None => TaskState::Working,
                Some(Ok(json)) => TaskState::Completed(Ok(json.clone())),
                Some(Err(text)) => TaskState::Completed(Err(ToolError::new(text.clone()))),
            },
            message: state.message.clone(),
            created_at: self.created_at.to_string(),
            last_updated_at: state.updated_at.to_string(),
            poll_interval: REPORT_EVERY * 2,
        }
    }
}

/// An ID that nobody can guess.
fn random_id() -> String {
    let mut random = [0; 16];
    // Without randomness there are no TLS connections either.
    let _ = SystemRandom::new().fill(&mut random);
    random.iter().fold(PREFIX.to_owned(), |mut id, byte| {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Tasks of batches, and tasks of this process.
pub(crate) struct AllTasks<B> {
    pub(crate) batches: B,
    pub(crate) work: LongWork,
}

impl<B: TaskSource> TaskSource for AllTasks<B> {
    fn get<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Task, TaskError>> {
        if !id.starts_with(PREFIX) {
            return self.batches.get(context, id);
        }
        let task = self.work.find(id).map(|task| task.task()).ok_or(TaskError::Unknown);
        async { task }.boxed()
    }

    fn look<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<Look, TaskError>> {
        if !id.starts_with(PREFIX) {
            return self.batches.look(context, id);
        }
        let look = self.work.find(id).map(|work| {
            if work.has_ended() {
                Look::MayHaveEnded
            } else {
                Look::Working(Box::new(work.task()))
            }
        });
        async { look.ok_or(TaskError::Unknown) }.boxed()
    }

    fn cancel<'a>(&'a self, context: &'a RequestContext, id: &'a str) -> BoxFuture<'a, Result<(), TaskError>> {
        if !id.starts_with(PREFIX) {
            return self.batches.cancel(context, id);
        }
        let task = self.work.find(id);
        async move {
            let task = task.ok_or(TaskError::Unknown)?;
            if !task.has_ended() {
                task.state.lock().is_cancelled = true;
                task.stop.cancel();
            }
            Ok(())
        }
        .boxed()
    }
}

//! One cell from its first line to its last: what is done, in which order, and what is seen.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::api::Api;
use crate::expected::Expected;
use crate::ledger::DIRECTORY;
use crate::matrix::{Caller, Cell, Fate};
use crate::oracle;
use crate::process::Process;
use crate::report::report;
use crate::rpc::Message;
use crate::verdict::Verdict;

/// What stderr says of a create whose outcome is unknown and of which nobody could be told.
pub(crate) const MAY_EXIST: &str = "a batch may have been created";

/// What was seen of a cell.
pub(crate) struct Seen {
    /// The answer to the first call.
    pub(crate) first: Option<Verdict>,
    /// The answer to the caller's second call, if there was one.
    pub(crate) second: Option<Verdict>,
    /// What was made, before the last call.
    pub(crate) made: Vec<String>,
    /// The answer of a fresh process to the same call, when the API works again.
    pub(crate) last: Verdict,
    /// What the list shows at the end, asked with the arguments of each answer that calls the outcome unknown.
    pub(crate) looks: Vec<String>,
    /// What the list of the directory shows at the end, where a single answer cannot tell of everything.
    pub(crate) listed: Option<String>,
    /// The first process's.
    pub(crate) stderr: String,
}

/// Plays a cell. The error is a report.
pub(crate) async fn play(cell: Cell) -> Result<(), String> {
    let mut api = Api::start(cell.fault, cell.listing).await;
    let mut processes = Vec::new();
    let played = act(cell, &mut api, &mut processes).await;
    let problems = match played {
        Ok(seen) => oracle::judge(cell, &seen, &api.ledger(), &processes),
        Err(problem) => vec![problem],
    };
    report(cell, &problems, &api, &processes)
}

/// At most this many processes are busy at the same time; the others wait for the outcome of a POST. With more, calls would time
/// out, and their outcome would be unknown.
pub(crate) static BUSY: Semaphore = Semaphore::const_new(24);

async fn act(cell: Cell, api: &mut Api, processes: &mut Vec<Process>) -> Result<Seen, String> {
    let busy = BUSY.acquire_many(2).await;
    processes.push(Process::start(&api.url(), 1).await?);
    let first = &mut processes[0];
    first.create(1, false).await;
    api.reached().await?;
    match cell.caller {
        Caller::Cancels => {
            first.cancel(1).await;
            first.has_read_all().await?;
        }
        Caller::CallsAgainAtOnce => {
            first.create(2, false).await;
            first.has_read_all().await?;
        }
        Caller::Waits | Caller::CallsAgainAfterTheAnswer | Caller::Restarts => {}
    }
    match cell.fate {
        Fate::Lives => {}
        Fate::Sigterm => first.signal(Signal::TERM),
        Fate::Sigkill => {
            first.signal(Signal::KILL);
            first.ended().await?;
        }
        Fate::InputEnds => first.close_stdin(),
        Fate::OutputCloses => first.close_stdout().await,
    }
    api.go().await;
    drop(busy);
    let second = follow(cell, api, processes).await?;
    let first = &mut processes[0];
    let answer = first.answer_so_far(1);
    first.close_stdin();
    let status = first.ended().await?;
    // An output that closes is an error, if the process notices.
    let may_fail = matches!(cell.fate, Fate::Sigkill | Fate::OutputCloses);
    if !may_fail && !status.success() {
        return Err(format!("the process ended with {status}"));
    }
    let stderr = first.said().stderr.clone();
    let first = answer.or_else(|| first.answer_so_far(1)).as_ref().map(Verdict::of);
    let made = api.ledger().made();
    api.heal();
    let _busy = BUSY.acquire_many(2).await;
    let mut last = Process::start(&api.url(), 9).await?;
    last.create(1, false).await;
    let verdict = last.verdict(1).await;
    let looked = look(&mut last, [&first, &second.as_ref().map(Verdict::of)]).await;
    let listed = if cell.is_beyond_the_promise() {
        Some(list(&mut last, 9, &json!({ "source_directory_id": DIRECTORY })).await)
    } else {
        None
    };
    processes.push(last);
    Ok(Seen {
        first,
        second: second.as_ref().map(Verdict::of),
        made,
        last: verdict?,
        looks: looked?,
        listed: listed.transpose()?,
        stderr,
    })
}

/// Waits for what the first call comes to, and makes the caller's further call, whose answer is returned.
async fn follow(cell: Cell, api: &Api, processes: &mut Vec<Process>) -> Result<Option<Message>, String> {
    let first = &mut processes[0];
    match cell.caller {
        Caller::Restarts => {
            if cell.fate != Fate::Lives {
                first.close_stdin();
                first.ended().await?;
            }
            let mut second = Process::start(&api.url(), 2).await?;
            second.create(1, false).await;
            let answer = second.answer(1).await;
            second.close_stdin();
            processes.push(second);
            if cell.fate == Fate::Lives {
                processes[0].answer(1).await?;
            }
            return answer;
        }
        Caller::CallsAgainAtOnce => {
            first.answer(1).await?;
            return first.answer(2).await;
        }
        Caller::CallsAgainAfterTheAnswer => {
            first.answer(1).await?;
            first.create(2, false).await;
            return first.answer(2).await;
        }
        // The process would end before it has settled, if its input ended now: that is another cell.
        Caller::Cancels if cell.fate == Fate::Lives && cell.expected() != Expected::NotCreated => {
            first.logs(&["created batch ", MAY_EXIST]).await?;
        }
        Caller::Cancels => {}
        Caller::Waits => {
            first.answer(1).await?;
        }
    }
    Ok(None)
}

/// Asks the list with the arguments that each answer names which calls the outcome unknown.
async fn look(last: &mut Process, verdicts: [&Option<Verdict>; 2]) -> Result<Vec<String>, String> {
    let mut looks = Vec::new();
    for (id, verdict) in (2..).zip(verdicts) {
        if let Some(Verdict::Unknown { look }) = verdict {
            looks.push(list(last, id, look).await?);
        }
    }
    Ok(looks)
}

/// Every page.
async fn list(process: &mut Process, id: u32, arguments: &Value) -> Result<String, String> {
    let mut arguments = arguments.clone();
    let mut shown = String::new();
    for page in 0.. {
        let id = id * 100 + page;
        process.call(id, "list_batches", &arguments).await;
        let answer = process.answer(id).await?.ok_or("no answer to `list_batches`")?;
        shown += &answer.result().to_string();
        let token = &answer.result()["structuredContent"]["next_page_token"];
        if !token.is_string() {
            break;
        }
        arguments["page_token"] = token.clone();
    }
    Ok(shown)
}

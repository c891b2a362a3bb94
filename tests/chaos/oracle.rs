//! What must hold of every cell, whatever happened in it. The ledger knows what did.

use crate::cell::{MAY_EXIST, Seen};
use crate::expected::Expected;
use crate::ledger::{Ledger, Post};
use crate::matrix::{Caller, Cell, Fate};
use crate::process::Process;
use crate::verdict::Verdict;

/// Everything that is wrong, in words.
pub(crate) fn judge(cell: Cell, seen: &Seen, ledger: &Ledger, processes: &[Process]) -> Vec<String> {
    let mut problems = ledger.violations.clone();
    at_most_one(cell, seen, ledger, &mut problems);
    nothing_sent_twice(cell, ledger, processes, &mut problems);
    everything_is_heard_of(seen, &mut problems);
    no_answer_is_false(cell, seen, ledger, processes, &mut problems);
    the_first_call_ends_as_it_must(cell, seen, &mut problems);
    the_second_call_ends_as_it_must(cell, seen, &mut problems);
    no_key_leaks(processes, &mut problems);
    problems
}

fn at_most_one(cell: Cell, seen: &Seen, ledger: &Ledger, problems: &mut Vec<String>) {
    let most = if cell.is_beyond_the_promise() { 2 } else { 1 };
    if seen.made.len() > most {
        problems.push(format!("{} batches were made: {:?}", seen.made.len(), seen.made));
    }
    let after = ledger.made();
    match (&seen.last, seen.made.is_empty()) {
        (Verdict::AlreadyThere { id }, false) if seen.made.contains(id) && after == seen.made => {}
        (Verdict::Created { id }, true) if after == [id.clone()] => {}
        (last, _) => problems.push(format!(
            "the next identical call answered {last:?}; now there are {after:?}"
        )),
    }
}

/// A body leaves once for each attempt, except after 429. A process makes a second attempt only when asked again after one that made nothing.
fn nothing_sent_twice(cell: Cell, ledger: &Ledger, processes: &[Process], problems: &mut Vec<String>) {
    for process in processes {
        let posts = ledger.posts.iter().filter(|post| post.key == process.key);
        let (whole, parts): (Vec<_>, Vec<_>) = posts.partition(|post| post.whole);
        let again = cell.caller == Caller::CallsAgainAfterTheAnswer && cell.expected() == Expected::NotCreated;
        let most = cell.fault.bodies() + usize::from(again);
        if whole.len() + parts.len() > most {
            problems.push(format!(
                "{} sent {} bodies, {} of them in part",
                process.key,
                whole.len() + parts.len(),
                parts.len()
            ));
        }
    }
}

fn everything_is_heard_of(seen: &Seen, problems: &mut Vec<String>) {
    for id in &seen.made {
        let answers = [seen.first.as_ref(), seen.second.as_ref(), Some(&seen.last)];
        let answered = answers.into_iter().flatten().any(|verdict| verdict.id() == Some(id));
        // In a cell beyond the promise there are two batches, and the last call answers with one of them.
        let listed = seen.listed.as_ref().is_some_and(|listed| listed.contains(id));
        if !answered && !seen.stderr.contains(id) && !listed {
            problems.push(format!("nobody hears of {id}"));
        }
        for look in &seen.looks {
            if !look.contains(id) {
                problems.push(format!(
                    "the arguments of the answer that calls the outcome unknown do not show {id}: {look}"
                ));
            }
        }
    }
}

fn no_answer_is_false(cell: Cell, seen: &Seen, ledger: &Ledger, processes: &[Process], problems: &mut Vec<String>) {
    let made = ledger.made();
    let second_is_elsewhere = cell.caller == Caller::Restarts;
    let asked = [
        (seen.first.as_ref(), 0),
        (seen.second.as_ref(), usize::from(second_is_elsewhere)),
    ];
    for (verdict, process) in asked {
        let Some(verdict) = verdict else { continue };
        if let Verdict::Odd(text) = verdict {
            problems.push(format!("an answer that says nothing clear: {text}"));
        }
        if verdict.id().is_some_and(|id| !made.iter().any(|made| made == id)) {
            problems.push(format!("{verdict:?} names a batch that was not made"));
        }
        let key = processes.get(process).map(|process| process.key.as_str());
        // A later call of the same process may have made one and said so.
        let told = |id: &str| {
            asked
                .iter()
                .any(|(verdict, _)| verdict.and_then(Verdict::id) == Some(id))
        };
        let untold = |post: &Post| Some(post.key.as_str()) == key && post.made.as_deref().is_some_and(|id| !told(id));
        if *verdict == Verdict::NotCreated && ledger.posts.iter().any(untold) {
            problems.push("an answer says that nothing was created, but its process made a batch".to_owned());
        }
    }
}

fn the_first_call_ends_as_it_must(cell: Cell, seen: &Seen, problems: &mut Vec<String>) {
    let expected = cell.expected();
    let fits = match (&seen.first, expected) {
        (None, _) => !cell.is_answered(),
        (Some(Verdict::Created { .. }), Expected::Created)
        | (Some(Verdict::Recovered { .. }), Expected::Recovered)
        | (Some(Verdict::Unknown { .. }), Expected::Unknown)
        | (Some(Verdict::NotCreated), Expected::NotCreated) => true,
        (Some(Verdict::Recovered { .. }), Expected::Unknown) => cell.races(),
        _ => false,
    };
    if !fits {
        problems.push(format!(
            "the first call had to end as {expected:?}, but it answered {:?}",
            seen.first
        ));
    }
    if cell.caller == Caller::Cancels && cell.fate != Fate::Sigkill && seen.first.is_some() {
        problems.push("a cancelled call was answered".to_owned());
    }
    // A call that was answered before the process was gone needs no line on stderr.
    if !cell.is_logged() || seen.first.is_some() {
        return;
    }
    let logged = match expected {
        Expected::Created | Expected::Recovered => seen.made.iter().any(|id| line_with(&seen.stderr, id)),
        Expected::Unknown => line_with(&seen.stderr, MAY_EXIST),
        Expected::NotCreated => !seen.stderr.contains("created"),
    };
    if !logged {
        problems.push(format!(
            "stderr does not tell that the first call ended as {expected:?}"
        ));
    }
}

fn the_second_call_ends_as_it_must(cell: Cell, seen: &Seen, problems: &mut Vec<String>) {
    let Some(second) = &seen.second else {
        let answered = match cell.caller {
            Caller::CallsAgainAtOnce => cell.is_answered(),
            Caller::CallsAgainAfterTheAnswer | Caller::Restarts => true,
            Caller::Waits | Caller::Cancels => false,
        };
        if answered {
            problems.push("the second call was not answered".to_owned());
        }
        return;
    };
    let first = seen.first.as_ref().and_then(Verdict::id);
    let fits = match cell.caller {
        Caller::Restarts if cell.is_beyond_the_promise() => second.id().is_some(),
        Caller::Restarts => match second {
            Verdict::AlreadyThere { .. } => true,
            Verdict::Created { .. } => seen.made.len() == 1,
            // The list cannot be read.
            Verdict::NotCreated if cell.listing.error(true).is_some() => true,
            // Nobody listens any more.
            Verdict::NotCreated => seen.made.is_empty() && cell.expected() == Expected::NotCreated,
            _ => false,
        },
        Caller::CallsAgainAtOnce | Caller::CallsAgainAfterTheAnswer => match cell.expected() {
            Expected::Created | Expected::Recovered => {
                matches!(second, Verdict::AlreadyThere { id } if first.is_none_or(|first| first == id))
            }
            // By then the list may show what was made.
            Expected::Unknown => match second {
                Verdict::Unknown { .. } => true,
                Verdict::AlreadyThere { id } => seen.made.contains(id),
                _ => false,
            },
            Expected::NotCreated => match second {
                Verdict::NotCreated => true,
                Verdict::Created { .. } => cell.caller == Caller::CallsAgainAfterTheAnswer,
                _ => false,
            },
        },
        Caller::Waits | Caller::Cancels => false,
    };
    if !fits {
        problems.push(format!("the second call answered {second:?}, after {:?}", seen.first));
    }
}

fn no_key_leaks(processes: &[Process], problems: &mut Vec<String>) {
    for process in processes {
        let said = process.said();
        if said.stderr.contains("llx-canary") || said.stdout.iter().any(|line| line.contains("llx-canary")) {
            problems.push("the API key is on stdout or stderr".to_owned());
        }
    }
}

fn line_with(stderr: &str, words: &str) -> bool {
    stderr.lines().any(|line| line.contains(words))
}

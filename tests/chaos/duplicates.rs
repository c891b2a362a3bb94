//! `allow_duplicate`, whatever happens to the POST: another batch is created, and the earlier one is never the answer.

use futures_util::StreamExt;
use futures_util::stream::iter;

use crate::api::Api;
use crate::cell::BUSY;
use crate::expected::Expected;
use crate::matrix::{Caller, Cell, FAULTS, Fate, Fault, LISTINGS, Listing};
use crate::process::Process;
use crate::report::report;
use crate::verdict::Verdict;

#[tokio::test]
async fn another_batch_is_made_although_one_runs() {
    let cells = FAULTS.iter().flat_map(|&fault| {
        LISTINGS.iter().map(move |&listing| Cell {
            fault,
            fate: Fate::Lives,
            caller: Caller::Waits,
            listing,
        })
    });
    let playing = iter(cells).map(play).buffer_unordered(FAULTS.len() * LISTINGS.len());
    let problems: Vec<String> = playing.filter_map(async |played| played.err()).collect().await;
    assert!(
        problems.is_empty(),
        "{} cells failed:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

async fn play(cell: Cell) -> Result<(), String> {
    let mut api = Api::start(cell.fault, cell.listing).await;
    let mut processes = Vec::new();
    let mut problems = act(cell, &mut api, &mut processes)
        .await
        .err()
        .into_iter()
        .collect::<Vec<_>>();
    problems.extend(api.ledger().violations.iter().cloned());
    report(cell, &problems, &api, &processes)
}

async fn act(cell: Cell, api: &mut Api, processes: &mut Vec<Process>) -> Result<(), String> {
    let busy = BUSY.acquire_many(2).await;
    let running = api.ledger().add_running(1);
    processes.push(Process::start(&api.url(), 1).await?);
    let process = &mut processes[0];
    process.create(1, true).await;
    api.reached().await?;
    api.go().await;
    drop(busy);
    let first = process.verdict(1).await?;
    let made = api.ledger().made();
    let fits = match (&first, cell.expected()) {
        (Verdict::Created { id }, Expected::Created) | (Verdict::Recovered { id }, Expected::Recovered) => {
            made == [id.clone()]
        }
        (Verdict::Unknown { .. }, Expected::Unknown) => made.len() == usize::from(cell.fault.commits()),
        (Verdict::NotCreated, Expected::NotCreated) => made.is_empty(),
        _ => false,
    };
    if !fits {
        return Err(format!("{first:?}, beside {running}; made: {made:?}"));
    }
    api.heal();
    process.create(2, true).await;
    let second = process.verdict(2).await?;
    let after = api.ledger().made();
    match second {
        Verdict::Created { id } if after == [made, vec![id.clone()]].concat() => {}
        second => return Err(format!("the second time {second:?}; made: {after:?}")),
    }
    process.create(3, false).await;
    match process.verdict(3).await? {
        Verdict::AlreadyThere { id } if after.contains(&id) && api.ledger().made() == after => Ok(()),
        third => Err(format!("without `allow_duplicate` {third:?}, after {after:?}")),
    }
}

/// Two calls at once that both insist are two orders.
#[tokio::test]
async fn two_calls_that_insist_make_two() {
    for fault in [Fault::None, Fault::LostAfterCommit] {
        let api = Api::start(fault, Listing::Consistent).await;
        let mut process = Process::start(&api.url(), 1).await.unwrap();
        process.create(1, true).await;
        process.create(2, true).await;
        api.reached().await.unwrap();
        api.go().await;
        let mut named = Vec::new();
        for id in [1, 2] {
            match process.verdict(id).await.unwrap() {
                Verdict::Created { id } | Verdict::Recovered { id } => named.push(id),
                verdict => panic!("{fault:?}: {verdict:?}"),
            }
        }
        named.sort();
        assert_eq!(named, api.ledger().made(), "{fault:?}");
        assert_eq!(named.len(), 2, "{fault:?}");
    }
}

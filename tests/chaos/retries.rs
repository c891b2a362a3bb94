//! One directory, one batch, each failed file once: what a retry meets × what becomes of the process × the call made again.

use futures_util::StreamExt;
use futures_util::stream::iter;
use rustix::process::Signal;
use serde_json::json;

use crate::cell::BUSY;
use crate::process::Process;
use crate::upload_api::{Fault, SOURCE_BATCH, Step, UploadApi};

const AT_ONCE: usize = 20;
const CALLS: u32 = 12;

const STEPS: [Step; 8] = [
    Step::ReadSource,
    Step::ListDirectories,
    Step::MakeDirectory,
    Step::AddFile(1),
    Step::AddFile(3),
    Step::ListFiles,
    Step::ListBatches,
    Step::CreateBatch,
];
const FAULTS: [Fault; 9] = [
    Fault::HalfRequest,
    Fault::LostAfterCommit,
    Fault::SilenceAfterCommit,
    Fault::HalfAnswer,
    Fault::StatusAfterCommit(500),
    Fault::StatusAfterCommit(503),
    Fault::Status(422),
    Fault::Status(429),
    Fault::Status(503),
];

/// What becomes of the process once the fault has its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    IsCancelled,
    Sigkill,
    InputEnds,
}

async fn start(api: &UploadApi, number: usize) -> Result<Process, String> {
    Process::start_with(&api.url(), number, &[]).await
}

async fn retry(process: &mut Process, id: u32) {
    process
        .call(id, "retry_failed_files", &json!({ "batch_id": SOURCE_BATCH }))
        .await;
}

/// Calls again and again, as a model is told to, until there is a batch.
async fn until_there_is_a_batch(process: &mut Process) -> Result<(), String> {
    let mut last = json!(null);
    for id in 2..CALLS {
        retry(process, id).await;
        last = process.answer(id).await?.ok_or("no answer")?;
        if last["result"]["structuredContent"]["id"].is_string() {
            return Ok(());
        }
    }
    Err(format!("never a batch: {last}"))
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let _busy = BUSY.acquire_many(2).await;
    let api = UploadApi::start(step, fault).await;
    let mut process = start(&api, 1).await?;
    retry(&mut process, 1).await;
    api.reached().await?;
    match fate {
        Fate::Lives => {}
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
    match fate {
        Fate::Lives => drop(process.answer(1).await?),
        Fate::IsCancelled | Fate::Sigkill => {}
        Fate::InputEnds => drop(process.ended().await?),
    }
    api.heal();
    // Whatever was said, a fresh process finds what is there and does the rest.
    let mut last = start(&api, 9).await?;
    until_there_is_a_batch(&mut last).await?;
    let stored = api.stored();
    let mut files: Vec<_> = stored
        .files
        .iter()
        .map(|(directory, _, file_id)| (directory.as_str(), file_id.as_str()))
        .collect();
    files.sort_unstable();
    let expected = [0, 1, 2].map(|index| {
        (
            "dir-0".to_owned(),
            format!("00000000-0000-4000-8000-00000000000{index}"),
        )
    });
    let is_expected = files.len() == 3
        && files
            .iter()
            .zip(&expected)
            .all(|((directory, file), (dir, id))| directory == dir && file == id);
    if stored.directories.len() == 1 && is_expected && stored.batches == ["dir-0"] {
        return Ok(());
    }
    Err(format!(
        "{:?} {files:?} {:?}\n{}",
        stored.directories,
        stored.batches,
        stored.requests.join("\n")
    ))
}

/// A read has no body to be cut in half, and its answer commits nothing.
fn means_something((step, fault): (Step, Fault)) -> bool {
    let is_read = matches!(
        step,
        Step::ReadSource | Step::ListDirectories | Step::ListFiles | Step::ListBatches
    );
    match fault {
        Fault::HalfRequest | Fault::StatusAfterCommit(_) => !is_read,
        // LlamaCloud then does not take the file, and the retry is about the others.
        Fault::Status(422) => !matches!(step, Step::AddFile(_)),
        _ => true,
    }
}

async fn play_all(fate: Fate) {
    let cells = STEPS.into_iter().flat_map(|step| FAULTS.map(|fault| (step, fault)));
    let cells: Vec<_> = cells.filter(|cell| means_something(*cell)).collect();
    let count = cells.len();
    let playing = iter(cells).map(|(step, fault)| async move {
        let played = play(step, fault, fate).await;
        played.map_err(|problem| format!("{step:?} {fault:?} {fate:?}: {problem}"))
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

#[tokio::test]
async fn the_process_lives() {
    play_all(Fate::Lives).await;
}

#[tokio::test]
async fn the_call_is_cancelled() {
    play_all(Fate::IsCancelled).await;
}

#[tokio::test]
async fn the_process_is_killed() {
    play_all(Fate::Sigkill).await;
}

#[tokio::test]
async fn the_input_ends() {
    play_all(Fate::InputEnds).await;
}

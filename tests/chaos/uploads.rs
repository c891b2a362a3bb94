//! Each file at most once, and each directory at most once: what an upload meets × what becomes of the process × the call made again.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream::iter;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cell::BUSY;
use crate::process::Process;
use crate::upload_api::{Fault, Step, UploadApi};

const FILES: [&str; 3] = ["a.txt", "b.txt", "sub/c.txt"];
const AT_ONCE: usize = 30;

const STEPS: [Step; 6] = [
    Step::ListDirectories,
    Step::MakeDirectory,
    Step::ListFiles,
    Step::Upload(1),
    Step::Upload(2),
    Step::Upload(3),
];
const FAULTS: [Fault; 13] = [
    Fault::HalfRequest,
    Fault::LostAfterCommit,
    Fault::SilenceAfterCommit,
    Fault::HalfAnswer,
    Fault::StatusAfterCommit(500),
    Fault::StatusAfterCommit(503),
    Fault::StatusAfterCommit(409),
    Fault::Status(409),
    Fault::Status(413),
    Fault::Status(422),
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(503),
];

/// What becomes of the process once the fault has its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    /// It lives, and a second process is asked for the same at the same time.
    HasATwin,
    IsCancelled,
    Sigkill,
    InputEnds,
}

/// A folder of its own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lcb-chaos-{}-{number}", std::process::id()));
        for name in FILES {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("the text of {name}")).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

async fn start(api: &UploadApi, folder: &Folder, number: usize) -> Result<Process, String> {
    Process::start_with(&api.url(), number, &["--allow-dir", folder.0.to_str().unwrap()]).await
}

async fn upload(process: &mut Process, id: u32) {
    process.call(id, "upload_files", &json!({ "path": "." })).await;
}

/// Calls again and again, as a model is told to, until nothing remains.
async fn until_complete(process: &mut Process) -> Result<(), String> {
    let mut last = Value::Null;
    for id in 2..9 {
        upload(process, id).await;
        last = process.answer(id).await?.ok_or("no answer")?;
        if last["result"]["structuredContent"]["complete"] == json!(true) {
            return Ok(());
        }
    }
    Err(format!("never complete: {last}"))
}

/// Whether the process cannot know if the file is stored, and it is not: it does not send it again for a minute.
fn leaves_a_doubt(step: Step, fault: Fault) -> bool {
    let is_lost = matches!(fault, Fault::HalfRequest | Fault::Status(500 | 503));
    matches!(step, Step::Upload(_)) && is_lost
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let _busy = BUSY.acquire_many(2).await;
    let (api, folder) = (UploadApi::start(step, fault).await, Folder::new());
    let mut process = start(&api, &folder, 1).await?;
    upload(&mut process, 1).await;
    api.reached().await?;
    let mut twin = None;
    match fate {
        Fate::Lives => {}
        Fate::HasATwin => {
            let mut second = start(&api, &folder, 2).await?;
            upload(&mut second, 1).await;
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
        until_complete(twin).await?;
    }
    match fate {
        Fate::Lives | Fate::HasATwin => {
            process.answer(1).await?;
            if !leaves_a_doubt(step, fault) {
                until_complete(&mut process).await?;
            }
        }
        Fate::IsCancelled if !leaves_a_doubt(step, fault) => until_complete(&mut process).await?,
        Fate::IsCancelled | Fate::Sigkill => {}
        Fate::InputEnds => {
            process.ended().await?;
        }
    }
    api.heal();
    // Whatever was said, a fresh process finds what is there and stores the rest.
    let mut last = start(&api, &folder, 9).await?;
    until_complete(&mut last).await?;
    let stored = api.stored();
    let mut files: Vec<_> = stored
        .files
        .iter()
        .map(|(_, unique_id, _)| unique_id.as_str())
        .collect();
    files.sort_unstable();
    if stored.directories.len() == 1 && files == FILES {
        return Ok(());
    }
    Err(format!(
        "{:?} {files:?}\n{}",
        stored.directories,
        stored.requests.join("\n")
    ))
}

async fn play_all(fate: Fate) {
    let cells = STEPS.into_iter().flat_map(|step| FAULTS.map(|fault| (step, fault)));
    // The files of a new directory are listed only after it was made: every step is reached.
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

/// A read has no body to be cut in half, and its answer commits nothing.
fn means_something((step, fault): (Step, Fault)) -> bool {
    let is_read = matches!(step, Step::ListDirectories | Step::ListFiles);
    match fault {
        Fault::HalfRequest | Fault::StatusAfterCommit(_) => !is_read,
        _ => true,
    }
}

#[tokio::test]
async fn the_process_lives() {
    play_all(Fate::Lives).await;
}

#[tokio::test]
async fn two_processes_upload_at_once() {
    play_all(Fate::HasATwin).await;
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

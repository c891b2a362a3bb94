//! Each file at most once, and each directory at most once: what an upload meets × what becomes of the process × the call made again.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::storing::{Fate, Work, play_all};
use crate::upload_api::{Fault, Step};

const FILES: [&str; 3] = ["a.txt", "b.txt", "sub/c.txt"];

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

/// Whether the process cannot know if the file is stored, and it is not: it does not send it again for a minute.
fn leaves_a_doubt(step: Step, fault: Fault) -> bool {
    let is_lost = matches!(fault, Fault::HalfRequest | Fault::Status(500 | 503));
    matches!(step, Step::Upload(_)) && is_lost
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let folder = Folder::new();
    let upload = Work {
        tool: "upload_files",
        arguments: json!({ "path": "." }),
        flags: vec!["--allow-dir".to_owned(), folder.0.to_str().unwrap().to_owned()],
        is_done: |answer| answer["complete"] == json!(true),
    };
    let api = upload.play((step, fault), fate, leaves_a_doubt(step, fault)).await?;
    let stored = api.stored();
    let files = stored.files.iter().map(|(_, unique_id, _)| unique_id.as_str());
    let mut files: Vec<_> = files.collect();
    files.sort_unstable();
    if stored.directories.len() == 1 && files == FILES {
        return Ok(());
    }
    let requests = stored.requests.join("\n");
    Err(format!("{:?} {files:?}\n{requests}", stored.directories))
}

async fn play_each(fate: Fate) {
    let cells = STEPS.into_iter().flat_map(|step| FAULTS.map(|fault| (step, fault)));
    // The files of a new directory are listed only after it was made: every step is reached.
    let cells = cells.filter(|(step, fault)| fault.can_strike(*step));
    play_all(cells, fate, |(step, fault)| play(step, fault, fate)).await;
}

#[tokio::test]
async fn the_process_lives() {
    play_each(Fate::Lives).await;
}

#[tokio::test]
async fn two_processes_upload_at_once() {
    play_each(Fate::HasATwin).await;
}

#[tokio::test]
async fn the_call_is_cancelled() {
    play_each(Fate::IsCancelled).await;
}

#[tokio::test]
async fn the_process_is_killed() {
    play_each(Fate::Sigkill).await;
}

#[tokio::test]
async fn the_input_ends() {
    play_each(Fate::InputEnds).await;
}

//! One directory, each file uploaded once, one batch, each result saved: what a `run` meets × what becomes of it × the same again.

use std::fs::File;

use crate::folder::{FILES, Folder};
use crate::stored::result_of;
use crate::storing::{Fate, Work, play_all};
use crate::upload_api::{Fault, Step, UploadApi};

const STEPS: [Step; 10] = [
    Step::ListDirectories,
    Step::MakeDirectory,
    Step::ListFiles,
    Step::Upload(1),
    Step::Upload(3),
    Step::ListBatches,
    Step::CreateBatch,
    Step::ReadBatch,
    Step::ReadResult(1),
    Step::ReadResult(3),
];
const FAULTS: [Fault; 7] = [
    Fault::Late,
    Fault::HalfRequest,
    Fault::LostAfterCommit,
    Fault::SilenceAfterCommit,
    Fault::HalfAnswer,
    Fault::Status(429),
    Fault::Status(503),
];

fn run(folder: &Folder) -> Work {
    let (documents, results) = (folder.documents(), folder.results());
    let arguments = [
        "run",
        documents.to_str().unwrap(),
        "--yes",
        "--out",
        results.to_str().unwrap(),
        "--poll-interval",
        "10ms",
    ];
    Work::Command(arguments.map(str::to_owned).to_vec())
}

fn all_is_done_once(folder: &Folder, api: &UploadApi) -> Result<(), String> {
    let (stored, mut saved) = (api.stored(), folder.saved());
    saved.remove("manifest.json");
    let expected = FILES.map(|name| (format!("{name}.md"), result_of(name)));
    let is_right = stored.directories.len() == 1 && stored.names() == FILES && stored.batches == ["dir-0"];
    if is_right && saved.into_iter().eq(expected) {
        return Ok(());
    }
    Err(format!(
        "{:?} {:?} {:?} {:?}\n{}",
        stored.directories,
        stored.names(),
        stored.batches,
        folder.saved().keys(),
        stored.requests.join("\n")
    ))
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let (folder, api) = (Folder::new(), UploadApi::start(step, fault).await);
    // What may be stored or not is not sent again for a minute: the next run finds out.
    let leaves_a_doubt = matches!(step, Step::Upload(_) | Step::CreateBatch | Step::MakeDirectory);
    run(&folder).play(&api, fate, leaves_a_doubt, || Ok(())).await?;
    all_is_done_once(&folder, &api)
}

async fn play_each(fate: Fate) {
    let cells = STEPS.into_iter().flat_map(|step| FAULTS.map(|fault| (step, fault)));
    let cells = cells.filter(|(step, fault)| fault.can_strike(*step));
    play_all(cells, fate, |(step, fault)| play(step, fault, fate)).await;
}

#[tokio::test]
async fn the_process_lives() {
    play_each(Fate::Lives).await;
}

#[tokio::test]
async fn the_user_presses_ctrl_c() {
    play_each(Fate::IsCancelled).await;
}

#[tokio::test]
async fn the_process_is_killed() {
    play_each(Fate::Sigkill).await;
}

/// Both folders are locked while a call works on them.
#[tokio::test]
async fn a_folder_that_another_process_uses_is_waited_for() {
    for used in [Folder::documents, Folder::results] {
        let (folder, api) = (Folder::new(), UploadApi::start(Step::ReadBatch, Fault::None).await);
        let lock = File::open(used(&folder)).unwrap();
        lock.lock().unwrap();
        let run = run(&folder);
        let mut process = run.start(&api, 1).await.unwrap();
        process.logs(&["another"]).await.unwrap();
        drop(lock);
        run.until_done(&mut process, 1).await.unwrap();
        all_is_done_once(&folder, &api).unwrap();
    }
}

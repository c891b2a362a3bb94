//! One directory, each file uploaded once, one batch, each result saved: what a `run` meets × what happens to it × the same command again.

use std::fs::File;

use crate::folder::{FILES, Folder};
use crate::stored::result_of;
use crate::storing::{Fate, Work, cells, play_all, test_each_fate};
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
    Err(format!("{:?} {}", folder.saved().keys(), stored.told()))
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let (folder, api) = (Folder::new(), UploadApi::start(step, fault).await);
    // What may be stored or not is not sent again for a minute: the next run finds out.
    let leaves_a_doubt = matches!(step, Step::Upload(_) | Step::CreateBatch | Step::MakeDirectory);
    run(&folder).play(&api, fate, leaves_a_doubt, || Ok(())).await?;
    all_is_done_once(&folder, &api)
}

async fn play_each(fate: Fate) {
    play_all(cells(STEPS, FAULTS), fate, play).await;
}

test_each_fate! {
    play_each,
    the_process_lives: Lives,
    the_user_presses_ctrl_c: IsCancelled,
    the_process_is_killed: Sigkill,
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

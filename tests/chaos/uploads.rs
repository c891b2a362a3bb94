//! Each file at most once, and each directory at most once: what an upload meets × what happens to the process × the call made again.

use serde_json::json;

use crate::folder::{FILES, Folder};
use crate::storing::{Call, Fate, Work, cells, play_all, test_each_fate};
use crate::upload_api::{Fault, Step, UploadApi};

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

/// Whether the file is not stored and the process cannot know that: then it does not send the file again for a minute.
fn leaves_a_doubt(step: Step, fault: Fault) -> bool {
    let is_lost = matches!(fault, Fault::HalfRequest | Fault::Status(500 | 503));
    matches!(step, Step::Upload(_)) && is_lost
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let folder = Folder::new();
    let upload = Work::Call(Call {
        tool: "upload_files",
        arguments: json!({ "path": "." }),
        flags: vec![
            "--allow-dir".to_owned(),
            folder.documents().to_str().unwrap().to_owned(),
        ],
        is_done: |answer| answer["complete"] == json!(true),
    });
    let api = UploadApi::start(step, fault).await;
    upload.play(&api, fate, leaves_a_doubt(step, fault), || Ok(())).await?;
    let stored = api.stored();
    if stored.directories.len() == 1 && stored.names() == FILES {
        return Ok(());
    }
    Err(stored.told())
}

async fn play_each(fate: Fate) {
    // The files of a new directory are listed only after it was made: every step is reached.
    play_all(cells(STEPS, FAULTS), fate, play).await;
}

test_each_fate! {
    play_each,
    the_process_lives: Lives,
    two_processes_upload_at_once: HasATwin,
    the_call_is_cancelled: IsCancelled,
    the_process_is_killed: Sigkill,
    the_input_ends: InputEnds,
}

//! One directory, one batch, each failed file once: what a retry meets × what happens to the process × the call made again.

use serde_json::json;

use crate::stored::SOURCE_BATCH;
use crate::storing::{Call, Fate, Work, cells, play_all, test_each_fate};
use crate::upload_api::{Fault, Step, UploadApi};

const STEPS: [Step; 8] = [
    Step::ReadBatch,
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

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let retry = Work::Call(Call {
        tool: "retry_failed_files",
        arguments: json!({ "batch_id": SOURCE_BATCH }),
        flags: Vec::new(),
        is_done: |answer| answer["id"].is_string(),
    });
    let api = UploadApi::start(step, fault).await;
    // If the process cannot know whether a file was added, it does not add it again for a minute; a fresh process finds out.
    retry.play(&api, fate, true, || Ok(())).await?;
    let stored = api.stored();
    let files = stored.files.iter();
    let mut files: Vec<_> = files
        .map(|(directory, _, file_id)| (directory.clone(), file_id.clone()))
        .collect();
    files.sort_unstable();
    let file_id = |index| format!("00000000-0000-4000-8000-00000000000{index}");
    let expected = [0, 1, 2].map(|index| ("dir-0".to_owned(), file_id(index)));
    if stored.directories.len() == 1 && files == expected && stored.batches == ["dir-0"] {
        return Ok(());
    }
    Err(stored.told())
}

async fn play_each(fate: Fate) {
    // LlamaCloud does not take a file at 422, and the retry then is about the others.
    let is_about_others = |cell: &(Step, Fault)| matches!(cell, (Step::AddFile(_), Fault::Status(422)));
    play_all(cells(STEPS, FAULTS).filter(|cell| !is_about_others(cell)), fate, play).await;
}

test_each_fate! {
    play_each,
    the_process_lives: Lives,
    two_processes_retry_at_once: HasATwin,
    the_call_is_cancelled: IsCancelled,
    the_process_is_killed: Sigkill,
    the_input_ends: InputEnds,
}

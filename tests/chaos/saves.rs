//! Each result once, whole, and over nothing else: what a download meets × what happens to the process × the call made again.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::folder::{Folder, write};
use crate::process::Process;
use crate::rpc::Message;
use crate::stored::result_of;
use crate::storing::{Call, Fate, Work, cells, play_all, test_each_fate};
use crate::upload_api::{Fault, Step, UploadApi};

/// As LlamaCloud names them.
const NAMES: [&str; 3] = ["a.txt", "sub/b.txt", "../c.txt"];
const MANIFEST: &str = "manifest.json";
/// A file of the user where a result would go, and where that result goes.
const IN_THE_WAY: (&str, &str) = ("sub/b.txt.md", "the user's own text");
const PATHS: [&str; 3] = ["a.txt.md", "sub/b (dfl-1).txt.md", "_/c.txt.md"];

const STEPS: [Step; 5] = [
    Step::ReadBatch,
    Step::ListFiles,
    Step::ReadResult(1),
    Step::ReadResult(2),
    Step::ReadResult(3),
];
const FAULTS: [Fault; 9] = [
    Fault::Late,
    Fault::LostAfterCommit,
    Fault::SilenceAfterCommit,
    Fault::HalfAnswer,
    Fault::Status(401),
    Fault::Status(404),
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(503),
];

/// All that is in the folder in the end, but for the manifest.
fn expected() -> BTreeMap<String, String> {
    let results = PATHS.iter().zip(NAMES).map(|(path, name)| (*path, result_of(name)));
    let all = results.chain([(IN_THE_WAY.0, IN_THE_WAY.1.to_owned())]);
    all.map(|(path, text)| (path.to_owned(), text)).collect()
}

/// A file that has its final name is whole, at any time.
fn nothing_is_half(folder: &Folder) -> Result<(), String> {
    let expected = expected();
    for (path, text) in folder.saved() {
        let is_whole = match path.as_str() {
            MANIFEST => serde_json::from_str::<Value>(&text).is_ok(),
            path if path.starts_with(".llamacloud-batches-") => true,
            path => expected.get(path) == Some(&text),
        };
        if !is_whole {
            return Err(format!("{path} is not whole or not expected: {text:.100}"));
        }
    }
    Ok(())
}

fn sha256(text: &str) -> String {
    let mut hex = String::new();
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

/// The manifest names each file once, and says where its result is.
fn is_right(manifest: &Value) -> bool {
    let files = manifest["files"].as_array().into_iter().flatten();
    let named: Vec<_> = files
        .map(|file| {
            (
                file["file"].clone(),
                file["status"].clone(),
                file["saved"]["markdown"].clone(),
            )
        })
        .collect();
    let expected = [2, 0, 1].map(|index| {
        let text = result_of(NAMES[index]);
        let sha256 = sha256(&text);
        let saved = json!({ "path": PATHS[index], "bytes": text.len(), "sha256": sha256 });
        (json!(NAMES[index]), json!("COMPLETED"), saved)
    });
    manifest["batch_id"] == json!("bat-0") && named == expected
}

fn save(folder: &Folder) -> Work {
    Work::Call(Call {
        tool: "save_results",
        arguments: arguments(),
        flags: flags(folder).to_vec(),
        is_done: |answer| answer["complete"] == json!(true) && answer["failed"].is_null(),
    })
}

fn arguments() -> Value {
    json!({ "batch_id": "bat-0", "folder": "." })
}

fn flags(folder: &Folder) -> [String; 2] {
    ["--output-dir".to_owned(), folder.results().to_str().unwrap().to_owned()]
}

/// A folder that is not empty, and a batch whose results can be read.
async fn start(step: Step, fault: Fault) -> (Folder, UploadApi) {
    let (folder, api) = (Folder::new(), UploadApi::start(step, fault).await);
    write(&folder.results().join(IN_THE_WAY.0), IN_THE_WAY.1);
    api.stored().with_batch_over(&NAMES);
    (folder, api)
}

fn all_is_saved(folder: &Folder, api: &UploadApi) -> Result<(), String> {
    let mut saved = folder.saved();
    let manifest = saved.remove(MANIFEST).unwrap_or_default();
    let manifest: Value = serde_json::from_str(&manifest).unwrap_or_default();
    if saved == expected() && is_right(&manifest) {
        return Ok(());
    }
    Err(format!("{:?}\n{manifest:#}\n{}", saved.keys(), api.stored().told()))
}

async fn play(step: Step, fault: Fault, fate: Fate) -> Result<(), String> {
    let (folder, api) = start(step, fault).await;
    let read = Cell::new(0);
    let holds_always = || {
        read.set(api.stored().results_read());
        nothing_is_half(&folder)
    };
    save(&folder).play(&api, fate, false, holds_always).await?;
    let read_again = api.stored().results_read() - read.get();
    // With every other fate all was done before, and the manifest says so.
    let may_be_left = matches!(fate, Fate::Sigkill | Fate::InputEnds);
    if read_again > 0 && !may_be_left {
        return Err(format!("{read_again} results were read again"));
    }
    all_is_saved(&folder, &api)
}

async fn play_each(fate: Fate) {
    // Files of a directory that LlamaCloud does not find are named after their IDs.
    let is_found = |cell: &(Step, Fault)| *cell != (Step::ListFiles, Fault::Status(404));
    play_all(cells(STEPS, FAULTS).filter(is_found), fate, play).await;
}

test_each_fate! {
    play_each,
    the_process_lives: Lives,
    two_processes_save_at_once: HasATwin,
    the_call_is_cancelled: IsCancelled,
    the_process_is_killed: Sigkill,
    the_input_ends: InputEnds,
}

/// Larger than a manifest, smaller than a result. Units: the shell's blocks of 512 bytes.
const LIMIT: &str = "ulimit -c 0; ulimit -f 8";

/// Saves with files limited in size, and then without a limit. Returns what the process answered the first time, and what it left
/// in the folder.
async fn with_limit(prepare: &str) -> (Option<Message>, Vec<String>) {
    let (folder, api) = start(Step::ReadBatch, Fault::None).await;
    let flags = flags(&folder);
    let flags = flags.each_ref().map(String::as_str);
    let mut process = Process::start_after(prepare, &api.url(), &flags).await.unwrap();
    process.call(1, "save_results", &arguments()).await;
    let answer = process.answer(1).await.unwrap();
    process.close_stdin();
    process.ended().await.unwrap();
    nothing_is_half(&folder).unwrap();
    let left = folder.saved().into_keys().collect();
    save(&folder).by_a_fresh_process(&api).await.unwrap();
    all_is_saved(&folder, &api).unwrap();
    (answer, left)
}

/// The limit kills the process within a write.
#[tokio::test]
async fn the_process_is_killed_while_it_writes() {
    let (answer, left) = with_limit(LIMIT).await;
    assert_eq!(answer, None);
    assert!(
        left.iter().any(|name| name.starts_with(".llamacloud-batches-")),
        "it was writing: {left:?}"
    );
}

/// The same limit, as an error of the write.
#[tokio::test]
async fn nothing_more_can_be_written() {
    let (answer, left) = with_limit(&format!("trap '' XFSZ; {LIMIT}")).await;
    let text = answer.unwrap().result()["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.contains("could not be written") && text.contains("results"),
        "{text}"
    );
    assert_eq!(left, [MANIFEST, IN_THE_WAY.0]);
}

//! `upload_files` and `save_results`: a folder goes up once, and its results come down once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{DIR_DOCUMENTS, DIR_FAILING, DIR_SMALL, DIR_THOUSAND};
use serde_json::{Value, json};

#[cfg(unix)]
use super::harness::child::{command, run};
use super::harness::{Harness, Setup, flags};
use super::tasks::{declared, ended, task};
use super::tools_call::parse;

/// A folder of its own with documents and a place for results, gone when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = fs::canonicalize(std::env::temp_dir()).unwrap();
        let folder = Self(path.join(format!("lcb-it-{}-{number}", std::process::id())));
        fs::create_dir_all(folder.out()).unwrap();
        for (name, text) in [
            ("a.txt", "First document."),
            ("b.md", "# Second"),
            ("sub/c.txt", "Third document."),
        ] {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.docs().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn docs(&self) -> PathBuf {
        self.0.join("docs")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.0.join("out")
    }

    fn setup(&self, more: &[&str], faults: &'static str) -> Setup {
        let (docs, out) = (self.docs(), self.out());
        let mut arguments = vec![
            "--allow-dir",
            docs.to_str().unwrap(),
            "--output-dir",
            out.to_str().unwrap(),
        ];
        arguments.extend(more);
        Setup {
            flags: flags(&arguments),
            faults,
            ..Setup::default()
        }
    }

    async fn open(&self, more: &[&str], faults: &'static str) -> Harness {
        self.setup(more, faults).open(Revision::V2025_06_18).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

async fn close(harness: Harness) {
    let hits = harness.ledger().total();
    harness.close(hits).await;
}

async fn upload(harness: &mut Harness, arguments: Value) -> Value {
    harness.call("upload_files", arguments).await.json()
}

async fn batch(harness: &mut Harness, directory_id: &Value) -> Value {
    let job = json!({ "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" });
    let arguments = json!({ "source_directory_id": directory_id, "config": { "job": job }, "wait_seconds": 60 });
    let created = harness.call("create_batch", arguments).await.json();
    assert_eq!(created["status"], json!("COMPLETED"), "{created:#}");
    created["id"].clone()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn the_tools_are_offered_with_their_folders_only() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for (tool, flag) in [("upload_files", "--allow-dir"), ("save_results", "--output-dir")] {
        let call = json!({ "name": tool, "arguments": {} });
        let (code, message) = harness.refusal("tools/call", call).await;
        assert!(code == -32602 && message.contains(flag), "{message}");
    }
    harness.close(0).await;
    let folder = Folder::new();
    let mut harness = folder.open(&["--read-only"], "").await;
    let tools = harness.result("tools/list", json!({})).await["tools"].to_string();
    assert!(
        tools.contains("save_results") && !tools.contains("upload_files"),
        "{tools}"
    );
    harness.close(0).await;
}

#[tokio::test]
async fn a_folder_goes_up_once_and_its_results_come_down_once() {
    let folder = Folder::new();
    folder.write(".env", "SECRET=1");
    folder.write("server.pem", "secret");
    let mut harness = folder.open(&[], "").await;

    let plan = upload(&mut harness, json!({ "path": ".", "dry_run": true })).await;
    assert_eq!(
        (&plan["would_upload"], &plan["directory_id"]),
        (&json!(3), &Value::Null),
        "{plan:#}"
    );
    assert_eq!(harness.ledger().count("POST /api/v1/beta/directories"), 0);

    let first = upload(&mut harness, json!({ "path": "." })).await;
    assert_eq!(
        (&first["complete"], &first["uploaded"], &first["remaining"]),
        (&json!(true), &json!(3), &json!(0)),
        "{first:#}"
    );
    let refused: Vec<_> = first["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["examples"][0])
        .collect();
    assert_eq!(refused, [".env", "server.pem"], "{first:#}");
    let requests = harness.ledger().total();
    let again = upload(&mut harness, json!({ "path": folder.docs() })).await;
    assert_eq!(
        (
            &again["directory_id"],
            &again["uploaded"],
            &again["already_there"],
            &again["complete"]
        ),
        (&first["directory_id"], &json!(0), &json!(3), &json!(true)),
        "{again:#}"
    );
    assert!(harness.ledger().total() - requests <= 2, "nothing to do costs little");

    let id = batch(&mut harness, &first["directory_id"]).await;
    let saved = harness.call("save_results", json!({ "batch_id": id })).await.json();
    assert_eq!(
        (&saved["complete"], &saved["saved"]),
        (&json!(true), &json!(3)),
        "{saved:#}"
    );
    let results = folder.out().join(id.as_str().unwrap());
    assert_eq!(saved["folder"], json!(results));
    assert!(read(&results, "a.txt.md").contains("First document."));
    assert!(read(&results, "sub/c.txt.md").contains("Third document."));
    let manifest: Value = serde_json::from_str(&read(&results, "manifest.json")).unwrap();
    assert_eq!(manifest["files"][0]["file"], json!("a.txt"), "{manifest:#}");
    assert_eq!(manifest["files"][0]["saved"]["markdown"]["path"], json!("a.txt.md"));

    let requests = harness.ledger().total();
    fs::remove_file(results.join("b.md.md")).unwrap();
    let again = harness.call("save_results", json!({ "batch_id": id })).await.json();
    assert_eq!(
        (&again["saved"], &again["already_there"]),
        (&json!(1), &json!(2)),
        "only what is missing: {again:#}"
    );
    assert!(harness.ledger().total() - requests <= 3);
    close(harness).await;
}

#[tokio::test]
async fn changed_files_and_new_folders_do_not_mix() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let first = upload(&mut harness, json!({ "path": "." })).await;
    folder.write("a.txt", "Other words.");
    let given = upload(
        &mut harness,
        json!({ "path": ".", "directory_id": first["directory_id"] }),
    )
    .await;
    assert_eq!(
        (&given["changed"], &given["uploaded"]),
        (&json!(["a.txt"]), &json!(0)),
        "{given:#}"
    );
    let other = upload(&mut harness, json!({ "path": "." })).await;
    assert_ne!(other["directory_id"], first["directory_id"]);
    let few = upload(
        &mut harness,
        json!({ "path": ".", "include": "*.md", "directory_id": first["directory_id"] }),
    )
    .await;
    assert_eq!(
        (&few["already_there"], &few["complete"]),
        (&json!(1), &json!(true)),
        "{few:#}"
    );
    close(harness).await;
}

#[tokio::test]
async fn a_path_outside_is_refused_before_anything_is_sent() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let mut texts = Vec::new();
    for path in ["/etc/passwd", "../out", "nothing.pdf", ".env", "/no/such/path"] {
        let text = harness
            .call("upload_files", json!({ "path": path }))
            .await
            .error()
            .to_owned();
        assert!(text.contains(folder.docs().to_str().unwrap()), "{text}");
        texts.push(text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "one answer for all: {texts:#?}");
    let text = harness
        .call("upload_files", json!({ "path": ".", "include": ["["] }))
        .await
        .error()
        .to_owned();
    assert!(text.contains("`include`"), "{text}");
    harness.close(0).await;
}

/// As a user who is not root, since root can read everything.
#[cfg(unix)]
#[tokio::test]
async fn what_the_user_may_not_read_or_write_is_named() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let closed = [folder.docs().join("b.md"), folder.docs().join("sub"), folder.out()];
    fs::set_permissions(&closed[0], fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&closed[1], fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&closed[2], fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = fs::read(&closed[0]).is_ok();
    let as_user = |arguments: &[&str]| {
        let mut command = command(&[arguments, &["--sandbox", "--sandbox-speed", "instant"]].concat());
        command.current_dir(folder.path());
        if is_root {
            command.uid(65534).gid(65534);
        }
        run(command)
    };
    let call = ["call", "upload_files", "path=.", "--allow-dir", "docs", "--json"];
    let uploaded = as_user(&call).await;
    let answer: Value = serde_json::from_slice(&uploaded.stdout).unwrap_or_else(|_| panic!("{uploaded:?}"));
    let reason = json!({ "reason": "no permission to read it", "count": 2, "examples": ["b.md", "sub"] });
    assert_eq!(
        (&answer["uploaded"], &answer["refused"]),
        (&json!(1), &json!([reason])),
        "{answer:#}"
    );
    let refused = as_user(&["run", "dir-small", "--out", "out"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).replace('\n', " ");
    assert!(
        refused.status.code() == Some(2) && said.contains("--out out") && said.contains("denied"),
        "{refused:?}"
    );
    let saved = as_user(&[
        "call",
        "save_results",
        "batch_id=bat-sandbox-small",
        "folder=.",
        "--output-dir",
        "out",
    ])
    .await;
    let said = String::from_utf8_lossy(&saved.stderr).replace('\n', " ");
    assert!(
        saved.status.code() == Some(1) && said.contains("could not be written") && said.contains("(no permission)"),
        "{saved:?}"
    );
    for path in closed {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_batch_waits_for_the_rest_of_an_upload() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "503@upload:1").await;
    let part = upload(&mut harness, json!({ "path": "." })).await;
    assert_eq!(
        (&part["complete"], &part["uploaded"], &part["remaining"]),
        (&json!(false), &json!(2), &json!(1)),
        "{part:#}"
    );
    let job = json!({ "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" });
    let arguments = json!({ "source_directory_id": part["directory_id"], "config": { "job": job } });
    let text = harness.call("create_batch", arguments).await.error().to_owned();
    assert!(text.contains("`upload_files`"), "{text}");
    assert_eq!(harness.ledger().count("POST /api/v2/batches"), 0);
    close(harness).await;
}

/// The directory is given, so that it stays the same when the files of the folder change.
#[tokio::test]
async fn the_rest_of_an_upload_may_differ_from_what_it_was() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "403@upload:1").await;
    let arguments = json!({ "path": ".", "directory_id": "dir-empty" });
    harness.call("upload_files", arguments.clone()).await.error();
    let job = json!({ "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" });
    let create = json!({ "source_directory_id": "dir-empty", "config": { "job": job } });
    for part in [
        json!({ "path": "a.txt", "directory_id": "dir-empty" }),
        json!({ "path": ".", "include": ["a.txt"], "directory_id": "dir-empty" }),
    ] {
        let one = upload(&mut harness, part).await;
        assert_eq!(one["complete"], json!(true), "{one:#}");
        let text = harness.call("create_batch", create.clone()).await.error().to_owned();
        assert!(text.contains("`upload_files`"), "one file is not the folder: {text}");
    }
    folder.write("d.txt", "Fourth document.");
    let all = upload(&mut harness, arguments).await;
    assert_eq!(all["complete"], json!(true), "{all:#}");
    let created = harness.call("create_batch", create).await.json();
    assert_eq!(created["files_in_directory"], json!(4), "{created:#}");
    close(harness).await;
}

#[tokio::test]
async fn an_upload_of_which_nothing_remains_is_complete() {
    let folder = Folder::new();
    folder.write("only/server.pem", "secret");
    folder.write("large/a.txt", "First document.");
    let mut harness = folder.open(&[], "413@upload").await;
    for path in ["only", "large"] {
        let refused = upload(&mut harness, json!({ "path": path })).await;
        assert_eq!(
            (&refused["complete"], &refused["remaining"], &refused["uploaded"]),
            (&json!(true), &json!(0), &json!(0)),
            "{refused:#}"
        );
        assert_eq!(refused["refused"][0]["count"], json!(1), "{refused:#}");
    }
    close(harness).await;
}

/// From its first moment on, an upload to a directory keeps a batch from beginning without its files.
#[tokio::test]
async fn a_directory_gets_no_batch_while_files_for_it_are_being_read() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "slow=500@files:1").await;
    let dry_run = json!({ "path": ".", "directory_id": DIR_SMALL, "dry_run": true });
    let plan = harness.ask_tool("upload_files", dry_run).await;
    let upload = harness
        .ask_tool("upload_files", json!({ "path": ".", "directory_id": DIR_SMALL }))
        .await;
    let refused = harness.call("create_batch", parse(DIR_SMALL)).await;
    assert!(
        refused.error().contains("files are being added to it"),
        "{}",
        refused.error()
    );
    for id in [plan, upload] {
        harness.said(&id).await.json();
    }
    let outside = json!({ "path": "/nowhere", "directory_id": DIR_SMALL });
    assert!(harness.call("upload_files", outside).await.is_error);
    let created = harness.call("create_batch", parse(DIR_SMALL)).await.json();
    assert_eq!(created["created"], json!(true), "{created:#}");
    close(harness).await;
}

#[tokio::test]
async fn each_document_is_saved_under_its_own_name_with_what_is_missing() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let id = batch(&mut harness, &json!(DIR_DOCUMENTS)).await;
    let arguments = json!({ "batch_id": id, "formats": ["markdown", "text"], "folder": "two/deep" });
    let saved = harness.call("save_results", arguments).await.json();
    let results = folder.out().join("two/deep");
    assert_eq!(saved["folder"], json!(results), "{saved:#}");
    let manifest: Value = serde_json::from_str(&read(&results, "manifest.json")).unwrap();
    let mut paths = Vec::new();
    for file in manifest["files"].as_array().unwrap() {
        for format in file["saved"].as_object().into_iter().flatten() {
            paths.push(format.1["path"].as_str().unwrap().to_owned());
        }
    }
    let count = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), count, "a path for each: {paths:#?}");
    for path in &paths {
        assert!(!read(&results, path).is_empty(), "{path}");
    }
    let damaged = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["failed_pages"].is_array())
        .unwrap();
    let path = damaged["saved"]["markdown"]["path"].as_str().unwrap();
    assert!(read(&results, path).contains("could not be parsed"), "{damaged:#}");
    assert!(
        saved["failed"][0]["reason"].as_str().unwrap().contains("404"),
        "{saved:#}"
    );
    close(harness).await;
}

#[tokio::test]
async fn no_result_is_saved_under_an_id_because_the_names_could_not_be_read() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let first = upload(&mut harness, json!({ "path": "." })).await;
    let id = batch(&mut harness, &first["directory_id"]).await;
    let arguments = json!({ "batch_id": id, "folder": "." });
    // Once for each size of the pages.
    harness.inject("400@files:3");
    let text = harness.call("save_results", arguments.clone()).await.error().to_owned();
    assert!(text.starts_with("Not all results could be saved"), "{text}");
    assert_eq!(fs::read_dir(folder.out()).unwrap().count(), 0);
    let saved = harness.call("save_results", arguments).await.json();
    assert_eq!(
        (&saved["complete"], &saved["saved"]),
        (&json!(true), &json!(3)),
        "{saved:#}"
    );
    assert!(read(&folder.out(), "a.txt.md").contains("First document."));
    close(harness).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_in_use_is_worth_another_call() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let id = batch(&mut harness, &json!(DIR_SMALL)).await;
    let arguments = json!({ "batch_id": id, "folder": "." });
    let lock = fs::File::open(folder.out()).unwrap();
    lock.lock().unwrap();
    let call = json!({ "name": "save_results", "arguments": arguments });
    let refused = harness.result("tools/call", call).await;
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("Try again in a few seconds"), "{text}");
    assert_eq!(
        (
            &refused["_meta"]["llamacloud/retryable"],
            &refused["_meta"]["llamacloud/retryAfterSeconds"]
        ),
        (&json!(true), &json!(5)),
        "{refused:#}"
    );
    drop(lock);
    let saved = harness.call("save_results", arguments).await.json();
    assert_eq!(saved["complete"], json!(true), "{saved:#}");
    close(harness).await;
}

#[tokio::test]
async fn files_without_a_result_are_named_with_their_reason() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let id = batch(&mut harness, &json!(DIR_FAILING)).await;
    let saved = harness
        .call("save_results", json!({ "batch_id": id, "folder": "." }))
        .await
        .json();
    let failed: u64 = saved["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["count"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (&saved["saved"], failed, &saved["complete"]),
        (&json!(4), 8, &json!(true)),
        "{saved:#}"
    );
    let requests = harness.ledger().total();
    let again = harness
        .call("save_results", json!({ "batch_id": id, "folder": "." }))
        .await
        .json();
    assert_eq!(again["already_there"], json!(4));
    assert!(
        harness.ledger().total() - requests <= 2,
        "what failed for good is not asked for again"
    );
    close(harness).await;
}

#[tokio::test]
async fn a_thousand_results_are_saved_and_nothing_is_read_twice() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let id = batch(&mut harness, &json!(DIR_THOUSAND)).await;
    let saved = harness.call("save_results", json!({ "batch_id": id })).await.json();
    assert_eq!(
        (&saved["complete"], &saved["saved"]),
        (&json!(true), &json!(988)),
        "{saved:#}"
    );
    let requests = harness.ledger().total();
    let again = harness.call("save_results", json!({ "batch_id": id })).await.json();
    assert_eq!(again["already_there"], json!(988), "{again:#}");
    assert!(harness.ledger().total() - requests <= 2);
    close(harness).await;
}

#[tokio::test]
async fn each_format_is_read_once_and_the_manifest_keeps_all() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let first = upload(&mut harness, json!({ "path": "." })).await;
    let id = batch(&mut harness, &first["directory_id"]).await;
    let save = |format: &str| json!({ "batch_id": id, "folder": ".", "formats": [format] });
    for format in ["markdown", "text"] {
        let saved = harness.call("save_results", save(format)).await.json();
        assert_eq!(saved["saved"], json!(3), "{saved:#}");
    }
    let manifest: Value = serde_json::from_str(&read(&folder.out(), "manifest.json")).unwrap();
    for file in manifest["files"].as_array().unwrap() {
        let formats: Vec<_> = file["saved"].as_object().unwrap().keys().collect();
        assert_eq!(formats, ["markdown", "text"], "{file:#}");
    }
    let requests = harness.ledger().total();
    let again = harness.call("save_results", save("markdown")).await.json();
    assert_eq!(
        (&again["saved"], &again["already_there"]),
        (&json!(0), &json!(3)),
        "{again:#}"
    );
    assert!(harness.ledger().total() - requests <= 2, "nothing is read again");
    close(harness).await;
}

#[tokio::test]
async fn what_is_in_the_way_of_one_file_does_not_stop_the_others() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let first = upload(&mut harness, json!({ "path": "." })).await;
    let id = batch(&mut harness, &first["directory_id"]).await;
    let arguments = json!({ "batch_id": id, "folder": "." });
    let in_the_way = folder.out().join("sub");
    fs::write(&in_the_way, "the user's").unwrap();
    let saved = harness.call("save_results", arguments.clone()).await.json();
    let failed = &saved["failed"][0];
    assert_eq!(
        (&saved["saved"], &failed["count"], &failed["examples"]),
        (&json!(2), &json!(1), &json!(["sub/c.txt"])),
        "{saved:#}"
    );
    assert!(failed["reason"].as_str().unwrap().contains("\"sub\""), "{failed:#}");
    assert_eq!(fs::read_to_string(&in_the_way).unwrap(), "the user's");
    fs::remove_file(&in_the_way).unwrap();
    let saved = harness.call("save_results", arguments).await.json();
    assert_eq!(
        (&saved["saved"], &saved["already_there"], &saved["failed"]),
        (&json!(1), &json!(2), &Value::Null),
        "{saved:#}"
    );
    close(harness).await;
}

#[tokio::test]
async fn a_folder_for_results_is_inside_the_output_folder_or_an_error() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let outside = folder.path().join("elsewhere");
    for wrong in ["../x", "a/../../x", "/", outside.to_str().unwrap()] {
        let arguments = json!({ "batch_id": "bat-1", "folder": wrong });
        let text = harness.call("save_results", arguments).await.error().to_owned();
        let out = folder.out();
        for part in ["Nothing was saved", "`folder`", out.to_str().unwrap(), "without `..`"] {
            assert!(text.contains(part), "{wrong}: {text}");
        }
    }
    assert_eq!(harness.ledger().total(), 0, "nothing is asked for");
    assert_eq!(fs::read_dir(folder.out()).unwrap().count(), 0);
    let id = batch(&mut harness, &json!(DIR_SMALL)).await;
    let results = folder.out().join("two/deep");
    let saved = harness
        .call("save_results", json!({ "batch_id": id, "folder": results }))
        .await
        .json();
    assert_eq!(
        (&saved["folder"], &saved["complete"]),
        (&json!(results), &json!(true)),
        "{saved:#}"
    );
    close(harness).await;
}

#[tokio::test]
async fn saved_results_are_not_documents() {
    let folder = Folder::new();
    let docs = folder.docs();
    let docs = docs.to_str().unwrap();
    let setup = Setup {
        flags: flags(&["--allow-dir", docs, "--output-dir", docs]),
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let first = upload(&mut harness, json!({ "path": "." })).await;
    let id = batch(&mut harness, &first["directory_id"]).await;
    for results in [json!(id), json!("sub/results"), json!(".")] {
        let arguments = json!({ "batch_id": id, "folder": results });
        let saved = harness.call("save_results", arguments).await.json();
        assert_eq!(saved["saved"], json!(3), "{saved:#}");
        let again = upload(&mut harness, json!({ "path": "." })).await;
        assert_eq!(
            (&again["directory_id"], &again["uploaded"], &again["already_there"]),
            (&first["directory_id"], &json!(0), &json!(3)),
            "{again:#}"
        );
        let reasons = again["refused"].to_string();
        assert!(
            reasons.contains("results") && reasons.contains(id.as_str().unwrap()),
            "{reasons}"
        );
    }
    close(harness).await;
}

#[tokio::test]
async fn a_folder_of_something_else_is_left_alone() {
    let folder = Folder::new();
    let mut harness = folder.open(&[], "").await;
    let id = batch(&mut harness, &json!(DIR_FAILING)).await;
    fs::write(folder.out().join("manifest.json"), "{\"mine\": true}").unwrap();
    let text = harness
        .call("save_results", json!({ "batch_id": id, "folder": "." }))
        .await
        .error()
        .to_owned();
    assert!(text.contains("manifest.json"), "{text}");
    assert_eq!(read(&folder.out(), "manifest.json"), "{\"mine\": true}");
    close(harness).await;
}

#[tokio::test]
async fn a_client_that_follows_tasks_gets_a_task_with_the_same_answer() {
    let folder = Folder::new();
    let setup = Setup {
        capabilities: declared(),
        ..folder.setup(&[], "")
    };
    let mut harness = setup.start().await;
    let id = task(&mut harness, "upload_files", json!({ "path": "." })).await;
    let uploaded = ended(&mut harness, &id).await;
    let answer = &uploaded["result"]["structuredContent"];
    assert_eq!(
        (&uploaded["status"], &answer["uploaded"]),
        (&json!("completed"), &json!(3)),
        "{uploaded:#}"
    );
    assert_eq!(
        ended(&mut harness, &id).await["result"],
        uploaded["result"],
        "as often as it is asked for"
    );
    let again = upload(&mut harness, json!({ "path": "." })).await;
    assert_eq!(
        again["already_there"],
        json!(3),
        "nothing to do needs no task: {again:#}"
    );
    let unknown = json!({ "taskId": "work.00" });
    assert_eq!(harness.refusal("tasks/get", unknown).await.0, -32602);
    close(harness).await;
}

#[tokio::test]
async fn the_user_is_asked_before_files_leave_and_only_then() {
    let folder = Folder::new();
    let setup = Setup {
        capabilities: json!({ "elicitation": {} }),
        ..folder.setup(&["--confirm-create"], "")
    };
    let mut harness = setup.start().await;
    let call = json!({ "name": "upload_files", "arguments": { "path": "." } });
    let asked = harness.result("tools/call", call.clone()).await;
    assert_eq!(asked["resultType"], json!("input_required"), "{asked:#}");
    let question = asked["inputRequests"]["confirm"]["params"]["message"].as_str().unwrap();
    assert!(question.contains("3 files") && question.contains("docs"), "{question}");
    assert_eq!(harness.ledger().count("POST /api/v1/beta/directories"), 0);
    let answered = |action: Value, state: &Value| {
        let mut call = call.clone();
        call["inputResponses"] = json!({ "confirm": action });
        call["requestState"] = state.clone();
        call
    };
    let declined = harness
        .result(
            "tools/call",
            answered(json!({ "action": "decline" }), &asked["requestState"]),
        )
        .await;
    let text = declined["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("No file was uploaded and nothing was sent"), "{text}");
    let asked = harness.result("tools/call", call.clone()).await;
    let yes = json!({ "action": "accept", "content": { "confirm": true } });
    let done = harness
        .result("tools/call", answered(yes, &asked["requestState"]))
        .await;
    assert_eq!(done["structuredContent"]["uploaded"], json!(3), "{done:#}");
    let again = upload(&mut harness, json!({ "path": "." })).await;
    assert_eq!(
        again["already_there"],
        json!(3),
        "where nothing is sent, nobody is asked"
    );
    close(harness).await;
}

/// The question outlives the time limit of the call, which begins again with the yes.
#[tokio::test]
async fn a_yes_after_the_time_limit_uploads_the_files() {
    let folder = Folder::new();
    let setup = Setup {
        timeout: Duration::from_secs(4),
        capabilities: json!({ "elicitation": {} }),
        ..folder.setup(&["--confirm-create"], "slow=60000@get")
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let id = harness.ask_tool("upload_files", json!({ "path": "." })).await;
    let (question, _) = harness.next_request().await;
    // Each of these calls takes all of its time, so that none is left of the first.
    for _ in 0..2 {
        let late = harness.call("get_batch", json!({ "batch_id": "bat-1" })).await;
        assert!(late.error().contains("in time"), "{}", late.error());
    }
    let yes = json!({ "action": "accept", "content": { "confirm": true } });
    harness.reply(&question, json!({ "result": yes })).await;
    assert_eq!(harness.said(&id).await.json()["uploaded"], json!(3));
    close(harness).await;
}

#[test]
fn the_definitions_are_short_enough_for_every_host() {
    let tools = llamacloud_batches_mcp::app::every_tool();
    for name in ["upload_files", "save_results"] {
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        let description = &tool.description;
        let bytes = name.len() + description.len() + tool.input_schema.to_string().len();
        assert!(
            bytes <= 1600 && description.chars().count() <= 1024,
            "{name}: {bytes} bytes"
        );
    }
}

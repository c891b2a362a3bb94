//! `run`: a folder becomes a folder of text, once, however often it is run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Output;

use expect_test::{expect, expect_file};
use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::Speed;

use super::harness::child::{command, run};
use super::harness::masks::masked;
use super::harness::schemas::root;
use super::harness::{Harness, Setup};
use super::local_files::Folder;
use super::terminal::text;
use super::tools_call::parse;

const QUICK: [&str; 2] = ["--poll-interval", "1ms"];
const UPLOAD: &str = "POST /api/v1/beta/directories/{directory_id}/files/upload";

/// Runs the command against a sandbox of another process, which counts as the real LlamaCloud.
async fn against(harness: &Harness, arguments: &[&str]) -> (Option<i32>, String) {
    within(Path::new("."), harness, arguments).await
}

/// The same in a folder, so that what it prints does not depend on where that folder is.
async fn within(folder: &Path, harness: &Harness, arguments: &[&str]) -> (Option<i32>, String) {
    let url = harness.base_url();
    let mut command = command(&[&["run"], arguments, &["--base-url", &url], &QUICK].concat());
    command.current_dir(folder);
    let output = run(command).await;
    (output.status.code(), said(&output))
}

/// What a command printed, but for how much was read at its first report, which differs.
fn said(output: &Output) -> String {
    let said = masked(&format!("{}{}", text(&output.stdout), text(&output.stderr)));
    let steady = said.lines().filter(|line| !line.ends_with(" read"));
    steady.collect::<Vec<_>>().join("\n")
}

async fn faulty(faults: &'static str) -> Harness {
    let setup = Setup {
        faults,
        ..Setup::default()
    };
    setup.open(Revision::V2025_06_18).await
}

#[tokio::test]
async fn the_demo_works_from_a_fresh_checkout() {
    let folder = Folder::new();
    let (documents, out) = (root().join("examples/documents"), folder.out().join("new/text"));
    let arguments = [
        "run",
        documents.to_str().unwrap(),
        "--sandbox",
        "--sandbox-speed",
        "instant",
        "--out",
        out.to_str().unwrap(),
    ];
    let output = run(command(&[&arguments[..], &QUICK].concat())).await;
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{printed}{said}");
    for (name, words) in [
        ("meeting-notes.md.md", "fire safety plan"),
        ("invoice-0417.txt.md", "443.87"),
        ("stock/inventory.csv.md", "whiteboard"),
    ] {
        assert!(fs::read_to_string(out.join(name)).unwrap().contains(words), "{name}");
    }
    assert!(
        printed.contains("All 3 files succeeded") && said.contains("3 files"),
        "{printed}{said}"
    );
}

#[tokio::test]
async fn nothing_is_sent_before_the_user_agrees() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    let docs = folder.docs();
    let (code, said) = against(&harness, &[docs.to_str().unwrap()]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("3 files") && said.contains("--yes"), "{said}");
    let ledger = harness.ledger();
    assert_eq!(ledger.count("POST /api/v1/beta/directories"), 0, "{ledger:#?}");
    harness.close(ledger.total()).await;
}

/// What a pipe gets: a line for each step on stderr, and how it ended on stdout.
#[tokio::test]
async fn every_ending_says_where_results_are_and_what_failed() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    folder.write("notes.json", "{}");
    let mut shown = String::new();
    for arguments in [
        &["docs", "--out", "out/text"][..],
        &["docs"],
        &["dir-failing", "--out", "out/failing"],
        &["dir-documents", "--out", "out/documents"],
        &["dir-broken", "--out", "out/broken"],
        &["dir-empty", "--out", "out/empty"],
    ] {
        let (code, said) = within(folder.path(), &harness, &[arguments, &["--yes"]].concat()).await;
        let (typed, code) = (arguments.join(" "), code.unwrap());
        write!(shown, "$ run {typed}\n{said}\nexit {code}\n\n").unwrap();
    }
    expect_file!["goldens/run.txt"].assert_eq(&shown);
    let hits = harness.ledger().total();
    harness.close(hits).await;
}

#[tokio::test]
async fn what_is_not_known_is_neither_a_failure_nor_a_success() {
    let (folder, harness) = (Folder::new(), faulty("403@parse").await);
    let (code, said) = within(folder.path(), &harness, &["dir-small", "--yes", "--out", "out"]).await;
    assert_eq!(code, Some(1), "{said}");
    expect![[r#"
        0 of 4 files are known to have succeeded; no outcome is known for 4. 4 results
        are in out; manifest.json there lists them.

        NAME                     STATUS
        lease-berlin.pdf         unknown
        lease-lisbon.pdf         unknown
        lease-oslo.docx          unknown
        annex-to-lease-oslo.pdf  unknown
        The files of directory dir-small will be processed (parse_v2, configuration
        cfg-PARSE_AGENTIC). This costs LlamaCloud credits for each page, unless an
        earlier batch did or is doing the same work.
        creating the batch
        Created batch bat-00000000-0000-4000-8000-000000000000.
        Following batch bat-00000000-0000-4000-8000-000000000000. Ctrl-C ends this
        command, not the batch.
        [sandbox] Batch bat-00000000-0000-4000-8000-000000000000 is COMPLETED: of its 4
        files, 4 have a job that could not be looked up. The statuses of the jobs could
        not be read: this API key is not allowed to do that (403): "You do not have
        access to this project". It is therefore not known whether all jobs have ended.
        Exit code 1: the outcome of some files is not known."#]]
    .assert_eq(&said);
    harness.end().await;
}

/// A file that LlamaCloud refuses is not part of the batch, so a success without it would be untrue.
#[tokio::test]
async fn a_file_that_llamacloud_refuses_is_no_success() {
    let (folder, harness) = (Folder::new(), faulty("422@upload:1").await);
    let (code, said) = within(folder.path(), &harness, &["docs", "--yes", "--out", "out"]).await;
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "1 file could not be uploaded, so the batch does not include it; the reason is",
        "All 2 files succeeded.",
        "LlamaCloud rejected the request (422)",
        "Exit code 1: some files could not be uploaded.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    harness.end_after_creates(1).await;
}

/// Files that LlamaCloud refused do not prove that there will be a new batch. If there is one, nothing is lost.
#[tokio::test]
async fn after_a_refused_file_the_same_run_goes_on() {
    let (folder, harness) = (Folder::new(), faulty("422@upload:1").await);
    let run = |out: &'static str| ["docs", "--yes", "--out", out];
    let (code, said) = within(folder.path(), &harness, &run("out")).await;
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = within(folder.path(), &harness, &run("out")).await;
    assert_eq!(code, Some(1), "{said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Run the same command with another --out"), "{said}");
    let (code, said) = within(folder.path(), &harness, &run("other")).await;
    assert_eq!(code, Some(0), "{said}");
    harness.end_after_creates(2).await;
}

/// A batch over what is left would be paid for again when the other files are back.
#[tokio::test]
async fn a_folder_that_changes_during_the_upload_gets_no_batch() {
    let (folder, harness) = (Folder::new(), faulty("slow=300@upload").await);
    for number in 10..30 {
        folder.write(&format!("many/{number}.txt"), &format!("Document {number}."));
    }
    let many = folder.docs().join("many");
    let leave = async {
        while harness.ledger().count(UPLOAD) == 0 {
            tokio::task::yield_now().await;
        }
        fs::rename(many.join("29.txt"), folder.path().join("29.txt")).unwrap();
    };
    let arguments = ["docs/many", "--yes", "--out", "out"];
    let ((code, said), ()) = tokio::join!(within(folder.path(), &harness, &arguments), leave);
    assert_eq!(code, Some(1), "{said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("Not all of the 20 files were uploaded, and the folder may have changed since you agreed"),
        "{said}"
    );
    assert_eq!(harness.ledger().count("POST /api/v2/batches"), 0, "{said}");
    fs::rename(folder.path().join("29.txt"), many.join("29.txt")).unwrap();
    let (code, said) = within(folder.path(), &harness, &arguments).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("19 already uploaded, 1 to upload"), "{said}");
    harness.end_after_creates(1).await;
}

#[tokio::test]
async fn without_any_file_there_is_no_batch_and_the_reason_is_shown() {
    let (folder, harness) = (Folder::new(), faulty("413@upload").await);
    let (code, said) = within(folder.path(), &harness, &["docs", "--yes"]).await;
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "the request is too large for LlamaCloud (413)",
        "No file could be uploaded, so no batch was created.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("Nothing was sent"), "{said}");
    assert_eq!(harness.ledger().count(UPLOAD), 3, "{said}");
    harness.end_after_creates(0).await;
}

#[tokio::test]
async fn a_batch_that_may_exist_is_waited_for_before_the_next_run() {
    let harness = faulty("lost-answer:1,lagging-list=600000").await;
    let (code, said) = against(&harness, &["dir-small", "--yes", "--timeout", "2s"]).await;
    assert_eq!(code, Some(1), "{said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("The outcome is unknown"), "{said}");
    assert!(
        words.contains("`call list_batches source_directory_id=dir-small created_at_on_or_after="),
        "{said}"
    );
    assert!(
        words.ends_with(
            "Wait a minute, then run the same command again: it looks for the batch before it creates one. Sooner, LlamaCloud's list \
             may not show the batch yet, and another one would be created and paid for."
        ),
        "{said}"
    );
    harness.end_after_creates(1).await;
}

#[tokio::test]
async fn run_again_it_finds_everything_and_does_nothing_twice() {
    let (folder, harness) = (Folder::new(), Setup::default().open(Revision::V2025_06_18).await);
    let (docs, out) = (folder.docs(), folder.out());
    let arguments = [docs.to_str().unwrap(), "--yes", "--out", out.to_str().unwrap()];
    for _ in 0..2 {
        let (code, said) = against(&harness, &arguments).await;
        assert_eq!(code, Some(0), "{said}");
    }
    let ledger = harness.ledger();
    let counts = [
        "POST /api/v1/beta/directories",
        "POST /api/v1/beta/directories/{directory_id}/files/upload",
        "POST /api/v2/batches",
    ];
    assert_eq!(counts.map(|request| ledger.count(request)), [1, 3, 1], "{ledger:#?}");
    assert_eq!(ledger.count("GET /api/v2/parse/{job_id}"), 3, "{ledger:#?}");
    assert!(out.join("sub/c.txt.md").exists());
    harness.close(ledger.total()).await;
}

#[tokio::test]
async fn a_single_file_and_a_directory_of_llamacloud_will_do_as_well() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    let file = folder.docs().join("sub/c.txt");
    let (code, said) = against(&harness, &[file.to_str().unwrap(), "--yes"]).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = against(&harness, &["dir-failing", "--yes"]).await;
    assert_eq!(code, Some(1), "files failed: {said}");
    let ledger = harness.ledger();
    assert_eq!(ledger.count("POST /api/v2/batches"), 2);
    harness.close(ledger.total()).await;
}

#[tokio::test]
async fn a_path_or_a_folder_for_results_that_cannot_be_used_leaves_nothing_behind() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    let home = folder.path();
    for (path, out, words) in [
        (
            "missing",
            "new",
            "\"missing\" cannot be opened as a folder (it does not exist)",
        ),
        ("docs/sub/c.txt", ".", "--out: "),
        ("docs/sub/c.txt", "docs/a.txt", "--out docs/a.txt: "),
        ("docs", "docs", "--out docs: it is inside the folder to upload"),
        (
            "docs",
            "docs/../docs/new",
            "--out docs/../docs/new: it is inside the folder to upload",
        ),
    ] {
        let url = harness.base_url();
        let mut command = command(&["run", path, "--out", out, "--yes", "--base-url", &url]);
        command.current_dir(home).env("HOME", home);
        let output = run(command).await;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with(&format!("llamacloud-batches-mcp: {words}")), "{said}");
        assert!(
            !said.contains("--output-dir") && !said.contains("--allow-dir"),
            "{said}"
        );
    }
    assert!(!home.join("new").exists() && !home.join("docs/new").exists());
    harness.close(0).await;
}

/// Writes a manifest into the folder for results.
fn hold(folder: &Folder, manifest: &str) {
    fs::write(folder.out().join("manifest.json"), manifest).unwrap();
}

const EARLIER: &str = r#"{"batch_id":"bat-earlier","job_type":"parse_v2","files":[]}"#;

#[tokio::test]
async fn a_folder_that_cannot_take_the_results_is_refused_before_anything_is_sent() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    for (manifest, words) in [
        (
            r#"{"name":"an app"}"#,
            "holds a manifest.json that this program did not write",
        ),
        ("not JSON", "holds a manifest.json that this program did not write"),
        (EARLIER, "holds the results of batch bat-earlier"),
    ] {
        hold(&folder, manifest);
        let (code, said) = within(folder.path(), &harness, &["docs", "--yes", "--out", "out"]).await;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code, Some(1), "{said}");
        for words in ["--out", words, "Nothing was sent. Choose another folder"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(
            !said.contains("the same command") && !said.contains("credits"),
            "{said}"
        );
    }
    let ledger = harness.ledger();
    assert_eq!(ledger.count("POST /api/v1/beta/directories"), 0, "{ledger:#?}");
    harness.end_after_creates(0).await;
}

#[tokio::test]
async fn results_of_another_batch_are_not_mixed_in_and_not_lost() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    hold(&folder, EARLIER);
    let (code, said) = within(folder.path(), &harness, &["dir-small", "--yes", "--out", "out"]).await;
    assert_eq!(code, Some(1), "{said}");
    expect![[r#"
        The files of directory dir-small will be processed (parse_v2, configuration
        cfg-PARSE_AGENTIC). This costs LlamaCloud credits for each page, unless an
        earlier batch did or is doing the same work.
        creating the batch
        Created batch bat-00000000-0000-4000-8000-000000000000.
        The results of batch bat-00000000-0000-4000-8000-000000000000 are not saved,
        because "out" holds those of batch bat-earlier. Run the same command with
        another --out: it follows batch bat-00000000-0000-4000-8000-000000000000, and
        nothing is uploaded or paid for again."#]]
    .assert_eq(&said);
    for _ in 0..2 {
        let (code, said) = within(folder.path(), &harness, &["dir-small", "--yes", "--out", "other"]).await;
        assert_eq!(code, Some(0), "{said}");
    }
    harness.end_after_creates(1).await;
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_before_anything_is_sent() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    let (code, said) = within(folder.path(), &harness, &["docs", "--yes", "--job", "extract_v2"]).await;
    assert_eq!(code, Some(2), "{said}");
    expect![[r#"
        --configuration: cfg-PARSE_AGENTIC is a preset for parse_v2; extract_v2 has no
        presets. Nothing was sent. Name a saved configuration. To list them:
          llamacloud-batches-mcp call list_configurations job_type=extract_v2 --base-url http://127.0.0.1:8017 --poll-interval 1ms"#]]
    .assert_eq(&said);
    let (code, said) = within(
        folder.path(),
        &harness,
        &["docs", "--yes", "--configuration", "invoices"],
    )
    .await;
    assert_eq!(code, Some(2), "{said}");
    expect![[r#"
        --configuration: invoices is not a configuration ID (`cfg-…`). Nothing was sent.
        To list them:
          llamacloud-batches-mcp call list_configurations job_type=parse_v2 --base-url http://127.0.0.1:8017 --poll-interval 1ms"#]].assert_eq(&said);
    harness.close(0).await;
}

/// A repeated command would be refused again.
#[tokio::test]
async fn a_refusal_is_not_to_be_continued() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    let arguments = ["docs", "--yes", "--configuration", "cfg-extract-invoices"];
    let (code, said) = within(folder.path(), &harness, &arguments).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot be used with parse_v2"), "{said}");
    assert!(!said.contains("the same command"), "{said}");
    harness.end().await;
}

#[tokio::test]
async fn a_batch_that_is_not_finished_lacks_the_files_added_since() {
    let setup = Setup {
        speed: Speed::Steps,
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let created = harness.call("create_batch", parse("dir-small")).await.json();
    let (code, said) = against(&harness, &["dir-small", "--yes"]).await;
    assert_eq!(code, Some(0), "{said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = format!(
        "Found batch {}. It is not finished",
        masked(created["id"].as_str().unwrap())
    );
    assert!(
        words.contains(&found) && words.contains("after it has ended."),
        "{said}"
    );
    let (code, said) = against(&harness, &["dir-small", "--yes"]).await;
    assert!(code == Some(0) && !said.contains("not finished"), "{said}");
    harness.end_after_creates(1).await;
}

#[tokio::test]
async fn what_cannot_be_run_is_said_before_anything_is_sent() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    fs::remove_dir_all(folder.docs()).unwrap();
    fs::create_dir(folder.docs()).unwrap();
    let (empty, missing) = (folder.docs(), folder.docs().join("missing"));
    for (path, exit, words) in [
        (&empty, 1, "no files that can be uploaded"),
        (&missing, 2, "does not exist"),
    ] {
        let (code, said) = against(&harness, &[path.to_str().unwrap(), "--yes"]).await;
        assert!(code == Some(exit) && said.contains(words), "{code:?} {said}");
        assert!(!said.contains("--allow-dir"), "nobody typed that: {said}");
    }
    let ledger = harness.ledger();
    assert_eq!(ledger.count("POST /api/v1/beta/directories"), 0, "{ledger:#?}");
    harness.close(ledger.total()).await;
}

//! `run`: a folder becomes a folder of text, once, however often it is run.

use std::fmt::Write as _;
use std::fs;

use expect_test::expect_file;
use llamacloud_batches_mcp::mcp::Revision;

use super::harness::child::{command, run};
use super::harness::masks::masked;
use super::harness::schemas::root;
use super::harness::{Harness, Setup};
use super::local_files::Folder;
use super::terminal::text;

const QUICK: [&str; 2] = ["--poll-interval", "1ms"];

/// Runs the command against a sandbox of another process, which counts as the real LlamaCloud.
async fn against(harness: &Harness, arguments: &[&str]) -> (Option<i32>, String) {
    let url = harness.base_url();
    let arguments = [&["run"], arguments, &["--base-url", &url], &QUICK].concat();
    let output = run(command(&arguments)).await;
    (
        output.status.code(),
        masked(&format!("{}{}", text(&output.stdout), text(&output.stderr))),
    )
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
    let url = harness.base_url();
    let mut shown = String::new();
    for arguments in [
        &["docs", "--out", "out/text"][..],
        &["docs"],
        &["dir-failing", "--out", "out/failing"],
        &["dir-documents", "--out", "out/documents"],
        &["dir-broken", "--out", "out/broken"],
        &["dir-empty", "--out", "out/empty"],
    ] {
        let mut command = command(&[&["run"], arguments, &["--yes", "--base-url", &url], &QUICK].concat());
        command.current_dir(folder.path());
        let output = run(command).await;
        let said = masked(&format!("{}{}", text(&output.stdout), text(&output.stderr)));
        // How much was read at the first report differs.
        let steady: Vec<_> = said.lines().filter(|line| !line.ends_with(" read")).collect();
        let code = output.status.code().unwrap();
        let (typed, said) = (arguments.join(" "), steady.join("\n"));
        write!(shown, "$ run {typed}\n{said}\nexit {code}\n\n").unwrap();
    }
    expect_file!["goldens/run.txt"].assert_eq(&shown);
    let hits = harness.ledger().total();
    harness.close(hits).await;
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
async fn what_cannot_be_run_is_said_before_anything_is_sent() {
    let (folder, harness) = (Folder::new(), Harness::open(Revision::V2025_06_18).await);
    fs::remove_dir_all(folder.docs()).unwrap();
    fs::create_dir(folder.docs()).unwrap();
    let (empty, missing) = (folder.docs(), folder.docs().join("missing"));
    for (path, words) in [(&empty, "no files that can be uploaded"), (&missing, "does not exist")] {
        let (code, said) = against(&harness, &[path.to_str().unwrap(), "--yes"]).await;
        assert!(code == Some(1) && said.contains(words), "{code:?} {said}");
        assert!(!said.contains("--allow-dir"), "nobody typed that: {said}");
    }
    let ledger = harness.ledger();
    assert_eq!(ledger.count("POST /api/v1/beta/directories"), 0, "{ledger:#?}");
    harness.close(ledger.total()).await;
}

//! Uploads of the built binary that take long: what stops them.

use serde_json::json;

use super::harness::Setup;
use super::harness::child::{Child, Plumbing};
use super::local_files::Folder;
use super::process::signal;
use super::tasks::{declared, task};

/// A task goes on without its call, but not without the process's host: what was begun is finished, and nothing new begins.
#[tokio::test]
async fn a_signal_and_a_closed_output_stop_an_upload() {
    const FILES: usize = 100;
    const UPLOAD: &str = "POST /api/v1/beta/directories/{directory_id}/files/upload";
    for is_signal in [true, false] {
        let folder = Folder::new();
        for number in 0..FILES {
            folder.write(&format!("{number}.txt"), &number.to_string());
        }
        let docs = folder.docs();
        let setup = Setup {
            faults: "slow=200@upload",
            ..Setup::default()
        };
        let sandbox = setup.start().await;
        let (url, docs) = (sandbox.base_url(), docs.to_str().unwrap());
        let mut child = Child::start(Plumbing::Pipes, &["--base-url", &url, "--allow-dir", docs]);
        child.declare(declared());
        task(&mut child, "upload_files", json!({ "path": "." })).await;
        while sandbox.ledger().count(UPLOAD) == 0 {
            tokio::task::yield_now().await;
        }
        let writer = child.take_writer();
        if is_signal {
            signal(&child, "TERM").await;
        } else {
            child.close_output();
        }
        let (_, log) = child.exit().await;
        let sent = sandbox.ledger().count(UPLOAD);
        assert!(sent < FILES / 2, "{sent} of {FILES} files were sent: {log}");
        assert!(log.contains("a save is in progress; waiting"), "{log}");
        assert!(!log.contains("exiting while"), "{log}");
        drop(writer);
        sandbox.end().await;
    }
}

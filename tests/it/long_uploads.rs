//! Uploads of the built binary that take long: what stops them, and what they do not hold up.

use std::fs::File;

use llamacloud_batches_mcp::mcp::Revision;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::harness::child::{Child, Plumbing};
use super::harness::http::Connection;
use super::harness::upstream::response;
use super::harness::{PATIENCE, Setup};
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

/// As many files are on their way as threads may read files, and the API takes none of their bytes: stdin and stdout, which need
/// threads as well, are served.
#[tokio::test]
async fn files_that_are_not_taken_hold_no_stream_up() {
    const CALLS: usize = 4;
    const FILES: usize = 8;
    let folder = Folder::new();
    for number in 0..FILES {
        // More than the network holds between the two.
        let file = File::create(folder.path().join("out").join(format!("{number}.pdf"))).unwrap();
        file.set_len(16 << 20).unwrap();
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (begun, mut uploads) = mpsc::unbounded_channel();
    let api = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let begun = begun.clone();
            tokio::spawn(async move {
                let mut connection = Connection::new(stream);
                while let Ok(Some(head)) = connection.head().await {
                    if head.text.starts_with("POST") {
                        begun.send(()).unwrap();
                        std::future::pending::<()>().await;
                    }
                    let none = response("200 OK", "content-type: application/json\r\n", r#"{"items":[]}"#);
                    connection.write(&none).await.unwrap();
                }
            });
        }
    });
    let documents = folder.out();
    let arguments = [
        "--base-url",
        &url,
        "--allow-dir",
        documents.to_str().unwrap(),
        "--stdio",
        "portable",
    ];
    let mut child = Child::start(Plumbing::Pipes, &arguments);
    child.speak(Revision::V2025_06_18).await;
    for number in 0..CALLS {
        let arguments = json!({ "path": ".", "directory_id": format!("dir-{number}") });
        child.ask_tool("upload_files", arguments).await;
        for _ in 0..FILES {
            timeout(PATIENCE, uploads.recv())
                .await
                .expect("an upload does not begin")
                .unwrap();
        }
    }
    child.result("ping", json!({})).await;
    // The calls would go on for most of a minute.
    drop(child);
    api.abort();
}

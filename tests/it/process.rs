//! The built binary as a process: signals, and what happens to its three streams.

use std::fs::File;
use std::io::pipe;
use std::process::Stdio;
use std::time::Duration;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::DIR_SMALL;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::command_line::scratch;
use super::harness::child::{Child, Plumbing, command};
use super::harness::peer::Peer;
use super::harness::schemas::root;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{PATIENCE, Setup};
use super::tools_call::{create, parse};

const PLUMBINGS: [(Plumbing, &str); 4] = [
    (Plumbing::Pipes, "auto"),
    (Plumbing::Sockets, "auto"),
    (Plumbing::Pipes, "portable"),
    (Plumbing::Sockets, "portable"),
];

/// The log says everything there is to say, and never the key.
#[tokio::test]
async fn a_conversation_over_every_kind_of_stream() {
    for (plumbing, stdio) in PLUMBINGS {
        let sandbox = Setup::default().start().await;
        let url = sandbox.base_url();
        let mut child = Child::start(plumbing, &["--base-url", &url, "--stdio", stdio, "--log", "trace"]);
        child.result("server/discover", json!({})).await;
        child.speak(Revision::V2025_06_18).await;
        let id = create(&mut child, DIR_SMALL).await;
        let read = child
            .call("get_batch", json!({ "batch_id": id, "expand": ["results"] }))
            .await
            .json();
        assert_eq!(read["files"]["total"], json!(4));
        child.call("get_batch", json!({ "batch_id": "bat-none" })).await.error();
        let log = child.close().await;
        assert!(
            log.contains("get_batch") && log.contains("GET /api/v2/batches/{id}"),
            "{log}"
        );
        sandbox.close(5).await;
    }
}

pub(crate) async fn signal(child: &Child, name: &str) {
    let kill = ["-c", &format!("kill -{name} {}", child.id())];
    assert!(
        tokio::process::Command::new("sh")
            .args(kill)
            .status()
            .await
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn a_signal_ends_it_at_once_idle_or_busy() {
    for name in ["TERM", "INT", "HUP"] {
        for (plumbing, stdio) in PLUMBINGS {
            let mut child = Child::start(plumbing, &["--stdio", stdio]);
            child.result("tools/list", json!({})).await;
            signal(&child, name).await;
            child.finish().await;
            let (status, log) = child.exit().await;
            assert_eq!(
                (status.code(), log.as_str()),
                (Some(0), ""),
                "{name} {plumbing:?} {stdio}"
            );
        }
        let upstream = Upstream::start([Reply::silence()]).await;
        let mut child = Child::start(Plumbing::Pipes, &["--base-url", &upstream.base_url()]);
        child.ask_tool("get_batch", json!({ "batch_id": "bat-1" })).await;
        upstream.arrived(1).await;
        signal(&child, name).await;
        child.finish().await;
        assert_eq!(child.exit().await.0.code(), Some(0), "{name}");
    }
}

/// Nobody reads, so the server holds back its reading until our writing stalls as well. A signal still ends it.
#[tokio::test]
async fn a_signal_ends_it_while_nobody_reads() {
    for (plumbing, stdio) in PLUMBINGS {
        let mut child = Child::start(plumbing, &["--stdio", stdio]);
        child.result("tools/list", json!({})).await;
        let (line, _) = child.line("tools/list", json!({ "padding": "x".repeat(10_000) }));
        let line = line + "\n";
        let mut count = 0;
        while timeout(Duration::from_millis(300), child.write(line.as_bytes()))
            .await
            .is_ok()
        {
            count += 1;
            assert!(count < 5000, "it reads on and on");
        }
        signal(&child, "TERM").await;
        let (status, _) = child.exit().await;
        assert_eq!(status.code(), Some(0), "{plumbing:?} {stdio}");
    }
}

/// A create that has left is waited for, since its batch costs money whether anybody hears of it or not.
#[tokio::test]
async fn a_signal_waits_for_a_create_that_has_left() {
    // What the directory holds and what the guard finds are asked for at the same time: this is an answer to both.
    let one = || Reply::json("200 OK", "", r#"{"items":[{"id":"dfl-1","display_name":"a.pdf"}]}"#);
    let created = Reply::json("201 Created", "", r#"{"id":"bat-9","status":"PENDING"}"#).held();
    let upstream = Upstream::start([one(), one(), created]).await;
    let mut child = Child::start(Plumbing::Pipes, &["--base-url", &upstream.base_url(), "--log", "info"]);
    child.ask_tool("create_batch", parse(DIR_SMALL)).await;
    upstream.arrived(3).await;
    signal(&child, "TERM").await;
    child.logged("waiting for the outcome").await;
    upstream.release();
    child.finish().await;
    let (status, log) = child.exit().await;
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("bat-9"), "{log}");
}

#[tokio::test]
async fn it_ends_when_nobody_reads_it_any_more() {
    for (plumbing, stdio) in PLUMBINGS {
        let mut child = Child::start(plumbing, &["--stdio", stdio]);
        child.result("tools/list", json!({})).await;
        child.close_output();
        if stdio == "portable" {
            // Only a write can tell.
            child.ask("tools/list", json!({})).await;
        }
        let writer = child.take_writer();
        let (status, log) = child.exit().await;
        assert!(
            status.code().is_some() && !log.contains("panicked"),
            "{plumbing:?} {stdio}: {status} {log}"
        );
        drop(writer);
    }
}

/// Its answer waits behind others that nobody reads, and is lost with them: the log names the batch.
#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_in_the_log() {
    for (plumbing, stdio) in PLUMBINGS {
        let mut child = Child::start(plumbing, &["--sandbox", "--stdio", stdio, "--log", "debug"]);
        child.speak(Revision::V2025_06_18).await;
        // Enough to fill what lies between the two, and no more than the server keeps for a reader that is slow.
        let lists = if matches!(plumbing, Plumbing::Pipes) { 5 } else { 8 };
        for _ in 0..lists {
            child.ask("tools/list", json!({})).await;
        }
        child.ask_tool("create_batch", parse(DIR_SMALL)).await;
        child.logged("POST /api/v2/batches").await;
        child.close_output();
        let writer = child.take_writer();
        let (_, log) = child.exit().await;
        assert!(log.contains("created batch bat-"), "{plumbing:?} {stdio}: {log}");
        drop(writer);
    }
}

/// The batch exists, and the call that waited for it is given up: nobody else would say its name.
#[tokio::test]
async fn a_batch_whose_call_is_given_up_is_in_the_log() {
    let arguments = ["--sandbox", "--sandbox-speed", "real", "--poll-interval", "10ms"];
    let mut child = Child::start(Plumbing::Pipes, &arguments);
    child.speak(Revision::V2025_06_18).await;
    let mut arguments = parse(DIR_SMALL);
    arguments["wait_seconds"] = json!(300);
    let call = json!({ "name": "create_batch", "arguments": arguments, "_meta": { "progressToken": 1 } });
    let id = child.ask("tools/call", call).await;
    child.next_notification("notifications/progress").await;
    child.cancel(&id).await;
    child.logged("created batch bat-").await;
    // Other reports may have been on their way.
    child.result("tools/list", json!({})).await;
    child.take_unclaimed();
    child.close().await;
}

/// What is in flight is answered after the end of the input.
#[tokio::test]
async fn lines_may_be_piped_in_and_the_input_closed() {
    for (plumbing, stdio) in PLUMBINGS {
        let mut child = Child::start(plumbing, &["--sandbox", "--stdio", stdio, "--sandbox-fault", "slow=50"]);
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(child.ask_tool("list_batches", json!({})).await);
        }
        child.end_input();
        for id in ids {
            child.said(&id).await.json();
        }
        child.close().await;
    }
}

/// One process for each kind of stderr that cannot take a log line.
#[tokio::test]
async fn a_stderr_that_takes_nothing_holds_nothing_up() {
    let (closed, writer) = pipe().unwrap();
    drop(closed);
    let (unread, full) = pipe().unwrap();
    for stderr in [writer, full] {
        let mut command = command(&["--sandbox", "--log", "trace"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut process = command.spawn().unwrap();
        drop(command);
        let mut peer = Peer::new(process.stdout.take().unwrap(), process.stdin.take().unwrap());
        peer.speak(Revision::V2025_06_18).await;
        for _ in 0..100 {
            peer.call("list_batches", json!({})).await.json();
        }
        peer.end_input();
        peer.finish().await;
        let status = timeout(PATIENCE, process.wait())
            .await
            .expect("the log keeps the process")
            .unwrap();
        assert_eq!(status.code(), Some(0));
    }
    drop(unread);
}

/// The example that the README pipes in by hand, from a file to a file.
#[tokio::test]
async fn files_serve_as_streams_as_well() {
    let example = root().join("manifests/examples/first-batch.jsonl");
    let answers = scratch("answers");
    for stdio in ["auto", "portable"] {
        let mut command = command(&["--sandbox", "--stdio", stdio]);
        command
            .stdin(File::open(&example).unwrap())
            .stdout(File::create(&answers).unwrap())
            .stderr(Stdio::inherit());
        let status = timeout(PATIENCE, command.status()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0));
        let mut peer = Peer::new(
            std::io::Cursor::new(std::fs::read(&answers).unwrap()),
            tokio::io::sink(),
        );
        let mut ids = Vec::new();
        for line in std::fs::read_to_string(&example).unwrap().lines() {
            peer.send(line).await;
            ids.extend(
                serde_json::from_str::<Value>(line)
                    .unwrap()
                    .get("id")
                    .map(Value::to_string),
            );
        }
        peer.end_input();
        for id in &ids {
            let result = peer.result_of(id).await;
            assert_ne!(result.get("isError"), Some(&json!(true)), "{result}");
        }
        peer.finish().await;
        assert!(ids.len() >= 3);
    }
}

/// A socket's flags belong to everybody who holds it: the server leaves them as they are, also while it runs.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_flags_of_a_shared_socket_are_left_alone() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let [(mut input, stdin), (output, stdout)] = [(); 2].map(|()| UnixStream::pair().unwrap());
    let shared = [stdin.try_clone().unwrap(), stdout.try_clone().unwrap()];
    let flags = || [&shared[0], &shared[1]].map(|socket| rustix::fs::fcntl_getfl(socket).unwrap());
    let before = flags();
    let mut command = command(&[]);
    command.stdin(OwnedFd::from(stdin)).stdout(OwnedFd::from(stdout));
    let mut process = command.spawn().unwrap();
    drop(command);
    let answer = tokio::task::spawn_blocking(move || {
        input
            .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n")
            .unwrap();
        let mut answer = String::new();
        BufReader::new(&output).read_line(&mut answer).unwrap();
        (answer, input, output)
    });
    let (answer, input, output) = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    assert_eq!(flags(), before);
    input.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(
        timeout(PATIENCE, process.wait()).await.unwrap().unwrap().code(),
        Some(0)
    );
    assert_eq!(flags(), before);
    drop(output);
}

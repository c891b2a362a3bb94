//! A client that reads slowly or not at all, and one that asks for a lot at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llamacloud_batches_mcp::mcp::{End, Limits, Revision};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::corpora::fuzzed::api::Api;
use super::harness::peer::{Peer, Writer};
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, PATIENCE, Setup, flags};

/// The pipe holds a few bytes, so that each answer is written, and each request read, in many small pieces.
#[tokio::test]
async fn a_pipe_that_holds_next_to_nothing_is_enough() {
    for pipe_bytes in [1, 2, 7] {
        let setup = Setup {
            pipe_bytes,
            ..Setup::default()
        };
        let mut harness = setup.open(Revision::V2025_06_18).await;
        harness.result("tools/list", json!({})).await;
        harness.call("list_batches", json!({})).await.json();
        harness.close(1).await;
    }
}

/// Calls of every kind, a quarter of them given up: at the end, as many tasks run as after the first few, which are those of
/// connections.
#[tokio::test]
async fn many_calls_leave_no_task_behind() {
    for revision in [Revision::V2025_06_18, Revision::V2026_07_28] {
        let api = Api::start().await;
        let setup = Setup {
            base_url: Some(api.base_url.clone()),
            flags: flags(&["--allow-cancel"]),
            ..Setup::default()
        };
        let mut harness = setup.open(revision).await;
        let alive = || Handle::current().metrics().num_alive_tasks();
        for _ in 0..10 {
            a_dozen_calls(&mut harness).await;
        }
        let warm = alive();
        for _ in 0..50 {
            a_dozen_calls(&mut harness).await;
        }
        let ended = async {
            while alive() > warm + MORE_TASKS {
                tokio::task::yield_now().await;
            }
        };
        let ended = timeout(PATIENCE, ended).await;
        assert!(ended.is_ok(), "{warm} tasks after 120 calls, {} after 720", alive());
        harness.close(0).await;
    }
}

/// How many connections may be open at one moment and not at another.
const MORE_TASKS: usize = 8;

async fn a_dozen_calls(harness: &mut Harness) {
    let create = json!({
        "source_directory_id": "dir-1",
        "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-1" } },
        "allow_duplicate": true,
    });
    for (tool, arguments) in [
        ("list_batches", json!({})),
        ("get_batch", json!({ "batch_id": "bat-1", "expand": ["outcomes"] })),
        ("get_batch", json!({ "batch_id": "bat-1", "wait_seconds": 1 })),
        ("get_batch", json!({ "batch_id": "bat-none" })),
        ("get_batch", json!({ "batchId": 7 })),
        ("cancel_batch", json!({ "batch_id": "bat-11" })),
        ("create_batch", create),
    ] {
        harness.call(tool, arguments).await;
    }
    for method in ["tools/list", "resources/list"] {
        let id = harness.ask(method, json!({})).await;
        harness.claim(&id).await;
    }
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let wait = json!({ "batch_id": "bat-11", "wait_seconds": 300 });
        waiting.push(harness.ask_tool("get_batch", wait).await);
    }
    for id in waiting {
        harness.cancel(&id).await;
    }
    harness.settle().await;
}

/// Lines on their way to the server.
struct Pour {
    pouring: JoinHandle<Writer>,
    poured: Arc<AtomicUsize>,
}

impl Pour {
    /// Begins to send lines without reading anything.
    fn begin(peer: &mut Peer, lines: String) -> Self {
        let mut writer = peer.take_writer();
        let poured = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&poured);
        let pouring = tokio::spawn(async move {
            for piece in lines.as_bytes().chunks(64) {
                writer.write_all(piece).await.unwrap();
                count.fetch_add(piece.len(), Ordering::Relaxed);
            }
            writer
        });
        Self { pouring, poured }
    }

    /// Lets everybody run until nothing moves: all of it happens on this one thread. How many bytes went in.
    async fn stand_still(&self) -> usize {
        let mut still = 0;
        let mut before = usize::MAX;
        while still < 1000 {
            tokio::task::yield_now().await;
            let now = self.poured.load(Ordering::Relaxed);
            still = if now == before { still + 1 } else { 0 };
            before = now;
        }
        before
    }

    async fn end(self, peer: &mut Peer) {
        peer.put_writer(self.pouring.await.unwrap());
    }
}

fn narrow() -> Setup {
    Setup {
        pipe_bytes: 1024,
        limits: Limits {
            max_unsent_bytes: 4096,
            max_in_flight_bytes: 16 << 20,
            ..Limits::default()
        },
        ..Setup::default()
    }
}

/// More calls wait than may be worked on, and then more than may be queued: pings, cancellations and the end of the input are read
/// all the same.
#[tokio::test]
async fn whatever_is_in_flight_pings_cancellations_and_the_end_are_read() {
    const WORKING: usize = 64;
    const QUEUED: usize = 256;
    let upstream = Upstream::start([Reply::running()]).await;
    let setup = Setup {
        base_url: Some(upstream.base_url()),
        poll_interval: Duration::from_mins(10),
        limits: Limits {
            max_in_flight_bytes: 1 << 20,
            ..Limits::default()
        },
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let waiting = json!({ "batch_id": "bat-1", "wait_seconds": 300 });
    let mut ids = Vec::new();
    for _ in 0..WORKING + QUEUED {
        ids.push(harness.ask_tool("get_batch", waiting.clone()).await);
    }
    upstream.arrived(WORKING).await;
    harness.result("ping", json!({})).await;
    // One more than there is room for is answered at once.
    let refused = harness.ask_tool("get_batch", waiting).await;
    let (code, message) = harness.refusal_of(&refused).await;
    assert!(code == -32000 && message.contains("in flight"), "{code} {message}");
    harness.result("ping", json!({})).await;
    for given_up in [0, WORKING, WORKING + QUEUED - 1] {
        harness.cancel(&ids[given_up]).await;
    }
    harness.end_input();
    for (index, id) in ids.iter().enumerate() {
        if ![0, WORKING, WORKING + QUEUED - 1].contains(&index) {
            assert!(harness.said(id).await.json()["summary"].is_string());
        }
    }
    harness.close(0).await;
}

/// The answers to one array are kept until the last is there, so an array has few messages.
#[tokio::test]
async fn an_array_of_twenty_thousand_requests_is_refused_at_once() {
    let mut harness = Harness::open(Revision::V2025_03_26).await;
    let array = vec![r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#; 20_000].join(",");
    harness.write(format!("[{array}]\n").as_bytes()).await;
    let (code, message) = harness.next_refusal().await;
    assert!(code == -32600 && message.contains("too many"), "{code} {message}");
    harness.result("ping", json!({})).await;
    harness.close(0).await;
}

/// Pours lines in while nobody reads: most of them are not read. Then somebody reads, and every answer comes.
async fn pour_unread(mut harness: Harness, lines: String, ids: Vec<String>) {
    let size = lines.len();
    let pour = Pour::begin(&mut harness, lines);
    let poured = pour.stand_still().await;
    assert!(poured < size / 2, "{poured} bytes of {size} went in unanswered");
    for id in ids {
        harness.result_of(&id).await;
    }
    pour.end(&mut harness).await;
    harness.close(0).await;
}

/// Nobody reads: reading stops as well, so that nothing piles up. Once somebody reads again, every answer comes.
#[tokio::test]
async fn who_does_not_read_is_not_read_from() {
    let mut harness = narrow().open(Revision::V2025_06_18).await;
    let mut lines = String::new();
    let mut ids = Vec::new();
    for _ in 0..300 {
        let (line, id) = harness.line("tools/list", json!({ "padding": "x".repeat(1000) }));
        harness.note(line.as_bytes());
        lines += &line;
        lines.push('\n');
        ids.push(id);
    }
    pour_unread(harness, lines, ids).await;
}

/// The same for arrays, with and without a call whose answer the others wait for.
#[tokio::test]
async fn who_does_not_read_is_not_read_from_in_arrays_either() {
    const ARRAYS: usize = 40;
    for with_a_call in [false, true] {
        let mut setup = narrow();
        setup.limits.max_in_flight_bytes = 256 << 10;
        let mut harness = setup.open(Revision::V2025_03_26).await;
        let mut lines = String::new();
        let mut ids = Vec::new();
        for _ in 0..ARRAYS {
            let mut requests: Vec<_> = (0..10).map(|_| harness.line("tools/list", json!({}))).collect();
            if with_a_call {
                requests.push(harness.line("tools/call", json!({ "name": "get_batch", "arguments": {} })));
            }
            let (elements, of_array): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
            let array = format!("[{}]", elements.join(","));
            harness.note(array.as_bytes());
            lines += &array;
            lines.push('\n');
            ids.extend(of_array);
        }
        pour_unread(harness, lines, ids).await;
    }
}

/// Calls wait with their answers, the input is still read, and what is given up now is never answered.
#[tokio::test]
async fn what_waits_for_a_reader_can_be_given_up() {
    let mut harness = narrow().open(Revision::V2025_06_18).await;
    let mut lines = String::new();
    let mut ids = Vec::new();
    for _ in 0..200 {
        let (line, id) = harness.line("tools/call", json!({ "name": "get_batch", "arguments": {} }));
        harness.note(line.as_bytes());
        lines += &line;
        lines.push('\n');
        ids.push(id);
    }
    for id in &ids[100..] {
        lines += r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#;
        lines += id;
        lines += "}}";
        lines.push('\n');
    }
    let size = lines.len();
    let pour = Pour::begin(&mut harness, lines);
    assert_eq!(
        pour.stand_still().await,
        size,
        "cancellations are not read while answers wait"
    );
    pour.end(&mut harness).await;
    for id in &ids[..100] {
        assert!(harness.said(id).await.is_error);
    }
    harness.settle().await;
    harness.close(0).await;
}

/// The input ends while answers still wait for a reader: they are written all the same.
#[tokio::test]
async fn what_waits_when_the_input_ends_is_still_written() {
    let mut harness = narrow().open(Revision::V2025_06_18).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(harness.ask("tools/list", json!({})).await);
    }
    harness.end_input();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    for id in ids {
        harness.result_of(&id).await;
    }
    harness.close(0).await;
}

/// The input ends, and nobody reads the last answers: that is no orderly end.
#[tokio::test]
async fn answers_that_nobody_reads_in_time_are_no_orderly_end() {
    let mut setup = narrow();
    setup.limits.drain = Duration::from_millis(10);
    let mut harness = setup.open(Revision::V2025_06_18).await;
    harness.ask("tools/list", json!({})).await;
    assert_eq!(harness.end_unread().await, End::OutputClosed);
}

//! The built binary for a long time, and with a lot at once: every request has its one answer, and memory, threads and descriptors
//! stay what they are.

use std::collections::HashMap;

use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::corpora::fuzzed::api::Api;
use super::harness::child::{Child, Plumbing, Takes};
use super::harness::peer::{Reader, Writer};
use super::harness::rpc::{self, Message};
use super::harness::{CANARY, PATIENCE};
use super::local_files::Folder;

/// More than any of these tests should ever need, and much less than what has no bound. Units: KiB.
const MAX_KIBIBYTES: usize = 64 * 1024;

/// The client of a child, which only counts: by id, how many answers are still due.
struct Counting {
    child: Child,
    reader: Reader,
    due: HashMap<u64, usize>,
    last: u64,
}

impl Counting {
    /// A child that uses this API, in a session of 2025-06-18.
    async fn start(plumbing: Plumbing, api: &Api, more: &[&str]) -> Self {
        let usual = ["--base-url", &api.base_url, "--allow-cancel"];
        let mut child = Child::start(plumbing, &[&usual, more].concat());
        child.speak(Revision::V2025_06_18).await;
        child.result("tools/list", json!({})).await;
        let reader = child.take_reader();
        Self {
            child,
            reader,
            due: HashMap::new(),
            last: 1000,
        }
    }

    /// A request as a line. It is due.
    fn request(&mut self, method: &str, params: &Value) -> String {
        self.last += 1;
        self.due.insert(self.last, 1);
        rpc::request(self.last, method, params) + "\n"
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> String {
        self.request("tools/call", &rpc::call(tool, arguments))
    }

    /// Gives up the last request, as a line. Nothing is due for it.
    fn cancel_last(&mut self) -> String {
        self.due.remove(&self.last);
        rpc::cancellation(self.last) + "\n"
    }

    /// Reads answers until at most so many are due.
    async fn read_until_due(&mut self, due: usize) {
        let mut line = String::new();
        while self.due.len() > due {
            line.clear();
            let reading = timeout(PATIENCE, self.reader.read_line(&mut line));
            assert!(reading.await.expect("no answer").unwrap() > 0, "the output ended");
            self.take(&line);
        }
    }

    fn take(&mut self, line: &str) {
        assert!(!line.contains(CANARY), "{line}");
        let message = Message::read(line).unwrap();
        let id = message.answers().unwrap_or_else(|| panic!("no id: {line}"));
        assert!(self.due.remove(&id.parse().unwrap()).is_some(), "not due: {line}");
    }

    /// Ends the input and reads the rest: exactly what is due.
    async fn close(mut self) -> String {
        self.child.end_input();
        self.read_until_due(0).await;
        let mut rest = String::new();
        timeout(PATIENCE, self.reader.read_to_string(&mut rest))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rest, "");
        self.child.close().await
    }
}

async fn write(writer: &mut Writer, lines: &str) {
    timeout(PATIENCE, writer.write_all(lines.as_bytes()))
        .await
        .expect("nobody reads")
        .unwrap();
}

/// How many calls the long test makes; `ENDURANCE_CALLS` says another number.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn calls() -> usize {
    let calls = std::env::var("ENDURANCE_CALLS")
        .ok()
        .and_then(|calls| calls.parse().ok());
    calls.unwrap_or(2000)
}

/// The lines of one call of a mixture of every tool: reads, errors of every kind, waits, creates, and what is given up.
fn mixture(client: &mut Counting, number: usize) -> String {
    let create = json!({
        "source_directory_id": "dir-1",
        "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-1" } },
        "allow_duplicate": true,
    });
    match number % 16 {
        0 => client.call("get_batch", &json!({ "batch_id": "bat-1", "expand": ["outcomes"] })),
        1 => client.call("list_batches", &json!({})),
        2 => client.call("get_batch", &json!({ "batchId": 7 })),
        3 => client.call("get_batch", &json!({ "batch_id": "bat-none" })),
        4 => client.call("get_batch", &json!({ "batch_id": "bat-11", "wait_seconds": 300 })) + &client.cancel_last(),
        5 => client.request("tools/list", &json!({})),
        6 => client.call("no_such_tool", &json!({})),
        7 => client.call("get_batch", &json!({ "batch_id": "bat-1", "wait_seconds": 1 })),
        8 => client.call("cancel_batch", &json!({ "batch_id": "bat-11" })),
        9 => client.call("list_directories", &json!({ "directory_id": "dir-1" })),
        10 => client.call("list_configurations", &json!({})),
        11 => client.call(
            "read_result",
            &json!({ "job_id": format!("pjb-{number}"), "find": "total" }),
        ),
        12 => client.call("retry_failed_files", &json!({ "batch_id": "bat-1" })),
        13 => client.call("upload_files", &json!({ "path": ".", "dry_run": true })),
        14 => client.call("save_results", &json!({ "batch_id": "bat-1" })),
        _ => client.call("create_batch", &create),
    }
}

/// After a tenth of the calls, resource use no longer grows.
#[tokio::test]
async fn many_calls_leave_nothing_behind() {
    let api = Api::start().await;
    let folder = Folder::new();
    let (documents, results) = (folder.docs(), folder.out());
    let folders = [
        "--allow-dir",
        documents.to_str().unwrap(),
        "--output-dir",
        results.to_str().unwrap(),
    ];
    let flags = [&["--poll-interval", "5ms", "--log", "error"], &folders[..]].concat();
    let mut client = Counting::start(Plumbing::Pipes, &api, &flags).await;
    let mut writer = client.child.take_writer();
    let calls = calls();
    let begun = client.child.takes();
    let (mut warm, mut halfway) = (begun, begun);
    for number in 0..calls {
        let lines = mixture(&mut client, number);
        write(&mut writer, &lines).await;
        client.read_until_due(32).await;
        if number == calls / 10 {
            client.read_until_due(0).await;
            warm = client.child.takes();
        }
        if number == calls / 2 {
            client.read_until_due(0).await;
            halfway = client.child.takes();
        }
        if number % 100 == 0 {
            // Not kept without end by the test itself.
            api.take_seen();
        }
    }
    client.read_until_due(0).await;
    let end = client.child.takes();
    client.child.put_writer(writer);
    client.close().await;
    show(&format!(
        "{calls} calls: {begun:?} before, {warm:?} after a tenth, {halfway:?} halfway, {end:?} at the end"
    ));
    check_flat(warm, halfway);
    check_flat(warm, end);
}

/// How many connections to the API are open at most: one for each request that is under way at the same time, and a few that were
/// begun when another became free.
const CONNECTIONS: usize = 64 + 8;

/// Threads that read and write files, however many calls do so: `MAX_THREADS` of `src/files/threads.rs`.
const THREADS: usize = 32;

#[expect(clippy::print_stdout, reason = "to be read with `--nocapture`")]
fn show(words: &str) {
    println!("{words}");
}

fn check_flat(warm: Takes, end: Takes) {
    assert!(end.kibibytes < warm.kibibytes + 8 * 1024, "{warm:?} {end:?}");
    assert!(end.threads <= warm.threads + THREADS, "{warm:?} {end:?}");
    assert!(end.descriptors <= warm.descriptors + CONNECTIONS, "{warm:?} {end:?}");
}

/// A call that waits is a timer and its arguments.
#[tokio::test]
async fn five_hundred_calls_wait_in_little_memory() {
    let api = Api::start().await;
    let mut client = Counting::start(Plumbing::Pipes, &api, &["--poll-interval", "10m"]).await;
    let mut writer = client.child.take_writer();
    let idle = client.child.takes();
    for _ in 0..500 {
        let line = client.call("get_batch", &json!({ "batch_id": "bat-11", "wait_seconds": 300 }));
        write(&mut writer, &line).await;
    }
    // Each has looked once, and sleeps.
    let mut looked = 0;
    while looked < 500 {
        looked += api.take_seen().len();
        tokio::task::yield_now().await;
    }
    let line = client.request("tools/list", &json!({}));
    write(&mut writer, &line).await;
    client.read_until_due(500).await;
    // What was needed to look is given back.
    let given_back = async {
        while client.child.takes().descriptors > idle.descriptors + CONNECTIONS {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, given_back)
        .await
        .expect("a connection for each call that waits");
    let waiting = client.child.takes();
    drop(writer);
    client.close().await;
    show(&format!("{idle:?} idle, {waiting:?} with 500 calls that wait"));
    assert!(waiting.kibibytes < idle.kibibytes + 32 * 1024, "{idle:?} {waiting:?}");
    assert!(waiting.threads <= idle.threads + 2, "{idle:?} {waiting:?}");
}

/// Nobody reads. Calls are still taken in, and what is given up now is never answered; the rest comes once somebody reads.
#[tokio::test]
async fn what_nobody_reads_is_bounded_and_can_be_given_up() {
    for plumbing in [Plumbing::Pipes, Plumbing::Sockets] {
        let api = Api::start().await;
        let mut client = Counting::start(plumbing, &api, &["--log", "debug"]).await;
        let mut lines = String::new();
        let mut given_up = String::new();
        for number in 0..2000 {
            lines += &client.call("get_batch", &json!({ "nonsense": "x".repeat(100) }));
            if number >= 1900 {
                given_up += &client.cancel_last();
            }
        }
        let mut writer = client.child.take_writer();
        write(&mut writer, &lines).await;
        write(&mut writer, &given_up).await;
        write(&mut writer, "the mark\n").await;
        client.child.logged("not a message").await;
        let takes = client.child.takes();
        assert!(takes.kibibytes < MAX_KIBIBYTES, "{takes:?}");
        client.child.put_writer(writer);
        let mut line = String::new();
        let mut marks = 0;
        while marks == 0 || !client.due.is_empty() {
            line.clear();
            let reading = timeout(PATIENCE, client.reader.read_line(&mut line));
            reading.await.expect("no answer").unwrap();
            if line.contains("-32700") {
                marks += 1;
            } else {
                client.take(&line);
            }
        }
        client.close().await;
    }
}

/// Requests come on and on and nobody reads: they are not read either, so that nothing piles up. Then everything is answered.
#[tokio::test]
async fn ten_thousand_requests_in_one_write() {
    for plumbing in [Plumbing::Pipes, Plumbing::Sockets] {
        let api = Api::start().await;
        let mut client = Counting::start(plumbing, &api, &[]).await;
        let mut lines = String::new();
        for number in 0..10_000 {
            lines += &match number % 10 {
                0 => client.request("tools/list", &json!({})),
                1 => client.call("get_batch", &json!({ "batch_id": 7 })),
                _ => client.request("ping", &json!({})),
            };
        }
        let mut writer = client.child.take_writer();
        let writing = tokio::spawn(async move {
            write(&mut writer, &lines).await;
            writer
        });
        // Until the pipes are full on both ways, as far as it can be told from here.
        client.read_until_due(9_999).await;
        let full = client.child.takes();
        client.read_until_due(0).await;
        let end = client.child.takes();
        client.child.put_writer(writing.await.unwrap());
        client.close().await;
        assert!(full.kibibytes.max(end.kibibytes) < MAX_KIBIBYTES, "{full:?} {end:?}");
    }
}

#[tokio::test]
async fn a_reader_may_take_one_byte_at_a_time() {
    for plumbing in [Plumbing::Pipes, Plumbing::Sockets] {
        let api = Api::start().await;
        let mut client = Counting::start(plumbing, &api, &[]).await;
        let mut lines = String::new();
        for _ in 0..5 {
            lines += &client.request("tools/list", &json!({}));
            lines += &client.call("get_batch", &json!({ "batch_id": "bat-1" }));
        }
        let mut writer = client.child.take_writer();
        write(&mut writer, &lines).await;
        client.child.put_writer(writer);
        let mut bytes = Vec::new();
        while !client.due.is_empty() {
            let mut byte = [0];
            // A read of its own for each byte, past the buffer.
            timeout(PATIENCE, client.reader.get_mut().read_exact(&mut byte))
                .await
                .expect("no answer")
                .unwrap();
            bytes.push(byte[0]);
            if byte[0] == b'\n' {
                client.take(std::str::from_utf8(&bytes).unwrap());
                bytes.clear();
            }
        }
        let takes = client.child.takes();
        client.close().await;
        assert!(takes.kibibytes < MAX_KIBIBYTES, "{takes:?}");
    }
}

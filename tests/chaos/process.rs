//! The product as a host sees it: a child process, with everything that it says on record.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::ledger::{CONFIGURATION, DIRECTORY};
use crate::rpc::{self, Message};
use crate::verdict::Verdict;

const PROGRAM: &str = env!("CARGO_BIN_EXE_llamacloud-batches-mcp");
/// Within which every call is answered. All waits of the product are derived from it.
const TIMEOUT: &str = "3s";
/// How long anything may take before the test is taken to hang.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running server process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    reading: Option<JoinHandle<()>>,
    said: Arc<watch::Sender<Said>>,
    pub(crate) sent: Vec<String>,
    pub(crate) key: String,
}

/// What a process has said so far.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) stdout: Vec<String>,
    /// The same, decoded, without what is not a message.
    messages: Vec<Message>,
    pub(crate) stderr: String,
    stdout_ended: bool,
    stderr_ended: bool,
}

impl Process {
    /// Starts the `number`th process of a cell, with a key of its own, and opens the conversation.
    pub(crate) async fn start(url: &str, number: usize) -> Result<Self, String> {
        Self::start_with(url, number, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(url: &str, number: usize, arguments: &[&str]) -> Result<Self, String> {
        Self::spawn(url, number, arguments)?.introduced().await
    }

    /// The same in a shell that has done something before: `prepare`.
    pub(crate) async fn start_after(prepare: &str, url: &str, arguments: &[&str]) -> Result<Self, String> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{prepare}; exec \"$0\" \"$@\""), PROGRAM]);
        Self::spawn_as(shell, url, 1, arguments)?.introduced().await
    }

    /// Starts a process, which may be a command that nobody converses with.
    pub(crate) fn spawn(url: &str, number: usize, arguments: &[&str]) -> Result<Self, String> {
        Self::spawn_as(Command::new(PROGRAM), url, number, arguments)
    }

    fn spawn_as(mut command: Command, url: &str, number: usize, arguments: &[&str]) -> Result<Self, String> {
        let key = format!("llx-canary-{number}");
        let mut child = command
            .args(["--base-url", url, "--timeout", TIMEOUT])
            .args(arguments)
            .env_clear()
            .env("LLAMA_CLOUD_API_KEY", &key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the binary does not start: {error}"))?;
        let said = Arc::new(watch::Sender::new(Said::default()));
        let stdin = child.stdin.take();
        let stdout = child
            .stdout
            .take()
            .map(|stdout| tokio::spawn(read_stdout(stdout, Arc::clone(&said))));
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(read_stderr(stderr, Arc::clone(&said)));
        }
        Ok(Self {
            child,
            stdin,
            reading: stdout,
            said,
            sent: Vec::new(),
            key,
        })
    }

    /// Opens the conversation.
    async fn introduced(mut self) -> Result<Self, String> {
        self.request(0, "initialize", &rpc::initialize("2025-06-18")).await;
        self.answer(0).await?.ok_or("no answer to `initialize`")?;
        self.send(rpc::initialized()).await;
        Ok(self)
    }

    /// Writes one line. A process that has stopped reading does not fail the test.
    async fn send(&mut self, line: String) {
        if let Some(stdin) = &mut self.stdin {
            drop(stdin.write_all(format!("{line}\n").as_bytes()).await);
        }
        self.sent.push(line);
    }

    async fn request(&mut self, id: u32, method: &str, params: &Value) {
        self.send(rpc::request(id, method, params)).await;
    }

    pub(crate) async fn call(&mut self, id: u32, tool: &str, arguments: &Value) {
        self.request(id, "tools/call", &rpc::call(tool, arguments)).await;
    }

    /// Calls `create_batch`, always for the same batch.
    pub(crate) async fn create(&mut self, id: u32, allow_duplicate: bool) {
        let more = if allow_duplicate {
            json!({ "allow_duplicate": true })
        } else {
            json!({})
        };
        self.create_with(id, &more).await;
    }

    /// The same with more arguments.
    pub(crate) async fn create_with(&mut self, id: u32, more: &Value) {
        let mut arguments = json!({
            "source_directory_id": DIRECTORY,
            "config": { "job": { "type": "parse_v2", "configuration_id": CONFIGURATION } },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            arguments[name] = value.clone();
        }
        self.call(id, "create_batch", &arguments).await;
    }

    pub(crate) async fn cancel(&mut self, id: u32) {
        self.send(rpc::cancellation(id)).await;
    }

    /// Waits until the process has read everything that was sent.
    pub(crate) async fn has_read_all(&mut self) -> Result<(), String> {
        let id = 1000 + u32::try_from(self.sent.len()).unwrap_or_default();
        self.request(id, "ping", &json!({})).await;
        self.answer(id).await?.ok_or("no answer to `ping`")?;
        Ok(())
    }

    /// The answer to a request; `None` if none came before the output ended.
    pub(crate) async fn answer(&self, id: u32) -> Result<Option<Message>, String> {
        self.wait(&format!("answer {id}"), |said| {
            said.stdout_ended || said.answer(id).is_some()
        })
        .await?;
        Ok(self.answer_so_far(id))
    }

    /// What the answer to a `create_batch` tells.
    pub(crate) async fn verdict(&self, id: u32) -> Result<Verdict, String> {
        let answer = self
            .answer(id)
            .await?
            .ok_or_else(|| format!("no answer to call {id}"))?;
        Ok(Verdict::of(&answer))
    }

    /// The answer to a request, if it has come.
    pub(crate) fn answer_so_far(&self, id: u32) -> Option<Message> {
        self.said().answer(id).cloned()
    }

    /// Waits until one of `words` is on stderr; returns when the process has ended, too.
    pub(crate) async fn logs(&self, words: &[&str]) -> Result<(), String> {
        let found = |said: &Said| said.stderr_ended || words.iter().any(|word| said.stderr.contains(word));
        self.wait(&format!("one of {words:?} on stderr"), found).await
    }

    async fn wait(&self, what: &str, until: impl FnMut(&Said) -> bool) -> Result<(), String> {
        let mut heard = self.said.subscribe();
        let waited = timeout(PATIENCE, heard.wait_for(until)).await;
        waited.map(drop).map_err(|_| format!("waited in vain for {what}"))
    }

    pub(crate) fn said(&self) -> watch::Ref<'_, Said> {
        self.said.borrow()
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The output has no reader.
    pub(crate) async fn close_stdout(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
            drop(reading.await);
        }
        self.said.send_modify(|said| said.stdout_ended = true);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        // One that has ended already needs no signal.
        if let Some(pid) = pid {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until the process has ended and all that it has said is on record.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus, String> {
        let Ok(ended) = timeout(PATIENCE, self.child.wait()).await else {
            return Err("the process does not end".to_owned());
        };
        self.wait("the end of its output", |said| said.stdout_ended && said.stderr_ended)
            .await?;
        ended.map_err(|error| error.to_string())
    }
}

impl Said {
    fn answer(&self, id: u32) -> Option<&Message> {
        let id = id.to_string();
        self.messages.iter().find(|message| message.answers() == Some(&id))
    }
}

async fn read_stdout(stdout: impl AsyncRead + Unpin, said: Arc<watch::Sender<Said>>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message = Message::read(&line).ok();
        said.send_modify(|said| {
            said.stdout.push(line);
            said.messages.extend(message);
        });
    }
    said.send_modify(|said| said.stdout_ended = true);
}

async fn read_stderr(mut stderr: impl AsyncRead + Unpin, said: Arc<watch::Sender<Said>>) {
    let mut part = [0; 4096];
    while let Ok(bytes @ 1..) = stderr.read(&mut part).await {
        let text = String::from_utf8_lossy(&part[..bytes]).into_owned();
        said.send_modify(|said| said.stderr += &text);
    }
    said.send_modify(|said| said.stderr_ended = true);
}

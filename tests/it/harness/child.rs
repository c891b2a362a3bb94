//! The built binary as a process, with its streams in our hands.

use std::ops::{Deref, DerefMut};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child as Process, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::peer::Peer;
use super::{CANARY, PATIENCE};

/// The binary with these arguments, an environment that holds nothing but the key, and no standard streams.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().env("LLAMA_CLOUD_API_KEY", CANARY);
    // Windows finds its network through it.
    #[cfg(windows)]
    #[expect(clippy::disallowed_methods, reason = "the system's, not the program's")]
    command.envs(std::env::var_os("SystemRoot").map(|folder| ("SystemRoot", folder)));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The binary under test: `TESTED_BINARY`, relative to the checkout, or the one that was built for the tests.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn binary() -> std::path::PathBuf {
    match std::env::var_os("TESTED_BINARY") {
        Some(binary) => super::schemas::root().join(binary),
        None => env!("CARGO_BIN_EXE_llamacloud-batches-mcp").into(),
    }
}

/// Runs a command to its end without input.
pub(crate) async fn run(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(PATIENCE, command.output())
        .await
        .expect("the process goes on")
        .unwrap();
    for text in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(text).contains(CANARY), "{output:?}");
    }
    output
}

/// What stdin and stdout of a process are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plumbing {
    Pipes,
    #[cfg(unix)]
    Sockets,
}

/// What a process takes up.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takes {
    /// Memory that is resident.
    pub(crate) kibibytes: usize,
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
}

/// A running process and its client. Ends with [`Child::close`] or [`Child::exit`].
pub(crate) struct Child {
    process: Process,
    peer: Peer,
    log: Arc<Log>,
    logging: JoinHandle<()>,
}

/// What a process has written to stderr so far.
#[derive(Default)]
struct Log {
    bytes: Mutex<Vec<u8>>,
    grown: Notify,
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }
}

impl Child {
    /// Starts the binary. Everything that it logs is collected.
    pub(crate) fn start(plumbing: Plumbing, arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        command.stderr(Stdio::piped());
        match plumbing {
            Plumbing::Pipes => {
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut process = command.spawn().unwrap();
                let peer = Peer::new(process.stdout.take().unwrap(), process.stdin.take().unwrap());
                Self::of(process, peer)
            }
            #[cfg(unix)]
            Plumbing::Sockets => {
                let [(input, stdin), (output, stdout)] =
                    [(); 2].map(|()| std::os::unix::net::UnixStream::pair().unwrap());
                command
                    .stdin(std::os::fd::OwnedFd::from(stdin))
                    .stdout(std::os::fd::OwnedFd::from(stdout));
                let process = command.spawn().unwrap();
                drop(command);
                let ours = |stream: std::os::unix::net::UnixStream| {
                    stream.set_nonblocking(true).unwrap();
                    tokio::net::UnixStream::from_std(stream).unwrap()
                };
                Self::of(process, Peer::new(ours(output), ours(input)))
            }
        }
    }

    fn of(mut process: Process, peer: Peer) -> Self {
        let log = Arc::default();
        let logging = tokio::spawn(collect(process.stderr.take().unwrap(), Arc::clone(&log)));
        Self {
            process,
            peer,
            log,
            logging,
        }
    }

    /// Waits until this is in the log.
    #[cfg(unix)]
    pub(crate) async fn logged(&self, words: &str) {
        let waiting = async {
            loop {
                let grown = self.log.grown.notified();
                if self.log.text().contains(words) {
                    return;
                }
                grown.await;
            }
        };
        timeout(PATIENCE, waiting).await.expect(words);
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// What the process takes up now.
    #[cfg(target_os = "linux")]
    pub(crate) fn takes(&self) -> Takes {
        let folder = format!("/proc/{}", self.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_end_matches("kB").trim().parse().unwrap()
        };
        Takes {
            kibibytes: number("VmRSS:"),
            threads: number("Threads:"),
            descriptors: std::fs::read_dir(format!("{folder}/fd")).unwrap().count(),
        }
    }

    /// Ends the input: the process ends with 0, and nothing may be left to claim. What it logged.
    pub(crate) async fn close(mut self) -> String {
        self.peer.end_input();
        self.peer.finish().await;
        let (status, log) = self.exit().await;
        assert!(status.success(), "{status}: {log}");
        log
    }

    /// Closes our end of stdout.
    #[cfg(unix)]
    pub(crate) fn close_output(&mut self) {
        self.peer.stop_reading();
    }

    /// Waits for the end of the process, however it comes about: its status and what it logged.
    pub(crate) async fn exit(mut self) -> (ExitStatus, String) {
        let status = timeout(PATIENCE, self.process.wait())
            .await
            .expect("the process goes on")
            .unwrap();
        timeout(PATIENCE, self.logging).await.unwrap().unwrap();
        let log = self.log.text();
        assert!(!log.contains(CANARY), "the API key is in the log: {log}");
        (status, log)
    }
}

async fn collect(mut stream: impl AsyncRead + Unpin, log: Arc<Log>) {
    let mut chunk = [0; 4096];
    while let Ok(count) = stream.read(&mut chunk).await
        && count > 0
    {
        log.bytes.lock().unwrap().extend_from_slice(&chunk[..count]);
        log.grown.notify_waiters();
    }
}

impl Deref for Child {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Child {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}

//! A server as a child process, and what it uses of the machine.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::time::ClockId;
use nix::unistd::Pid;
use serde::Serialize;

use crate::watchdog::Watchdog;
use crate::wire;

/// What connects us with a server's stdin and stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plumbing {
    /// As most hosts start servers.
    Pipes,
    /// As hosts on Node do.
    SocketPairs,
}

/// A child that has answered `initialize`. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    input: Option<File>,
    output: BufReader<File>,
    line: Vec<u8>,
    clock: ClockId,
    next_id: u64,
    /// From before it was started to its first answer.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts a server and opens a session.
    pub(crate) fn start(mut command: Command, plumbing: Plumbing) -> Result<Self> {
        let (ours_in, theirs_in) = ends(plumbing)?;
        let (theirs_out, ours_out) = ends(plumbing)?;
        let _watchdog = Watchdog::over(format!("start of {}", command.get_program().display()));
        let started = Instant::now();
        let child = command.stdin(theirs_in).stdout(theirs_out).spawn();
        let child = child.with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        // The command has the child's ends, which would keep its input and output open.
        drop(command);
        let pid = i32::try_from(child.id())?;
        let mut server = Self {
            child,
            input: Some(ours_in),
            output: BufReader::with_capacity(256 * 1024, ours_out),
            line: Vec::new(),
            clock: ClockId::pid_cpu_clock_id(Pid::from_raw(pid))?,
            next_id: 1,
            started_in: Duration::ZERO,
        };
        server.send(wire::INITIALIZE.as_bytes())?;
        let line = server.receive()?;
        server.started_in = started.elapsed();
        wire::answer(&line).with_context(|| shown(&line))?;
        server.send(wire::INITIALIZED.as_bytes())?;
        Ok(server)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let input = self.input.as_mut().context("the input is closed")?;
        input.write_all(bytes).context("the server has stopped reading")
    }

    /// The next line, waiting for it.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>> {
        self.read_line()?;
        Ok(std::mem::take(&mut self.line))
    }

    /// The same, in a buffer that is used again.
    pub(crate) fn read_line(&mut self) -> Result<&[u8]> {
        self.line.clear();
        let read = self.output.read_until(b'\n', &mut self.line)?;
        if read == 0 {
            bail!("the server has closed its output");
        }
        Ok(&self.line)
    }

    /// Whether a line can be had without waiting.
    pub(crate) fn has_line(&self) -> bool {
        self.output.buffer().contains(&b'\n')
    }

    /// Reserves this many unused ids and returns the first one.
    pub(crate) fn ids(&mut self, count: usize) -> u64 {
        let first = self.next_id;
        self.next_id += count as u64;
        first
    }

    /// The processor time of all its threads so far, those that have ended included.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        Ok(self.clock.now()?.into())
    }

    /// What of its memory is resident.
    ///
    /// Units: KiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// The most that was resident so far.
    ///
    /// Units: KiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes = kibibytes.with_context(|| format!("{path} has no {field} in kB"))?;
        Ok(kibibytes.parse()?)
    }

    /// Closes its input and waits for its end.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.input = None;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One direction: the end that is written to, and the end that is read from.
fn ends(plumbing: Plumbing) -> Result<(File, File)> {
    let (writer, reader): (OwnedFd, OwnedFd) = match plumbing {
        Plumbing::Pipes => {
            let (reader, writer) = std::io::pipe()?;
            (writer.into(), reader.into())
        }
        Plumbing::SocketPairs => {
            let (one, other) = UnixStream::pair()?;
            (one.into(), other.into())
        }
    };
    Ok((writer.into(), reader.into()))
}

/// The beginning of a line, for a message.
pub(crate) fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let start: String = text.chars().take(300).collect();
    format!("in the answer {start}")
}

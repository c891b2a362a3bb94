//! The whole job: files are uploaded, results are saved, long documents and long lists of files are read to their ends.
//!
//! Every measurement begins with a new server, and the first call has the making of its HTTP client in it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Api;
use crate::bench::Bench;
use crate::bodies::DOCUMENT;
use crate::peers::Peer;
use crate::rounds::Setting;
use crate::series::Series;
use crate::server::{Plumbing, Server, shown};
use crate::watchdog::Watchdog;
use crate::wire;

/// How long each of many files is. Units: bytes.
pub(crate) const FILE_BYTES: u64 = 100_000;
/// How much of a file is written at a time.
const WRITTEN_BYTES: usize = 50_000;
/// What holds at any speed: so much memory is resident at most, whatever the size of the files. Units: KiB.
pub(crate) const MOST_MEMORY_KIB: f64 = 64e6 / 1024.0;
/// The most requests that all pages of a batch may take.
pub(crate) const MOST_REQUESTS: u64 = 16;

/// A part of the whole job, at one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// `upload_files` of so many files of so many bytes.
    Upload { files: usize, bytes: u64 },
    /// `save_results` of a batch with so many files.
    Save { files: usize },
    /// `get_batch` with outcomes, all pages of a batch with so many files.
    Outcomes { files: usize },
    /// `read_result`, all pages of a document of so many bytes.
    Document { bytes: usize },
}

/// What was measured of one part.
#[derive(Debug, Serialize)]
pub(crate) struct PartRow {
    pub(crate) peer: Peer,
    pub(crate) setting: Setting,
    pub(crate) part: Part,
    pub(crate) time_ms: Series,
    pub(crate) processor_ms: Series,
    /// The most memory that was resident.
    pub(crate) peak_kib: Series,
    /// Calls that it took.
    pub(crate) calls: u64,
    /// Requests that reached the API.
    pub(crate) requests: u64,
    /// Requests when the same was done once more and nothing was left to do.
    pub(crate) requests_again: Option<u64>,
}

/// What matters of an answer.
#[derive(Deserialize)]
struct Said {
    complete: Option<bool>,
    uploaded: Option<usize>,
    saved: Option<usize>,
    already_there: Option<usize>,
    #[serde(alias = "next_results_cursor")]
    next_cursor: Option<String>,
    #[serde(default)]
    results: Vec<Value>,
    #[serde(default)]
    text: String,
}

/// What one part came to.
pub(crate) struct Done {
    calls: u64,
    /// Files or bytes that the answers told of.
    seen: usize,
}

impl Part {
    fn all(quick: bool) -> Vec<Self> {
        let (counts, long, documents): (&[_], _, &[_]) = if quick {
            (&[20, 200], 30_000_000, &[100_000, 1_000_000])
        } else {
            let documents = &[1000, 10_000, 100_000, 1_000_000, 5_000_000];
            (&[1, 10, 100, 1000], 300_000_000, documents)
        };
        let upload = |files| Self::Upload {
            files,
            bytes: FILE_BYTES,
        };
        let mut parts: Vec<Self> = counts.iter().map(|files| upload(*files)).collect();
        parts.push(Self::Upload { files: 1, bytes: long });
        parts.extend(counts.iter().map(|files| Self::Save { files: *files }));
        parts.extend(counts.iter().map(|files| Self::Outcomes { files: *files }));
        parts.extend(documents.iter().map(|bytes| Self::Document { bytes: *bytes }));
        parts
    }

    /// How many files, or bytes of a document.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Upload { files, .. } | Self::Save { files } | Self::Outcomes { files } => files,
            Self::Document { bytes } => bytes,
        }
    }

    /// Whether it can do this.
    pub(crate) const fn is_for(self, peer: Peer) -> bool {
        match peer {
            Peer::Ours => true,
            Peer::Raw => matches!(self, Self::Upload { .. } | Self::Save { .. }),
            _ => false,
        }
    }

    /// The tool that does it.
    pub(crate) const fn tool(self) -> &'static str {
        match self {
            Self::Upload { .. } => "upload_files",
            Self::Save { .. } => "save_results",
            Self::Outcomes { .. } => "get_batch",
            Self::Document { .. } => "read_result",
        }
    }

    fn arguments(self) -> Value {
        match self {
            Self::Upload { files, bytes } => json!({ "path": folder(files, bytes) }),
            Self::Save { files } => json!({ "batch_id": batch(files), "folder": "saved" }),
            Self::Outcomes { files } => json!({ "batch_id": batch(files), "expand": ["outcomes"] }),
            Self::Document { bytes } => json!({ "job_id": format!("{DOCUMENT}{bytes}-0") }),
        }
    }
}

fn batch(files: usize) -> String {
    format!("bat-files-{files}-0")
}

/// The name of the folder with these files.
fn folder(files: usize, bytes: u64) -> String {
    format!("{files}-of-{bytes}")
}

/// Runs all parts.
pub(crate) fn run(bench: &Bench) -> Result<Vec<PartRow>> {
    let parts = Part::all(bench.options.quick);
    let here = Folder::with_files_for(bench, &parts)?;
    let settings = Setting::ALL
        .into_iter()
        .filter(|setting| setting.plumbing == Plumbing::Pipes);
    let rows = settings.flat_map(|setting| {
        let of_part = move |part: Part| {
            let peers = bench.peers.iter().filter(move |peer| part.is_for(**peer));
            peers.map(move |peer| empty(*peer, setting, part))
        };
        parts.iter().copied().flat_map(of_part)
    });
    let mut rows: Vec<PartRow> = rows.collect();
    for round in 1..=bench.options.rounds {
        eprintln!("the whole job: round {round} of {}", bench.options.rounds);
        for row in &mut rows {
            let what = format!("{}, {}, {:?}", row.peer.name(), row.setting.label(), row.part);
            measure(bench, &here, row).context(what)?;
        }
    }
    Ok(rows)
}

fn empty(peer: Peer, setting: Setting, part: Part) -> PartRow {
    PartRow {
        peer,
        setting,
        part,
        time_ms: Series::default(),
        processor_ms: Series::default(),
        peak_kib: Series::default(),
        calls: 0,
        requests: 0,
        requests_again: None,
    }
}

fn measure(bench: &Bench, here: &Folder, row: &mut PartRow) -> Result<()> {
    let api = bench.api(row.setting.pinned)?;
    let command = here.command(bench, row.peer, api)?;
    let mut server = Server::start(command, Plumbing::Pipes)?;
    let _watchdog = Watchdog::over(format!("{}, {:?}", row.peer.name(), row.part));
    let (requests, bytes) = (api.requests(), api.bytes());
    let (processor, started) = (server.processor_time()?, Instant::now());
    let done = to_its_end(&mut server, row.part)?;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    row.time_ms.push(milliseconds(started.elapsed()));
    row.processor_ms
        .push(milliseconds(server.processor_time()?.saturating_sub(processor)));
    row.peak_kib.push(server.peak()?);
    row.calls = done.calls;
    row.requests = api.requests() - requests;
    check_whole(row.part, &done, api, bytes)?;
    if row.peer == Peer::Ours {
        if matches!(row.part, Part::Upload { .. } | Part::Save { .. }) {
            let requests = api.requests();
            let again = to_its_end(&mut server, row.part)?;
            ensure!(again.seen == 0, "{} were done twice", again.seen);
            row.requests_again = Some(api.requests() - requests);
        }
        check_counts(row)?;
    }
    Ok(())
}

/// Calls until nothing remains.
pub(crate) fn to_its_end(server: &mut Server, part: Part) -> Result<Done> {
    let mut arguments = part.arguments();
    let mut done = Done { calls: 0, seen: 0 };
    loop {
        let said = call(server, part.tool(), &arguments)?;
        done.calls += 1;
        done.seen += match part {
            Part::Upload { .. } => said.uploaded.context("nothing said of uploads")?,
            Part::Save { .. } => said.saved.context("nothing said of results")?,
            Part::Outcomes { .. } => said.results.len(),
            Part::Document { .. } => said.text.len(),
        };
        match (said.complete, said.next_cursor) {
            (Some(false), _) => {
                let known = said.already_there.unwrap_or_default();
                ensure!(done.seen + known > 0, "a call came to nothing");
            }
            (None, Some(cursor)) => {
                let name = match part {
                    Part::Outcomes { .. } => "results_cursor",
                    _ => "cursor",
                };
                arguments[name] = Value::String(cursor);
            }
            _ => return Ok(done),
        }
    }
}

fn call(server: &mut Server, tool: &str, arguments: &Value) -> Result<Said> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Called {
        content: [Text; 1],
        is_error: bool,
    }
    #[derive(Deserialize)]
    struct Text {
        text: String,
    }
    let id = server.ids(1);
    let params = json!({ "name": tool, "arguments": arguments });
    let request = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
    server.send(format!("{request}\n").as_bytes())?;
    let line = server.read_line()?;
    let (answered, result) = wire::answer(line).with_context(|| shown(line))?;
    ensure!(answered == id, "{answered} was answered in place of {id}");
    let Called {
        content: [Text { text }],
        is_error,
    } = serde_json::from_str(result.get())?;
    ensure!(!is_error, "the tool failed: {text}");
    serde_json::from_str(&text).with_context(|| shown(line))
}

/// Whether all of it was done.
fn check_whole(part: Part, done: &Done, api: &Api, bytes_before: u64) -> Result<()> {
    // A document's text comes with a heading for each page.
    let enough = done.seen >= part.size();
    ensure!(enough, "{} in place of {}", done.seen, part.size());
    if let Part::Upload { files, bytes } = part {
        let (sent, due) = (api.bytes() - bytes_before, files as u64 * bytes);
        ensure!(
            sent > due && sent < due + due / 10 + 10_000,
            "{sent} bytes were sent, not {due}"
        );
    }
    Ok(())
}

/// Whether it took no more than it may. Counts do not depend on the machine and its load.
fn check_counts(row: &PartRow) -> Result<()> {
    let peak = row.peak_kib.max().unwrap_or_default();
    ensure!(peak < MOST_MEMORY_KIB, "{peak} KiB were resident");
    let most = match row.part {
        // One request finds the directory and one makes it, each beside a look at what is there.
        Part::Upload { files, .. } => files as u64 + 4,
        // The batch, and what its files are called.
        Part::Save { files } => files as u64 + 2,
        Part::Outcomes { .. } => MOST_REQUESTS,
        Part::Document { .. } => 1,
    };
    ensure!(row.requests <= most, "{} requests, not {most}", row.requests);
    let again = row.requests_again.unwrap_or_default();
    ensure!(again <= 2, "{again} requests where nothing was left to do");
    Ok(())
}

/// The folder that the servers read and write. It goes away with this.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A folder with the files that these parts send.
    pub(crate) fn with_files_for(bench: &Bench, parts: &[Part]) -> Result<Self> {
        let path = bench.places.packages.join("files");
        remove(&path)?;
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        let here = Self(path.canonicalize()?);
        for part in parts {
            if let Part::Upload { files, bytes } = part {
                here.write_folder(*files, *bytes)?;
            }
        }
        Ok(here)
    }

    /// The command that starts a server here, after all that earlier servers stored or saved was removed.
    pub(crate) fn command(&self, bench: &Bench, peer: Peer, api: &Api) -> Result<Command> {
        api.forget();
        remove(&self.0.join("saved"))?;
        let mut command = bench.places.command(peer, &api.base_url);
        command.current_dir(&self.0);
        if peer == Peer::Ours {
            command.arg("--allow-dir").arg(&self.0).arg("--output-dir").arg(&self.0);
        }
        Ok(command)
    }

    /// Writes files, no two of the same content.
    fn write_folder(&self, files: usize, bytes: u64) -> Result<()> {
        let folder = self.0.join(folder(files, bytes));
        fs::create_dir(&folder)?;
        for number in 0..files {
            let mut file =
                BufWriter::with_capacity(WRITTEN_BYTES, File::create(folder.join(format!("{number:04}.pdf")))?);
            let mut left = usize::try_from(bytes)?;
            let line = format!("%PDF-1.7 a page of document {number}\n").repeat(WRITTEN_BYTES / 20);
            while left > 0 {
                let piece = line.get(..left.min(WRITTEN_BYTES)).context("a piece is too short")?;
                file.write_all(piece.as_bytes())?;
                left -= piece.len();
            }
            file.flush()?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next run.
        remove(&self.0).ok();
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

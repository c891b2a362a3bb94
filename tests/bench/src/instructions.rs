//! How many instructions a start and a call take, counted by callgrind. Counts hardly vary from run to run, as times do.
//!
//! What callgrind has written of the longest run of each work stays beside the packages, for `callgrind_annotate`: calls as
//! `callgrind.PEER.WORK`, parts of the whole job as `callgrind.PEER.whole-job-TOOL`. Of files, the threads that read and write them
//! are counted as well.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::api::Api;
use crate::bench::Bench;
use crate::load::Driver;
use crate::peers::Peer;
use crate::server::{Plumbing, Server};
use crate::tables::{figure, line};
use crate::watchdog::Watchdog;
use crate::whole_job::{FILE_BYTES, Folder, Part, to_its_end};
use crate::wire::Work;

/// Parts of the whole job at two sizes: the difference is the cost of the additional files or bytes.
const PARTS: [[Part; 2]; 4] = [
    [upload(20), upload(40)],
    [Part::Save { files: 20 }, Part::Save { files: 40 }],
    [Part::Outcomes { files: 500 }, Part::Outcomes { files: 1000 }],
    [Part::Document { bytes: 500_000 }, Part::Document { bytes: 1_000_000 }],
];

const fn upload(files: usize) -> Part {
    Part::Upload {
        files,
        bytes: FILE_BYTES,
    }
}

/// Instructions of one server.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) peer: Peer,
    /// From the start of the process to its end, with one `initialize` between.
    pub(crate) start: f64,
    /// Of each call, in the order of [`Work::ALL`]: the additional instructions per additional call.
    pub(crate) calls: Vec<f64>,
    /// Of each file or thousand bytes, in the order of [`PARTS`]; `None` for what this server does not do.
    pub(crate) parts: Vec<Option<f64>>,
}

/// Counts for these servers; `None` where valgrind is missing.
pub(crate) fn run(bench: &Bench, peers: &[Peer]) -> Result<Option<Vec<Counted>>> {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let api = bench.api(true)?;
    let calls = bench.options.calls.min(500);
    let count = |peer, work, calls| {
        count(bench, api, peer, work, calls).with_context(|| format!("{} under callgrind", Peer::name(peer)))
    };
    let here = Folder::with_files_for(bench, PARTS.as_flattened())?;
    let mut counted = Vec::new();
    for peer in peers.iter().copied().filter(|peer| peer.is_native()) {
        eprintln!("instructions: {}", peer.name());
        let start = count(peer, &Work::Ping, 0)?;
        let each = Work::ALL.iter().map(|work| {
            let (once, twice) = (count(peer, work, calls)?, count(peer, work, 2 * calls)?);
            Ok((twice - once) / calls as f64)
        });
        let each: Result<_> = each.collect();
        let parts = PARTS.iter().map(|[smaller, larger]| {
            let of = |part| count_part(bench, &here, api, peer, part);
            let each = || {
                let (less, more) = (of(*smaller)?, of(*larger)?);
                Ok((more - less) / (larger.units() - smaller.units()))
            };
            larger.is_for(peer).then(each).transpose()
        });
        let parts: Result<_> = parts.collect();
        counted.push(Counted {
            peer,
            start,
            calls: each?,
            parts: parts?,
        });
    }
    Ok(Some(counted))
}

/// The instructions of one process that answers so many calls, one after the other.
fn count(bench: &Bench, api: &Api, peer: Peer, work: &Work, calls: usize) -> Result<f64> {
    let work_name = work.name().replace('/', "-");
    let file = bench
        .places
        .packages
        .join(format!("callgrind.{}.{work_name}", peer.name()));
    let server = under_callgrind(&bench.places.command(peer, &api.base_url), &file)?;
    let name = peer.name();
    let mut driver = Driver { server, api, name };
    if calls > 0 {
        driver.sequential(work, calls)?;
    }
    driver.server.finish()?;
    total(&file)
}

/// The instructions of one process that does this part.
fn count_part(bench: &Bench, here: &Folder, api: &Api, peer: Peer, part: Part) -> Result<f64> {
    let file = bench
        .places
        .packages
        .join(format!("callgrind.{}.whole-job-{}", peer.name(), part.tool()));
    let command = here.command(bench, peer, api)?;
    let mut server = under_callgrind(&command, &file)?;
    let _watchdog = Watchdog::over(format!("{} under callgrind, {}", peer.name(), part.label()));
    to_its_end(&mut server, part).with_context(|| format!("{}, {}", peer.name(), part.label()))?;
    server.finish()?;
    total(&file)
}

fn under_callgrind(server: &Command, file: &Path) -> Result<Server> {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(server.get_program())
        .args(server.get_args());
    for (name, value) in server.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    if let Some(folder) = server.get_current_dir() {
        command.current_dir(folder);
    }
    Server::start(command, Plumbing::Pipes)
}

/// The sum at the end of what callgrind has written.
fn total(file: &Path) -> Result<f64> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals:"));
    let total = total.context("callgrind has written no totals")?;
    Ok(total.trim().parse()?)
}

/// The counts as a table.
pub(crate) fn table(counted: &[Counted]) -> String {
    let works: Vec<String> = Work::ALL.iter().map(|work| format!("`{}`", work.name())).collect();
    let mut text = format!(
        "| server | start to end | {} |\n|---|---|---|---|---|\n",
        works.join(" | ")
    );
    for row in counted {
        let label = row.peer.label().to_owned();
        let cells = std::iter::once(&row.start)
            .chain(&row.calls)
            .map(|count| figure(*count));
        text += &line(&std::iter::once(label).chain(cells).collect::<Vec<_>>());
    }
    text += "\n| the whole job | upload, per file | save, per result | outcomes, per file, all pages | document, per KB, all pages |\n|---|---|---|---|---|\n";
    for row in counted.iter().filter(|row| row.parts.iter().any(Option::is_some)) {
        let label = row.peer.label().to_owned();
        let cells = row.parts.iter().map(|count| count.map_or("–".to_owned(), figure));
        text += &line(&std::iter::once(label).chain(cells).collect::<Vec<_>>());
    }
    text
}

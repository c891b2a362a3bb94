//! How many instructions a start and a call take, counted by callgrind. Counts hardly vary from run to run, as times do.
//!
//! What callgrind has written of the longest run of each work stays beside the packages, as `callgrind.PEER.WORK`, for
//! `callgrind_annotate`.

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
use crate::wire::Work;

/// Instructions of one server.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) peer: Peer,
    /// From the start of the process to its end, with one `initialize` between.
    pub(crate) start: f64,
    /// Of each call, in the order of [`Work::ALL`]: what twice as many calls take more, by their number.
    pub(crate) calls: Vec<f64>,
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
    let mut counted = Vec::new();
    for peer in peers.iter().copied().filter(|peer| peer.is_native()) {
        eprintln!("instructions: {}", peer.name());
        let start = count(peer, &Work::Ping, 0)?;
        let each = Work::ALL.iter().map(|work| {
            let (once, twice) = (count(peer, work, calls)?, count(peer, work, 2 * calls)?);
            Ok((twice - once) / calls as f64)
        });
        let each: Result<_> = each.collect();
        counted.push(Counted {
            peer,
            start,
            calls: each?,
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
    let server = bench.places.command(peer, &api.base_url);
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(server.get_program())
        .args(server.get_args());
    for (name, value) in server.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let server = Server::start(command, Plumbing::Pipes)?;
    let name = peer.name();
    let mut driver = Driver { server, api, name };
    if calls > 0 {
        driver.sequential(work, calls)?;
    }
    driver.server.finish()?;
    total(&file)
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
    text
}

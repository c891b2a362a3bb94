//! The main measurement: every server in every setting, in rounds that interleave them, so that what disturbs one disturbs all.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::api::Api;
use crate::bench::Bench;
use crate::load::Driver;
use crate::peers::Peer;
use crate::series::Series;
use crate::server::{Plumbing, Server};
use crate::wire::Work;

/// How many calls are in flight when many are measured at once.
pub(crate) const AT_A_TIME: usize = 64;

/// How a server is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    pub(crate) plumbing: Plumbing,
    /// Whether client, server and API share one core.
    pub(crate) pinned: bool,
}

impl Setting {
    pub(crate) const ALL: [Self; 4] = [
        Self::of(Plumbing::Pipes, true),
        Self::of(Plumbing::Pipes, false),
        Self::of(Plumbing::SocketPairs, true),
        Self::of(Plumbing::SocketPairs, false),
    ];

    const fn of(plumbing: Plumbing, pinned: bool) -> Self {
        Self { plumbing, pinned }
    }

    pub(crate) const fn label(self) -> &'static str {
        match (self.plumbing, self.pinned) {
            (Plumbing::Pipes, true) => "pipes, one core",
            (Plumbing::Pipes, false) => "pipes, all cores",
            (Plumbing::SocketPairs, true) => "socket pairs, one core",
            (Plumbing::SocketPairs, false) => "socket pairs, all cores",
        }
    }
}

/// What was measured of one server in one setting.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) peer: Peer,
    pub(crate) setting: Setting,
    pub(crate) start_ms: Series,
    pub(crate) resident_at_start_kib: Series,
    pub(crate) resident_after_calls_kib: Series,
    /// By the work's name.
    pub(crate) works: BTreeMap<String, WorkRow>,
}

/// What was measured of one kind of work.
#[derive(Debug, Default, Serialize)]
pub(crate) struct WorkRow {
    pub(crate) p50_us: Series,
    pub(crate) p99_us: Series,
    pub(crate) processor_us: Series,
    pub(crate) calls_per_second: Series,
    pub(crate) processor_in_flight_us: Series,
}

/// How many calls are made for each kind of work. All numbers follow from the number of measured calls that are made one after
/// the other.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Counts {
    /// Before those that are made one after the other, and again before those of which many are in flight.
    pub(crate) warm_up: usize,
    pub(crate) sequential: usize,
    pub(crate) in_flight: usize,
}

impl Counts {
    /// From 2,000: two warm-ups of 500 calls, 2,000 one after the other and 7,000 in flight, 10,000 in all.
    pub(crate) const fn from(calls: usize) -> Self {
        Self {
            warm_up: calls / 4,
            sequential: calls,
            in_flight: calls * 5 - calls - 2 * (calls / 4),
        }
    }

    pub(crate) const fn all(self) -> usize {
        2 * self.warm_up + self.sequential + self.in_flight
    }
}

/// Runs all rounds.
pub(crate) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Setting::ALL
        .into_iter()
        .flat_map(|setting| bench.peers.iter().map(move |peer| empty(*peer, setting)))
        .collect();
    for round in 1..=bench.options.rounds {
        eprintln!("round {round} of {}", bench.options.rounds);
        for row in &mut rows {
            let label = row.setting.label();
            measure(bench, row).with_context(|| format!("{}, {label}", row.peer.name()))?;
        }
    }
    Ok(rows)
}

fn empty(peer: Peer, setting: Setting) -> Row {
    Row {
        peer,
        setting,
        start_ms: Series::default(),
        resident_at_start_kib: Series::default(),
        resident_after_calls_kib: Series::default(),
        works: BTreeMap::new(),
    }
}

/// One server in one round.
fn measure(bench: &Bench, row: &mut Row) -> Result<()> {
    let api = bench.api(row.setting.pinned)?;
    // One more is started for the calls.
    for _ in 1..bench.starts(row.peer) {
        let server = start(bench, row, api)?;
        drop(server);
    }
    let server = start(bench, row, api)?;
    row.resident_at_start_kib.push(server.resident()?);
    let mut driver = Driver {
        server,
        api,
        name: row.peer.name(),
    };
    let counts = bench.counts;
    for work in Work::ALL {
        driver.sequential(&work, counts.warm_up)?;
        let sequential = driver.sequential(&work, counts.sequential)?;
        driver.in_flight(&work, counts.warm_up, AT_A_TIME)?;
        let in_flight = driver.in_flight(&work, counts.in_flight, AT_A_TIME)?;
        if work == Work::GetBatch {
            row.resident_after_calls_kib.push(driver.server.resident()?);
        }
        let figures = row.works.entry(work.name()).or_default();
        figures.p50_us.push(sequential.p50);
        figures.p99_us.push(sequential.p99);
        figures.processor_us.push(sequential.processor);
        figures.calls_per_second.push(in_flight.per_second);
        figures.processor_in_flight_us.push(in_flight.processor);
    }
    Ok(())
}

fn start(bench: &Bench, row: &mut Row, api: &Api) -> Result<Server> {
    let command = bench.places.command(row.peer, &api.base_url);
    let server = Server::start(command, row.setting.plumbing)?;
    row.start_ms.push(server.started_in.as_secs_f64() * 1e3);
    Ok(server)
}

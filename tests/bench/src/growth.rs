//! How a server's costs grow with its work: more calls in flight, more calls in all, more files in a batch.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bench::Bench;
use crate::load::Driver;
use crate::peers::Peer;
use crate::rounds::AT_A_TIME;
use crate::series::Series;
use crate::server::{Plumbing, Server};
use crate::wire::Work;

/// How many calls are in flight.
pub(crate) const IN_FLIGHT: [usize; 5] = [1, 4, 16, 64, 256];
/// How many files a batch has. The API allows 1,000; more shows whether the line goes on.
pub(crate) const FILES: [usize; 3] = [100, 1000, 4000];
/// What can be asked about files.
pub(crate) const EXPANSIONS: [&str; 2] = ["results", "outcomes"];

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Growth {
    pub(crate) in_flight: Vec<InFlight>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) files: Vec<Files>,
}

/// `get_batch` with so many calls in flight, over pipes on one core.
#[derive(Debug, Serialize)]
pub(crate) struct InFlight {
    pub(crate) peer: Peer,
    pub(crate) at_a_time: usize,
    pub(crate) time_us: Series,
    pub(crate) processor_us: Series,
    /// Connections to the API that were opened, for each 1,000 calls.
    pub(crate) connections: Series,
}

/// Resident memory after each further part of many calls, 64 in flight, over pipes on all cores.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) peer: Peer,
    /// How many calls each part has.
    pub(crate) step: usize,
    pub(crate) resident_kib: Vec<f64>,
}

/// `get_batch` of ours with `expand`, one call after the other, over pipes on one core.
#[derive(Debug, Serialize)]
pub(crate) struct Files {
    pub(crate) expand: &'static str,
    pub(crate) count: usize,
    /// Requests to the API for each call.
    pub(crate) requests: u64,
    pub(crate) p50_us: Series,
    pub(crate) processor_us: Series,
    pub(crate) resident_kib: Series,
}

/// Runs all of it.
pub(crate) fn run(bench: &Bench) -> Result<Growth> {
    eprintln!("growth: calls in flight");
    let in_flight = in_flight(bench)?;
    eprintln!("growth: calls in all");
    let memory: Result<_> = bench.native().map(|peer| memory(bench, peer)).collect();
    eprintln!("growth: files");
    Ok(Growth {
        in_flight,
        memory: memory?,
        files: files(bench)?,
    })
}

fn in_flight(bench: &Bench) -> Result<Vec<InFlight>> {
    let mut rows: Vec<InFlight> = bench
        .native()
        .flat_map(|peer| IN_FLIGHT.map(|at_a_time| empty(peer, at_a_time)))
        .collect();
    for _ in 0..bench.options.rounds {
        for row in &mut rows {
            let mut driver = driver(bench, row.peer, true)?;
            driver.in_flight(
                &Work::GetBatch,
                bench.counts.warm_up.max(2 * row.at_a_time),
                row.at_a_time,
            )?;
            let before = driver.api.connections();
            let measured = driver.in_flight(&Work::GetBatch, bench.counts.in_flight, row.at_a_time)?;
            row.time_us.push(1e6 / measured.per_second);
            row.processor_us.push(measured.processor);
            let opened = driver.api.connections() - before;
            row.connections
                .push(opened as f64 / bench.counts.in_flight as f64 * 1e3);
        }
    }
    Ok(rows)
}

fn empty(peer: Peer, at_a_time: usize) -> InFlight {
    InFlight {
        peer,
        at_a_time,
        time_us: Series::default(),
        processor_us: Series::default(),
        connections: Series::default(),
    }
}

fn memory(bench: &Bench, peer: Peer) -> Result<Memory> {
    let (step, steps) = (bench.counts.all(), 10);
    let mut driver = driver(bench, peer, false)?;
    let mut resident_kib = Vec::new();
    for _ in 0..steps {
        driver.in_flight(&Work::GetBatch, step, AT_A_TIME)?;
        resident_kib.push(driver.server.resident()?);
    }
    Ok(Memory {
        peer,
        step,
        resident_kib,
    })
}

fn files(bench: &Bench) -> Result<Vec<Files>> {
    let mut rows = Vec::new();
    if !bench.peers.contains(&Peer::Ours) {
        return Ok(rows);
    }
    for expand in EXPANSIONS {
        for count in FILES {
            rows.push(Files {
                expand,
                count,
                requests: 0,
                p50_us: Series::default(),
                processor_us: Series::default(),
                resident_kib: Series::default(),
            });
        }
    }
    // About `10 * options.calls` files in all, but at least 5 calls, so that there is a median.
    let calls = |count: usize| (bench.options.calls * 10 / count).clamp(5, 200);
    for _ in 0..bench.options.rounds {
        for row in &mut rows {
            let mut driver = driver(bench, Peer::Ours, true)?;
            let work = Work::Files {
                count: row.count,
                expand: row.expand,
            };
            driver.sequential(&work, 3)?;
            let before = driver.api.requests();
            let calls = calls(row.count);
            let measured = driver.sequential(&work, calls)?;
            row.requests = (driver.api.requests() - before) / calls as u64;
            row.p50_us.push(measured.p50);
            row.processor_us.push(measured.processor);
            row.resident_kib.push(driver.server.resident()?);
        }
    }
    Ok(rows)
}

/// A new server over pipes, with its API.
fn driver(bench: &Bench, peer: Peer, pinned: bool) -> Result<Driver<'_>> {
    let api = bench.api(pinned)?;
    let command = bench.places.command(peer, &api.base_url);
    let server = Server::start(command, Plumbing::Pipes).with_context(|| peer.name())?;
    let name = peer.name();
    Ok(Driver { server, api, name })
}

/// What of a server's memory is resident after the last part of many calls, as a multiple of that after the first.
pub(crate) fn gain(memory: &Memory) -> Option<f64> {
    Some(memory.resident_kib.last()? / memory.resident_kib.first()?)
}

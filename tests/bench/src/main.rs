//! Measures the built server beside others that do the same; `tests/bench/run` builds what it needs and starts it.
//!
//! It starts each server as a child process, speaks to it over pipes or socket pairs, checks every answer, and prints tables. What is
//! measured and how is told in `docs/performance.md`.

mod api;
mod bench;
mod bodies;
mod cli;
mod cores;
mod docs;
mod goals;
mod growth;
mod instructions;
mod job_goals;
mod load;
mod machine;
mod peers;
mod report;
mod rounds;
mod series;
mod server;
mod stored;
mod tables;
mod watchdog;
mod whole_job;
mod wire;

use std::process::ExitCode;

use anyhow::Result;

use crate::bench::Bench;
use crate::cli::Options;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let bench = Bench::prepare(Options::parse(std::env::args().skip(1))?)?;
    if let Some(peers) = &bench.options.instructions {
        return report::instructions(&bench, instructions::run(&bench, peers)?.as_deref());
    }
    let rows = rounds::run(&bench)?;
    let growth = growth::run(&bench)?;
    let parts = whole_job::run(&bench)?;
    report::measured(&bench, &rows, &growth, &parts)
}

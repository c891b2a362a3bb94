//! What is printed, and what is written: Markdown for people, JSON for machines.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bench::Bench;
use crate::goals::{self, Outcome};
use crate::growth::Growth;
use crate::instructions::{self, Counted};
use crate::machine::Machine;
use crate::rounds::{Counts, Row};
use crate::whole_job::PartRow;
use crate::{docs, job_goals, tables};

/// The document that has the tables.
const DOCUMENT: &str = "docs/performance.md";

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    rounds: usize,
    calls: Counts,
    tools_list_bytes: usize,
    servers: &'a [Row],
    growth: &'a Growth,
    whole_job: &'a [PartRow],
    goals: &'a [Outcome],
}

/// Prints and writes what a whole run found.
pub(crate) fn measured(bench: &Bench, rows: &[Row], growth: &Growth, parts: &[PartRow]) -> Result<()> {
    let machine = Machine::of(bench);
    let mut goals = goals::outcomes(rows, growth);
    goals.extend(job_goals::outcomes(parts));
    let report = Report {
        machine: &machine,
        rounds: bench.options.rounds,
        calls: bench.counts,
        tools_list_bytes: bench.list_bytes,
        servers: rows,
        growth,
        whole_job: parts,
        goals: &goals,
    };
    write_json(bench, &report)?;
    let parts = [
        ("machine", circumstances(bench, &machine)),
        ("goals", goals::table(&goals)),
        ("growth", tables::growth(growth)),
        ("whole job", tables::whole_job(parts)),
        ("tables", tables::rounds(bench, rows)),
    ];
    publish(bench, &parts)
}

/// Prints and writes counts of instructions, or why there are none.
pub(crate) fn instructions(bench: &Bench, counted: Option<&[Counted]>) -> Result<()> {
    let Some(counted) = counted else {
        println!("SKIPPED instructions: valgrind is not installed");
        return Ok(());
    };
    write_json(bench, &counted)?;
    publish(bench, &[("instructions", instructions::table(counted))])
}

fn circumstances(bench: &Bench, machine: &Machine) -> String {
    let Counts {
        warm_up,
        sequential,
        in_flight,
    } = bench.counts;
    let warm_up = tables::thousands(warm_up);
    let quick = if bench.options.quick {
        "A quick run shows that everything works, and not how fast it is.\n"
    } else {
        ""
    };
    format!(
        "{quick}{}\nRounds: {}.\nCalls of each kind in a round: {warm_up} to warm up and {} one after the other, then {warm_up} to warm up and {} with \
         many in flight.\n\
         The list of tools: {} bytes.\n",
        machine.sentence(),
        bench.options.rounds,
        tables::thousands(sequential),
        tables::thousands(in_flight),
        tables::thousands(bench.list_bytes)
    )
}

fn publish(bench: &Bench, parts: &[(&str, String)]) -> Result<()> {
    for (_, part) in parts {
        println!("{part}");
    }
    if bench.options.write_docs {
        docs::write(&bench.options.root.join(DOCUMENT), parts)?;
    }
    Ok(())
}

fn write_json(bench: &Bench, report: &impl Serialize) -> Result<()> {
    let Some(file) = &bench.options.json else {
        return Ok(());
    };
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    fs::write(file, text).with_context(|| file.display().to_string())
}

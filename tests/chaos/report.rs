//! What a failed cell leaves to read: its problems, and everything that was said.

use std::fmt::Write;

use crate::api::Api;
use crate::matrix::Cell;
use crate::process::Process;

/// An error that says all, if there are problems.
pub(crate) fn report(cell: Cell, problems: &[String], api: &Api, processes: &[Process]) -> Result<(), String> {
    if problems.is_empty() {
        return Ok(());
    }
    let mut report = format!("{cell:?}\n");
    for problem in problems {
        let _ = writeln!(report, "  PROBLEM: {problem}");
    }
    for process in processes {
        let said = process.said();
        let _ = writeln!(report, "  process with key {}", process.key);
        for line in &process.sent {
            let _ = writeln!(report, "    stdin:  {line:.400}");
        }
        for line in &said.stdout {
            let _ = writeln!(report, "    stdout: {line:.700}");
        }
        for line in said.stderr.lines() {
            let _ = writeln!(report, "    stderr: {line}");
        }
    }
    for event in &api.ledger().log {
        let _ = writeln!(report, "    ledger: {event}");
    }
    Err(report)
}

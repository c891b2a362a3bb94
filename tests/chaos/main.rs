//! Never a second paid batch by accident, and never one that nobody hears of: the built binary against a server that breaks things.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod api;
mod cell;
mod expected;
mod http;
mod ledger;
mod matrix;
mod oracle;
mod process;
mod report;
mod verdict;

/// `allow_duplicate`.
mod duplicates;
/// The matrix, fault by fault.
mod faults;
/// What leaves the process, and how.
mod wire;

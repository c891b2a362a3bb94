//! The inputs that are kept in `tests/fuzz/corpus`, each through its body, without a fuzzer.

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
pub(crate) mod fuzzed;

use std::fs;

use super::harness::schemas::root;

/// Runs a body over its corpus. Says which input it was that failed.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = root().join("tests/fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{error}: {}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "nothing in {}", folder.display());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{target} fails on {}", input.display());
    }
}

#[test]
fn lines() {
    replay("line", fuzzed::line::run);
}

#[test]
fn conversations() {
    replay("conversation", fuzzed::conversation::run);
}

#[test]
fn arguments() {
    replay("arguments", fuzzed::arguments::run);
}

#[test]
fn upstreams() {
    replay("upstream", fuzzed::upstream::run);
}

#[test]
fn results() {
    replay("results", fuzzed::results::run);
}

#[test]
fn what_is_carried() {
    replay("carried", fuzzed::carried::run);
}

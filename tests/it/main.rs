//! The whole server, driven from outside.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

/// What became of each file of a batch, against the API's own word.
mod outcomes;

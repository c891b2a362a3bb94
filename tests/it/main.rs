//! The whole server, driven from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

/// What the documents say is so.
mod documents;

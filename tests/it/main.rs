//! The whole server, driven from outside: through an in-memory pipe, as a process, and by the official SDK.
//!
//! Every test goes through [`harness`], which checks each line that the server writes, whatever the test is about.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    reason = "a test fails by panicking"
)]

mod harness;

/// The user is asked before credits are spent.
mod asking;
/// What the tools say to arguments that they do not accept.
mod bad_arguments;
/// The API key, where it must not be.
mod canary;
/// Giving up what was asked for.
mod cancellation;
/// Stopping a batch.
mod cancelling;
/// Who imports whom in the sources.
mod circles;
/// The official Rust SDK as a client.
mod clients_rmcp;
/// The built binary: arguments, settings, exit codes.
mod command_line;
/// The inputs of the fuzz targets that are kept, once each.
mod conversation;
mod corpora;
/// Lists of batches that count files.
mod counting;
/// Help, completions and the manual page.
#[cfg(unix)]
mod definition;
/// What is checked before an assistant can work.
mod doctor;
/// What the documents say is so.
mod documents;
/// The built binary for a long time, and with a lot at once: what it takes up.
#[cfg(target_os = "linux")]
mod endurance;
/// What the tools say when something is wrong.
mod errors;
mod finding_ids;
/// A client that reads slowly or not at all.
mod flow;
/// Bytes that are not quite what they should be.
mod framing;
/// Opening a conversation, in every revision and in any order.
mod handshake;
/// Local files: uploads and saved results.
mod local_files;
/// What the log says of tool calls.
mod log_lines;
/// Uploads of the built binary that take long.
#[cfg(unix)]
mod long_uploads;
/// What other machines read about this server: hosts, registries, bundles.
mod manifests;
mod network;
/// How each file of a batch ended, compared with what the API says.
mod outcomes;
/// Lists of batches and of files: filters and pages.
mod paging;
/// One batch for the same work.
mod paying_once;
/// The built binary as a process: signals, and what happens to its three streams.
#[cfg(unix)]
mod process;
/// The text and the data of a file.
mod read_result;
/// Failed files once more.
mod retrying;
/// One retry for the same files, whatever LlamaCloud still lists.
mod retrying_once;
/// The same calls in every revision.
mod revisions;
/// `run` in a real terminal.
#[cfg(unix)]
mod run_screens;
/// The whole job at a terminal.
mod running;
/// The commands for people in a real terminal.
#[cfg(unix)]
mod screens;
/// A client that only calls tools.
mod session;
/// Being told how tasks stand.
mod subscriptions;
/// Batches as tasks.
mod tasks;
/// One tool call, and following a batch, at a terminal.
mod terminal;
/// The commands for people, and what is hard on them.
#[cfg(target_os = "linux")]
mod terminal_faults;
/// Rules that the sources keep.
mod tidy;
/// Calls of tools, shared with the examples.
#[path = "../support/tools.rs"]
mod tools;
/// What the tools do with a LlamaCloud that behaves.
mod tools_call;
/// What is advertised: the contract of `manifests/tools.json`.
mod tools_list;
/// The view of a batch: who is told of it, and what it is.
mod view;
/// Calls that wait for a batch.
mod waiting;

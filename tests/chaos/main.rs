//! Never a second paid batch by accident, and never one that nobody hears of: the built binary against a server that breaks things.
//!
//! A cell is a combination of what the first POST meets, what happens to the process while the fault has that POST, what the caller
//! does then, and what the list shows ([`matrix`]; it also says which combinations are left out, and why). Each has a server
//! ([`api`]), processes ([`process`]) and a ledger ([`ledger`]) of its own. The server speaks HTTP by hand and shares nothing with
//! the product. Nothing sleeps: the server holds the POST until the caller and the process have done what the cell says, and all
//! of the product's own waits shrink with `--timeout`.
//!
//! The ledger knows what happened, and [`oracle`] compares. In every cell:
//! - at most one batch is made, unless `allow_duplicate` asks for more;
//! - every batch is named in an answer or on stderr, or is the answer to the next identical call of a fresh process, which makes no
//!   other;
//! - no answer says "not created" of a batch that its process has made, and none names a batch that does not exist;
//! - a body leaves once for each attempt, except after 429, always on a connection of its own, never in HTTP/2;
//! - what the first and the second call answer is what [`expected`] says, or stderr says so where nobody can hear it;
//! - the arguments of `list_batches` in an answer of unknown outcome do show the batch;
//! - the API key is on neither output.
//!
//! # Where the API makes the promise impossible
//! - The answer to a POST is lost, and the list lags longer than the call may last, or fails: the answer is "unknown".
//!   Likewise if nothing was made, because the two cases cannot be told apart.
//! - A list that lags briefly is waited for, but where the POST stayed unanswered until its time was over, the remaining time may
//!   not suffice.
//! - Another process is asked for the same batch while the list does not show it, because it lags: the second process has no memory
//!   of the first and makes another batch. Both batches are in some answer, on stderr or in the list; a single answer may not
//!   name both.
//! - Two processes create at the very same moment: neither sees the other's batch in the list.
//! - If the output closes while an answer is being written, the answer is lost. The next identical call finds the batch.
//!
//! # Mutations
//! Each was tried, one at a time: a change to the product, and how many of the 1,618 cells of [`faults`] and the 98 of
//! [`duplicates`] failed then. None survived.
//!
//! | Change | Failed | Which tests |
//! |---|---|---|
//! | `retry`: a POST is repeated like a GET (after a timeout, a broken connection, a 5xx) | 777 | all whose POST breaks or gets a 5xx, both of [`duplicates`] |
//! | `create_once`: the guard never refuses | 1,118 | all but `the_connection_is_refused`; `twins::it_runs` |
//! | `create_once`: no reconciling | 259 | the five whose batch is made and not answered with, both of [`duplicates`] |
//! | `create_once`: giving up a call also stops its attempt | 613 | the eleven whose POST may have made a batch |
//! | `create_once`: identical calls share nothing | 24 | both redirects |
//! | `create_once`: nothing is remembered of earlier attempts | 58 | the eleven whose POST may have made a batch |
//! | `create_once`: times are ours in place of the API's | 422 | the ten of unknown outcome, both of [`duplicates`] |
//! | `app`: attempts are not waited for when the process ends | 538 | the eleven whose POST may have made a batch |
//! | `client`: redirects are followed | 303 | both redirects and `the_batch_is_made_and_called_elsewhere` |
//! | `client`: creates go through the pool of the reads | 1,715 | all of [`faults`], the matrix of [`duplicates`] |
//! | `retry`: a broken connection had no effect | 555 | the five in which a connection breaks or is silent, both of [`duplicates`] |
//!
//! Changes to what is judged before a create, tried on [`twins`] and the unit tests of `create_once` (`twin_tests`). None survived.
//!
//! | Change | Tests that failed |
//! |---|---|
//! | a COMPLETED batch never counts | 14, among them `twins::it_is_completed_and_nothing_changed` |
//! | files that were added do not count as a change | `completed_and_a_file_was_added_since` and two more |
//! | a changed configuration does not count | `completed_and_its_configuration_has_a_newer_version_or_update` and one more |
//! | what cannot be determined counts as changed | `completed_and_the_change_cannot_be_determined` |
//! | an unknown status does not count | `a_status_that_is_unknown_or_null` |
//! | a list that cannot be read stops nothing | `an_unreadable_list_stops_what_allows_no_duplicates` and two more |
//! | an answer about something else is a success | `an_answer_about_something_else_is_an_unknown_outcome` |
//! | files of a retry do not count as fixed | `completed_over_files_that_are_fixed` |
//! | a directory that another process fills is not waited for | `a_directory_that_another_process_fills_is_read_until_nothing_is_added` |
//!
//! Changes to a retry, tried on the 232 cells of [`retries`] in which one process works. None survived.
//!
//! | Change | Failed |
//! |---|---|
//! | the name of the directory is not derived from the batch and its failed files | 42 to 53 of the 58 cells of each fate |
//! | what the directory already holds is added again | 7 to 26 of the 58 cells of each fate |
//!
//! With two processes, letting each add wait for half of the call's time led to two batches in 1 of the 58 cells, in two of four
//! runs. With a third of the time, this did not happen in ten runs.
//!
//! Changes to a save and to a whole run, tried on the 222 cells of [`saves`], on its two tests with a file size limit and on the
//! 192 cells of [`runs`].
//!
//! | Change | Failed |
//! |---|---|
//! | a result is written under its own name at once | both with limits, and 1 cell in which the input ends |
//! | what has the name of a result is overwritten | all of [`saves`] |
//! | a result that is there already is not recognised | 49 of [`saves`], 15 of [`runs`] |
//! | what a killed process has left half written stays | the one that is killed while it writes |
//! | the folder for results is not locked | 1 of the 44 in which two processes save at once |
//! | names that cannot be read are replaced by IDs, whatever the reason | 2 of [`saves`] |
//! | the manifest is not read | 132 of [`saves`]: results are read again |
//! | a run allows duplicates | 101 of [`runs`] |
//! | the name of the directory is not derived from the files | 173 of [`runs`] |
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod api;
mod cell;
mod expected;
mod folder;
mod http;
mod ledger;
mod matrix;
mod oracle;
mod process;
mod report;
#[path = "../support/rpc.rs"]
#[expect(dead_code, reason = "these tests open legacy sessions and are asked nothing")]
mod rpc;
mod verdict;

/// `allow_duplicate`.
mod duplicates;
/// The matrix, fault by fault.
mod faults;
/// Retries: one directory, one batch, each failed file once.
mod retries;
/// `run`: all of it, once.
mod runs;
/// Results: each saved once and whole.
mod saves;
mod stored;
mod storing;
/// Batches of the same work that are there before.
mod twins;
mod upload_api;
/// Uploads: each file and each directory at most once.
mod uploads;
/// What leaves the process, and how.
mod wire;

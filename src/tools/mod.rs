//! What a model may do: one file a tool, and the words it reads.
//!
//! | file | holds |
//! |---|---|
//! | `create_batch`, `list_batches`, `get_batch`, `cancel_batch` | input, output and call of a tool |
//! | `create_sentences` | what `create_batch` says of a batch that exists |
//! | `account` | what the tools share: the client, the pinned project, the limits |
//! | `batch` | a batch as a model sees it |
//! | `lookups`, `pages`, `gaps` | names of files and states of jobs, read from LlamaCloud, and what of them could not be read |
//! | `files`, `counts`, `reasons`, `cursor` | what became of a batch's files: kinds, counts, reasons grouped, one page at a time |
//! | `answer`, `summary` | the answer of `get_batch` within its limit, and its sentences |
//! | `confirmation` | asking the user before credits are spent |
//! | `wait`, `tasks` | following a batch: within the call, or as a task |
//! | `directory_size` | how many files a new batch would run over |
//! | `error`, `key_help` | what went wrong upstream, as a sentence to act on |
//! | `moment`, `token` | instants and opaque texts in arguments |
//! | `wording` | numbers, plurals and enumerations in sentences |

mod account;
mod answer;
mod batch;
mod cancel_batch;
mod confirmation;
mod counts;
mod create_batch;
mod create_sentences;
mod cursor;
mod directory_size;
mod error;
mod files;
mod gaps;
mod get_batch;
mod key_help;
mod list_batches;
mod lookups;
mod moment;
mod pages;
mod reasons;
mod summary;
mod tasks;
mod token;
mod wait;
mod wording;

pub use account::Policy;
pub use wait::PollPolicy;

use std::sync::Arc;

use account::Account;
use cancel_batch::CancelBatch;
use create_batch::CreateBatch;
use get_batch::GetBatch;
use list_batches::ListBatches;
use tasks::BatchTasks;

use crate::llamacloud::{Client, CreateOnce};
use crate::mcp::{Icon, TaskSource, Tool, ToolSet};

/// What a model reads before it uses the tools; at most 800 characters.
pub const INSTRUCTIONS: &str = "\
LlamaCloud Batches runs one parse or extract job over every file of a cloud directory. A batch takes minutes to hours and costs \
the user credits, so create one only when asked to.\n\
Order of work: `create_batch` once; then `get_batch` now and then, waiting `check_again_in_seconds` between calls (or with \
`wait_seconds`), until `final` is true; then `get_batch` with `expand: [\"outcomes\"]` for the files. `list_batches` finds batches \
that exist, also after a failed or interrupted call: look there before creating again.\n\
Statuses: PENDING and THROTTLED wait, RUNNING works; COMPLETED means every file got a job or an error (a job can still fail), \
FAILED means no reliable results, CANCELLED keeps what was finished.";

/// Every tool that the policy allows, in the order in which they are listed, and the tasks that their calls may become.
///
/// `create_once` has to use the same client.
pub fn all(
    client: Client,
    create_once: CreateOnce,
    policy: Policy,
    icons: &'static [Icon],
) -> (ToolSet, Arc<dyn TaskSource>) {
    const READ_ONLY: &str = "This server was started with --read-only: it creates and cancels nothing.";
    const NO_CANCEL: &str = "This server was started without --allow-cancel.";

    let account = Account::new(client, policy);
    let Policy {
        read_only,
        allow_cancel,
        ..
    } = account.policy;
    let mut tools = ToolSet::new(icons);
    tools = if read_only {
        tools.without(CreateBatch::NAME, READ_ONLY)
    } else {
        tools.with(CreateBatch::new(account.clone(), create_once))
    };
    tools = tools
        .with(ListBatches::new(account.clone()))
        .with(GetBatch::new(account.clone()));
    tools = match (read_only, allow_cancel) {
        (false, true) => tools.with(CancelBatch::new(account.clone())),
        (true, _) => tools.without(CancelBatch::NAME, READ_ONLY),
        (false, false) => tools.without(CancelBatch::NAME, NO_CANCEL),
    };
    for argument in account.pinned_arguments() {
        tools = tools.hiding(argument);
    }
    (tools, Arc::new(BatchTasks::new(account)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn instructions_are_short() {
        assert!(
            super::INSTRUCTIONS.chars().count() <= 800,
            "{}",
            super::INSTRUCTIONS.chars().count()
        );
    }
}

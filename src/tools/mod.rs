//! What a model may do: one file per tool, and the words it reads.
//!
//! | file | holds |
//! |---|---|
//! | `create_batch`, `list_batches`, `get_batch`, `list_directories`, `list_configurations`, `retry_failed_files`, `cancel_batch` | input, output and call of a tool |
//! | `creation`, `create_sentences` | what follows a create, and what is said of a batch that exists |
//! | `call` | one call: its project, its deadline, its answer within the limit |
//! | `read_result`, `results` | the text or data of one file; what jobs produced, read and shown in pieces |
//! | `upload_files`, `save_results` | a folder of this machine to LlamaCloud, and results into one |
//! | `manifest` | what was saved of each file of a batch, beside the results |
//! | `long_work`, `reason` | work on many files in calls of bounded length or as a task; files grouped by reason |
//! | `account` | what the tools share: the client, the pinned project, the limits |
//! | `instructions` | what a model reads first, made from what is offered |
//! | `batch`, `configuration` | a batch and a configuration as a model sees them |
//! | `search` | a list searched for a part of a name |
//! | `outcomes` | how the files of a batch ended, and the answer about it |
//! | `cache` | what was read about things that no longer change |
//! | `confirmation` | asking the user before credits are spent |
//! | `wait`, `tasks`, `task_reference` | following a batch: within the call, or as a task |
//! | `error`, `next_step`, `key_help` | what went wrong upstream, and what to do about it |
//! | `listing`, `page_token` | a page as large as an answer can hold, and LlamaCloud's page tokens as a model sees them |
//! | `date`, `token`, `prefixed` | dates, opaque texts and IDs in arguments |
//! | `view` | the view of a batch, for hosts that show views, and the tool that shows it |
//! | `wording` | numbers, plurals and enumerations in sentences |

mod account;
mod batch;
mod cache;
mod call;
mod cancel_batch;
mod configuration;
mod confirmation;
mod create_batch;
mod create_sentences;
mod creation;
mod date;
mod error;
mod get_batch;
mod instructions;
mod key_help;
mod list_batches;
mod list_configurations;
mod list_directories;
mod listing;
mod long_work;
mod manifest;
mod next_step;
mod outcomes;
mod page_token;
mod prefixed;
mod read_result;
mod reason;
mod results;
mod retry_failed_files;
mod save_results;
mod search;
mod task_reference;
mod tasks;
mod token;
mod upload_files;
mod view;
mod wait;
mod wording;

pub use account::{Policy, PollPolicy};

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use account::Account;
use call::{Call, Calls};
use cancel_batch::CancelBatch;
use create_batch::CreateBatch;
use get_batch::GetBatch;
use instructions::instructions;
use list_batches::ListBatches;
use list_configurations::ListConfigurations;
use list_directories::ListDirectories;
use long_work::{AllTasks, LongWork};
use read_result::ReadResult;
use retry_failed_files::RetryFailedFiles;
use save_results::SaveResults;
use tasks::BatchTasks;
use upload_files::UploadFiles;
use view::ShowBatch;

use crate::files::{Allowed, Output};
use crate::llamacloud::{Client, CreateOnce, UploadOnce};
use crate::mcp::{Icon, TaskSource, Tool, ToolSet};
use crate::untrusted;

/// What a server offers a model.
pub struct Offer {
    /// The tools on offer.
    pub tools: ToolSet,
    /// The tasks that calls may become for clients that can follow them.
    pub tasks: Arc<dyn TaskSource>,
    /// What a model reads before it uses the tools.
    pub instructions: String,
}

/// What must happen at most once, and what is waited for before the process ends.
pub struct Once {
    /// Batches.
    pub create: CreateOnce,
    /// Uploads.
    pub upload: UploadOnce,
    /// Runs what outlives a call.
    pub settling: TaskTracker,
}

/// The folders of this machine, opened, as far as the settings name them.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// What may be read.
    pub allowed: Option<Allowed>,
    /// Where results may be written.
    pub output: Option<Output>,
}

/// A name in [`Policy::tools`] that no tool has.
#[derive(Debug, thiserror::Error)]
#[error("--tools: there is no tool {name}; the tools are {}", .known.join(", "))]
pub struct UnknownTool {
    name: String,
    known: Vec<&'static str>,
}

/// Every tool that the policy allows, in the order in which they are listed.
///
/// `once` has to use the same client.
///
/// # Errors
/// For a policy that names a tool that does not exist.
pub fn all(
    client: Client,
    once: Once,
    folders: Folders,
    policy: Policy,
    icons: &'static [Icon],
) -> Result<Offer, UnknownTool> {
    let allow_cancel = policy.allow_cancel;
    let account = Arc::new(Account::new(client, policy));
    let work = LongWork::new(once.settling);
    let Folders { allowed, output } = folders;
    let (reads, writes) = (allowed.is_some(), output.is_some());
    let upload_files = UploadFiles::new(allowed.unwrap_or_default(), once.upload.clone(), work.clone());
    let save_results = SaveResults::new(output.unwrap_or_default(), work.clone());
    let batches = BatchTasks::new(Arc::clone(&account));
    Shelf::new(Arc::clone(&account), icons)
        .tool(CreateBatch::new(once.create.clone(), once.upload.clone()))
        .tool(ListBatches)
        .tool(GetBatch)
        .tool(ListDirectories)
        .tool(ListConfigurations)
        .tool(ReadResult)
        .tool(RetryFailedFiles::new(once.create, once.upload))
        .tool_with("--allow-dir", reads, upload_files)
        .local_tool("--output-dir", writes, save_results)
        .tool_with("--allow-cancel", allow_cancel, CancelBatch)
        .tool(ShowBatch)
        .offer(AllTasks { batches, work })
}

/// The tools while they are put together.
struct Shelf {
    calls: Arc<Calls>,
    tools: ToolSet,
    /// Every tool there is.
    known: Vec<&'static str>,
    /// Shape: `` `cancel_batch` (needs --allow-cancel) ``.
    withheld: Vec<String>,
}

impl Shelf {
    fn new(account: Arc<Account>, icons: &'static [Icon]) -> Self {
        Self {
            calls: Arc::new(Calls(account)),
            tools: ToolSet::new(icons),
            known: Vec::new(),
            withheld: Vec::new(),
        }
    }

    /// Offers a tool, unless the policy withholds it.
    fn tool<T: Tool<Call>>(self, tool: T) -> Self {
        self.tool_with("", true, tool)
    }

    /// The same for a tool that needs a flag.
    fn tool_with<T: Tool<Call>>(self, flag: &str, is_given: bool, tool: T) -> Self {
        self.add(flag, is_given, T::ANNOTATIONS.read_only_hint, tool)
    }

    /// The same for a tool that changes nothing in LlamaCloud, only on this machine.
    fn local_tool<T: Tool<Call>>(self, flag: &str, is_given: bool, tool: T) -> Self {
        self.add(flag, is_given, true, tool)
    }

    fn add<T: Tool<Call>>(mut self, flag: &str, is_given: bool, is_harmless: bool, tool: T) -> Self {
        let policy = &self.calls.0.policy;
        self.known.push(T::NAME);
        let reason = if !policy.names(T::NAME) {
            "This server was started with a --tools list that does not include this tool.".to_owned()
        } else if policy.read_only && !is_harmless {
            self.withheld.push(format!("`{}` (started with --read-only)", T::NAME));
            "This server was started with --read-only: it changes nothing in LlamaCloud.".to_owned()
        } else if !is_given {
            self.withheld.push(format!("`{}` (needs {flag})", T::NAME));
            format!("This server was started without {flag}.")
        } else {
            self.tools = self.tools.with(&self.calls, tool);
            return self;
        };
        self.tools = self.tools.without(T::NAME, reason);
        self
    }

    fn offer(self, tasks: impl TaskSource) -> Result<Offer, UnknownTool> {
        let named = self.calls.0.policy.tools.iter().flatten();
        if let Some(name) = named.map(String::as_str).find(|name| !self.known.contains(name)) {
            return Err(UnknownTool {
                name: untrusted::show(name, 100),
                known: self.known,
            });
        }
        let offered: Vec<_> = self.tools.names().collect();
        Ok(Offer {
            instructions: instructions(&offered, &self.withheld),
            tools: self.tools.showing(view::VIEW),
            tasks: Arc::new(tasks),
        })
    }
}

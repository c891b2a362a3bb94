//! What a person runs at a terminal. The tools are called through the same server that hosts use, over a pipe in memory.
//!
//! | file | holds |
//! |---|---|
//! | `call`, `arguments` | one tool call, and the arguments as typed |
//! | `tools` | the tools on offer |
//! | `watch` | following a batch until it is final |
//! | `host_config` | how to register this server with a host |
//! | `doctor` | checks, each with its remedy |
//! | `definition` | completions and the manual page |
//! | `client`, `answer` | the client's side of the pipe in memory, and what the server answers |
//! | `terminal`, `progress` | output, width and colours, and lines that change |
//! | `render` | a tool's result as text |
//! | `shell` | words as they are typed into a shell |

mod answer;
mod arguments;
mod call;
mod client;
mod definition;
pub mod doctor;
pub mod host_config;
mod progress;
mod render;
mod shell;
mod terminal;
mod tools;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub(crate) use call::{Call, Print, call};
pub use definition::complete;
pub(crate) use definition::{print_completions, print_help, print_manual};
pub(crate) use terminal::Terminal;
pub(crate) use tools::tools;
pub(crate) use watch::{Watch, watch};

use crate::config::Config;

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Done,
    /// It is not.
    Failed,
    /// The command line cannot be carried out.
    Usage,
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 130,
        })
    }
}

/// What every command has.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) terminal: &'a Terminal,
    /// Cancelled by Ctrl-C.
    pub(crate) stop: &'a CancellationToken,
    /// The settings of this command line, as typed.
    pub(crate) settings: &'a [String],
    /// Whether LlamaCloud is a sandbox that ends with this command.
    pub(crate) is_sandbox: bool,
}

impl Context<'_> {
    /// How long what is in flight may take once the command is over.
    fn drain(&self) -> Duration {
        self.config.timeout
    }

    /// The line that runs another command of this program under the same settings.
    fn command(&self, words: &[&str]) -> String {
        let settings = self.settings.iter().map(String::as_str);
        shell::command(words.iter().copied().chain(settings))
    }
}

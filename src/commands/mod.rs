//! What a person runs at a terminal. The tools are called through the same server that hosts use, over a pipe in memory.
//!
//! | file | holds |
//! |---|---|
//! | `call`, `arguments` | one tool call, and the arguments as typed |
//! | `agreement` | a question that only `yes` answers with yes |
//! | `tools` | the tools on offer |
//! | `watch` | following a batch until it is final |
//! | `run`, `run/…` | the whole job: upload, create, follow, save; what it runs over, where results go, and what is said at its end |
//! | `host_config` | how to register this server with a host |
//! | `doctor` | checks, each with its remedy |
//! | `definition` | completions and the manual page |
//! | `context` | what every command has, and how it ends |
//! | `client`, `answer` | the client's side of the pipe in memory, and what the server answers |
//! | `caller` | calls whose failures are waited out if they may pass |
//! | `outcome` | how a batch ended |
//! | `terminal`, `progress`, `live_line` | output, width and colours, and lines that change |
//! | `render` | a tool's result as text |
//! | `shell` | words as they are typed into a shell |

mod agreement;
mod answer;
mod arguments;
mod call;
mod caller;
mod client;
mod context;
mod definition;
pub mod doctor;
pub(crate) mod host_config;
mod live_line;
mod outcome;
mod progress;
mod render;
mod run;
mod shell;
mod terminal;
mod tools;
mod watch;

pub(crate) use call::{Call, Print, call};
pub(crate) use context::{Context, Exit};
pub use definition::complete;
pub(crate) use definition::{print_completions, print_help, print_manual};
pub(crate) use run::{Source, run};
pub(crate) use terminal::Terminal;
pub(crate) use tools::tools;
pub(crate) use watch::{Watch, watch};

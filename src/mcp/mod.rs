//! The Model Context Protocol on a pipe. Knows no tool and no LlamaCloud.
//!
//! A line comes in (`lines`), is read (`envelope`), gets a revision (`meta`, `context`), finds its method (`methods`) and perhaps its
//! tool (`tool`), and its answer goes out (`outbox`). `connection` is the loop around all of it, `pipe` opens the process's own
//! stdin and stdout.

mod arguments;
mod connection;
mod context;
mod dispatch;
mod elicitation;
mod envelope;
mod error;
mod in_flight;
mod lines;
mod meta;
mod methods;
mod notification;
mod outbox;
mod outcome;
mod pipe;
#[cfg(target_os = "linux")]
mod polled;
mod progress;
mod schema;
mod task;
mod tool;
mod types;
mod unheard;
mod version;

pub use connection::{End, Limits, serve};
pub use context::RequestContext;
pub use elicitation::{Question, Verdict};
pub use error::ProtocolError;
pub use methods::{Server, ServerIdentity};
pub use outcome::{InputRequired, Json, Outcome, Task, TaskState, ToolError};
pub use pipe::{Io, Transport};
pub use task::{TaskError, TaskSource};
pub use tool::{CallSetup, Tool, ToolSet};
pub use types::{Icon, Implementation, ToolAnnotations, ToolDefinition};
pub use version::{Era, Revision};

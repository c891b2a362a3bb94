//! The Model Context Protocol on a pipe. Knows nothing of tools or LlamaCloud.
//!
//! A line comes in (`framing`), is read (`envelope`), gets a revision (`meta`, `context`), finds its method (`methods`) and perhaps its
//! tool (`tool`), and its answer goes out (`outbox`). `connection` is the loop around all of it, `transport` opens the process's own
//! stdin and stdout.

mod arguments;
mod connection;
mod context;
mod dispatch;
mod elicitation;
mod envelope;
mod error;
mod framing;
mod in_flight;
mod meta;
mod methods;
mod notification;
mod outbox;
mod outcome;
mod progress;
mod resources;
mod schema;
mod shape;
#[cfg(target_os = "linux")]
mod stdio_linux;
mod task;
mod tool;
mod transport;
mod types;
mod version;

pub use connection::{End, Limits, serve};
pub use context::RequestContext;
pub use elicitation::{Question, Verdict};
pub use error::ProtocolError;
pub use methods::{Server, ServerIdentity};
pub use outcome::{InputRequired, Json, Outcome, Task, TaskState, ToolError};
pub use progress::Progress;
pub use resources::{UI_EXTENSION, VIEW_TYPE, View};
pub use task::{Look, TaskError, TaskSource};
pub use tool::{CallSetup, Tool, ToolSet};
pub use transport::Transport;
pub use types::{Icon, Implementation, ToolAnnotations, ToolDefinition};
pub use version::{Era, Revision};

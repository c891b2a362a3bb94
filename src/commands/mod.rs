//! What a person runs at a terminal. The tools are called through the same server that hosts use, over a pipe in memory.
//!
//! | file | holds |
//! |---|---|
//! | `call` | one tool call |
//! | `watch` | following a batch until it is final |
//! | `host_config` | how to register this server with a host |
//! | `doctor` | checks, each with its remedy |
//! | `definition` | completions and the manual page |
//! | `client` | the client's side of the pipe in memory |
//! | `answer` | a tool's result as text |
//! | `layout`, `screen` | lines and tables that fit; output, colours, lines that change |

mod answer;
mod call;
mod client;
mod definition;
pub mod doctor;
pub mod host_config;
mod layout;
mod screen;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub(crate) use call::{Call, call};
pub(crate) use definition::{print_completions, print_manual};
pub(crate) use watch::{Watch, watch};

use self::screen::Screen;
use crate::cli::Environment;
use crate::config::Config;

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Done,
    /// It is not.
    Failed,
    /// What was asked cannot be asked.
    Usage,
    /// The user gave up.
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

/// Who runs a command, and where.
pub(crate) struct Person<'a> {
    config: &'a Config,
    screen: Screen,
    /// Cancelled by Ctrl-C.
    stop: &'a CancellationToken,
}

impl<'a> Person<'a> {
    /// The person at this process's terminal.
    pub(crate) fn new(config: &'a Config, environment: &Environment, stop: &'a CancellationToken) -> Self {
        Self {
            config,
            screen: Screen::of(environment),
            stop,
        }
    }

    /// How long what is in flight may take once the command is over.
    fn drain(&self) -> Duration {
        self.config.timeout
    }
}

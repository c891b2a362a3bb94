//! What every command has, and how it ends.

use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::shell;
use super::terminal::Terminal;
use crate::config::Config;

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Done,
    /// It is not.
    Failed,
    /// The command line is wrong.
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
    /// How long requests in flight may take once the command is over.
    pub(super) fn drain(&self) -> Duration {
        self.config.timeout
    }

    /// The line that runs another command of this program under the same settings.
    pub(super) fn command(&self, words: &[&str]) -> String {
        let settings = self.settings.iter().map(String::as_str);
        shell::command(words.iter().copied().chain(settings))
    }

    /// How the command went in the end. A stdout that could not be written makes it fail.
    pub(crate) fn exit(&self, exit: Exit) -> Exit {
        let Some(failure) = self.terminal.out.failure() else {
            return exit;
        };
        self.terminal.err.say(&failure);
        if exit == Exit::Done { Exit::Failed } else { exit }
    }
}

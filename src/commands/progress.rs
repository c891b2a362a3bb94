//! Live progress: one changing line on a terminal, periodic lines elsewhere.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::live_line::LiveLine;
use super::terminal::Output;
use crate::untrusted::clean;

/// Without a changing line, lines are at least this far apart.
const A_LINE_EVERY: Duration = Duration::from_mins(1);
const MAX_MESSAGE_CHARS: usize = 300;

/// How far a piece of work has come. The display ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    output: &'a Output,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Live(LiveLine),
    Lines { last: Cell<Option<Instant>> },
    Nothing,
}

impl<'a> Progress<'a> {
    /// A changing line on a terminal, periodic lines elsewhere.
    pub(crate) fn with_lines(output: &'a Output) -> Self {
        let last = Cell::new(None);
        Self::new(output, Shown::Lines { last })
    }

    /// A changing line on a terminal, nothing elsewhere.
    pub(crate) fn without_lines(output: &'a Output) -> Self {
        Self::new(output, Shown::Nothing)
    }

    fn new(output: &'a Output, otherwise: Shown) -> Self {
        let shown = if output.is_live() {
            Shown::Live(LiveLine::start())
        } else {
            otherwise
        };
        Self { output, shown }
    }

    /// What is being done now. How much is left is unknown.
    pub(crate) fn set(&self, message: &str) {
        self.show(None, message);
    }

    /// What is being done now, and that `done` of `total` are done.
    pub(crate) fn set_of(&self, done: u64, total: u64, message: &str) {
        self.show(Some((done, total)), message);
    }

    /// A sentence that stays, above what changes.
    pub(crate) fn note(&self, sentence: &str) {
        match &self.shown {
            Shown::Live(line) => line.above(|| self.output.say(sentence)),
            Shown::Lines { .. } => self.output.say(sentence),
            Shown::Nothing => {}
        }
    }

    fn show(&self, share: Option<(u64, u64)>, message: &str) {
        let message = clean(message, MAX_MESSAGE_CHARS);
        match &self.shown {
            Shown::Live(line) => line.set(share, message),
            Shown::Lines { last } if last.get().is_none_or(|last| last.elapsed() >= A_LINE_EVERY) => {
                last.set(Some(Instant::now()));
                self.output.say(&message);
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }
}

//! Live progress: one changing line on a terminal, periodic lines elsewhere.

use std::cell::Cell;
use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::terminal::Output;
use crate::untrusted::clean;

const DRAWS_PER_SECOND: u8 = 10;
const REDRAWN_EVERY: Duration = Duration::from_millis(200);
/// Without a changing line, lines are at least this far apart.
const A_LINE_EVERY: Duration = Duration::from_mins(1);
const MAX_MESSAGE_CHARS: usize = 300;
/// There is a bar only where it leaves room for words.
const ROOM_FOR_A_BAR: usize = 60;
/// A line has room for any character, however narrow the window is; otherwise `indicatif` panics. Units: columns.
const WIDEST_CHARACTER: u16 = 2;

/// How far a piece of work has come. The display ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    output: &'a Output,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Live(ProgressBar),
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
        let shown = output.live().map_or(otherwise, |term| {
            let line = Line {
                term: term.clone(),
                columns: Mutex::default(),
            };
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(line), DRAWS_PER_SECOND);
            let bar =
                ProgressBar::with_draw_target(None, target).with_style(style("{spinner} {elapsed_precise} {wide_msg}"));
            bar.enable_steady_tick(REDRAWN_EVERY);
            Shown::Live(bar)
        });
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
            Shown::Live(bar) => bar.suspend(|| self.output.say(sentence)),
            Shown::Lines { .. } => self.output.say(sentence),
            Shown::Nothing => {}
        }
    }

    fn show(&self, share: Option<(u64, u64)>, message: &str) {
        let message = clean(message, MAX_MESSAGE_CHARS);
        match &self.shown {
            Shown::Live(bar) => {
                match share {
                    Some((done, total)) if self.output.width() >= ROOM_FOR_A_BAR => {
                        bar.set_length(total);
                        bar.set_position(done);
                        bar.set_style(style("{spinner} {elapsed_precise} [{bar:16}] {percent}% {wide_msg}"));
                    }
                    _ => bar.set_style(style("{spinner} {elapsed_precise} {wide_msg}")),
                }
                bar.set_message(message);
            }
            Shown::Lines { last } if last.get().is_none_or(|last| last.elapsed() >= A_LINE_EVERY) => {
                last.set(Some(Instant::now()));
                self.output.say(&message);
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Shown::Live(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// The style for a template. All templates here are valid; an invalid one would give the default style.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
}

/// The last line of a terminal, in a window that may become narrower.
///
/// A window that becomes narrower wraps what is on it: a line that was one row is then several, and the cursor is in the last of
/// them. So the line is never filled up with spaces, and whatever became several rows is cleared as such.
#[derive(Debug)]
struct Line {
    term: Term,
    /// How many columns the line takes.
    columns: Mutex<usize>,
}

impl TermLike for Line {
    /// Three less than there are: some terminals wrap a line that is full, and Ctrl-C is shown as two characters behind it.
    fn width(&self) -> u16 {
        self.term.size().1.saturating_sub(3).max(WIDEST_CHARACTER)
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let text = text.trim_end_matches(' ');
        *self.columns.lock().unwrap_or_else(PoisonError::into_inner) += measure_text_width(text);
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        let columns = std::mem::take(&mut *self.columns.lock().unwrap_or_else(PoisonError::into_inner));
        let rows = columns.div_ceil(usize::from(self.term.size().1).max(1));
        if rows > 1 {
            self.term.move_cursor_up(rows - 1)?;
            self.term.write_str("\r")?;
            return self.term.clear_to_end_of_screen();
        }
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}

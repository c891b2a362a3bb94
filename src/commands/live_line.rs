//! The last line of stderr, a terminal, redrawn while a command waits.
//!
//! A window that becomes narrower wraps what is on it: a line that was one row is then several, and the cursor is in the last of
//! them. So the line is never filled up with spaces, and whatever became several rows is cleared as such.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::{Term, measure_text_width, truncate_str};
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

const REDRAWN_EVERY: Duration = Duration::from_millis(200);
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const BAR_COLUMNS: usize = 16;
/// There is a bar only where it leaves room for words. Units: columns.
const ROOM_FOR_A_BAR: usize = 60;
/// Some terminals wrap a line that is full, and Ctrl-C is shown as two characters behind it. Units: columns.
const LEFT_FREE: usize = 3;

/// A line with a spinner, the time since it began, and words. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct LiveLine {
    line: Arc<Mutex<Line>>,
    _redrawing: AbortOnDropHandle<()>,
}

impl LiveLine {
    pub(super) fn start() -> Self {
        let line = Arc::new(Mutex::new(Line {
            // Buffered: the old line is cleared and the new one written at once, so that nothing flickers (except in a Windows console).
            term: Term::buffered_stderr(),
            started: Instant::now(),
            share: None,
            message: String::new(),
            columns: 0,
        }));
        let redrawn = Arc::clone(&line);
        let redrawing = tokio::spawn(async move {
            let mut ticks = interval(REDRAWN_EVERY);
            // A terminal that was stopped for a while is not drawn to for all of that time.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // The line is only for show: where it cannot be drawn, nothing is lost.
                if redrawn.lock().draw().is_err() {
                    return;
                }
            }
        });
        Self {
            line,
            _redrawing: AbortOnDropHandle::new(redrawing),
        }
    }

    /// What the line says from now on, and which share of a whole is done. Shape of a share: `(done, total)`.
    pub(super) fn set(&self, share: Option<(u64, u64)>, message: String) {
        let mut line = self.line.lock();
        line.share = share;
        line.message = message;
    }

    /// Makes room for what `print` writes, which stays above the line.
    pub(super) fn above(&self, print: impl FnOnce()) {
        let mut line = self.line.lock();
        drop(line.erase());
        print();
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        // The runtime has one thread, so nothing is drawn between this and the end of the task.
        drop(self.line.lock().erase());
    }
}

#[derive(Debug)]
struct Line {
    term: Term,
    started: Instant,
    share: Option<(u64, u64)>,
    message: String,
    /// How many columns it takes on the terminal now.
    columns: usize,
}

impl Line {
    fn draw(&mut self) -> io::Result<()> {
        let window = self.clear()?;
        let text = text(self.started.elapsed(), self.share, &self.message, window);
        // In the narrowest window, what turns still shows that the command goes on.
        let text = truncate_str(&text, window.saturating_sub(LEFT_FREE).max(1), "");
        // Spaces at the end would be wrapped, too, once the window is narrower.
        let text = text.trim_end();
        self.columns = measure_text_width(text);
        self.term.write_str(text)?;
        self.term.flush()
    }

    fn erase(&mut self) -> io::Result<()> {
        self.clear()?;
        self.term.flush()
    }

    /// Clears what is drawn, once the terminal is flushed. Returns how wide the window is. Units: columns.
    fn clear(&mut self) -> io::Result<usize> {
        let window = usize::from(self.term.size().1);
        let rows = std::mem::take(&mut self.columns).div_ceil(window.max(1));
        if rows > 1 {
            self.term.move_cursor_up(rows - 1)?;
            self.term.write_str("\r")?;
            self.term.clear_to_end_of_screen()?;
        } else {
            self.term.clear_line()?;
        }
        Ok(window)
    }
}

/// Shape: `⠋ 00:01:10 [=====>          ] 35% 7 of 20 files`; without the bar in a narrow window.
fn text(elapsed: Duration, share: Option<(u64, u64)>, message: &str, window: usize) -> String {
    let ticks = usize::try_from(elapsed.as_millis() / REDRAWN_EVERY.as_millis()).unwrap_or_default();
    let spinner = SPINNER.get(ticks % SPINNER.len()).unwrap_or(&' ');
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let bar = share.filter(|_| window >= ROOM_FOR_A_BAR).map_or_else(String::new, bar);
    format!("{spinner} {hours:02}:{minutes:02}:{seconds:02} {bar}{message}")
}

/// Shape: `[=====>          ] 35% `.
fn bar((done, total): (u64, u64)) -> String {
    let percent = done.min(total).saturating_mul(100).checked_div(total).unwrap_or(100);
    let filled = usize::try_from(percent).unwrap_or(100) * BAR_COLUMNS / 100;
    let head = if done > 0 && filled < BAR_COLUMNS { ">" } else { "" };
    let filled = "=".repeat(filled) + head;
    format!("[{filled:BAR_COLUMNS$}] {percent}% ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_the_time_and_the_share() {
        let at = |seconds, share, window| text(Duration::from_secs(seconds), share, "of 20 files", window);
        assert_eq!(at(0, None, 80), "⠋ 00:00:00 of 20 files");
        assert_eq!(at(90_061, None, 80), "⠴ 25:01:01 of 20 files");
        assert_eq!(at(2, Some((0, 20)), 80), "⠋ 00:00:02 [                ] 0% of 20 files");
        assert_eq!(
            at(2, Some((7, 20)), 80),
            "⠋ 00:00:02 [=====>          ] 35% of 20 files"
        );
        assert_eq!(
            at(2, Some((20, 20)), 80),
            "⠋ 00:00:02 [================] 100% of 20 files"
        );
        assert_eq!(
            at(2, Some((0, 0)), 80),
            "⠋ 00:00:02 [================] 100% of 20 files"
        );
        assert_eq!(bar((25, 20)), bar((20, 20)));
        assert_eq!(at(2, Some((7, 20)), 59), "⠋ 00:00:02 of 20 files");
    }
}

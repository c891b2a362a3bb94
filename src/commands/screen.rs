//! What stands between a command and the person: where output goes, how wide it may be, what may be coloured and redrawn.
//!
//! Here the commands open stdout. They never do while the process serves: then stdout belongs to the protocol.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal, Write};

use terminal_size::{Width, terminal_size_of};

use super::layout::wrap;
use crate::cli::Environment;

/// Columns where nobody knows better.
const USUAL_WIDTH: usize = 80;

/// The process's output as a person meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) out: Stream,
    pub(super) err: Stream,
    /// Whether somebody can be asked: stdin is a terminal, and so is stderr.
    pub(super) can_ask: bool,
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    kind: Kind,
    /// Units: columns.
    pub(super) width: usize,
    /// Whether lines that were written can be written anew.
    pub(super) is_live: bool,
    pub(super) style: Style,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Out,
    Err,
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    is_coloured: bool,
}

/// What a colour says. The number selects it in a terminal: ECMA-48, SGR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain = 0,
    Strong = 1,
    Faint = 2,
    Bad = 31,
    Good = 32,
    Doubtful = 33,
    Going = 36,
}

impl Style {
    /// The text in this tone. Nothing is added to an empty text.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.is_coloured || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", tone as u8)
    }
}

impl Screen {
    /// The screen of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the place where commands open stdout")]
    pub(super) fn of(environment: &Environment) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let has_colours = environment.no_color.as_ref().is_none_or(|value| value.is_empty());
        // Old consoles of Windows would show the codes.
        let is_capable = cfg!(not(windows)) && environment.term.as_ref().is_none_or(|term| term != "dumb");
        let stream = |kind, is_terminal: bool, width: Option<usize>| Stream {
            kind,
            width: width.filter(|width| *width > 0).unwrap_or(USUAL_WIDTH),
            is_live: is_terminal && is_capable,
            style: Style {
                is_coloured: is_terminal && is_capable && has_colours,
            },
        };
        let columns = |size: Option<(Width, _)>| size.map(|(Width(columns), _)| usize::from(columns));
        Self {
            out: stream(Kind::Out, out.is_terminal(), columns(terminal_size_of(&out))),
            err: stream(Kind::Err, err.is_terminal(), columns(terminal_size_of(&err))),
            can_ask: io::stdin().is_terminal() && err.is_terminal(),
        }
    }
}

impl Stream {
    /// Writes a text as it is. Nothing is lost where nobody reads it.
    #[expect(clippy::disallowed_methods, reason = "this is the place where commands open stdout")]
    pub(super) fn write(self, text: &str) {
        let written = match self.kind {
            Kind::Out => io::stdout()
                .write_all(text.as_bytes())
                .and_then(|()| io::stdout().flush()),
            Kind::Err => io::stderr().write_all(text.as_bytes()),
        };
        drop(written);
    }

    /// Writes one line.
    pub(super) fn line(self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Writes sentences, wrapped to the width.
    pub(super) fn say(self, text: &str) {
        self.line(&wrap(text, self.width).join("\n"));
    }

    /// A region of lines that can be drawn again and again; on what is no terminal, none is ever drawn.
    pub(super) const fn region(self) -> Region {
        Region { stream: self, lines: 0 }
    }
}

/// Prints a whole document, for a file or a program. A reader that has read enough and closes the pipe is no error.
///
/// # Errors
/// For a stdout that cannot be written, such as a file on a full disk.
#[expect(clippy::disallowed_methods, reason = "this is the place where commands open stdout")]
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(io::Error::new(
            error.kind(),
            format!("stdout cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Lines at the end of a terminal that change.
pub(super) struct Region {
    stream: Stream,
    /// How many there are.
    lines: usize,
}

impl Region {
    /// Shows these lines in place of those before. None may be wider than the terminal.
    pub(super) fn draw(&mut self, lines: &[String]) {
        if self.stream.is_live {
            let text = format!("{}{}", self.back_to_its_begin(), lines.join("\n"));
            self.stream.write(&text);
            self.lines = lines.len();
        }
    }

    /// Takes the lines away.
    pub(super) fn erase(&mut self) {
        if self.lines > 0 {
            let text = self.back_to_its_begin();
            self.stream.write(&text);
            self.lines = 0;
        }
    }

    fn back_to_its_begin(&self) -> String {
        let mut codes = String::from("\r");
        if self.lines > 1 {
            // Writing to a string cannot fail.
            let _ = write!(codes, "\u{1b}[{}A", self.lines - 1);
        }
        codes.push_str("\u{1b}[J");
        codes
    }
}

//! The terminal of a command: output, its width, colours, and sentences wrapped to fit.
//!
//! Here the commands open stdout. They never do while the process serves: then stdout belongs to the protocol.
//! Results go to stdout; questions, trouble and progress go to stderr.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

use console::{Style, Term};
use textwrap::{Options, WordSplitter};

use super::Exit;
use super::progress::Progress;
use crate::cli::Environment;

/// Columns of an output that is not a terminal, or that does not say how wide it is.
const USUAL_WIDTH: u16 = 80;
/// Sentences beside an indent get at least this many columns.
const NARROWEST: usize = 20;

/// Both outputs of the process, and whether anybody is there to answer.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) out: Output,
    pub(crate) err: Output,
    /// Whether the user can be asked: stdin and stderr are terminals.
    pub(crate) can_ask: bool,
}

/// One output.
#[derive(Debug)]
pub(crate) struct Output {
    term: Term,
    has_colours: bool,
    /// The first failure to write.
    failure: RefCell<Option<io::Error>>,
}

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Strong,
    Faint,
    Good,
    Doubtful,
    Bad,
}

impl Terminal {
    /// The terminal of this process.
    pub(crate) fn of(environment: &Environment) -> Self {
        let wants_colours = environment.no_color.as_ref().is_none_or(|value| value.is_empty());
        let output = |term: Term| Output {
            has_colours: wants_colours && term.features().colors_supported(),
            term,
            failure: RefCell::default(),
        };
        let err = output(Term::stderr());
        Self {
            can_ask: io::stdin().is_terminal() && err.term.is_term(),
            out: output(Term::stdout()),
            err,
        }
    }

    /// Shows how far long work has come: a line that changes on a terminal, and lines now and then elsewhere.
    pub(crate) fn progress(&self) -> Progress<'_> {
        Progress::with_lines(&self.err)
    }

    /// The same, and nothing where there is no terminal.
    pub(crate) fn spinner(&self) -> Progress<'_> {
        Progress::without_lines(&self.err)
    }

    /// How the command went in the end. A stdout that could not be written makes it fail.
    pub(crate) fn exit(&self, exit: Exit) -> Exit {
        let Some(failure) = self.out.failure.take() else {
            return exit;
        };
        self.err.say(&cannot_be_written(&failure));
        if exit == Exit::Done { Exit::Failed } else { exit }
    }
}

impl Output {
    /// Units: columns. It is asked for each time, since a window may change.
    pub(crate) fn width(&self) -> usize {
        let columns = self.term.size_checked().map_or(USUAL_WIDTH, |(_, columns)| columns);
        usize::from(if columns == 0 { USUAL_WIDTH } else { columns })
    }

    /// The terminal, if lines on it can be changed after they were written.
    pub(super) fn live(&self) -> Option<&Term> {
        (self.term.is_term() && !console::is_dumb()).then_some(&self.term)
    }

    /// Whether everything so far could be written.
    pub(crate) fn is_intact(&self) -> bool {
        self.failure.borrow().is_none()
    }

    /// Writes a text as it is. A failure is kept for [`Terminal::exit`].
    pub(crate) fn write(&self, text: &str) {
        if let Err(error) = self.term.write_str(text) {
            self.failure.borrow_mut().get_or_insert(error);
        }
    }

    /// Writes a text and ends its line.
    pub(crate) fn line(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Writes sentences, wrapped to the width.
    pub(crate) fn say(&self, text: &str) {
        self.line(&self.wrap(text));
    }

    /// Sentences, wrapped to the width. Words stay whole, since one may be an ID to copy.
    pub(crate) fn wrap(&self, text: &str) -> String {
        textwrap::fill(text, options(self.width()))
    }

    /// Sentences beside `first`, wrapped, with every further line indented as far.
    pub(crate) fn hang(&self, first: &str, text: &str) -> String {
        let indent = " ".repeat(textwrap::core::display_width(first));
        let width = self.width().max(indent.len() + NARROWEST);
        textwrap::fill(text, options(width).initial_indent(first).subsequent_indent(&indent))
    }

    /// The text in a colour, where there are colours.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.has_colours || text.is_empty() {
            return text.to_owned();
        }
        let style = Style::new().force_styling(true);
        let style = match tone {
            Tone::Strong => style.bold(),
            Tone::Faint => style.dim(),
            Tone::Good => style.green(),
            Tone::Doubtful => style.yellow(),
            Tone::Bad => style.red(),
        };
        style.apply_to(text).to_string()
    }
}

/// Words are separated by spaces alone: a break at a hyphen would tear IDs apart.
fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
}

/// Prints a whole document, for a file or a program.
///
/// # Errors
/// For a stdout that cannot be written, such as a file on a full disk or a pipe that nobody reads.
#[expect(clippy::disallowed_methods, reason = "this is where commands open stdout")]
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| io::Error::new(error.kind(), cannot_be_written(&error)))
}

fn cannot_be_written(error: &io::Error) -> String {
    format!("stdout cannot be written: {error}.")
}

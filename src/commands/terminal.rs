//! The terminal of a command: output, its width, colours, and sentences wrapped to fit.
//!
//! The commands open stdout here, but never while the process serves: then stdout belongs to the protocol.
//! Results go to stdout; questions, trouble and progress go to stderr.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

use console::{Style, Term};
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

use crate::cli::Environment;
use crate::untrusted::clean_lines;

/// Columns of an output that is not a terminal, or that does not say how wide it is.
const USUAL_WIDTH: usize = 80;
/// Sentences stand beside a label only if this many columns are left for them; otherwise they stand below it.
const NARROWEST: usize = 16;

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
    /// The width of what is not a terminal. A terminal is asked each time, since a window may change.
    fixed_width: Option<usize>,
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
        let wants_colours = environment.not_empty("NO_COLOR").is_none();
        let output = |term: Term| Output {
            has_colours: wants_colours && term.features().colors_supported(),
            fixed_width: (!term.is_term()).then_some(USUAL_WIDTH),
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
}

impl Output {
    /// An output that is this wide, without colours.
    #[cfg(test)]
    pub(super) fn of_width(width: usize) -> Self {
        Self {
            term: Term::stdout(),
            has_colours: false,
            fixed_width: Some(width),
            failure: RefCell::default(),
        }
    }

    /// Units: columns.
    pub(crate) fn width(&self) -> usize {
        let asked = || match self.term.size_checked() {
            Some((_, columns)) if columns > 0 => usize::from(columns),
            _ => USUAL_WIDTH,
        };
        self.fixed_width.unwrap_or_else(asked)
    }

    /// Whether lines on it can be changed after they were written.
    pub(super) fn is_live(&self) -> bool {
        self.term.is_term() && !console::is_dumb()
    }

    /// Why something could not be written, as a sentence.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.borrow().as_ref().map(cannot_be_written)
    }

    /// Writes a text as it is. A failure is kept in [`Output::failure`].
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

    /// Sentences, cleaned and wrapped to the width. Words stay whole, since one may be an ID to copy.
    pub(crate) fn wrap(&self, text: &str) -> String {
        textwrap::fill(&clean_lines(text), options(self.width()))
    }

    /// Sentences beside `first`, with every further line indented as far; below it where there is no room beside it.
    pub(crate) fn hang(&self, first: &str, text: &str) -> String {
        let (width, indent) = (self.width(), display_width(first));
        if indent + NARROWEST.min(display_width(text)) > width {
            let below = options(width).initial_indent("  ").subsequent_indent("  ");
            return format!("{}\n{}", first.trim_end(), textwrap::fill(text, below));
        }
        let beside = " ".repeat(indent);
        textwrap::fill(text, options(width).initial_indent(first).subsequent_indent(&beside))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_break_between_words_and_ids_stay_whole() {
        let id = "bat-01234567-89ab-4def-8123-456789abcdef";
        let output = Output::of_width(20);
        assert_eq!(
            output.wrap(&format!("Batch {id} is here.")),
            format!("Batch\n{id}\nis here.")
        );
        assert_eq!(output.wrap(""), "");
        assert_eq!(output.wrap("\u{1b}[31mred\u{9b}\u{202e}"), "[31mred");
        assert_eq!(output.wrap("文書の長い名前 です"), "文書の長い名前 です");
        assert_eq!(output.wrap("文書の長い名前でし す"), "文書の長い名前でし\nす");
    }

    #[test]
    fn further_lines_are_indented() {
        let output = Output::of_width(24);
        assert_eq!(
            output.hang("ok    ", "one two three four five"),
            "ok    one two three four\n      five"
        );
        assert_eq!(output.hang("a long name  ", "short"), "a long name  short");
        assert_eq!(
            output.hang("a long name  ", "one two three four five"),
            "a long name\n  one two three four\n  five"
        );
    }
}

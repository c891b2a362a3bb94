//! Text in columns: how wide it is, where it breaks, tables that fit.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::screen::{Style, Tone};
use crate::foreign::clean;

const GAP: usize = 2;
/// A column that may be narrowed is never narrower, unless its texts are.
const NARROWEST: usize = 20;
/// No text of an answer is longer.
const MAX_CELL_CHARS: usize = 20_000;

/// How many columns of a terminal a text takes.
pub(super) fn width_of(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in lines of at most so many columns. A word that is longer, which may be an ID to copy, has a line of its own.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width_of(line) + 1 + width_of(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// The same, also within words.
pub(super) fn chop(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in wrap(text, width) {
        let mut part = String::new();
        for character in line.chars() {
            if width_of(&part) + character.width().unwrap_or(0) > width && !part.is_empty() {
                lines.push(std::mem::take(&mut part));
            }
            part.push(character);
        }
        lines.push(part);
    }
    lines
}

/// Sentences below one another, the first line after `first`, the others indented as far.
pub(super) fn hang(first: &str, text: &str, width: usize) -> String {
    let indent = width_of(first);
    let lines = wrap(text, width.saturating_sub(indent).max(NARROWEST));
    format!("{first}{}", lines.join(&format!("\n{}", " ".repeat(indent))))
}

/// How the texts of a column are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Never broken: IDs, numbers, instants.
    Whole,
    /// Broken where there is no room.
    Broken,
    /// A status: never broken, and coloured by what it says.
    Status,
    /// Below its row, on lines of their own.
    Below,
}

/// A table. Columns that have no text, or for which there is no room, are left out; the texts of the latter stand below their row.
pub(super) struct Table {
    heads: Vec<(&'static str, Treatment)>,
    rows: Vec<Vec<String>>,
}

struct Column {
    index: usize,
    treatment: Treatment,
    width: usize,
    natural: usize,
}

impl Table {
    /// A table without rows.
    pub(super) fn new(heads: &[(&'static str, Treatment)]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with a text for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| clean(&cell, MAX_CELL_CHARS)).collect());
    }

    /// The lines, none of them wider unless a single ID is, none with spaces at its end.
    pub(super) fn lines(&self, width: usize, style: Style) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let (shown, below) = self.columns(width);
        let heads = shown.iter().map(|column| {
            let head = self.heads.get(column.index).map_or("", |(head, _)| head);
            (vec![head.to_owned()], Tone::Strong, column.width)
        });
        let mut lines = beside_one_another(&heads.collect::<Vec<_>>(), style);
        for row in &self.rows {
            let cell = |index: usize| row.get(index).map_or("", String::as_str);
            let cells = shown.iter().map(|column| match column.treatment {
                Treatment::Broken => (chop(cell(column.index), column.width), Tone::Plain, column.width),
                Treatment::Status => {
                    let word = cell(column.index);
                    (vec![word.to_owned()], tone_of(word), column.width)
                }
                Treatment::Whole | Treatment::Below => (vec![cell(column.index).to_owned()], Tone::Plain, column.width),
            });
            lines.extend(beside_one_another(&cells.collect::<Vec<_>>(), style));
            lines.extend(self.below(&below, cell, width));
        }
        lines
    }

    /// What stands below a row: what there was no room for on one line, if it fits there; what belongs there on lines of its own.
    fn below<'a>(&self, indexes: &[usize], cell: impl Fn(usize) -> &'a str, width: usize) -> Vec<String> {
        let indent = " ".repeat(GAP);
        let mut squeezed = Vec::new();
        let mut lines = Vec::new();
        for index in indexes.iter().filter(|index| !cell(**index).is_empty()) {
            let (head, treatment) = self.heads.get(*index).copied().unwrap_or(("", Treatment::Below));
            let head = head.to_lowercase();
            if treatment == Treatment::Below {
                let text = hang(&format!("{indent}{head}: "), cell(*index), width);
                lines.extend(text.lines().map(str::to_owned));
            } else {
                squeezed.push(format!("{head} {}", cell(*index)));
            }
        }
        if !squeezed.is_empty() {
            let text = hang(&indent, &squeezed.join(", "), width);
            lines.splice(0..0, text.lines().map(str::to_owned));
        }
        lines
    }

    /// The columns that there is room for, and the indexes of the others.
    fn columns(&self, width: usize) -> (Vec<Column>, Vec<usize>) {
        let (mut shown, mut below): (Vec<Column>, _) = (Vec::new(), Vec::new());
        let mut used = 0;
        for (index, (head, treatment)) in self.heads.iter().enumerate() {
            let texts = self.rows.iter().filter_map(|row| row.get(index));
            let widest = texts.map(|text| width_of(text)).max().unwrap_or(0);
            if widest == 0 {
                continue;
            }
            let natural = widest.max(width_of(head));
            let least = match treatment {
                Treatment::Broken => natural.min(NARROWEST),
                _ => natural,
            };
            let gap = if shown.is_empty() { 0 } else { GAP };
            let is_beside = *treatment != Treatment::Below && (shown.is_empty() || used + gap + least <= width);
            if is_beside {
                used += gap + least;
                shown.push(Column {
                    index,
                    treatment: *treatment,
                    width: least,
                    natural,
                });
            } else {
                below.push(index);
            }
        }
        widen(&mut shown, width.saturating_sub(used));
        (shown, below)
    }
}

/// Gives what room is left to the columns that can use it, always to the narrowest of them.
fn widen(columns: &mut [Column], left: usize) {
    for _ in 0..left {
        let narrow = columns.iter_mut().filter(|column| column.width < column.natural);
        if let Some(column) = narrow.min_by_key(|column| column.width) {
            column.width += 1;
        }
    }
}

/// Cells of several lines each, side by side.
fn beside_one_another(cells: &[(Vec<String>, Tone, usize)], style: Style) -> Vec<String> {
    let height = cells.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(0);
    let line = |number: usize| {
        let mut line = String::new();
        let mut owed = 0;
        for (lines, tone, width) in cells {
            let text = lines.get(number).map_or("", String::as_str);
            if !text.is_empty() {
                line.push_str(&" ".repeat(owed));
                line.push_str(&style.paint(*tone, text));
                owed = 0;
            }
            owed += width.saturating_sub(width_of(text)) + GAP;
        }
        line
    };
    (0..height).map(line).collect()
}

/// How a status is coloured.
pub(super) fn tone_of(status: &str) -> Tone {
    match status {
        "COMPLETED" => Tone::Good,
        "FAILED" | "not_mapped" => Tone::Bad,
        "CANCELLED" | "THROTTLED" | "unknown" | "no_job_yet" => Tone::Doubtful,
        "RUNNING" | "PENDING" => Tone::Going,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            ("NAME", Treatment::Broken),
            ("STATUS", Treatment::Status),
            ("NOTHING", Treatment::Whole),
            ("JOB", Treatment::Whole),
            ("WHY", Treatment::Below),
        ]);
        for (name, status, job, why) in [
            ("plain.pdf", "COMPLETED", "pjb-0123456789", ""),
            (
                "文書の長い名前です.pdf",
                "FAILED",
                "pjb-9876543210",
                "it is encrypted, and nobody knows the word",
            ),
            (
                "a-name-without-any-space-in-it-at-all.pdf",
                "not_mapped",
                "",
                "of no known type",
            ),
        ] {
            table.row([name, status, "", job, why].map(str::to_owned));
        }
        table
    }

    #[track_caller]
    fn check(width: usize, expected: &Expect) {
        let lines = table().lines(width, Style::default());
        for line in &lines {
            assert!(width_of(line) <= width && !line.ends_with(' '), "{line}");
        }
        expected.assert_eq(&(lines.join("\n") + "\n"));
    }

    #[test]
    fn a_table_fits_and_loses_nothing() {
        check(
            80,
            &expect![[r#"
            NAME                                       STATUS      JOB
            plain.pdf                                  COMPLETED   pjb-0123456789
            文書の長い名前です.pdf                     FAILED      pjb-9876543210
              why: it is encrypted, and nobody knows the word
            a-name-without-any-space-in-it-at-all.pdf  not_mapped
              why: of no known type
        "#]],
        );
        check(
            50,
            &expect![[r#"
            NAME                    STATUS      JOB
            plain.pdf               COMPLETED   pjb-0123456789
            文書の長い名前です.pdf  FAILED      pjb-9876543210
              why: it is encrypted, and nobody knows the word
            a-name-without-any-spa  not_mapped
            ce-in-it-at-all.pdf
              why: of no known type
        "#]],
        );
        check(
            34,
            &expect![[r#"
            NAME                    STATUS
            plain.pdf               COMPLETED
              job pjb-0123456789
            文書の長い名前です.pdf  FAILED
              job pjb-9876543210
              why: it is encrypted, and nobody
                   knows the word
            a-name-without-any-spa  not_mapped
            ce-in-it-at-all.pdf
              why: of no known type
        "#]],
        );
    }

    #[test]
    fn sentences_break_between_words_and_ids_stay_whole() {
        let id = "bat-0123456789012345678901234567890123456789";
        assert_eq!(wrap(&format!("Batch {id} is here."), 20), ["Batch", id, "is here."]);
        assert_eq!(wrap("", 20), [""]);
        assert_eq!(chop("0123456789", 4), ["0123", "4567", "89"]);
    }
}

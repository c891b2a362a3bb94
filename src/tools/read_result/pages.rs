//! The text of a document, as many pages as fit an answer.

use super::answer::Page;
use super::cursor::{Cursor, unfit};
use super::job::{Text, Trouble};
use super::output::{FailedPage, Range, ReadResultOutput};
use crate::mcp::{Json, ToolError};
use crate::tools::call::Answer;
use crate::tools::results::Format;
use crate::tools::results::document::{Document, Piece, Position};
use crate::tools::results::selection::Selection;
use crate::tools::wording::{and, number, plural};

/// How many failed pages, or runs of pages, a sentence names.
const MAX_NAMED: usize = 20;

/// The answer with the pages that begin at the cursor.
pub(super) fn answer(
    page: &Page<'_>,
    text: &Text,
    wanted: Format,
    selection: &Selection,
    cursor: Option<Cursor>,
) -> Result<Json<Answer<ReadResultOutput>>, Trouble> {
    let document = &text.document;
    let from = match cursor {
        None => Position::default(),
        Some(Cursor::Text(from)) if document.has(selection, from) => from,
        Some(_) => return Err(unfit()),
    };
    check(document, selection)?;
    page.fit(|room| {
        let piece = document.piece(selection, from, room);
        let shown = piece.text();
        let range = range(&piece, document);
        let failed = piece.slices.iter().filter_map(|slice| {
            Some(FailedPage {
                page: slice.page,
                error: slice.text.err()?.to_owned(),
            })
        });
        let summary = sentences(page, text, wanted, range, &piece);
        let output = ReadResultOutput {
            pages: Some(range),
            failed_pages: failed.collect(),
            text: Some(shown).filter(|shown| !shown.is_empty()),
            next_cursor: piece.next.map(|next| page.cursor(Cursor::Text(next))),
            ..page.output(text.format)
        };
        Ok((summary, output))
    })
}

/// # Errors
/// For pages that the document does not have.
pub(super) fn check(document: &Document, selection: &Selection) -> Result<(), Trouble> {
    let pages = document.pages();
    if pages.is_empty() || document.wanted(selection).next().is_some() {
        return Ok(());
    }
    let first = pages.iter().map(|page| page.number).min().unwrap_or_default();
    let last = pages.iter().map(|page| page.number).max().unwrap_or_default();
    Err(Trouble::Said(ToolError::new(format!(
        "Nothing was read: `pages`: the document has none of the pages {selection}. It has pages {first} to {last}."
    ))))
}

fn range(piece: &Piece<'_>, document: &Document) -> Range {
    Range {
        first: piece.slices.first().map_or(0, |slice| slice.page),
        last: piece.slices.last().map_or(0, |slice| slice.page),
        total: document.pages().len(),
    }
}

fn sentences(page: &Page<'_>, text: &Text, wanted: Format, range: Range, piece: &Piece<'_>) -> String {
    let Range { first, last, total } = range;
    let of = format!("of {} of {}", number(total), page.target.label());
    let mut sentences = vec![match (first, last) {
        (0, _) => format!("The document {} has no pages.", page.target.label()),
        _ if first == last => format!("Page {first} {of}, as {}.", text.format.as_str()),
        _ => format!("Pages {} {of}, as {}.", runs(piece), text.format.as_str()),
    }];
    if page.is_first && wanted != text.format {
        sentences.push(format!(
            "LlamaCloud has no {} for this document: this is its plain text.",
            wanted.as_str()
        ));
    }
    if page.is_first {
        sentences.extend(failures(&text.document));
    }
    if piece.next.is_some_and(|next| next.offset > 0) {
        sentences.push(format!("Page {last} continues in the next answer."));
    }
    if piece.next.is_some() {
        sentences.push("To continue, pass `next_cursor` as `cursor` and repeat the other arguments.".to_owned());
    }
    sentences.join(" ")
}

/// The pages of a piece. Shape: `1 to 3, 7, and 9`.
fn runs(piece: &Piece<'_>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for page in piece.slices.iter().map(|slice| slice.page) {
        match runs.last_mut() {
            Some((_, last)) if page <= *last + 1 => *last = page,
            _ => runs.push((page, page)),
        }
    }
    let named = runs.iter().take(MAX_NAMED).map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first} to {last}")
        }
    });
    let others = runs.len().checked_sub(MAX_NAMED).filter(|others| *others > 0);
    let others = others.map(|others| format!("{} more {}", number(others), plural(others, "range", "ranges")));
    and(&named.chain(others).collect::<Vec<_>>())
}

/// How many pages of the document failed, and which.
pub(super) fn failures(document: &Document) -> Option<String> {
    let failed: Vec<String> = document.failed_pages().map(|page| page.to_string()).collect();
    if failed.is_empty() {
        return None;
    }
    let named = failed
        .get(..MAX_NAMED)
        .map_or_else(|| failed.join(", "), |some| format!("{}, …", some.join(", ")));
    Some(format!(
        "{} of its {} pages could not be parsed and {} no text: {named}.",
        number(failed.len()),
        number(document.pages().len()),
        plural(failed.len(), "has", "have")
    ))
}

//! A parsed document as pages of text, and the pieces of it that fit an answer.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::reading::Page;
use super::selection::Selection;
use crate::tools::cache::Keep;
use crate::untrusted::{clean_lines, is_plain};

/// Longest reason of a failed page, in characters.
const MAX_REASON_CHARS: usize = 300;
/// The space that a failed page takes besides its reason.
const FAILED_PAGE_CHARS: usize = r#"{"page":123456,"error":""},"#.len();

/// The end of a row of a table in HTML.
const ROW_END: &str = "</tr>";
/// The length of a line break within JSON.
const LINE_END_CHARS: usize = 2;

/// The pages of a document, in their order. Their text is made readable when the document is read, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pages: Vec<Page>,
}

/// Where reading continues: the place of a page in its document, counted from 0, and a byte of its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) place: usize,
    pub(crate) offset: usize,
}

/// Part of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice<'d> {
    pub(crate) page: u32,
    /// Whether the page began in the previous piece.
    pub(crate) continued: bool,
    pub(crate) text: Result<&'d str, &'d str>,
}

/// As much of a document as fits one answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'d> {
    pub(crate) slices: Vec<Slice<'d>>,
    /// Where the next piece begins; `None` at the end.
    pub(crate) next: Option<Position>,
}

impl Document {
    /// The document with readable text.
    pub(crate) fn of(mut pages: Vec<Page>) -> Self {
        for page in &mut pages {
            if let Ok(text) = &mut page.text
                && let Some(readable) = readable(text)
            {
                *text = readable;
            }
        }
        Self { pages }
    }

    pub(crate) fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// The pages that have no text.
    pub(crate) fn failed_pages(&self) -> impl Iterator<Item = u32> {
        let failed = self.pages.iter().filter(|page| page.text.is_err());
        failed.map(|page| page.number)
    }

    /// The wanted pages with their places.
    pub(crate) fn wanted<'d, 's>(
        &'d self,
        selection: &'s Selection,
    ) -> impl Iterator<Item = (usize, &'d Page)> + use<'d, 's> {
        self.pages
            .iter()
            .enumerate()
            .filter(|(_, page)| selection.has(page.number))
    }

    /// The wanted pages from a position on, as many as fit `room` characters of JSON.
    ///
    /// Every piece has at least one character or one failed page, so that reading always comes to an end. A page that does not fit
    /// is cut at the end of a line or of a row of a table where there is one, else it begins in the next piece, unless this one would
    /// stay half empty: then it is cut between words, else between characters.
    pub(crate) fn piece(&self, selection: &Selection, from: Position, room: usize) -> Piece<'_> {
        let mut slices: Vec<Slice<'_>> = Vec::new();
        let mut left = room;
        for (place, page) in self.wanted_from(selection, from.place) {
            let offset = if place == from.place { from.offset } else { 0 };
            let is_first = slices.is_empty();
            let before = room - left;
            let (text, cost) = match &page.text {
                Err(reason) => {
                    let cost = FAILED_PAGE_CHARS + reason.chars().count().min(MAX_REASON_CHARS);
                    (Err(reason.as_str()), cost)
                }
                Ok(text) => {
                    let rest = text.get(offset..).unwrap_or_default();
                    let heading = json_chars(&heading(page.number, offset > 0)) + LINE_END_CHARS;
                    let fitting = prefix(rest, left.saturating_sub(heading), before);
                    if fitting.len() < rest.len() {
                        if !fitting.is_empty() {
                            slices.push(Slice {
                                page: page.number,
                                continued: offset > 0,
                                text: Ok(fitting),
                            });
                        }
                        let next = Position {
                            place,
                            offset: offset + fitting.len(),
                        };
                        return Piece {
                            slices,
                            next: Some(next),
                        };
                    }
                    (Ok(rest), heading + json_chars(rest))
                }
            };
            if cost > left && !is_first {
                return Piece {
                    slices,
                    next: Some(Position { place, offset: 0 }),
                };
            }
            left = left.saturating_sub(cost);
            slices.push(Slice {
                page: page.number,
                continued: offset > 0,
                text,
            });
        }
        Piece { slices, next: None }
    }

    /// Whether reading can continue here.
    pub(crate) fn has(&self, selection: &Selection, at: Position) -> bool {
        let mut wanted = self.wanted(selection);
        wanted.any(|(place, page)| {
            let text = page.text.as_deref().unwrap_or_default();
            place == at.place && (at.offset == 0 || (at.offset < text.len() && text.is_char_boundary(at.offset)))
        })
    }

    fn wanted_from<'d, 's>(
        &'d self,
        selection: &'s Selection,
        place: usize,
    ) -> impl Iterator<Item = (usize, &'d Page)> + use<'d, 's> {
        self.wanted(selection).skip_while(move |(at, _)| *at < place)
    }
}

impl Keep for Document {
    fn bytes(&self) -> usize {
        let text = |page: &Page| page.text.as_ref().map_or_else(String::len, String::len);
        self.pages.iter().map(|page| size_of::<Page>() + text(page)).sum()
    }
}

/// The text without control, bidirectional, invisible and tag characters, its letters composed; `None` if it is so already.
pub(crate) fn readable(text: &str) -> Option<String> {
    if is_plain(text) {
        return None;
    }
    let clean = clean_lines(text);
    match ComposingNormalizerBorrowed::new_nfc().normalize(&clean) {
        Cow::Owned(composed) => Some(composed),
        Cow::Borrowed(_) => (clean.len() != text.len()).then_some(clean),
    }
}

impl Piece<'_> {
    /// The text of the piece, each page under a line with its number.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for slice in &self.slices {
            let Ok(words) = slice.text else { continue };
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&heading(slice.page, slice.continued));
            text.push_str(words);
        }
        text
    }
}

fn heading(page: u32, continued: bool) -> String {
    let more = if continued { ", continued" } else { "" };
    format!("[page {page}{more}]\n")
}

/// How many characters a text takes within JSON, without its quotation marks.
pub(crate) fn json_chars(text: &str) -> usize {
    text.chars().map(json_char).sum()
}

const fn json_char(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => 1,
    }
}

/// The longest beginning of a text that takes at most `room` characters within JSON, cut where a reader would cut it. `before` is
/// how many characters the answer has already; if it has none, the beginning has one at least.
pub(crate) fn prefix(text: &str, room: usize, before: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find_map(|(index, character)| {
        taken += json_char(character);
        (taken > room).then_some(index)
    });
    let Some(end) = end else { return text };
    let fitting = text.get(..end).unwrap_or_default();
    let line_end = fitting.rfind('\n').map(|index| index + 1);
    // A table in HTML is often one long line.
    let row_end = fitting.rfind(ROW_END).map(|index| index + ROW_END.len());
    let word_end = || {
        let space = fitting
            .char_indices()
            .rev()
            .find(|(_, character)| character.is_whitespace());
        space.map(|(index, character)| index + character.len_utf8())
    };
    // An answer should not stay half empty.
    let is_good = |index: &usize| index + before > usize::midpoint(end, before);
    let good = line_end.filter(is_good).or(row_end.filter(is_good));
    let cut = match good {
        Some(index) => index,
        None if is_good(&0) => 0,
        None => word_end().filter(is_good).unwrap_or(end),
    };
    let one = text.chars().next().map_or(0, char::len_utf8);
    text.get(..if before == 0 { cut.max(one) } else { cut })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn page(number: u32, text: &str) -> Page {
        Page {
            number,
            text: Ok(text.to_owned()),
        }
    }

    fn pieces<'d>(document: &'d Document, selection: &Selection, room: usize) -> Vec<Piece<'d>> {
        let mut pieces = Vec::new();
        let mut next = Some(Position::default());
        while let Some(from) = next {
            let piece = document.piece(selection, from, room);
            next = piece.next;
            pieces.push(piece);
            assert!(pieces.len() < 100_000);
        }
        pieces
    }

    #[test]
    fn pages_are_cut_at_the_ends_of_lines() {
        let document = Document::of(vec![page(1, "one\ntwo\nthree\nfour\n"), page(2, "five")]);
        let texts: Vec<_> = pieces(&document, &Selection::default(), 40)
            .iter()
            .map(Piece::text)
            .collect();
        assert_eq!(texts, ["[page 1]\none\ntwo\nthree\nfour\n", "[page 2]\nfive"],);
        let texts: Vec<_> = pieces(&document, &Selection::default(), 34)
            .iter()
            .map(Piece::text)
            .collect();
        assert_eq!(
            texts,
            [
                "[page 1]\none\ntwo\nthree\n",
                "[page 1, continued]\nfour\n",
                "[page 2]\nfive"
            ]
        );
    }

    #[test]
    fn failed_pages_are_named_where_they_are() {
        let failed = Page {
            number: 2,
            text: Err("damaged".to_owned()),
        };
        let document = Document::of(vec![page(1, "one"), failed, page(3, "three")]);
        assert_eq!(document.failed_pages().collect::<Vec<_>>(), [2]);
        let piece = document.piece(&Selection::default(), Position::default(), 1000);
        assert_eq!(piece.text(), "[page 1]\none\n[page 3]\nthree");
        let failed: Vec<_> = piece.slices.iter().filter_map(|slice| slice.text.err()).collect();
        assert_eq!(failed, ["damaged"]);
    }

    #[test]
    fn only_wanted_pages_are_read() {
        let document = Document::of((1..=9).map(|number| page(number, "text")).collect());
        let piece = document.piece(&"2,8-99".parse().unwrap(), Position::default(), 1000);
        let numbers: Vec<_> = piece.slices.iter().map(|slice| slice.page).collect();
        assert_eq!(numbers, [2, 8, 9]);
    }

    #[test]
    fn a_long_table_is_cut_between_its_rows() {
        let table = format!("<table>{}</table>", "<tr><td>Roof tile, grey</td></tr>".repeat(20));
        let document = Document::of(vec![page(1, &table)]);
        let pieces = pieces(&document, &Selection::default(), 200);
        let texts: Vec<_> = pieces.iter().map(|piece| piece.slices[0].text.unwrap()).collect();
        assert_eq!(texts.concat(), table);
        assert!(
            texts.iter().rev().skip(1).all(|text| text.ends_with("</tr>")),
            "{texts:#?}"
        );
    }

    #[test]
    fn text_becomes_readable() {
        assert_eq!(readable("plain\tcafé\n"), None);
        assert_eq!(readable("a\u{202e}b\u{0}\r\nc\u{e0041}e\u{301}").unwrap(), "ab\ncé");
        assert_eq!(readable("e\u{301}").unwrap(), "é");
    }

    fn documents() -> impl Strategy<Value = Document> {
        let text = prop_oneof!["[a-z\"\\\\ \n]{0,80}", "\\PC{0,60}", "x{0,200}"];
        let pages = vec(
            prop_oneof![4 => text.prop_map(Ok), 1 => "[a-z]{0,20}".prop_map(Err)],
            0..8,
        );
        pages.prop_map(|pages| {
            let numbered = pages.into_iter().zip(1..).map(|(text, number)| Page { number, text });
            Document::of(numbered.collect())
        })
    }

    proptest! {
        #[test]
        fn pieces_cover_a_document_exactly_once(document in documents(), room in 60usize..300) {
            let mut read: Vec<(u32, Result<String, String>)> = Vec::new();
            for piece in pieces(&document, &Selection::default(), room) {
                for slice in piece.slices {
                    match (slice.text, read.last_mut()) {
                        (Ok(text), Some((page, Ok(before)))) if *page == slice.page => {
                            prop_assert!(slice.continued);
                            before.push_str(text);
                        }
                        (text, _) => {
                            prop_assert!(!slice.continued);
                            read.push((slice.page, text.map(str::to_owned).map_err(str::to_owned)));
                        }
                    }
                }
            }
            let whole: Vec<_> = document.pages().iter().map(|page| (page.number, page.text.clone())).collect();
            prop_assert_eq!(read, whole);
        }

        #[test]
        fn no_piece_is_longer_than_its_room(document in documents(), room in 60usize..300) {
            for piece in pieces(&document, &Selection::default(), room) {
                prop_assert!(json_chars(&piece.text()) <= room, "{:?}", piece);
            }
        }
    }
}

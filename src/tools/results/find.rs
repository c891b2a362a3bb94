//! Plain text found in a document: where it is, and the text around it.

use std::collections::VecDeque;

use super::document::{Document, readable};
use super::selection::Selection;
use crate::tools::cache::Keep;

/// Characters shown before and after what was found.
const AROUND_CHARS: usize = 100;

/// A text to find. Case is ignored, and any white space matches any other, since text is broken into lines anywhere.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    /// Folded like the text that is searched.
    characters: Vec<char>,
    /// How long a prefix still matches after a mismatch at each position (Knuth, Morris and Pratt).
    fallback: Vec<usize>,
}

/// How often a text occurs on each wanted page of a document that has it. Kept, so that the whole document is searched once, however
/// many answers the occurrences take; an answer searches only its own pages again.
#[derive(Debug)]
pub(crate) struct Hits(Vec<PageHits>);

#[derive(Debug)]
struct PageHits {
    /// The index of the page in the document.
    place: usize,
    count: usize,
}

impl Needle {
    /// `None` for a text that has nothing but white space.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let readable = readable(text);
        let text = readable.as_deref().unwrap_or(text).trim();
        let characters: Vec<char> = folded(text).map(|(.., character)| character).collect();
        let mut fallback = vec![0; characters.len().min(1)];
        for character in characters.iter().skip(1) {
            let before = fallback.last().copied().unwrap_or_default();
            let matched = advance(&characters, &fallback, before, *character);
            fallback.push(matched);
        }
        (!characters.is_empty()).then_some(Self { characters, fallback })
    }

    /// Where it is in a text: first byte and the one after the last. Occurrences do not overlap.
    fn places(&self, text: &str) -> impl Iterator<Item = (usize, usize)> {
        let length = self.characters.len();
        let mut starts = VecDeque::with_capacity(length);
        let mut matched = 0;
        folded(text).filter_map(move |(start, end, character)| {
            if starts.len() == length {
                starts.pop_front();
            }
            starts.push_back(start);
            matched = advance(&self.characters, &self.fallback, matched, character);
            if matched < length {
                return None;
            }
            matched = 0;
            Some((starts.front().copied().unwrap_or(start), end))
        })
    }
}

/// How many characters of the needle are found once this one was read.
fn advance(characters: &[char], fallback: &[usize], mut matched: usize, read: char) -> usize {
    loop {
        if characters.get(matched) == Some(&read) {
            return matched + 1;
        }
        match matched.checked_sub(1) {
            None => return 0,
            Some(last) => matched = fallback.get(last).copied().unwrap_or_default(),
        }
    }
}

impl Hits {
    /// Searches a document.
    pub(crate) fn of(needle: &Needle, document: &Document, selection: &Selection) -> Self {
        let pages = document.wanted(selection).map(|(place, page)| PageHits {
            place,
            count: page.text.as_ref().map_or(0, |text| needle.places(text).count()),
        });
        Self(pages.filter(|page| page.count > 0).collect())
    }

    /// How many there are.
    pub(crate) fn total(&self) -> usize {
        self.0.iter().map(|page| page.count).sum()
    }

    /// Those after the first `before`, each with the number of its page and shown with its surroundings. The needle and the document
    /// are those of the search.
    pub(crate) fn shown(
        &self,
        needle: &Needle,
        document: &Document,
        mut before: usize,
    ) -> impl Iterator<Item = (u32, String)> {
        self.0.iter().flat_map(move |hits| {
            let skipped = before.min(hits.count);
            before -= skipped;
            let page = document.pages().get(hits.place).filter(|_| skipped < hits.count);
            let text = page.and_then(|page| Some((page.number, page.text.as_deref().ok()?)));
            text.into_iter().flat_map(move |(number, text)| {
                let places = needle.places(text).skip(skipped);
                places.map(move |place| (number, surrounded(text, place)))
            })
        })
    }
}

impl Keep for Hits {
    fn bytes(&self) -> usize {
        size_of_val(self.0.as_slice())
    }
}

/// The characters in lower case, each run of white space one space, with the bytes of the text that each comes from.
fn folded(text: &str) -> impl Iterator<Item = (usize, usize, char)> {
    let mut after_space = false;
    text.char_indices()
        .filter_map(move |(start, character)| {
            let is_space = character.is_whitespace();
            let is_repeated = is_space && after_space;
            after_space = is_space;
            let character = if is_space { ' ' } else { character };
            (!is_repeated).then_some((start, start + character.len_utf8(), character))
        })
        .flat_map(|(start, end, character)| character.to_lowercase().map(move |small| (start, end, small)))
}

/// What was found with its surroundings, on one line.
fn surrounded(text: &str, (start, end): (usize, usize)) -> String {
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    let found = text.get(start..end).unwrap_or_default();
    let lead = before
        .char_indices()
        .rev()
        .take(AROUND_CHARS)
        .last()
        .map_or(before.len(), |(index, _)| index);
    let tail = after
        .char_indices()
        .nth(AROUND_CHARS)
        .map_or(after.len(), |(index, _)| index);
    let parts = [
        if lead > 0 { "…" } else { "" },
        before.get(lead..).unwrap_or_default(),
        found,
        after.get(..tail).unwrap_or_default(),
        if tail < after.len() { "…" } else { "" },
    ];
    parts.concat().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reading::Page;
    use super::*;

    fn document(texts: &[&str]) -> Document {
        let pages = texts.iter().zip(1..).map(|(text, number)| Page {
            number,
            text: Ok((*text).to_owned()),
        });
        Document::of(pages.collect())
    }

    fn found(document: &Document, text: &str) -> Vec<(u32, String)> {
        let Some(needle) = Needle::of(text) else {
            return Vec::new();
        };
        Hits::of(&needle, document, &Selection::default())
            .shown(&needle, document, 0)
            .collect()
    }

    #[test]
    fn case_and_line_breaks_do_not_matter() {
        let document = document(&["The TOTAL\n  amount is 5.", "nothing", "total Amount, total amount"]);
        let pages: Vec<_> = found(&document, "total amount")
            .into_iter()
            .map(|(page, _)| page)
            .collect();
        assert_eq!(pages, [1, 3, 3]);
        assert_eq!(found(&document, "Total  AMOUNT")[0].1, "The TOTAL amount is 5.");
    }

    #[test]
    fn occurrences_are_shown_from_any_of_them_on() {
        let document = document(&["a1 a2", "none", "a3", "", "a4 a5 a6"]);
        let needle = Needle::of("a").unwrap();
        let hits = Hits::of(&needle, &document, &Selection::default());
        let all: Vec<_> = hits.shown(&needle, &document, 0).collect();
        assert_eq!((hits.total(), all.len()), (6, 6));
        for before in 0..=7 {
            let rest: Vec<_> = hits.shown(&needle, &document, before).collect();
            assert_eq!(rest, all[before.min(6)..], "{before}");
        }
    }

    #[test]
    fn text_is_plain_and_not_a_pattern() {
        let document = document(&["a.c abc a+ (x)"]);
        for (text, count) in [("a.c", 1), (".*", 0), ("(x)", 1), (" ", 0), ("", 0)] {
            assert_eq!(found(&document, text).len(), count, "{text}");
        }
    }

    #[test]
    fn letters_of_every_script() {
        let document = document(&["ÜBERWEISUNG 文書 İstanbul STRASSE cafe\u{301}"]);
        for text in ["überweisung", "文書", "İSTANBUL", "strasse", "CAFÉ"] {
            assert_eq!(found(&document, text).len(), 1, "{text}");
        }
    }

    #[test]
    fn surroundings_are_cut() {
        let long = format!("{} needle {}", "before ".repeat(100), "after ".repeat(100));
        let hit = &found(&document(&[&long]), "needle")[0].1;
        assert!(hit.starts_with('…') && hit.ends_with('…') && hit.contains(" needle "));
        assert!(hit.chars().count() <= 2 * AROUND_CHARS + 8);
    }

    proptest! {
        #[test]
        fn occurrences_are_those_of_the_standard_library(text in "[ab]{0,80}", wanted in "[ab]{1,6}") {
            let needle = Needle::of(&wanted).unwrap();
            let places: Vec<_> = needle.places(&text).map(|(start, end)| (start, text.get(start..end).unwrap())).collect();
            prop_assert_eq!(places, text.match_indices(wanted.as_str()).collect::<Vec<_>>());
        }

        #[test]
        fn what_was_put_in_is_found(before in "\\PC{0,150}", text in "[a-zäß0-9]{1,12}", after in "\\PC{0,150}") {
            let whole = format!("{before}\n{text}\n{after}");
            let hits = found(&document(&[&whole]), &text);
            prop_assert!(!hits.is_empty());
            prop_assert!(hits.iter().any(|(_, hit)| hit.contains(&text)));
        }
    }
}

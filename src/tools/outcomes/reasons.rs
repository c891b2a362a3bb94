//! Error messages of many files → the few reasons behind them.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::untrusted::clean;

const MAX_EXAMPLES: usize = 3;
const MAX_REASON_CHARS: usize = 300;

/// One reason, and how many files have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// In the API's words, with `…` where the files' messages differ; absent where it gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Number of files.
    pub(crate) count: usize,
    /// Some of the files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) examples: Vec<String>,
}

/// Groups messages that differ only in numbers, ids and quoted names. The most frequent first.
///
/// Takes pairs of a file and its message, if it has one. Messages are cleaned and at most 300 characters long. A reason that
/// stands for several files shows `…` where their messages differ. The first three files of a reason are its examples.
pub(crate) fn group<'a>(failures: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Vec<Problem> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places = HashMap::new();
    for (file, message) in failures {
        let message = message.map_or_else(String::new, |message| clean(message, MAX_REASON_CHARS));
        let pieces = pieces(&message);
        let place = *places.entry(likeness(&pieces)).or_insert_with(|| {
            groups.push(Group::default());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.add(file, pieces);
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups.into_iter().map(Group::into_problem).collect()
}

/// Files whose messages are alike.
#[derive(Default)]
struct Group {
    pieces: Vec<Piece>,
    count: usize,
    examples: Vec<String>,
}

impl Group {
    fn add(&mut self, file: &str, pieces: Vec<Piece>) {
        if self.count == 0 {
            self.pieces = pieces;
        } else {
            for (own, other) in self.pieces.iter_mut().zip(pieces) {
                own.merge(&other);
            }
        }
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(file.to_owned());
        }
    }

    fn into_problem(self) -> Problem {
        let words: Vec<&str> = self.pieces.iter().map(|piece| piece.text.as_str()).collect();
        let reason = words.join(" ");
        Problem {
            reason: (!reason.is_empty()).then_some(reason),
            count: self.count,
            examples: self.examples,
        }
    }
}

/// A part of a message: a word that all messages of a kind share, or a run of words that hold a digit, are ids or a quoted name.
struct Piece {
    text: String,
    is_particular: bool,
}

impl Piece {
    /// Replaces what differs by `…` and keeps the punctuation around it.
    fn merge(&mut self, other: &Self) {
        if !self.is_particular || self.text == other.text {
            return;
        }
        let is_mark = |character: &char| !character.is_alphanumeric() && *character != '…';
        let same = |(one, other): &(char, char)| one == other && is_mark(one);
        let start = self.text.chars().zip(other.text.chars()).take_while(same);
        let start: String = start.map(|(mark, _)| mark).collect();
        let end = self.text.chars().rev().zip(other.text.chars().rev()).take_while(same);
        let end: Vec<char> = end.map(|(mark, _)| mark).collect();
        let end: String = end.into_iter().rev().collect();
        self.text = format!("{start}…{end}");
    }
}

/// The message in pieces; joined with spaces, they are the message again.
fn pieces(message: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut quoted = None;
    for word in message.split(' ').filter(|word| !word.is_empty()) {
        let was_quoted = quoted.is_some();
        if let Some(mark) = quoted {
            if closes(word, mark) {
                quoted = None;
            }
        } else if let Some(mark) = opening_mark(word) {
            let is_whole = word.chars().count() > 1 && closes(word, mark);
            quoted = (!is_whole).then_some(mark);
        }
        let is_particular = was_quoted || opening_mark(word).is_some() || is_particular(word);
        match pieces.last_mut() {
            Some(last) if last.is_particular && is_particular => {
                last.text.push(' ');
                last.text.push_str(word);
            }
            _ => pieces.push(Piece {
                text: word.to_owned(),
                is_particular,
            }),
        }
    }
    pieces
}

/// What messages of one kind have in common.
fn likeness(pieces: &[Piece]) -> String {
    let words = pieces.iter().map(|piece| {
        if piece.is_particular {
            "#".to_owned()
        } else {
            piece.text.to_lowercase()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Numbers, ids, paths and names of files: what differs between messages of one kind.
fn is_particular(word: &str) -> bool {
    let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
    let extension = bare.rsplit_once('.').map(|(_, extension)| extension);
    word.chars().any(|character| character.is_ascii_digit())
        || extension.is_some_and(|extension| (1..=5).contains(&extension.len()))
        || ["dfl-", "pjb-", "ext-", "fil-", "bat-", "dir-"]
            .iter()
            .any(|prefix| bare.starts_with(prefix))
}

/// The mark that ends the quotation that begins with this word, if one does.
fn opening_mark(word: &str) -> Option<char> {
    word.trim_start_matches(['(', '[', ':'])
        .chars()
        .next()
        .and_then(closing_mark)
}

fn closing_mark(opening: char) -> Option<char> {
    match opening {
        '"' | '\'' | '`' => Some(opening),
        '“' | '„' => Some('”'),
        '‘' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

fn closes(word: &str, mark: char) -> bool {
    word.trim_end_matches([',', '.', ':', ';', ')', ']', '!', '?'])
        .ends_with(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_differ_in_numbers_ids_and_names_are_one_reason() {
        for (one, other, reason) in [
            (
                "Page 3 of 7 is unreadable",
                "Page 12 of 40 is unreadable",
                "Page … of … is unreadable",
            ),
            (
                "Page 3 of 12 is unreadable",
                "Page 5 of 12 is unreadable",
                "Page … of 12 is unreadable",
            ),
            (
                "File \"a b.pdf\" is encrypted.",
                "File \"c.pdf\" is encrypted.",
                "File \"…\" is encrypted.",
            ),
            (
                "file 'x' gone (id 9f3c-1)",
                "File 'y z' gone (id 77aa-2)",
                "file '…' gone (id …)",
            ),
            ("Timeout after 1,800 s", "timeout after 30.5 s", "Timeout after … s"),
            ("Cannot open a.pdf", "Cannot open file-7.pdf", "Cannot open …"),
            ("Job pjb-x failed", "Job pjb-yz failed", "Job … failed"),
            (
                "Pages 3, 7 and 12 failed",
                "Pages 4, 8 and 9 failed",
                "Pages … and … failed",
            ),
            ("No text in „Straße.pdf”", "No text in „Weg.pdf”", "No text in „…”"),
            ("Empty file", "Empty file", "Empty file"),
        ] {
            let problems = group([("f1", Some(one)), ("f2", Some(other)), ("f3", Some(one))]);
            assert_eq!(problems.len(), 1, "{one}");
            assert_eq!(problems[0].reason.as_deref(), Some(reason));
        }
        for (one, other) in [
            ("File is encrypted", "File is empty"),
            ("Page 3 failed", "Row 3 failed"),
        ] {
            assert_eq!(group([("f1", Some(one)), ("f2", Some(other))]).len(), 2);
        }
    }

    #[test]
    fn five_files_with_another_page_each_share_a_reason_that_names_no_page() {
        let messages: Vec<String> = (1..=5).map(|page| format!("Page {page} is damaged")).collect();
        let problems = group(messages.iter().map(|message| ("a.pdf", Some(message.as_str()))));
        assert_eq!(problems[0].reason.as_deref(), Some("Page … is damaged"));
    }

    #[test]
    fn a_reason_of_one_file_stays_whole() {
        let message = "Page 3 of \"a b.pdf\" could not be rendered (trace 5b1f6c1e-0d8a).";
        assert_eq!(group([("f1", Some(message))])[0].reason.as_deref(), Some(message));
    }

    #[test]
    fn the_most_frequent_reason_comes_first() {
        let failures = [
            ("f1", Some("Empty file")),
            ("f2", Some("Page 1 bad")),
            ("f3", Some("Page 2 bad")),
            ("f4", Some("Page 3 bad")),
            ("f5", Some("Page 4 bad")),
            ("f6", None),
            ("f7", Some(" \u{200b}")),
        ];
        let problems = group(failures);
        assert_eq!(problems.len(), 3);
        assert_eq!(problems[0].reason.as_deref(), Some("Page … bad"));
        assert_eq!((problems[0].count, problems[0].examples.len()), (4, 3));
        assert_eq!((problems[1].reason.as_deref(), problems[1].count), (None, 2));
        assert_eq!(problems[2].examples, ["f1"]);
    }
}

//! Error messages of many files → the few reasons behind them.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::foreign::clean;

const MAX_EXAMPLES: usize = 3;
const MAX_REASON_CHARS: usize = 300;

/// One reason, and how many files it befell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// The first message of its kind, in the API's words; absent where it gives none.
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
/// Takes pairs of a file and its message, if it has one. Messages are cleaned and at most 300 characters long, files as they come, three each.
pub(crate) fn group<'a>(failures: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut places = HashMap::new();
    for (file, message) in failures {
        let message = message
            .map(|message| clean(message, MAX_REASON_CHARS))
            .filter(|message| !message.is_empty());
        let place = *places.entry(message.as_deref().map(likeness)).or_insert_with(|| {
            problems.push(Problem {
                reason: message,
                count: 0,
                examples: Vec::new(),
            });
            problems.len() - 1
        });
        let Some(problem) = problems.get_mut(place) else {
            continue;
        };
        problem.count += 1;
        if problem.examples.len() < MAX_EXAMPLES {
            problem.examples.push(file.to_owned());
        }
    }
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.count));
    problems
}

/// The message with a `#` for each run of words that hold a digit, are ids, or are a quoted name.
fn likeness(message: &str) -> String {
    let mut likeness = String::new();
    let mut quoted = None;
    for word in message.to_lowercase().split(' ') {
        if let Some(mark) = quoted {
            if closes(word, mark) {
                quoted = None;
            }
            continue;
        }
        let opening = word
            .trim_start_matches(['(', '[', ':'])
            .chars()
            .next()
            .and_then(closing_mark);
        if let Some(mark) = opening {
            let is_whole = word.chars().count() > 1 && closes(word, mark);
            quoted = (!is_whole).then_some(mark);
        } else if !is_particular(word) {
            likeness.push_str(word);
            likeness.push(' ');
            continue;
        }
        if !likeness.ends_with("# ") {
            likeness.push_str("# ");
        }
    }
    likeness
}

/// Numbers, ids, paths and names of files: what tells one message from another of its kind.
fn is_particular(word: &str) -> bool {
    let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
    let extension = bare.rsplit_once('.').map(|(_, extension)| extension);
    word.chars().any(|character| character.is_ascii_digit())
        || extension.is_some_and(|extension| (1..=5).contains(&extension.len()))
        || ["dfl-", "pjb-", "ext-", "fil-", "bat-", "dir-"]
            .iter()
            .any(|prefix| bare.starts_with(prefix))
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
    fn likeness_decides() {
        let alike = [
            ("Page 3 of 7 is unreadable", "Page 12 of 40 is unreadable"),
            ("File \"a b.pdf\" is encrypted.", "File \"c.pdf\" is encrypted."),
            ("file 'x' gone (id 9f3c-1)", "File 'y z' gone (id 77aa-2)"),
            ("Timeout after 1,800 s", "timeout after 30.5 s"),
            ("Cannot open a.pdf", "Cannot open file-7.pdf"),
            ("Job pjb-x failed", "Job pjb-yz failed"),
            ("Pages 3, 7 and 12 failed", "Pages 4, 8 and 9 failed"),
            ("No text in „Straße.pdf”", "No text in „Weg.pdf”"),
        ];
        for (one, other) in alike {
            assert_eq!(likeness(one), likeness(other));
        }
        for (one, other) in [
            ("File is encrypted", "File is empty"),
            ("Page 3 failed", "Row 3 failed"),
        ] {
            assert_ne!(likeness(one), likeness(other));
        }
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
        assert_eq!(problems[0].reason.as_deref(), Some("Page 1 bad"));
        assert_eq!((problems[0].count, problems[0].examples.len()), (4, 3));
        assert_eq!((problems[1].reason.as_deref(), problems[1].count), (None, 2));
        assert_eq!(problems[2].examples, ["f1"]);
    }
}

//! Error messages of many files → the few reasons behind them.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::foreign::clean;

const MAX_REASONS: usize = 5;
const MAX_EXAMPLES: usize = 3;
const MAX_REASON_CHARS: usize = 300;

/// One reason, and how many files it befell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// The first message of its kind, in the API's words.
    pub(crate) reason: String,
    /// Number of files.
    pub(crate) count: usize,
    /// Up to three of the files.
    pub(crate) examples: Vec<String>,
}

/// Groups messages that differ only in numbers, ids and quoted names. The most frequent first, at most five.
///
/// Takes pairs of a file and its message.
pub(crate) fn group<'a>(failures: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut places = HashMap::new();
    for (file, message) in failures {
        let place = *places.entry(likeness(message)).or_insert_with(|| {
            problems.push(Problem {
                reason: clean(message, MAX_REASON_CHARS),
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
    problems.truncate(MAX_REASONS);
    problems
}

/// The message with a `#` for each word that holds a digit and each quoted name.
fn likeness(message: &str) -> String {
    let mut likeness = String::new();
    let mut quoted = None;
    for word in clean(message, MAX_REASON_CHARS).to_lowercase().split(' ') {
        if let Some(mark) = quoted {
            if closes(word, mark) {
                quoted = None;
            }
            continue;
        }
        let opening = word
            .trim_start_matches(['(', '['])
            .chars()
            .next()
            .filter(|mark| "\"'`".contains(*mark));
        match opening {
            Some(mark) => {
                likeness.push_str("# ");
                quoted = (word.len() < 2 || !closes(word, mark)).then_some(mark);
            }
            None if word.chars().any(|character| character.is_ascii_digit()) => likeness.push_str("# "),
            None => {
                likeness.push_str(word);
                likeness.push(' ');
            }
        }
    }
    likeness
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
            ("f1", "Empty file"),
            ("f2", "Page 1 bad"),
            ("f3", "Page 2 bad"),
            ("f4", "Page 3 bad"),
            ("f5", "Page 4 bad"),
        ];
        let problems = group(failures);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].reason, "Page 1 bad");
        assert_eq!((problems[0].count, problems[0].examples.len()), (4, 3));
        assert_eq!(problems[1].examples, ["f1"]);
    }
}

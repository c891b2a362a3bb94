//! What was found in a document, as much as fits an answer.

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::answer::Page;
use super::cursor::{Cursor, unfit};
use super::job::{Text, Trouble};
use super::output::{FoundText, ReadResultOutput};
use super::pages::{check, failures};

use crate::mcp::Json;
use crate::tools::call::Answer;
use crate::tools::results::document::json_chars;
use crate::tools::results::find::{Hits, Needle};
use crate::tools::results::selection::Selection;
use crate::tools::wording::{number, plural};
use crate::untrusted::quote;

/// The space that a hit takes besides its text.
const HIT_CHARS: usize = r#"{"page":123456,"text":""},"#.len();
const MAX_SHOWN_CHARS: usize = 100;

/// Longest text to find, in characters.
const MAX_CHARS: usize = 500;

/// A text to find.
#[derive(Debug)]
pub(super) struct FindArgument {
    pub(super) text: String,
    needle: Needle,
}

/// The answer with the hits that begin at the cursor.
pub(super) fn answer(
    page: &Page<'_>,
    text: &Text,
    selection: &Selection,
    wanted: &FindArgument,
    cursor: Option<Cursor>,
) -> Result<Json<Answer<ReadResultOutput>>, Trouble> {
    let document = &text.document;
    let before = match cursor {
        None => 0,
        Some(Cursor::Hit(before)) => before,
        Some(_) => return Err(unfit()),
    };
    check(document, selection)?;
    // The fingerprint names the document and everything that is asked of it.
    let (cache, scope, id) = (&page.call.account.cache, &page.call.scope, page.fingerprint);
    let kept = cache.get::<Hits>(scope, id);
    let hits = kept.unwrap_or_else(|| Arc::new(Hits::of(&wanted.needle, document, selection)));
    let total = hits.total();
    if before > 0 && before >= total {
        return Err(unfit());
    }
    let mut room = page.call.account.policy.max_result_chars;
    let mut found: Vec<FoundText> = Vec::new();
    for (page, text) in hits.shown(&wanted.needle, document, before) {
        room = room.saturating_sub(HIT_CHARS + json_chars(&text));
        found.push(FoundText { page, text });
        if room == 0 {
            // More answers follow: the document is not searched again for each of them.
            cache.keep(scope, id, Arc::clone(&hits));
            break;
        }
    }
    page.fit(|room| {
        let mut left = room;
        let fits = |hit: &&FoundText| {
            let rest = left.checked_sub(HIT_CHARS + json_chars(&hit.text));
            left = rest.unwrap_or_default();
            rest.is_some()
        };
        let count = found.iter().take_while(fits).count().max(1).min(found.len());
        let shown = found.get(..count).unwrap_or_default().to_vec();
        let last = before + count;
        let output = ReadResultOutput {
            hits: Some(shown),
            hits_total: Some(total),
            next_cursor: (last < total).then(|| page.cursor(Cursor::Hit(last))),
            ..page.output(text.format)
        };
        Ok((sentences(page, text, selection, wanted, (before, last, total)), output))
    })
}

fn sentences(
    page: &Page<'_>,
    text: &Text,
    selection: &Selection,
    wanted: &FindArgument,
    (before, last, total): (usize, usize, usize),
) -> String {
    let words = quote(&wanted.text, MAX_SHOWN_CHARS);
    let name = page.target.label();
    let searched = if *selection == Selection::default() {
        name
    } else {
        format!("the pages {selection} of {name}")
    };
    let mut sentences = vec![match total {
        0 => format!(
            "{words} does not occur in {searched}. The search ignores case and line breaks, and takes the text as it is, not as a pattern; \
             try a shorter part of it."
        ),
        _ => format!("{words} occurs {} in {searched}.", times(total)),
    }];
    if page.is_first {
        sentences.extend(failures(&text.document));
    }
    if last < total || before > 0 {
        let rest = if last < total {
            " To continue, pass `next_cursor` as `cursor` and repeat the other arguments."
        } else {
            ""
        };
        sentences.push(format!(
            "These are occurrences {} to {}.{rest}",
            number(before + 1),
            number(last)
        ));
    }
    if total > 0 {
        sentences.push("Use `pages` to read the whole text of a page.".to_owned());
    }
    sentences.join(" ")
}

fn times(count: usize) -> String {
    format!("{} {}", number(count), plural(count, "time", "times"))
}

impl<'de> Deserialize<'de> for FindArgument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let chars = text.chars().count();
        if chars > MAX_CHARS {
            let problem = format!("is {chars} characters long, more than {MAX_CHARS}. Send a shorter part of the text");
            return Err(D::Error::custom(problem));
        }
        let needle = Needle::of(&text);
        let needle =
            needle.ok_or_else(|| D::Error::custom("has nothing but white space. Send the text to look for"))?;
        Ok(Self { text, needle })
    }
}

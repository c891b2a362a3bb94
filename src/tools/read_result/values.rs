//! Extracted data, as much as fits an answer; then, on request, where its values come from.

use serde_json::value::RawValue;

use super::answer::Page;
use super::cursor::{Cursor, unfit};
use super::job::{Trouble, Values};
use super::output::{ItemRange, ReadResultOutput};
use crate::mcp::Json;
use crate::tools::call::Answer;
use crate::tools::results::Format;
use crate::tools::results::citations::Citation;
use crate::tools::results::data::{Items, Part, Place};
use crate::tools::wording::{number, plural};
use crate::untrusted::quote;

/// The answer with the data or the citations that begin at the cursor. The citations follow when the data has ended.
pub(super) fn answer(
    page: &Page<'_>,
    values: &Values,
    with_citations: bool,
    cursor: Option<Cursor>,
) -> Result<Json<Answer<ReadResultOutput>>, Trouble> {
    let data = values.data.as_ref().ok_or(Trouble::NoData)?;
    let rows = if with_citations {
        values.citations.as_slice()
    } else {
        &[]
    };
    let (from, cited) = match cursor {
        None => (Some(Place::default()), 0),
        Some(Cursor::Data(place)) => (Some(place), 0),
        Some(Cursor::Citation(index)) if index < rows.len() => (None, index),
        Some(_) => return Err(unfit()),
    };
    let max_room = page.call.account.policy.max_result_chars;
    page.fit(|room| {
        let part = |from| data.part(from, room, max_room).ok_or_else(unfit);
        let shown = from.map(part).transpose()?;
        let mut output = page.output(Format::Data);
        let mut about = vec![];
        let mut left = room;
        let mut next = None;
        if let Some(Part {
            data,
            json,
            items,
            next: after,
        }) = shown
        {
            about.push(about_data(page, items.as_ref(), json.is_some(), data.is_some()));
            let chars = [data.as_deref().map(RawValue::get), json.as_deref()];
            left = left.saturating_sub(chars.into_iter().flatten().map(|text| text.chars().count()).sum());
            output.data = data;
            output.text = json;
            output.items = items.map(ItemRange::from);
            next = after.map(Cursor::Data);
        }
        if next.is_none() && with_citations {
            let rest = rows.get(cited..).unwrap_or_default();
            output.citations = fitting(rest, left, from.is_none());
            let last = cited + output.citations.len();
            next = (last < rows.len()).then_some(Cursor::Citation(last));
            about.push(about_citations(cited, last, rows.len()));
        }
        if next.is_some() {
            about.push("To continue, pass `next_cursor` as `cursor` and repeat the other arguments.".to_owned());
        }
        output.next_cursor = next.map(|next| page.cursor(next));
        Ok((about.join(" "), output))
    })
}

/// As many citations as fit; where nothing else is shown, at least one.
fn fitting(rows: &[Citation], room: usize, at_least_one: bool) -> Vec<Citation> {
    let mut left = room;
    let fits = |row: &&Citation| {
        let chars = serde_json::to_string(row).map_or(usize::MAX, |json| json.chars().count() + 1);
        let rest = left.checked_sub(chars);
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let count = rows.iter().take_while(fits).count().max(usize::from(at_least_one));
    rows.get(..count).unwrap_or(rows).to_vec()
}

fn about_data(page: &Page<'_>, items: Option<&Items>, is_piece: bool, has_data: bool) -> String {
    let name = page.target.label();
    let Some(Items {
        first,
        last,
        total,
        within,
    }) = items
    else {
        return if is_piece {
            format!("The data of {name} is too long for one answer, so `text` is a piece of its JSON.")
        } else {
            format!("The data of {name}.")
        };
    };
    let array = if within.is_empty() {
        String::new()
    } else {
        format!(" in {}", quote(within, 100))
    };
    let total = number(*total);
    if is_piece {
        let around = if has_data {
            "; `data` has the surrounding data"
        } else {
            ""
        };
        return format!(
            "In the data of {name}, item {} of {total}{array} is too long for one answer, so `text` is a piece of its \
             JSON{around}.",
            number(*first)
        );
    }
    format!(
        "Items {} to {} of {total}{array} of the data of {name}.",
        number(*first),
        number(*last)
    )
}

fn about_citations(before: usize, last: usize, total: usize) -> String {
    match total {
        0 => "LlamaCloud has no citations for this result. A job has them only if its configuration asks for them."
            .to_owned(),
        _ if before == last => format!(
            "Its {} {} in the next answer.",
            number(total),
            plural(total, "citation comes", "citations come")
        ),
        _ => format!(
            "Citations {} to {} of {}.",
            number(before + 1),
            number(last),
            number(total)
        ),
    }
}

impl From<Items> for ItemRange {
    fn from(items: Items) -> Self {
        let Items {
            first,
            last,
            total,
            within,
        } = items;
        Self {
            first,
            last,
            total,
            within: crate::untrusted::clean(&within, 300),
        }
    }
}

//! Extracted data, and the parts of it that fit an answer.

use std::ops::Range;

use serde_json::value::RawValue;

use super::array::Index;
use super::document::{json_chars, prefix};
use super::json::{depth, member, parts, parts_inside};

/// How deep in objects an array is looked for. A schema of LlamaCloud's is at most seven levels deep.
const MAX_PATH: usize = 8;
/// Deeper data is shown as text: not every reader of JSON can read it.
const MAX_DEPTH: usize = 32;
/// The longest character in UTF-8.
const MAX_CHAR_BYTES: usize = 4;

/// Where reading continues: an item of the array that is paged, counted from 0, and a byte of its JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) item: usize,
    pub(crate) offset: usize,
}

/// As much of the data as fits one answer.
#[derive(Debug)]
pub(crate) struct Part {
    /// The data; a paged array holds only the items of this part.
    pub(crate) data: Option<Box<RawValue>>,
    /// A piece of the JSON of what is too long for one answer.
    pub(crate) json: Option<String>,
    /// Which items of the paged array this part has; `None` where nothing is paged by items.
    pub(crate) items: Option<Items>,
    /// Where the next part begins; `None` at the end.
    pub(crate) next: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Items {
    /// Counted from 1.
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) total: usize,
    /// The member that holds the array, such as `invoice.lines`; empty where the data itself is the array.
    pub(crate) within: String,
}

/// Extracted data as it is shown. The array to page is found once.
#[derive(Debug)]
pub(crate) struct Data {
    /// Clean JSON.
    json: String,
    array: Option<Array>,
}

/// The longest array that objects hold.
#[derive(Debug)]
struct Array {
    /// The names that lead to it, with their quotation marks.
    path: Vec<String>,
    /// Its position in the data, brackets included.
    place: Range<usize>,
    index: Index,
}

impl Data {
    /// Takes clean JSON.
    pub(crate) fn of(json: String) -> Self {
        let array = Array::longest_of(&json);
        Self { json, array }
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len() + self.array.as_ref().map_or(0, |array| array.index.bytes())
    }

    /// The part of the data that begins at a place and takes at most `room` characters. `None` for a place that is not in the data.
    ///
    /// Data that fits is one part. Otherwise the longest array in it is paged by items, if the rest leaves room for them; an item that
    /// is too long comes as pieces of its JSON, and so does data without such an array. Every part has something new.
    ///
    /// `max_room` is the most that any part may take. It decides how the data is divided, so that a place means the same for every
    /// `room`.
    pub(crate) fn part(&self, from: Place, room: usize, max_room: usize) -> Option<Part> {
        if from == Place::default() && fits(&self.json, room) {
            return Some(Part {
                data: Some(RawValue::from_string(self.json.clone()).ok()?),
                json: None,
                items: None,
                next: None,
            });
        }
        if let Some(paged) = Paged::of(self, max_room) {
            return paged.part(from, room);
        }
        let (json, next) = piece(&self.json, from.offset, room).filter(|_| from.item == 0)?;
        Some(Part {
            data: None,
            json: Some(json),
            items: None,
            next: next.map(|offset| Place { item: 0, offset }),
        })
    }
}

impl Array {
    fn longest_of(data: &str) -> Option<Self> {
        let mut longest = None;
        look_for_arrays(data, &mut Vec::new(), &mut longest);
        let (path, array) = longest?;
        // A part of the data, so its place is the distance of their beginnings.
        let start = array.as_ptr() as usize - data.as_ptr() as usize;
        Some(Self {
            path: path.into_iter().map(str::to_owned).collect(),
            place: start..start + array.len(),
            index: Index::of(inside(array)),
        })
    }
}

/// The text between the brackets of an array.
fn inside(array: &str) -> &str {
    array.get(1..array.len().saturating_sub(1)).unwrap_or_default()
}

fn fits(json: &str, room: usize) -> bool {
    // Most data that does not fit is much longer, and is not counted.
    json.len() <= room * MAX_CHAR_BYTES && json.chars().count() <= room && depth(json) <= MAX_DEPTH
}

/// The array that is paged, and all that is around it.
struct Paged<'d> {
    array: &'d Array,
    before: &'d str,
    inside: &'d str,
    after: &'d str,
}

impl<'d> Paged<'d> {
    /// The longest array in the data, if what is around it takes at most a third of the room of a part: the rest of an answer takes
    /// room as well.
    fn of(data: &'d Data, room: usize) -> Option<Self> {
        let array = data.array.as_ref()?;
        let paged = Self {
            array,
            before: data.json.get(..array.place.start)?,
            inside: inside(data.json.get(array.place.clone())?),
            after: data.json.get(array.place.end..)?,
        };
        let most = room / 3;
        let around = fits_within(paged.before, most)? + fits_within(paged.after, most)?;
        let is_readable = depth(paged.before) + depth(paged.after) <= MAX_DEPTH;
        (around + "[]".len() <= most && is_readable).then_some(paged)
    }

    fn part(&self, from: Place, room: usize) -> Option<Part> {
        let Array { path, index, .. } = self.array;
        let total = index.total();
        let first = index.item(self.inside, from.item)?;
        let items = |last: usize| Items {
            first: from.item + 1,
            last,
            total,
            within: self.within(),
        };
        let after = |item: usize| (item < total).then_some(Place { item, offset: 0 });
        // The members around the array are shown once.
        let is_first = from == Place::default();
        let (before, behind) = if is_first {
            (self.before.to_owned(), self.after.to_owned())
        } else {
            self.skeleton()
        };
        let around = |items: &str| RawValue::from_string(format!("{before}[{items}]{behind}")).ok();
        let room_for_items = room.saturating_sub(before.chars().count() + behind.chars().count() + "[]".len());
        if from.offset > 0 || !fits(first, room_for_items) {
            let frame = (is_first && !path.is_empty()).then(|| around(""));
            let room = if frame.is_some() { room_for_items } else { room };
            let (json, next) = piece(first, from.offset, room)?;
            let next = next.map(|offset| Place {
                item: from.item,
                offset,
            });
            return Some(Part {
                data: frame.flatten(),
                json: Some(json),
                items: Some(items(from.item + 1)),
                next: next.or_else(|| after(from.item + 1)),
            });
        }
        let mut left = room_for_items;
        let mut shown = Vec::new();
        // An item that does not end within these bytes has more characters than there is room for.
        let near = beginning(
            index.from(self.inside, from.item)?,
            (room_for_items + 1) * MAX_CHAR_BYTES,
        );
        for item in parts_inside(near) {
            let chars = item.chars().count() + usize::from(!shown.is_empty());
            if chars > left || depth(item) > MAX_DEPTH {
                break;
            }
            left -= chars;
            shown.push(item);
        }
        let last = from.item + shown.len();
        Some(Part {
            data: Some(around(&shown.join(","))?),
            json: None,
            items: Some(items(last)),
            next: after(last),
        })
    }

    /// Nothing but the objects that lead to the array: what comes before and after it.
    fn skeleton(&self) -> (String, String) {
        let path = &self.array.path;
        let before = path.iter().flat_map(|name| ["{", name, ":"]).collect();
        (before, "}".repeat(path.len()))
    }

    fn within(&self) -> String {
        let name = |name: &String| serde_json::from_str(name).unwrap_or_else(|_| name.clone());
        self.array.path.iter().map(name).collect::<Vec<String>>().join(".")
    }
}

/// At most this many bytes of the text, in whole characters.
fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// How many characters the text has, if that is at most `room`.
fn fits_within(text: &str, room: usize) -> Option<usize> {
    let chars = text.chars().take(room + 1).count();
    (chars <= room).then_some(chars)
}

/// Finds the longest array that objects hold, with the names that lead to it.
fn look_for_arrays<'d>(data: &'d str, path: &mut Vec<&'d str>, longest: &mut Option<(Vec<&'d str>, &'d str)>) {
    if data.starts_with('[') {
        if longest.as_ref().is_none_or(|(_, array)| data.len() > array.len()) {
            *longest = Some((path.clone(), data));
        }
    } else if data.starts_with('{') && path.len() < MAX_PATH {
        for (name, value) in parts(data).filter_map(member) {
            path.push(name);
            look_for_arrays(value, path, longest);
            path.pop();
        }
    }
}

/// A piece of JSON for use in a text, and where the next piece begins.
fn piece(json: &str, offset: usize, room: usize) -> Option<(String, Option<usize>)> {
    let rest = json.get(offset..).filter(|rest| !rest.is_empty())?;
    let piece = prefix(rest, room, 0);
    let end = offset + piece.len();
    debug_assert!(json_chars(piece) <= room || piece.chars().count() == 1);
    Some((piece.to_owned(), (end < json.len()).then_some(end)))
}

#[cfg(test)]
mod tests;

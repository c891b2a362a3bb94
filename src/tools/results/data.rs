//! Extracted data, and the parts of it that fit an answer.

use serde_json::value::RawValue;

use super::document::{json_chars, prefix};
use super::json::{depth, member, parts};

/// How deep in objects an array is looked for. A schema of LlamaCloud's is at most seven levels deep.
const MAX_PATH: usize = 8;
/// Deeper data is shown as text: not every reader of JSON can read it.
const MAX_DEPTH: usize = 32;

/// Where reading goes on: an item of the array that is paged, counted from 0, and a byte of its JSON.
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

/// The part of the data that begins at a place and takes at most `room` characters. `None` for a place that is not in the data.
///
/// Data that fits is one part. Otherwise the longest array in it is paged by items, if the rest leaves room for them; an item that
/// is too long comes as pieces of its JSON, and so does data without such an array. Every part has something new.
pub(crate) fn part(data: &str, from: Place, room: usize) -> Option<Part> {
    if fits(data, room) {
        let whole = RawValue::from_string(data.to_owned()).ok()?;
        return (from == Place::default()).then_some(Part {
            data: Some(whole),
            json: None,
            items: None,
            next: None,
        });
    }
    if let Some(paged) = Paged::of(data, room) {
        return paged.part(from, room);
    }
    let (json, next) = piece(data, from.offset, room).filter(|_| from.item == 0)?;
    Some(Part {
        data: None,
        json: Some(json),
        items: None,
        next: next.map(|offset| Place { item: 0, offset }),
    })
}

fn fits(json: &str, room: usize) -> bool {
    // Most data that does not fit is much longer, and is not counted.
    json.len() <= room * 4 && json.chars().count() <= room && depth(json) <= MAX_DEPTH
}

/// The array that is paged, and all that is around it.
struct Paged<'d> {
    /// Names with their quotation marks.
    path: Vec<&'d str>,
    before: &'d str,
    array: &'d str,
    after: &'d str,
}

impl<'d> Paged<'d> {
    /// The longest array in the data, if what is around it takes at most half of the room.
    fn of(data: &'d str, room: usize) -> Option<Self> {
        let mut longest = None;
        look_for_arrays(data, &mut Vec::new(), &mut longest);
        let (path, array) = longest?;
        // A part of the data, so its place is the distance of their beginnings.
        let start = array.as_ptr() as usize - data.as_ptr() as usize;
        let paged = Self {
            path,
            array,
            before: data.get(..start)?,
            after: data.get(start + array.len()..)?,
        };
        let around = fits_within(paged.before, room / 2)? + fits_within(paged.after, room / 2)?;
        let is_readable = depth(paged.before) + depth(paged.after) <= MAX_DEPTH;
        (around + "[]".len() <= room / 2 && is_readable).then_some(paged)
    }

    fn part(&self, from: Place, room: usize) -> Option<Part> {
        let total = parts(self.array).count();
        let first = parts(self.array).nth(from.item)?;
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
            let frame = (is_first && !self.path.is_empty()).then(|| around(""));
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
        for item in parts(self.array).skip(from.item) {
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

    /// Nothing but the objects that lead to the array: what stands before it and after it.
    fn skeleton(&self) -> (String, String) {
        let before = self.path.iter().flat_map(|name| ["{", name, ":"]).collect();
        (before, "}".repeat(self.path.len()))
    }

    fn within(&self) -> String {
        let name = |name: &&str| serde_json::from_str(name).unwrap_or_else(|_| (*name).to_owned());
        self.path.iter().map(name).collect::<Vec<String>>().join(".")
    }
}

/// How many characters the text has, if they are at most so many.
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

/// A piece of JSON that stands in a text, and where the next piece begins.
fn piece(json: &str, offset: usize, room: usize) -> Option<(String, Option<usize>)> {
    let rest = json.get(offset..).filter(|rest| !rest.is_empty())?;
    let piece = prefix(rest, room, 0);
    let end = offset + piece.len();
    debug_assert!(json_chars(piece) <= room || piece.chars().count() == 1);
    Some((piece.to_owned(), (end < json.len()).then_some(end)))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn all_parts(data: &Value, room: usize) -> Vec<Part> {
        let text = data.to_string();
        let mut found = Vec::new();
        let mut next = Some(Place::default());
        while let Some(from) = next {
            let part = part(&text, from, room).unwrap();
            next = part.next;
            found.push(part);
            assert!(found.len() < 100_000);
        }
        found
    }

    fn data(part: &Part) -> Value {
        serde_json::from_str(part.data.as_ref().unwrap().get()).unwrap()
    }

    fn json_of(parts: &[Part]) -> String {
        parts.iter().filter_map(|part| part.json.as_deref()).collect()
    }

    /// The data as it is put together from its parts.
    fn together(parts: &[Part]) -> Value {
        let Some(Items { within, .. }) = &parts[0].items else {
            return parts[0]
                .data
                .as_ref()
                .map_or_else(|| serde_json::from_str(&json_of(parts)).unwrap(), |_| data(&parts[0]));
        };
        let names = within.split('.').filter(|name| !name.is_empty());
        let pointer: String = names.flat_map(|name| ["/", name]).collect();
        let array = |part: &Part| data(part).pointer(&pointer).unwrap().as_array().unwrap().clone();
        let mut items = Vec::new();
        let mut piece = String::new();
        for part in parts {
            if part.data.is_some() {
                items.extend(array(part));
            }
            piece.push_str(part.json.as_deref().unwrap_or_default());
            let ends_item = part.next.is_none_or(|next| next.offset == 0);
            if ends_item && !piece.is_empty() {
                items.push(serde_json::from_str(&piece).unwrap());
                piece.clear();
            }
        }
        let mut whole = if pointer.is_empty() || parts[0].data.is_some() {
            parts[0].data.as_ref().map_or(json!([]), |_| data(&parts[0]))
        } else {
            panic!("nothing around the items")
        };
        *whole.pointer_mut(&pointer).unwrap() = Value::Array(items);
        whole
    }

    #[test]
    fn what_fits_is_one_part() {
        let value = json!({ "total": 12.5, "lines": [1, 2] });
        let parts = all_parts(&value, 100);
        assert_eq!(
            (parts.len(), data(&parts[0]), &parts[0].items),
            (1, value.clone(), &None)
        );
        assert!(part(&value.to_string(), Place { item: 1, offset: 0 }, 100).is_none());
    }

    #[test]
    fn a_long_array_is_paged_by_items() {
        let parts = all_parts(&json!((0..100).collect::<Vec<_>>()), 60);
        let first = parts[0].items.clone().unwrap();
        assert_eq!((first.first, first.total, first.within.as_str()), (1, 100, ""));
        assert_eq!(parts.last().unwrap().items.as_ref().unwrap().last, 100);
        assert!(parts.len() < 10);
    }

    #[test]
    fn an_array_inside_an_object_is_paged_and_the_rest_is_said_once() {
        let lines: Vec<_> = (0..50).map(|line| json!({ "line": line })).collect();
        let value = json!({ "number": "RE-1", "detail": { "lines": lines }, "total": 9 });
        let parts = all_parts(&value, 200);
        assert_eq!(parts[0].items.as_ref().unwrap().within, "detail.lines");
        let (first, second) = (data(&parts[0]), data(&parts[1]));
        assert_eq!((&first["number"], &first["total"]), (&json!("RE-1"), &json!(9)));
        assert_eq!(second.as_object().unwrap().keys().collect::<Vec<_>>(), ["detail"]);
        assert_eq!(json_of(&parts), "");
    }

    #[test]
    fn an_item_that_is_too_long_comes_in_pieces_of_its_json() {
        let long = "word ".repeat(100);
        let parts = all_parts(&json!([{ "text": long }, { "text": "short" }]), 120);
        assert_eq!(json_of(&parts), json!({ "text": long }).to_string());
        assert_eq!(data(parts.last().unwrap()), json!([{ "text": "short" }]));
    }

    #[test]
    fn data_without_an_array_comes_in_pieces_of_its_json() {
        let value = json!({ "text": "word ".repeat(100) });
        assert_eq!(json_of(&all_parts(&value, 120)), value.to_string());
    }

    #[test]
    fn deep_data_comes_as_text() {
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(json_of(&all_parts(&deep, 10_000)), deep.to_string());
        let items = json!([1, deep, 2]);
        assert!(json_of(&all_parts(&items, 10_000)).contains("{\"a\":{\"a\":"));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            "[a-zé\" ]{0,60}".prop_map(Value::from),
            Just(Value::Null)
        ];
        leaf.prop_recursive(3, 40, 8, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..8).prop_map(Value::from),
                vec(("[a-z]{1,6}", inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn parts_are_the_whole_data_and_fit(value in values(), room in 80usize..300) {
            let parts = all_parts(&value, room);
            for part in &parts {
                let data = part.data.as_ref().map_or(0, |data| data.get().chars().count());
                let json = part.json.as_deref().map_or(0, json_chars);
                prop_assert!(data + json <= room, "{data} + {json} > {room}: {part:?}");
            }
            let mut seen = 0;
            for part in &parts {
                let Some(items) = &part.items else { continue };
                prop_assert!(items.first == seen + 1 || (items.first == seen && part.json.is_some()));
                seen = items.last;
            }
            prop_assert_eq!(parts[0].items.as_ref().map_or(seen, |items| items.total), seen);
            prop_assert_eq!(together(&parts), value);
        }
    }
}

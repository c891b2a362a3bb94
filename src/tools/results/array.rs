//! A JSON array as text, whose items are found without reading it from its beginning.

use super::json::parts_inside;

/// The most bytes that are read to find an unmarked item.
const BYTES_BETWEEN_MARKS: usize = 4096;

/// Where the items of an array begin. It keeps only positions, so every method takes the text.
#[derive(Debug)]
pub(crate) struct Index {
    marks: Vec<Mark>,
    total: usize,
}

/// An item, counted from 0, and the byte at which it begins, after the opening bracket.
#[derive(Debug, Clone, Copy)]
struct Mark {
    item: usize,
    start: usize,
}

impl Index {
    /// Reads clean JSON, without its brackets, once.
    pub(crate) fn of(inside: &str) -> Self {
        let mut marks = vec![Mark { item: 0, start: 0 }];
        let mut total = 0;
        let mut start = 0;
        let mut marked = 0;
        for (item, part) in parts_inside(inside).enumerate() {
            if start - marked >= BYTES_BETWEEN_MARKS {
                marks.push(Mark { item, start });
                marked = start;
            }
            start += part.len() + ",".len();
            total = item + 1;
        }
        Self { marks, total }
    }

    /// How many items the array has.
    pub(crate) const fn total(&self) -> usize {
        self.total
    }

    /// About how many bytes of memory it takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.marks.len() * size_of::<Mark>()
    }

    /// The text from the beginning of an item to the end of the array.
    pub(crate) fn from<'d>(&self, inside: &'d str, item: usize) -> Option<&'d str> {
        if item >= self.total {
            return None;
        }
        let after = self.marks.partition_point(|mark| mark.item <= item);
        let mark = self.marks.get(after.checked_sub(1)?)?;
        let near = inside.get(mark.start..)?;
        let before = parts_inside(near).take(item - mark.item);
        near.get(before.map(|part| part.len() + ",".len()).sum()..)
    }

    /// One item.
    pub(crate) fn item<'d>(&self, inside: &'d str, item: usize) -> Option<&'d str> {
        let rest = self.from(inside, item)?;
        // The end of a long item is known by what follows it.
        let next = self.marks.iter().find(|mark| mark.item == item + 1);
        match next {
            Some(next) => rest.get(..next.start.checked_sub(inside.len() - rest.len() + ",".len())?),
            None if item + 1 == self.total => Some(rest),
            None => parts_inside(rest).next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        #[test]
        fn items_are_found_at_any_place(lengths in vec(prop_oneof![4 => 0usize..30, 1 => 3000usize..9000], 0..40)) {
            let items: Vec<Value> = lengths.iter().map(|length| Value::from("],\"".repeat(*length))).collect();
            let text = Value::from(items.clone()).to_string();
            let inside = text.strip_prefix("[").and_then(|text| text.strip_suffix("]")).unwrap();
            let index = Index::of(inside);
            prop_assert_eq!(index.total(), items.len());
            for (place, item) in items.iter().enumerate() {
                let expected = item.to_string();
                prop_assert_eq!(index.item(inside, place), Some(expected.as_str()));
                prop_assert!(index.from(inside, place).unwrap().starts_with(&expected));
            }
            prop_assert_eq!(index.item(inside, items.len()), None);
        }
    }
}

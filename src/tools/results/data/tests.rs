//! Parts of data: together they are the whole, and each fits.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn all_parts(data: &Value, room: usize) -> Vec<Part> {
    cut_parts(data, room, room)
}

/// As `read_result` divides data: it tries the most that an answer may hold, and then what fits beside the rest of the answer.
fn cut_parts(data: &Value, room: usize, max_room: usize) -> Vec<Part> {
    let text = Data::of(data.to_string());
    let mut found = Vec::new();
    let mut next = Some(Place::default());
    while let Some(from) = next {
        text.part(from, max_room, max_room).unwrap();
        let part = text.part(from, room, max_room).unwrap();
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
    assert!(
        Data::of(value.to_string())
            .part(Place { item: 2, offset: 0 }, 100, 100)
            .is_none()
    );
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
    fn parts_are_the_whole_data_and_fit(value in values(), room in 80usize..300, more in 0usize..60) {
        let parts = cut_parts(&value, room, room + more);
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

//! Every answer that the tests see is checked against the API's own `OpenAPI` document, if it is next to the checkout.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use jsonschema::Validator;
use parking_lot::Mutex;
use serde_json::{Value, json};

#[path = "../../../tests/support/reference.rs"]
mod reference;

/// The document, or nothing in a checkout without it.
fn document() -> Option<&'static Value> {
    static DOCUMENT: OnceLock<Option<Value>> = OnceLock::new();
    let read = || Some(serde_json::from_str(&reference::read("openapi/neighbours.json")?).unwrap());
    DOCUMENT.get_or_init(read).as_ref()
}

/// Checks an answer.
pub(super) fn check(method: &str, target: &str, status: u16, answer: &Value) {
    assert_eq!(
        problems(method, target, status, answer),
        [""; 0],
        "{method} {target}: {answer}"
    );
}

/// What the document does not allow in an answer. Operations and statuses that it does not have are skipped.
fn problems(method: &str, target: &str, status: u16, answer: &Value) -> Vec<String> {
    static VALIDATORS: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let Some(document) = document() else {
        return Vec::new();
    };
    let path = target.split('?').next().unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut operations = paths.iter().filter(|(template, _)| fits(template, path));
    let response = operations.find_map(|(_, operations)| operations.get(method)?["responses"].get(status.to_string()));
    let Some(response) = response else {
        return Vec::new();
    };
    let schema = &response["content"]["application/json"]["schema"];
    let build = || {
        let mut root = schema.clone();
        root["components"] = json!({ "schemas": document["components"]["schemas"] });
        Arc::new(jsonschema::draft202012::options().build(&root).unwrap())
    };
    let mut validators = VALIDATORS.lock();
    let validator = Arc::clone(validators.entry(schema.to_string()).or_insert_with(build));
    drop(validators);
    validator.iter_errors(answer).map(|error| error.to_string()).collect()
}

#[test]
fn a_wrong_answer_is_found() {
    for target in [
        "/api/v2/batches",
        "/api/v1/beta/directories/dir-1/files?page_size=1",
        "/api/v2/parse/pjb-1",
    ] {
        let found = !problems("get", target, 200, &json!({ "items": 7 })).is_empty();
        assert_eq!(found, document().is_some(), "{target}");
    }
}

/// Whether a path matches a template such as `/api/v2/batches/{batch_id}`.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let mut pairs = template.iter().zip(&path);
    template.len() == path.len() && pairs.all(|(part, segment)| part == segment || part.starts_with('{'))
}

//! The official JSON schemas of the protocol, where they are at hand ([`reference`]), and the output schemas of our own contract.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::{Draft, Validator};
use llamacloud_batches_mcp::mcp::Revision;
use serde_json::{Value, json};

use super::reference;

/// Those that were needed so far.
type Validators = BTreeMap<(Revision, &'static str), Arc<Validator>>;

/// Validates against a definition of a revision's schema, where that is at hand.
pub(crate) fn validate(revision: Revision, definition: &'static str, value: &Value) {
    static VALIDATORS: Mutex<Validators> = Mutex::new(BTreeMap::new());
    let Some(schema) = schema(revision) else { return };
    let build = || {
        let (draft, place) = dialect(revision);
        let definitions = &schema[place];
        assert!(
            definitions[definition].is_object(),
            "{} has no {definition}",
            revision.as_str()
        );
        let root = json!({ "$ref": format!("#/{place}/{definition}"), place: definitions });
        Arc::new(jsonschema::options().with_draft(draft).build(&root).unwrap())
    };
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = Arc::clone(validators.entry((revision, definition)).or_insert_with(build));
    drop(validators);
    assert_valid(&validator, value, &format!("{definition} of {}", revision.as_str()));
}

/// Validates against a definition of the tasks extension's schema, where that is at hand.
pub(crate) fn validate_tasks(definition: &'static str, value: &Value) {
    static VALIDATORS: Mutex<BTreeMap<&'static str, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    static SCHEMA: OnceLock<Option<Value>> = OnceLock::new();
    let read = || serde_json::from_str(&reference::read("schemas/mcp/ext-tasks/schema.json")?).unwrap();
    let Some(schema) = SCHEMA.get_or_init(read) else { return };
    let build = || {
        let definitions = &schema["$defs"];
        assert!(definitions[definition].is_object(), "ext-tasks has no {definition}");
        let root = json!({ "$ref": format!("#/$defs/{definition}"), "$defs": definitions });
        Arc::new(jsonschema::draft202012::options().build(&root).unwrap())
    };
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = Arc::clone(validators.entry(definition).or_insert_with(build));
    drop(validators);
    assert_valid(&validator, value, &format!("{definition} of ext-tasks"));
}

/// Validates a manifest against a schema of its own, where that is at hand. The schema names its dialect.
pub(crate) fn validate_manifest(file: &str, manifest: &Value) {
    let Some(text) = reference::read(&format!("schemas/{file}")) else {
        return;
    };
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert_valid(&jsonschema::validator_for(&schema).unwrap(), manifest, file);
}

/// Validates a tool's structured content against the output schema that is advertised for it.
pub(crate) fn validate_output(tool: &str, value: &Value) {
    static VALIDATORS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    let validators = VALIDATORS.get_or_init(|| {
        let tools = std::fs::read_to_string(root().join("manifests/tools.json"))
            .expect("manifests/tools.json; UPDATE_EXPECT=1 writes it");
        let tools: Vec<Value> = serde_json::from_str(&tools).unwrap();
        let validator = |tool: &Value| {
            let name = tool["name"].as_str().unwrap().to_owned();
            (
                name,
                jsonschema::draft202012::options().build(&tool["outputSchema"]).unwrap(),
            )
        };
        tools.iter().map(validator).collect()
    });
    // Not part of what is advertised by default, which is what the manifest holds.
    if ["cancel_batch", "upload_files", "save_results"].contains(&tool) {
        return;
    }
    // A tool for some clients only, whose answers are those of another.
    let tool = if tool == "show_batch" { "get_batch" } else { tool };
    assert_valid(&validators[tool], value, &format!("the output schema of {tool}"));
}

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The dialect of a revision's schema, and where it keeps its definitions.
fn dialect(revision: Revision) -> (Draft, &'static str) {
    match revision {
        Revision::V2024_11_05 | Revision::V2025_03_26 | Revision::V2025_06_18 => (Draft::Draft7, "definitions"),
        Revision::V2025_11_25 | Revision::V2026_07_28 => (Draft::Draft202012, "$defs"),
    }
}

fn schema(revision: Revision) -> Option<&'static Value> {
    static SCHEMAS: Mutex<BTreeMap<Revision, Option<&'static Value>>> = Mutex::new(BTreeMap::new());
    let read = || {
        let text = reference::read(&format!("schemas/mcp/{}/schema.json", revision.as_str()))?;
        let schema: Value = serde_json::from_str(&text).unwrap();
        Some(&*Box::leak(Box::new(schema)))
    };
    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    *schemas.entry(revision).or_insert_with(read)
}

fn assert_valid(validator: &Validator, value: &Value, against: &str) {
    let problems: Vec<_> = validator
        .iter_errors(value)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(
        problems.is_empty(),
        "against {against}:\n{}\n{value:#}",
        problems.join("\n")
    );
}

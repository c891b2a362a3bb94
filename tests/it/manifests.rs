//! What other machines read about this server: it parses, fits its schema, and names what exists.

/// The command that prints registrations.
mod command;
/// The registration inside a file that a user has already.
mod merging;
/// The bundle, the registry's entry, the plugin and the extension.
mod packages;
/// The registrations with hosts.
mod registrations;
/// `host-config --write` on files.
mod writing;

use std::collections::BTreeSet;

use clap::CommandFactory;
use llamacloud_batches_mcp::cli::Cli;
use serde_json::Value;

use super::documents::markdown::words;
use super::harness::schemas::root;

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path));
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
    text.replace("\r\n", "\n")
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text in a value, member names as well.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| std::iter::once(name.as_str()).chain(texts(value)))
            .collect(),
        _ => Vec::new(),
    }
}

/// The variables that the program reads, taken from the only file that reads any.
fn variables() -> BTreeSet<String> {
    words(&read("src/cli/environment.rs"), "LLAMA_")
}

/// The flags of the program, by its own definition.
fn flags() -> BTreeSet<String> {
    let command = Cli::command();
    command
        .get_arguments()
        .filter_map(|flag| Some(format!("--{}", flag.get_long()?)))
        .collect()
}

/// Variables and flags exist, and there is no key.
fn names_what_exists(name: &str, manifest: &Value) {
    for text in texts(manifest) {
        let unknown: Vec<_> = words(text, "LLAMA_").difference(&variables()).cloned().collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        let flag = text.split('=').next().unwrap();
        assert!(!flag.starts_with("--") || flags().contains(flag), "{name}: {flag}");
        for key in words(text, "llx-") {
            assert_eq!(key, "llx-your-key", "{name} holds a key");
        }
    }
}

#[test]
fn what_is_looked_for_is_found() {
    assert!(variables().contains("LLAMA_CLOUD_API_KEY"));
    assert!(flags().contains("--read-only"));
    assert_eq!(
        texts(&serde_json::json!({"a": ["b", {"c": "d"}]})),
        ["a", "b", "c", "d"]
    );
}

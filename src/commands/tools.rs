//! `tools`: the tools on offer with their arguments, as the server advertises them, for people.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::client::Client;
use super::context::{Context, Exit};
use super::terminal::{Output, Tone};
use crate::mcp::Server;

/// A tool. Source: `Tool`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Definition {
    pub(super) name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    input_schema: Value,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    #[serde(default)]
    read_only_hint: bool,
}

/// An argument, by the path that `call` takes.
#[derive(Debug)]
pub(super) struct Argument {
    /// Shape: `config.job.type`.
    pub(super) path: String,
    /// What to write: a type, or the accepted words.
    value: String,
    is_required: bool,
    pub(super) description: String,
}

impl Argument {
    /// What to write, and whether it has to be written.
    pub(super) fn value_and_need(&self) -> String {
        let need = if self.is_required { ", required" } else { "" };
        format!("{}{need}", self.value)
    }
}

impl Definition {
    pub(super) const fn is_read_only(&self) -> bool {
        self.annotations.read_only_hint
    }

    /// Every argument that has a value of its own.
    pub(super) fn arguments(&self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        collect(&self.input_schema, "", true, &mut arguments);
        arguments
    }
}

/// Prints every tool under these settings.
pub(crate) async fn tools(server: &Server, context: &Context<'_>, as_json: bool) -> Exit {
    let out = &context.terminal.out;
    let mut client = Client::connect(server, context.drain());
    let listed = if as_json {
        let tools = client.list_tools::<Value>().await;
        tools.map(|tools| Value::Array(tools).to_string())
    } else {
        let tools = client.list_tools::<Definition>().await;
        tools.map(|tools| {
            let shown: Vec<_> = tools.iter().map(|tool| describe(tool, out)).collect();
            shown.join("\n\n")
        })
    };
    client.close().await;
    match listed {
        Ok(shown) => {
            out.line(&shown);
            Exit::Done
        }
        Err(refusal) => {
            context.terminal.err.say(&refusal.message);
            Exit::Failed
        }
    }
}

/// A tool with its arguments, in lines.
pub(super) fn describe(tool: &Definition, output: &Output) -> String {
    let mut lines = vec![
        format!("{}: {}", output.paint(Tone::Strong, &tool.name), tool.title),
        output.hang("  ", &tool.description),
        String::new(),
    ];
    let arguments = tool.arguments();
    for argument in &arguments {
        lines.push(format!("  {}={}", argument.path, argument.value_and_need()));
        lines.push(output.hang("      ", &argument.description));
    }
    lines.push(String::new());
    lines.push(format!("  {}", example(tool, &arguments)));
    lines.join("\n")
}

/// An example call with the required arguments.
fn example(tool: &Definition, arguments: &[Argument]) -> String {
    let required = arguments.iter().filter(|argument| argument.is_required);
    let words: Vec<_> = required.map(|argument| format!("{}=…", argument.path)).collect();
    [env!("CARGO_PKG_NAME"), "call", &tool.name]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Adds the members of an object's schema. A member is required if all of its parents are.
fn collect(schema: &Value, prefix: &str, around: bool, arguments: &mut Vec<Argument>) {
    let required: Vec<_> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let members = schema.get("properties").and_then(Value::as_object);
    for (name, member) in members.into_iter().flat_map(Map::iter) {
        let path = format!("{prefix}{name}");
        let is_required = around && required.contains(&name.as_str());
        if member.get("properties").is_some() {
            collect(member, &format!("{path}."), is_required, arguments);
            continue;
        }
        let description = member.get("description").and_then(Value::as_str).unwrap_or_default();
        arguments.push(Argument {
            path,
            value: value_of(member),
            is_required,
            description: description.to_owned(),
        });
    }
}

/// What may be written. Shape: `PENDING|RUNNING`, `1..100`, `TEXT`; `…` where it may be repeated.
fn value_of(schema: &Value) -> String {
    if let Some(items) = schema.get("items") {
        return format!("{}…", value_of(items));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        return words.join("|");
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => "true|false".to_owned(),
        Some("integer" | "number") => match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => format!("{least}..{most}"),
            _ => "NUMBER".to_owned(),
        },
        _ => "TEXT".to_owned(),
    }
}

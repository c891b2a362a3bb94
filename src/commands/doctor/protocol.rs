//! The server itself, spoken to as hosts do in both eras of the protocol, and what they see of it.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Check, Patient};
use crate::commands::client::{Client, Refusal};
use crate::config::Config;

const PROTOCOL: &str = "protocol";
const TOOLS: &str = "tools";

pub(super) async fn checks(patient: &Patient<'_>) -> [Check; 2] {
    let mut client = Client::connect(patient.server, Duration::from_secs(1));
    let listed = both_lists(&mut client).await;
    client.close().await;
    let (legacy, modern) = match listed {
        Ok(lists) => lists,
        Err(refusal) => {
            return [
                broken(&format!("the server refuses what every host asks: {}", refusal.message)),
                Check::skip(TOOLS, "they could not be listed"),
            ];
        }
    };
    let names: Vec<_> = modern.iter().map(|(name, _)| name.as_str()).collect();
    let protocol = if legacy == modern && !modern.is_empty() {
        Check::ok(
            PROTOCOL,
            "sessions and 2026-07-28 are both answered, and list the same tools",
        )
    } else {
        broken("sessions and 2026-07-28 do not list the same tools")
    };
    [
        protocol,
        Check::ok(TOOLS, format!("{}{}", names.join(", "), because(patient.config))),
    ]
}

fn broken(detail: &str) -> Check {
    Check::fail(
        PROTOCOL,
        detail,
        "This is a bug of this program: please report it, with its version.",
    )
}

/// What of the list is due to the settings.
fn because(config: &Config) -> String {
    let flags = [
        (config.read_only, "--read-only withholds the others"),
        (config.allow_cancel && !config.read_only, "--allow-cancel adds the last"),
        (
            config.confirm_create && !config.read_only,
            "--confirm-create asks first",
        ),
        (
            config.project_id.is_some() || config.organization_id.is_some(),
            "the project or organization is pinned",
        ),
    ];
    let said: Vec<_> = flags
        .iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, words)| *words)
        .collect();
    if said.is_empty() {
        String::new()
    } else {
        format!(" ({})", said.join("; "))
    }
}

/// The tools of a session, then those without one: names, and what a model reads of each.
async fn both_lists(client: &mut Client) -> Result<(Vec<Tool>, Vec<Tool>), Refusal> {
    let hello = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "doctor", "version": env!("CARGO_PKG_VERSION") },
    });
    client.ask_as_it_is("initialize", hello, |_| {}).await?;
    client.notify("notifications/initialized", json!({})).await;
    let legacy = client.ask_as_it_is("tools/list", json!({}), |_| {}).await?;
    client.ask("server/discover", json!({}), |_| {}).await?;
    let modern = client.ask("tools/list", json!({}), |_| {}).await?;
    Ok((tools(&legacy), tools(&modern)))
}

type Tool = (String, Value);

fn tools(result: &RawValue) -> Vec<Tool> {
    let result: Value = serde_json::from_str(result.get()).unwrap_or_default();
    let tools = result
        .get("tools")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let read = |tool: Value| {
        let name = tool.get("name")?.as_str()?.to_owned();
        Some((name, json!([tool.get("description"), tool.get("inputSchema")])))
    };
    tools.into_iter().filter_map(read).collect()
}

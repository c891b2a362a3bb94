//! The configuration of a host, in its own syntax. TOML's and YAML's quoted texts are JSON's, so one way of quoting serves all three.

use serde_json::{Map, Value, json};

use super::key::Key;
use super::{Host, KEY_VARIABLE, NAME, Registration};

/// How long goose lets a call take, in seconds: longer than any `wait_seconds`.
const GOOSE_TIMEOUT_SECONDS: u32 = 360;

/// What the file looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// An object with one entry for each server, under this key.
    Json(&'static str, Entry),
    /// A table of Codex.
    CodexToml,
    /// A list item of Continue, in a file that stands alone.
    ContinueYaml,
    /// An extension of goose.
    GooseYaml,
}

/// What a server's entry in a JSON file looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    /// `command`, `args`, `env`.
    Plain,
    /// The same after a `type`.
    Typed(&'static str),
    /// The same, with the tools that may be used.
    Copilot,
    /// The command and its arguments in one list, and `environment`.
    Opencode,
    /// The plain ones inside `transport`.
    Transport,
}

/// JSON members of a server's entry.
type Members = Map<String, Value>;

impl Host {
    /// The whole text of a configuration file that holds nothing but this server.
    pub fn configuration(&self, registration: &Registration) -> String {
        match self.shape {
            Shape::Json(servers, _) => {
                let mut file = Members::new();
                if let Some(inputs) = self.inputs(registration) {
                    file.insert("inputs".to_owned(), inputs);
                }
                file.insert(servers.to_owned(), json!({ NAME: self.entry(registration) }));
                format!("{:#}\n", Value::Object(file))
            }
            Shape::CodexToml => self.codex(registration),
            Shape::ContinueYaml => self.continue_file(registration),
            Shape::GooseYaml => self.goose(registration),
        }
    }

    /// The server's entry, as JSON: what links and commands carry.
    pub(super) fn entry(&self, registration: &Registration) -> Members {
        let environment = self.environment(registration);
        let entry = match self.shape {
            Shape::Json(_, entry) => entry,
            Shape::CodexToml | Shape::ContinueYaml | Shape::GooseYaml => Entry::Plain,
        };
        let Registration { command, args, .. } = registration;
        let mut members = Members::new();
        let mut put = |name: &str, value: Value| {
            members.insert(name.to_owned(), value);
        };
        match entry {
            Entry::Plain => {}
            Entry::Typed(kind) => put("type", json!(kind)),
            Entry::Copilot => put("type", json!("local")),
            Entry::Transport => put("type", json!("stdio")),
            Entry::Opencode => {
                let words: Vec<_> = std::iter::once(command).chain(args).collect();
                put("type", json!("local"));
                put("command", json!(words));
                put("environment", json!(environment));
                put("enabled", json!(true));
                return members;
            }
        }
        put("command", json!(command));
        put("args", json!(args));
        if !environment.is_empty() {
            put("env", json!(environment));
        }
        match entry {
            Entry::Copilot => put("tools", json!(["*"])),
            Entry::Transport => return Members::from_iter([("transport".to_owned(), Value::Object(members))]),
            Entry::Plain | Entry::Typed(_) | Entry::Opencode => {}
        }
        members
    }

    /// The variables that the entry sets, with what the host puts in their place.
    pub(super) fn environment(&self, registration: &Registration) -> Members {
        let value = self.key.value().filter(|_| registration.passes_key);
        value
            .map(|value| (KEY_VARIABLE.to_owned(), json!(value)))
            .into_iter()
            .collect()
    }

    /// What VS Code asks its user for.
    pub(super) fn inputs(&self, registration: &Registration) -> Option<Value> {
        let asks = matches!(self.key, Key::Input) && registration.passes_key;
        asks.then(|| {
            json!([{
                "type": "promptString",
                "id": super::key::INPUT_ID,
                "description": "LlamaCloud API key",
                "password": true
            }])
        })
    }

    fn codex(&self, registration: &Registration) -> String {
        let start = Start(registration).as_toml();
        format!("[mcp_servers.{NAME}]\n{start}{}", self.key_lines(registration, ""))
    }

    fn continue_file(&self, registration: &Registration) -> String {
        format!(
            "name: LlamaCloud Batches\nversion: 0.0.1\nschema: v1\nmcpServers:\n  - name: {NAME}\n    type: stdio\n{}{}",
            Start(registration).as_yaml("command", 4),
            self.key_lines(registration, "    env:\n      ")
        )
    }

    fn goose(&self, registration: &Registration) -> String {
        format!(
            "extensions:\n  {NAME}:\n    enabled: true\n    type: stdio\n    name: {NAME}\n    description: LlamaCloud Batches\n{}{}    \
             timeout: {GOOSE_TIMEOUT_SECONDS}\n",
            Start(registration).as_yaml("cmd", 4),
            self.key_lines(registration, "    ")
        )
    }

    /// The lines that pass the key, if it has to be passed. `before` stands before the host's own words.
    fn key_lines(&self, registration: &Registration, before: &str) -> String {
        if registration.passes_key {
            format!("{before}{}\n", self.key_member())
        } else {
            String::new()
        }
    }

    /// The piece of configuration that passes the key, on one line, in the host's syntax. Shape: `env_vars = ["LLAMA_CLOUD_API_KEY"]`.
    pub(super) fn key_member(&self) -> String {
        let value = self.key.value().unwrap_or(super::KEY_PLACEHOLDER);
        match self.shape {
            Shape::Json(_, Entry::Opencode) => format!(r#""environment": {{"{KEY_VARIABLE}": {}}}"#, quoted(value)),
            Shape::Json(..) => format!(r#""env": {{"{KEY_VARIABLE}": {}}}"#, quoted(value)),
            Shape::CodexToml => format!(r#"env_vars = ["{KEY_VARIABLE}"]"#),
            Shape::ContinueYaml => format!("{KEY_VARIABLE}: {}", quoted(value)),
            Shape::GooseYaml => format!("env_keys: [{KEY_VARIABLE}]"),
        }
    }
}

/// The program and its arguments.
struct Start<'a>(&'a Registration);

impl Start<'_> {
    fn as_toml(&self) -> String {
        format!("command = {}\nargs = {}\n", quoted(&self.0.command), self.arguments())
    }

    fn as_yaml(&self, command: &str, indentation: usize) -> String {
        let space = " ".repeat(indentation);
        let program = quoted(&self.0.command);
        format!("{space}{command}: {program}\n{space}args: {}\n", self.arguments())
    }

    fn arguments(&self) -> String {
        let quoted: Vec<_> = self.0.args.iter().map(|argument| quoted(argument)).collect();
        format!("[{}]", quoted.join(", "))
    }
}

/// A text in quotation marks, as JSON, TOML and YAML all read it. JSON lets pass controls that the other two do not.
fn quoted(text: &str) -> String {
    let escaped = |character: char| match u32::from(character) {
        code @ (0x7f..=0x9f | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff) => format!("\\u{code:04x}"),
        _ => character.to_string(),
    };
    Value::from(text).to_string().chars().map(escaped).collect()
}

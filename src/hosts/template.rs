//! The configuration of a host: its file in `manifests/hosts` with the program and its arguments filled in.
//!
//! JSON is filled in by member, TOML and YAML line by line. Their quoted texts are JSON's, so one way of quoting serves all three.

use serde_json::{Map, Value, json};

use super::{Host, KEY_VARIABLE, NAME, Registration, Syntax};

/// JSON members of a server's entry.
pub(super) type Members = Map<String, Value>;

impl Host {
    /// The whole text of a configuration file that holds nothing but this server.
    pub fn configuration(&self, registration: &Registration) -> String {
        match self.syntax() {
            Syntax::Json => format!("{:#}\n", self.file(registration)),
            Syntax::Toml | Syntax::Yaml => self
                .template
                .text
                .lines()
                .filter_map(|line| filled_line(line, registration))
                .collect(),
        }
    }

    /// The server's entry, as JSON. Empty for a host that takes no JSON.
    pub(super) fn entry(&self, registration: &Registration) -> Members {
        match self
            .file(registration)
            .get_mut(self.servers)
            .and_then(|servers| servers.get_mut(NAME))
        {
            Some(Value::Object(entry)) => std::mem::take(entry),
            _ => Members::new(),
        }
    }

    /// What VS Code asks its user for.
    pub(super) fn inputs(&self, registration: &Registration) -> Option<Value> {
        self.file(registration).get_mut("inputs").map(Value::take)
    }

    /// Whether there is anything that the host asks its user for.
    pub fn has_inputs(&self, registration: &Registration) -> bool {
        self.inputs(registration).is_some()
    }

    /// The piece of configuration that passes the key, on one line, in the host's syntax. Shape: `env_vars = ["LLAMA_CLOUD_API_KEY"]`.
    pub(super) fn key_member(&self) -> String {
        match self.environment() {
            Some((member, value)) => format!(r#""{member}": {{"{KEY_VARIABLE}": {value}}}"#),
            None => self.key_line().to_owned(),
        }
    }

    /// What the manifest has as the variable's value. Shape: `${env:LLAMA_CLOUD_API_KEY}`.
    pub(super) fn key_value(&self) -> Option<String> {
        if let Some((_, value)) = self.environment() {
            return value.as_str().map(str::to_owned);
        }
        let value = self.key_line().strip_prefix(KEY_VARIABLE)?.strip_prefix(": ")?;
        Some(value.trim_matches('"').to_owned())
    }

    /// The line of TOML or YAML that passes the key.
    fn key_line(&self) -> &'static str {
        let line = self.template.text.lines().find(|line| line.contains(KEY_VARIABLE));
        line.unwrap_or_default().trim()
    }

    /// The member of the JSON entry that sets the variable, and the value. Shape: `("env", "${env:LLAMA_CLOUD_API_KEY}")`.
    fn environment(&self) -> Option<(String, Value)> {
        let file: Value = serde_json::from_str(self.template.text).ok()?;
        let entry = file.get(self.servers)?.get(NAME)?.as_object()?;
        let mut members = entry.iter();
        members.find_map(|(name, variables)| Some((name.clone(), variables.get(KEY_VARIABLE)?.clone())))
    }

    fn file(&self, registration: &Registration) -> Value {
        let mut file: Value = serde_json::from_str(self.template.text).unwrap_or_default();
        if let Some(Value::Object(entry)) = file.get_mut(self.servers).and_then(|servers| servers.get_mut(NAME)) {
            fill(entry, registration);
        }
        if let (Value::Object(members), false) = (&mut file, registration.passes_key) {
            members.shift_remove("inputs");
        }
        file
    }
}

/// Puts program and arguments into an entry, wherever it has them, and takes the key out if it is not to be passed.
fn fill(entry: &mut Members, registration: &Registration) {
    let Registration {
        command,
        args,
        passes_key,
    } = registration;
    entry.retain(|_, value| *passes_key || value.get(KEY_VARIABLE).is_none());
    for (name, value) in entry {
        match (name.as_str(), &mut *value) {
            ("command", Value::Array(words)) => {
                *words = std::iter::once(command).chain(args).map(|word| json!(word)).collect();
            }
            ("command", _) => *value = json!(command),
            ("args", _) => *value = json!(args),
            (_, Value::Object(inner)) => fill(inner, registration),
            _ => {}
        }
    }
}

/// The same for one line of TOML or YAML. None for a line that passes the key if it is not to be passed.
fn filled_line(line: &str, registration: &Registration) -> Option<String> {
    let Registration {
        command,
        args,
        passes_key,
    } = registration;
    let passes = line.contains(KEY_VARIABLE) || line.trim() == "env:";
    if passes && !passes_key {
        return None;
    }
    let (name, separator) = match (line.split_once(" = "), line.split_once(": ")) {
        (Some((name, _)), _) => (name, " = "),
        (None, Some((name, _))) => (name, ": "),
        (None, None) => return Some(format!("{line}\n")),
    };
    let value = match name.trim() {
        "command" | "cmd" => quoted(command),
        "args" => list(args),
        _ => return Some(format!("{line}\n")),
    };
    Some(format!("{name}{separator}{value}\n"))
}

/// Texts in brackets.
pub(super) fn list(texts: &[String]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
}

/// A text in quotation marks, as JSON, TOML and YAML all read it. JSON accepts control characters that the other two do not.
pub(super) fn quoted(text: &str) -> String {
    let escaped = |character: char| match u32::from(character) {
        code @ (0x7f..=0x9f | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff) => format!("\\u{code:04x}"),
        _ => character.to_string(),
    };
    Value::from(text).to_string().chars().map(escaped).collect()
}

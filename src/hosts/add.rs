//! Adding the server without editing a file: a command of the host, or a link that it opens.
//!
//! | in a command or link | stands for |
//! |---|---|
//! | `{name}` | what the server is called |
//! | `{command}`, `{args}` | the program and its arguments |
//! | `{env:-e}` | `-e VARIABLE=value`, if the entry sets the variable |
//! | `{entry}`, `{base64}` | the server's entry as JSON, as it is and in Base64 |
//! | `{json}` | the same with its name, and with what the host has to ask for |

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::key::Key;
use super::shell::word as in_shell;
use super::template::Members;
use super::{Host, KEY_VARIABLE, NAME, Registration, System};

impl Host {
    /// The host's own command, ready for the system's shell. None if it has none, if the key would have to stand in it, or on
    /// Windows: PowerShell drops a `--` and takes the quotation marks out of JSON, and each of these commands has one or the other.
    pub fn add_command(&self, registration: &Registration, system: System) -> Option<String> {
        let template = self.add?;
        let needs_editing = registration.passes_key && matches!(self.key, Key::Named);
        if needs_editing || system == System::Windows {
            return None;
        }
        let mut words = Vec::new();
        for word in template.split(' ') {
            let option = word.strip_prefix("{env:").and_then(|rest| rest.strip_suffix('}'));
            match (word, option) {
                ("{name}", _) => words.push(NAME.to_owned()),
                ("{command}", _) => words.push(in_shell(&registration.command, system)),
                ("{args}", _) => words.extend(registration.args.iter().map(|argument| in_shell(argument, system))),
                ("{json}", _) => words.push(in_shell(&self.named_entry(registration), system)),
                (_, Some(option)) => {
                    if let Some(value) = self.key_value().filter(|_| registration.passes_key) {
                        words.extend([option.to_owned(), in_shell(&format!("{KEY_VARIABLE}={value}"), system)]);
                    }
                }
                (word, None) => words.push(word.to_owned()),
            }
        }
        let command = words.join(" ");
        Some(command.strip_suffix(" --").unwrap_or(&command).to_owned())
    }

    /// The link that makes the host add the server, if it has one.
    pub fn add_link(&self, registration: &Registration) -> Option<String> {
        let template = self.link?;
        let entry = Value::Object(self.entry(registration)).to_string();
        // The encoded values contain no braces, so that none of them is taken for a placeholder.
        let link = template
            .replace("{name}", NAME)
            .replace("{base64}", &in_link(&STANDARD.encode(&entry)))
            .replace("{entry}", &in_link(&entry))
            .replace("{json}", &in_link(&self.named_entry(registration)));
        Some(link)
    }

    /// The entry with its name, and with what the host has to ask for.
    fn named_entry(&self, registration: &Registration) -> String {
        let mut entry = Members::from_iter([("name".to_owned(), json!(NAME))]);
        entry.extend(self.entry(registration));
        entry.extend(self.inputs(registration).map(|inputs| ("inputs".to_owned(), inputs)));
        Value::Object(entry).to_string()
    }
}

/// A value in a link's query, percent-encoded with `%20` for a space, which every reader understands.
fn in_link(value: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    encoded.replace('+', "%20")
}

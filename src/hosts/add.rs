//! Adding the server without editing a file: a command of the host, or a link that it opens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{Host, NAME, Registration, System};

/// A piece of a host's command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    /// As it stands.
    Text(&'static str),
    /// What the server is called.
    Name,
    /// This option and `VARIABLE=value`, for each variable of the entry.
    Environment(&'static str),
    /// The program.
    Command,
    /// Its arguments.
    Arguments,
    /// The whole entry in one word.
    Json,
}

/// A link that a host opens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Link {
    /// This address, with the entry in Base64.
    Base64(&'static str),
    /// This address, with the entry as it is.
    Text(&'static str),
    /// VS Code's, whose query is the entry with its name.
    VsCode,
}

impl Host {
    /// The host's own command, ready for the system's shell. None if it has none, or if the key would have to stand in it.
    pub fn add_command(&self, registration: &Registration, system: System) -> Option<String> {
        let needs_editing = registration.passes_key && matches!(self.key, super::key::Key::Named);
        // PowerShell takes the quotation marks out of a word on its way to a program.
        let unsafe_json = system == System::Windows && self.add.iter().any(|word| matches!(word, Word::Json));
        if self.add.is_empty() || needs_editing || unsafe_json {
            return None;
        }
        let mut words = Vec::new();
        for word in self.add {
            match word {
                Word::Text(text) => words.push((*text).to_owned()),
                Word::Name => words.push(NAME.to_owned()),
                Word::Environment(option) => {
                    for (variable, value) in self.environment(registration) {
                        let value = value.as_str().unwrap_or_default();
                        words.push((*option).to_owned());
                        words.push(in_shell(&format!("{variable}={value}"), system));
                    }
                }
                Word::Command => words.push(in_shell(&registration.command, system)),
                Word::Arguments => words.extend(registration.args.iter().map(|argument| in_shell(argument, system))),
                Word::Json => words.push(in_shell(
                    &Value::Object(self.named_entry(registration)).to_string(),
                    system,
                )),
            }
        }
        let command = words.join(" ");
        Some(command.strip_suffix(" --").unwrap_or(&command).to_owned())
    }

    /// The link that makes the host add the server, if it has one.
    pub fn add_link(&self, registration: &Registration) -> Option<String> {
        let entry = || Value::Object(self.entry(registration)).to_string();
        Some(match self.link? {
            Link::Base64(address) => {
                let entry = in_link(&STANDARD.encode(entry()));
                format!("{address}?name={NAME}&config={entry}")
            }
            Link::Text(address) => format!("{address}?name={NAME}&config={}", in_link(&entry())),
            Link::VsCode => {
                let entry = Value::Object(self.named_entry(registration)).to_string();
                format!("vscode:mcp/install?{}", in_link(&entry))
            }
        })
    }

    /// The entry with its name, and with what the host has to ask for.
    fn named_entry(&self, registration: &Registration) -> Map<String, Value> {
        let mut entry = Map::from_iter([("name".to_owned(), json!(NAME))]);
        entry.extend(self.entry(registration));
        entry.extend(self.inputs(registration).map(|inputs| ("inputs".to_owned(), inputs)));
        entry
    }
}

/// One word of a command line: POSIX shells, and PowerShell on Windows.
fn in_shell(word: &str, system: System) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=+,".contains(character);
    let needs_no_quotes = !word.is_empty() && word.chars().all(plain);
    match system {
        _ if needs_no_quotes => word.to_owned(),
        System::Windows => format!("'{}'", word.replace('\'', "''")),
        System::Linux | System::MacOs => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A value in a link's query, percent-encoded with `%20` for a space, which every reader takes for one.
fn in_link(value: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    encoded.replace('+', "%20")
}

//! How the API key arrives at the server: each host's own way, and the words for it.

use super::{Host, KEY_PLACEHOLDER, KEY_VARIABLE, Starts};

/// The input that VS Code asks for, by its name in the configuration.
pub(super) const INPUT_ID: &str = "llama-cloud-api-key";

/// What a host does so that a variable gets a secret value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// It puts a variable's value in the place of this text.
    Reference(&'static str),
    /// It passes on the variables that it is told the names of, and no others.
    Named,
    /// It asks for an input once and stores it.
    Input,
    /// It asks for the names that it is told, and stores the values in the system's keyring.
    Keyring,
    /// It passes on its whole environment.
    Inherited,
    /// It takes values as they are written.
    Literal,
}

impl Key {
    /// The value of the variable in the configuration, if it is set there.
    pub(super) fn value(self) -> Option<&'static str> {
        match self {
            Self::Reference(reference) => Some(reference),
            Self::Input => Some("${input:llama-cloud-api-key}"),
            Self::Literal => Some(KEY_PLACEHOLDER),
            Self::Named | Self::Keyring | Self::Inherited => None,
        }
    }
}

impl Host {
    /// What has to be in the registration, and around it, for the key to arrive; a clause that goes on from "pass it to this server:".
    pub fn way_of_the_key(&self) -> String {
        let (title, file, member) = (self.title, self.file_name(), self.key_member());
        match self.key {
            Key::Reference(_) => format!("`{member}` in {file}, with the variable set before {title} starts"),
            Key::Named => {
                format!("`{member}` in this server's table of {file}, with the variable set before {title} starts")
            }
            Key::Input => format!("`{member}` in {file}, with an input of that id"),
            Key::Keyring => {
                format!("`{member}` in this server's extension of {file}, and the key itself with `goose configure`")
            }
            Key::Inherited => format!("the variable {KEY_VARIABLE}, set before {title} starts"),
            Key::Literal => format!("`{member}` in {file}, with the key itself in place of {KEY_PLACEHOLDER}"),
        }
    }

    /// What is left for the user to do about the key once the configuration is in its file, as sentences.
    pub fn what_to_do_about_the_key(&self) -> String {
        let title = self.title;
        let set = format!("Set {KEY_VARIABLE} to your key (llx-…) in the environment from which {title} starts.");
        match (self.key, self.starts) {
            (Key::Reference(_) | Key::Inherited, Starts::InShell) => set,
            (Key::Reference(_) | Key::Inherited | Key::Named, Starts::FromDesktop) => format!(
                "{set} What a shell's profile sets is often not seen by a program that is started from the desktop: start {title} \
                 from a terminal, or run this again with --api-key-file FILE."
            ),
            (Key::Named, Starts::InShell) => format!("{set} {title} passes on no variable but those under env_vars."),
            (Key::Input, _) => {
                format!("{title} asks for the key (llx-…) when it first starts the server, and stores it safely.")
            }
            (Key::Keyring, _) => {
                format!(
                    "{title} asks for {KEY_VARIABLE} and keeps it in the system's keyring; `goose configure` changes it."
                )
            }
            (Key::Literal, _) => format!(
                "Put your key in place of {KEY_PLACEHOLDER}: {title} takes what is written there as it is. To keep the key out of that \
                 file, run this again with --api-key-file FILE."
            ),
        }
    }

    /// How the key arrives, in a few words. Shape: `${env:LLAMA_CLOUD_API_KEY}`, `asks for it`.
    pub fn key_in_short(&self) -> String {
        match self.key {
            Key::Reference(reference) => format!("`{reference}`"),
            Key::Named => "`env_vars` names the variable".to_owned(),
            Key::Input => "asks once and stores it".to_owned(),
            Key::Keyring => "`env_keys` names it; kept in the keyring".to_owned(),
            Key::Inherited => "passes its whole environment on".to_owned(),
            Key::Literal => "the key itself, or `--api-key-file`".to_owned(),
        }
    }

    /// The file that the key's configuration is most often in.
    fn file_name(&self) -> &'static str {
        // The user's file of Claude Code holds much else; people know the other one.
        match (self.name, self.project_file) {
            ("claude-code", Some(file)) => file,
            _ => self.file.file_name(),
        }
    }
}

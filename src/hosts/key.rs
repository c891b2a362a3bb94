//! How the API key arrives at the server: each host's own way, and the words for it.

use super::{Host, KEY_PLACEHOLDER, KEY_VARIABLE, Starts, System};

/// What a host does so that a variable gets a secret value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// It puts a variable's value in the place of a reference.
    Expanded,
    /// It passes on the variables whose names it is given, and no others.
    Named,
    /// It asks for an input once and stores it.
    Input,
    /// It asks for the variables whose names it is given, and stores the values in the system's keyring.
    Keyring,
    /// It passes on its whole environment.
    Inherited,
    /// It takes values as they are written.
    Literal,
}

impl Host {
    /// What has to be in the registration, and around it, for the key to arrive: a clause after "pass it to this server:".
    pub fn way_of_the_key(&self) -> String {
        let (title, file, member) = (self.title, self.file_name(), self.key_member());
        match self.key {
            Key::Expanded => format!("`{member}` in {file}, and set the variable before {title} starts"),
            Key::Named => {
                format!("`{member}` in this server's table of {file}, and set the variable before {title} starts")
            }
            Key::Input => format!("`{member}` in {file}, and add an input with this id"),
            Key::Keyring => {
                format!("`{member}` in this server's extension of {file}, and the key itself with `goose configure`")
            }
            Key::Inherited => format!("the variable {KEY_VARIABLE}, set before {title} starts"),
            Key::Literal => format!("`{member}` in {file}, with the key itself in place of {KEY_PLACEHOLDER}"),
        }
    }

    /// What is left for the user to do about the key once the configuration is in its file, as sentences.
    pub fn what_to_do_about_the_key(&self, system: System) -> String {
        let title = self.title;
        let set = format!("Set {KEY_VARIABLE} to your key (llx-…) in the environment from which {title} starts.");
        match (self.key, self.starts) {
            (Key::Expanded | Key::Inherited, Starts::InShell) => set,
            (Key::Expanded | Key::Inherited | Key::Named, Starts::FromDesktop) if system == System::Windows => format!(
                "Run `setx {KEY_VARIABLE} llx-…` with your key: programs that start afterwards see it. Or run this again with \
                 --api-key-file FILE."
            ),
            (Key::Expanded | Key::Inherited | Key::Named, Starts::FromDesktop) => format!(
                "{set} A program that is started from the desktop often does not see what a shell's profile sets: start {title} \
                 from a terminal, or run this again with --api-key-file FILE."
            ),
            (Key::Named, Starts::InShell) => {
                format!("{set} {title} passes on only the variables listed under env_vars.")
            }
            (Key::Input, _) => {
                format!("{title} asks for the key (llx-…) when it first starts the server, and stores it safely.")
            }
            (Key::Keyring, _) => {
                format!(
                    "{title} asks for {KEY_VARIABLE} and keeps it in the system's keyring; `goose configure` changes it."
                )
            }
            (Key::Literal, _) => format!(
                "Replace {KEY_PLACEHOLDER} with your key: {title} does not expand variables. To keep the key out of the \
                 configuration, run this again with --api-key-file FILE."
            ),
        }
    }

    /// How the key arrives, in a few words. Shape: `${env:LLAMA_CLOUD_API_KEY}`, `asks for it`.
    pub fn key_in_short(&self) -> String {
        match self.key {
            Key::Expanded => format!("`{}`", self.key_value().unwrap_or_default()),
            Key::Named => "`env_vars` names the variable".to_owned(),
            Key::Input => "asks once and stores it".to_owned(),
            Key::Keyring => "`env_keys` names it; kept in the keyring".to_owned(),
            Key::Inherited => "passes its whole environment on".to_owned(),
            Key::Literal => "the key itself, or `--api-key-file`".to_owned(),
        }
    }

    /// The file that the key's configuration is most often in.
    fn file_name(&self) -> &'static str {
        // Claude Code's user file contains much else; people know the project file.
        match (self.name, self.project_file) {
            ("claude-code", Some(file)) => file,
            _ => self.file.file_name(),
        }
    }
}

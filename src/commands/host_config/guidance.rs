//! What a user has to do about a registration: the shortest way first, then the key, then where the server shows up.

use std::path::Path;

use super::location;
use super::registration::{Lasts, Runner, ThisProgram};
use super::write::Written;
use crate::commands::terminal::Output;
use crate::config::{ApiKey, Config};
use crate::hosts::{self, Host, System};

/// What the words depend on.
pub(super) struct Guidance<'a> {
    pub(super) host: &'a Host,
    pub(super) this: &'a ThisProgram,
    pub(super) config: &'a Config,
    pub(super) system: System,
}

impl Guidance<'_> {
    /// Below the configuration.
    pub(super) fn for_reading(&self, out: &Output) {
        let Self { host, this, system, .. } = self;
        let mut start = "To register it,";
        let mut way = |words: &str, line: &str| {
            out.say(&format!("{start} {words}:"));
            out.line(&format!("  {line}"));
            start = "Or";
        };
        if let Some(command) = host.add_command(&this.registration, *system) {
            way("run this command", &command);
        }
        if host.can_be_merged() {
            way("let this program edit the host's file", &self.write_command());
        }
        if let Some(link) = host.add_link(&this.registration) {
            way("open this link", &link);
        }
        out.say(&self.where_it_goes());
        self.rest(out);
    }

    /// After the file was written.
    pub(super) fn for_written(&self, out: &Output, path: &Path, written: &Written) {
        let (name, path) = (hosts::NAME, path.display());
        match written {
            Written::Created => out.say(&format!("{name} is now registered in {path}, which is a new file.")),
            Written::Changed { backup } => {
                out.say(&format!(
                    "{name} is now registered in {path}. Nothing else in that file has changed."
                ));
                out.say(&format!("The file as it was: {}", backup.display()));
            }
            Written::Unchanged => out.say(&format!(
                "{name} is already registered like this in {path}. Nothing was changed."
            )),
        }
        self.rest(out);
    }

    fn rest(&self, out: &Output) {
        let Self { host, this, .. } = self;
        let title = host.title;
        out.say(&self.key());
        if let Some(note) = host.note {
            out.say(note);
        }
        match this.lasts {
            Lasts::Yes => {}
            Lasts::WhileBuilt => {
                out.say("This program is in a build folder. If that folder is temporary, install the program and run this again.");
            }
            Lasts::ThroughRunner(runner) => {
                let (runner, install) = match runner {
                    Runner::Npx => ("npx", "npm install -g llamacloud-batches-mcp"),
                    Runner::Uvx => ("uvx", "uv tool install llamacloud-batches-mcp"),
                };
                out.say(&format!(
                    "This program runs from a cache, so {title} will start the server with {runner}. If {title} does not find \
                     {runner}, run `{install}` and then `llamacloud-batches-mcp host-config {}` with the same flags as now.",
                    host.name
                ));
            }
        }
        let try_it = if this.registration.passes_key || this.has_key_file {
            "List my LlamaCloud batches."
        } else {
            "Create a LlamaCloud batch over dir-small with cfg-PARSE_AGENTIC, and tell me how it ends."
        };
        out.say(&format!(
            "Then restart {title}. To see {} there, {}. To try it, ask: \"{try_it}\"",
            hosts::NAME,
            host.shown
        ));
    }

    fn write_command(&self) -> String {
        let registration = &self.this.registration;
        let mut words = vec![registration.command.as_str()];
        words.extend(registration.args.iter().map(String::as_str));
        words.extend(["host-config", self.host.name, "--write"]);
        hosts::command_line(&words, self.system)
    }

    fn where_it_goes(&self) -> String {
        let located = location::of(self.host, self.system).map(|path| path.display().to_string());
        let file = located.unwrap_or_else(|_| self.host.file.on(self.system));
        let project = match (self.host.project_file, self.system) {
            (None, _) => String::new(),
            (Some(file), System::Windows) => {
                format!(
                    ", or, for a single project, in {} in the project's folder",
                    file.replace('/', "\\")
                )
            }
            (Some(file), _) => format!(", or, for a single project, in {file} in the project's folder"),
        };
        let inputs = if self.host.has_inputs(&self.this.registration) {
            ", and what the configuration has under `inputs`"
        } else {
            ""
        };
        format!(
            "The configuration belongs in {file}{project}. If that file already exists, add only the {} entry to it{inputs}.",
            hosts::NAME
        )
    }

    fn key(&self) -> String {
        match &self.config.api_key {
            _ if self.this.registration.passes_key => self.host.what_to_do_about_the_key(self.system),
            _ if !self.this.has_key_file => "The sandbox needs no key.".to_owned(),
            ApiKey::Missing(reason) => {
                format!("No key can be read yet: {reason}. Write the key into that file before you use the server.")
            }
            ApiKey::Given(_) => {
                "The server reads the key from the file given with --api-key-file each time it starts.".to_owned()
            }
        }
    }
}

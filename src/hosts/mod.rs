//! Every host that this server can be registered with: what its configuration looks like, where the file is, and how it passes a secret.
//! Registrations, the documents and the sentence about a missing key all come from here.
//!
//! Pure data and text: nothing here reads a file, the environment or a clock.
//!
//! | file | holds |
//! |---|---|
//! | `table` | one entry for each host |
//! | `template` | the configuration: the host's file in `manifests/hosts`, filled in |
//! | `add` | the command or link that adds the server without editing a file |
//! | `shell` | words as a person types them into a shell |
//! | `merge` | the registration inside the file that a user has already |
//! | `key` | how the API key arrives, in words |

mod add;
mod key;
pub mod merge;
mod shell;
mod table;
mod template;

pub use shell::{command_line, word};
pub use table::ALL;

/// What hosts call this server.
pub const NAME: &str = "llamacloud-batches";
/// What this program's own commands call themselves as clients of the server: no host, but a person at a terminal.
pub const TERMINAL: &str = "terminal";
/// The variable that holds the API key.
pub const KEY_VARIABLE: &str = "LLAMA_CLOUD_API_KEY";
/// The placeholder that the user replaces with the key.
pub const KEY_PLACEHOLDER: &str = "llx-your-key";

/// A host: the program that runs an assistant and starts this server.
#[derive(Debug)]
pub struct Host {
    /// What `host-config` calls it. Shape: `claude-code`.
    pub name: &'static str,
    /// What people call it. Shape: `Claude Code`.
    pub title: &'static str,
    /// How `clientInfo.name` begins when this host connects, in lower case.
    clients: &'static [&'static str],
    /// The user's own configuration file.
    pub file: Place,
    /// The variable that names another folder for that file.
    pub folder_variable: Option<&'static str>,
    /// How the name of its package folder begins, if Windows can install it as a package. A packaged program has an `%APPDATA%`
    /// of its own.
    pub package: Option<&'static str>,
    /// The file in a project, from its root, for all who work on it.
    pub project_file: Option<&'static str>,
    /// A whole file with nothing but this server.
    template: Template,
    /// The member of the file that holds the servers by name.
    servers: &'static str,
    key: key::Key,
    starts: Starts,
    /// The host's own command that adds a server. Shape: `codex mcp add {name} -- {command} {args}`.
    add: Option<&'static str>,
    /// The link that makes the host add a server. Shape: `lmstudio://add_mcp?name={name}&config={base64}`.
    link: Option<&'static str>,
    /// What to do in the host to see the server. Shape: ``type `/mcp` ``.
    pub shown: &'static str,
    /// What else a user has to know, as a sentence.
    pub note: Option<&'static str>,
}

/// A file in `manifests/hosts`.
#[derive(Debug, Clone, Copy)]
struct Template {
    file: &'static str,
    text: &'static str,
}

/// How a host's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Toml,
    Yaml,
}

/// Where a file is.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// Below the user's home directory, at the same path on every system.
    Home(&'static str),
    /// At another path on each system.
    Each {
        /// Shape: `~/.config/Claude/claude_desktop_config.json`.
        linux: &'static str,
        /// Shape: `~/Library/Application Support/Claude/claude_desktop_config.json`.
        macos: &'static str,
        /// Shape: `%APPDATA%\Claude\claude_desktop_config.json`.
        windows: &'static str,
    },
    /// In the folder in which the host was installed.
    Project(&'static str),
}

/// How a user starts a host, which decides whether it sees what a shell has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starts {
    InShell,
    FromDesktop,
}

/// An operating system, as far as paths and shells differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and similar systems.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// How a host starts this server.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The program, as an absolute path or a name on the `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Whether the host has to pass the key. Not with `--sandbox` or `--api-key-file`.
    pub passes_key: bool,
}

impl Host {
    /// The host that has this name in `host-config`.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|host| host.name.eq_ignore_ascii_case(name))
    }

    /// The host that introduces itself with this name (`clientInfo.name`). The longest match wins.
    pub fn of_client(client: &str) -> Option<&'static Self> {
        let client = client.to_ascii_lowercase();
        let fits = |beginning: &str| {
            let rest = client.strip_prefix(beginning)?;
            let ends_a_word = !rest.starts_with(|next: char| next.is_alphanumeric());
            ends_a_word.then_some(beginning.len())
        };
        let longest = |host: &'static Self| host.clients.iter().filter_map(|client| fits(client)).max();
        let fitting = ALL.iter().filter_map(|host| Some((longest(host)?, host)));
        fitting.max_by_key(|(length, _)| *length).map(|(_, host)| host)
    }

    /// Its file in `manifests/hosts`. Shape: `codex.toml`.
    pub const fn manifest(&self) -> &'static str {
        self.template.file
    }

    /// What its manifest names as the command: hosts that are started from the desktop cannot find a program by name.
    pub const fn example_command(&self) -> &'static str {
        match self.starts {
            Starts::InShell => "llamacloud-batches-mcp",
            Starts::FromDesktop => "/absolute/path/to/llamacloud-batches-mcp",
        }
    }

    /// Whether its file can be edited. There is no YAML editor that keeps the rest of a file.
    pub fn can_be_merged(&self) -> bool {
        self.syntax() != Syntax::Yaml
    }

    fn syntax(&self) -> Syntax {
        match self.template.file.rsplit('.').next() {
            Some("toml") => Syntax::Toml,
            Some("yaml") => Syntax::Yaml,
            _ => Syntax::Json,
        }
    }
}

impl Place {
    /// The path on a system. Shape: `~/.cursor/mcp.json`, `%USERPROFILE%\.cursor\mcp.json`.
    pub fn on(&self, system: System) -> String {
        match (self, system) {
            (Self::Home(path), System::Windows) => format!("%USERPROFILE%\\{}", path.replace('/', "\\")),
            (Self::Home(path), _) => format!("~/{path}"),
            (Self::Each { linux: path, .. }, System::Linux)
            | (Self::Each { macos: path, .. }, System::MacOs)
            | (Self::Each { windows: path, .. }, System::Windows)
            | (Self::Project(path), _) => (*path).to_owned(),
        }
    }

    /// The file's own name. Shape: `mcp.json`.
    pub fn file_name(&self) -> &'static str {
        let (Self::Home(path) | Self::Each { linux: path, .. } | Self::Project(path)) = self;
        path.rsplit('/').next().unwrap_or(path)
    }
}

impl System {
    /// The one that this program was built for.
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

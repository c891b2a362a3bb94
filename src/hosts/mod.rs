//! Every host that this server is known to be registered with: what its configuration looks like, where it lies, and how it passes a
//! secret. The one source of registrations, manifests, and of the sentence about a missing key.
//!
//! Pure data and rendering: nothing here reads a file, the environment or a clock.
//!
//! | file | holds |
//! |---|---|
//! | `table` | one entry for each host |
//! | `shape` | the configuration, in the host's own syntax |
//! | `add` | the command or link that adds the server without editing a file |
//! | `key` | how the API key arrives, in words |

mod add;
mod key;
mod shape;
mod table;

pub use table::ALL;

/// What hosts call this server.
pub const NAME: &str = "llamacloud-batches";
/// The variable that holds the API key.
pub const KEY_VARIABLE: &str = "LLAMA_CLOUD_API_KEY";
/// What stands where a user has to put the key.
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
    /// The file in a project, from its root, for all who work on it.
    pub project_file: Option<&'static str>,
    shape: shape::Shape,
    key: key::Key,
    starts: Starts,
    add: &'static [add::Word],
    link: Option<add::Link>,
    /// What else a user has to know, as a sentence.
    pub note: Option<&'static str>,
}

/// Where a file lies.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// From the user's home directory, on every system.
    Home(&'static str),
    /// On each system somewhere else.
    Each {
        /// Shape: `~/.config/Claude/claude_desktop_config.json`.
        linux: &'static str,
        /// Shape: `~/Library/Application Support/Claude/claude_desktop_config.json`.
        macos: &'static str,
        /// Shape: `%APPDATA%\Claude\claude_desktop_config.json`.
        windows: &'static str,
    },
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
    /// Linux, and what is like it.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// How a host is to start this server.
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
    /// The host that `host-config` calls so.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|host| host.name.eq_ignore_ascii_case(name))
    }

    /// The host that introduces itself so (`clientInfo.name`). Of two that fit, the one that fits longer.
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

    /// The extension of its configuration file. Shape: `toml`.
    pub fn extension(&self) -> &'static str {
        match self.shape {
            shape::Shape::Json(..) => "json",
            shape::Shape::CodexToml => "toml",
            shape::Shape::ContinueYaml | shape::Shape::GooseYaml => "yaml",
        }
    }

    /// What a file that is checked in names as the command: hosts that are started from the desktop find no program by its name.
    pub fn example_command(&self) -> &'static str {
        match self.starts {
            Starts::InShell => "llamacloud-batches-mcp",
            Starts::FromDesktop => "/absolute/path/to/llamacloud-batches-mcp",
        }
    }
}

impl Place {
    /// The path on a system. Shape: `~/.cursor/mcp.json`, `%USERPROFILE%\.cursor\mcp.json`.
    pub fn on(&self, system: System) -> String {
        match (self, system) {
            (Self::Home(path), System::Windows) => format!("%USERPROFILE%\\{}", path.replace('/', "\\")),
            (Self::Home(path), _) => format!("~/{path}"),
            (Self::Each { linux, .. }, System::Linux) => (*linux).to_owned(),
            (Self::Each { macos, .. }, System::MacOs) => (*macos).to_owned(),
            (Self::Each { windows, .. }, System::Windows) => (*windows).to_owned(),
        }
    }

    /// The file's own name. Shape: `mcp.json`.
    pub fn file_name(&self) -> &'static str {
        let (Self::Home(path) | Self::Each { linux: path, .. }) = self;
        path.rsplit('/').next().unwrap_or(path)
    }
}

impl System {
    /// The one that this program was built for.
    pub fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

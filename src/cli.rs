//! Flags and variables as typed, except that `~` in a path is the home folder. What they mean together is decided in `config`.

mod environment;
mod help;
mod run;
mod typed;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use environment::Environment;
pub use help::{EXIT_CODES, FILES, VARIABLES, definition};
pub use run::Run;
pub use typed::{Setting, settings, settings_as_typed};
pub use words::words;

use crate::hosts;
use crate::llamacloud::BatchId;

/// The command line.
#[derive(Debug, Clone, Default, Parser)]
#[command(
    name = "llamacloud-batches-mcp",
    bin_name = "llamacloud-batches-mcp",
    version,
    propagate_version = true,
    term_width = 80,
    about = "MCP server for LlamaCloud Batches, on stdin and stdout.",
    long_about = "MCP server for LlamaCloud Batches, on stdin and stdout.\n\nAn AI assistant host starts it and talks JSON-RPC \
                  with it. Without a command it serves. To try it without an account, add --sandbox. The other commands are for \
                  people at a terminal.",
    after_help = help::KEY_AND_EXAMPLES
)]
pub struct Cli {
    /// What to do; `serve` if left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings, before or after the command.
    #[command(flatten)]
    pub flags: Flags,
}

impl Cli {
    /// The command line of this process.
    ///
    /// # Errors
    /// For a wrong command line, and for one that asks for help.
    pub fn of_process() -> Result<Self, clap::Error> {
        Self::of(words().into_iter())
    }

    /// Most hosts pass no arguments. That case needs no parser, and building one would nearly double the instructions of a start
    /// (`docs/performance.md`). A test checks that both ways give the same result.
    fn of(words: impl ExactSizeIterator<Item = OsString>) -> Result<Self, clap::Error> {
        if words.len() <= 1 {
            return Ok(Self::default());
        }
        Self::try_parse_from(words)
    }
}

/// What the program can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve MCP on stdin and stdout (the default).
    Serve,
    /// Call one tool and print its result.
    #[command(after_help = help::CALL, disable_help_flag = true, override_usage = help::CALL_USAGE)]
    Call {
        /// The tool; `tools` lists them.
        #[arg(index = 1, required_unless_present = "help")]
        tool: Option<String>,
        /// Arguments: key=value words, one JSON object, or `-` to read the JSON from stdin.
        #[arg(index = 2, value_name = "KEY=VALUE|JSON|-")]
        arguments: Vec<String>,
        /// Print the result's data: one line of JSON.
        #[arg(long)]
        json: bool,
        /// Print what a host gets: one line of JSON, also for an error of the tool.
        #[arg(long, conflicts_with = "json")]
        raw: bool,
        /// Print help: the tool's arguments, or this text if no tool is named.
        #[arg(short, long)]
        help: bool,
    },
    /// List the available tools with their arguments.
    #[command(after_help = help::TOOLS)]
    Tools {
        /// Print the definitions as a host gets them: one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Follow one batch until it is final.
    #[command(after_help = help::WATCH)]
    Watch {
        /// The batch, `bat-…`.
        batch_id: BatchId,
        /// Print the outcome as data: one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Do the whole job: upload a folder, create a batch, follow it, save the results.
    #[command(after_help = help::RUN)]
    Run(Run),
    /// Check key, network and server, and say how to fix each problem.
    #[command(after_help = help::DOCTOR)]
    Doctor {
        /// Print one JSON object: `ok`, and `checks` with `name`, `status`, `detail` and `remedy`.
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell.
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page.
    #[command(after_help = help::MAN)]
    Man,
    /// Serve the simulated LlamaCloud on loopback until stopped.
    #[cfg(feature = "sandbox")]
    #[command(after_help = help::SANDBOX, after_long_help = help::sandbox_in_full())]
    Sandbox {
        /// Port to listen on; 0 means any free one. The address is printed on stderr.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Print the configuration that registers this server with a host, or write it to the host's file. The configuration includes the settings of this command line.
    #[command(after_help = help::HOST_CONFIG)]
    HostConfig(HostConfig),
}

/// What `host-config` takes.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct HostConfig {
    /// The program that runs the assistant and starts this server.
    #[arg(required_unless_present = "list", ignore_case = true)]
    #[arg(value_parser = PossibleValuesParser::new(hosts::ALL.iter().map(|host| host.name)))]
    pub host: Option<String>,
    /// Print the names of all hosts, one per line.
    #[arg(long, conflicts_with = "write")]
    pub list: bool,
    /// Write the registration into the host's own file, and keep a backup. Nothing else in the file changes.
    #[arg(long)]
    pub write: bool,
    /// The file to write in place of the host's own, for example `.mcp.json` in a project.
    #[arg(long, value_name = "FILE", requires = "write", value_parser = path())]
    pub file: Option<PathBuf>,
}

/// Settings as typed. A flag overrides its variable; a variable that is empty or an unexpanded `${…}` counts as not set.
#[derive(Debug, Clone, clap::Args)]
#[cfg_attr(
    feature = "sandbox",
    expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")
)]
pub struct Flags {
    /// File whose first line is the API key.
    #[arg(long, global = true, value_name = "FILE", value_parser = path(), help_heading = "Account")]
    pub api_key_file: Option<PathBuf>,
    /// Base URL of the API: https, or http on loopback [variable: `LLAMA_CLOUD_BASE_URL`].
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "region",
        help_heading = "Account"
    )]
    pub base_url: Option<String>,
    /// Region of the account, in place of a base URL.
    #[arg(long, global = true, value_enum, help_heading = "Account")]
    pub region: Option<Region>,
    /// Use this project for every call; the tools then have no argument `project_id` [variable: `LLAMA_CLOUD_PROJECT_ID`].
    #[arg(long, global = true, value_name = "ID", help_heading = "Account")]
    pub project_id: Option<String>,
    /// Use this organization for every call; the tools then have no argument `organization_id` [variable: `LLAMA_CLOUD_ORGANIZATION_ID`].
    #[arg(long, global = true, value_name = "ID", help_heading = "Account")]
    pub organization_id: Option<String>,
    /// Offer only these tools, separated by commas. A tool that needs a flag, such as `cancel_batch`, still needs it.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Tools"
    )]
    pub tools: Option<Vec<String>>,
    /// Withhold every tool that changes something in LlamaCloud [variable: `LLAMA_CLOUD_READ_ONLY`].
    #[arg(long, global = true, help_heading = "Tools")]
    pub read_only: bool,
    /// Offer the tool `cancel_batch` [variable: `LLAMA_CLOUD_ALLOW_CANCEL`].
    #[arg(long, global = true, help_heading = "Tools")]
    pub allow_cancel: bool,
    /// Offer the tool `upload_files` for this folder of this machine; may be given more than once [variable: `LLAMA_CLOUD_ALLOW_DIR`].
    #[arg(long, global = true, value_name = "DIR", value_parser = path(), help_heading = "Local files")]
    pub allow_dir: Vec<PathBuf>,
    /// Offer the tool `save_results`, which writes below this folder of this machine. The folder must exist.
    #[arg(long, global = true, value_name = "DIR", value_parser = path(), help_heading = "Local files")]
    pub output_dir: Option<PathBuf>,
    /// Ask the user, through the host, before spending credits or uploading files [variable: `LLAMA_CLOUD_CONFIRM_CREATE`].
    #[arg(long, global = true, help_heading = "Tools")]
    pub confirm_create: bool,
    /// First polling interval of a call that waits; later intervals grow to five times as long.
    #[arg(long, global = true, value_name = "DURATION", default_value = "2s", value_parser = duration, help_heading = "Tools")]
    pub poll_interval: Duration,
    /// Time limit for a tool call, such as `90`, `90s`, `2m` or `500ms`; at most 10 minutes. The wait of `wait_seconds` does not count towards it.
    #[arg(long, global = true, value_name = "DURATION", default_value = "45s", value_parser = duration, help_heading = "Tools")]
    pub timeout: Duration,
    /// Longest tool result, in characters.
    #[arg(long, global = true, value_name = "CHARACTERS", default_value_t = 6000, value_parser = clap::value_parser!(u32).range(2000..=16000), help_heading = "Tools")]
    pub max_result_chars: u32,
    /// What to log, for example `info` or `llamacloud_batches_mcp=debug` [variable: `LLAMA_CLOUD_LOG`] [default: warn].
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Log")]
    pub log: Option<String>,
    /// Log format.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, help_heading = "Log")]
    pub log_format: LogFormat,
    /// Append the log to this file (created with mode 0600) in place of stderr.
    #[arg(long, global = true, value_name = "FILE", value_parser = path(), help_heading = "Log")]
    pub log_file: Option<PathBuf>,
    /// How stdin and stdout are read and written: `auto` polls pipes and sockets where it can, `portable` never does.
    #[arg(long, global = true, value_enum, default_value_t = Stdio::Auto, help_heading = "Streams")]
    pub stdio: Stdio,
    /// Use a simulated LlamaCloud inside this process: no account, no network, no costs.
    #[cfg(feature = "sandbox")]
    #[arg(long, global = true, conflicts_with_all = ["base_url", "region"], help_heading = "Sandbox")]
    pub sandbox: bool,
    /// How fast sandbox batches run: `instant`, `fast` (four seconds; the default), `real` (minutes), `steps` (one state per read), or a duration such as `2h`.
    #[cfg(feature = "sandbox")]
    #[arg(long, global = true, value_name = "SPEED", help_heading = "Sandbox")]
    pub sandbox_speed: Option<crate::sandbox::Speed>,
    /// A fault in the sandbox, for example `429@get:2`; may be given more than once. `sandbox --help` lists all.
    #[cfg(feature = "sandbox")]
    #[arg(long, global = true, value_name = "FAULT", help_heading = "Sandbox")]
    pub sandbox_fault: Vec<crate::sandbox::Fault>,
}

impl Default for Flags {
    /// The flags when no arguments are given.
    fn default() -> Self {
        Self {
            api_key_file: None,
            base_url: None,
            region: None,
            project_id: None,
            organization_id: None,
            tools: None,
            read_only: false,
            allow_cancel: false,
            allow_dir: Vec::new(),
            output_dir: None,
            confirm_create: false,
            poll_interval: Duration::from_secs(2),
            timeout: Duration::from_secs(45),
            max_result_chars: 6000,
            log: None,
            log_format: LogFormat::Text,
            log_file: None,
            stdio: Stdio::Auto,
            #[cfg(feature = "sandbox")]
            sandbox: false,
            #[cfg(feature = "sandbox")]
            sandbox_speed: None,
            #[cfg(feature = "sandbox")]
            sandbox_fault: Vec::new(),
        }
    }
}

/// Reads a path, in which `~` is the home folder.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|typed| Environment::read().path(&typed))
}

/// Reads `45`, `45s`, `2m` or `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit_ms = match text.get(digits.len()..) {
        Some("" | "s") => 1000,
        Some("ms") => 1,
        Some("m") => 60_000,
        _ => 0,
    };
    let milliseconds = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit_ms));
    match milliseconds {
        Some(milliseconds @ 1..=600_000) => Ok(Duration::from_millis(milliseconds)),
        _ => Err("write a duration from 1ms to 10m, such as 45s, 2m or 500ms".to_owned()),
    }
}

/// LlamaCloud's regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Region {
    /// North America, the default.
    Us,
    /// Europe.
    Eu,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// How stdin and stdout are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Stdio {
    /// Polled where that is possible.
    #[default]
    Auto,
    /// Through a thread, on every system.
    Portable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_arguments_mean_what_the_parser_says_they_mean() {
        let words = || ["llamacloud-batches-mcp"].map(OsString::from).into_iter();
        let (known, parsed) = (Cli::of(words()).unwrap(), Cli::try_parse_from(words()).unwrap());
        assert_eq!(format!("{known:?}"), format!("{parsed:?}"));
    }
}

//! What the help and the manual page say beyond the flags: exit codes, variables, files, examples.

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::Cli;

/// Below the help of the whole program.
pub(super) const KEY_AND_EXAMPLES: &str = "\
The API key comes from the variable LLAMA_CLOUD_API_KEY (or LLAMA_PARSE_API_KEY) or from --api-key-file. There is no flag for it, \
because other users of the machine can see flags.

Examples:
  llamacloud-batches-mcp doctor
  llamacloud-batches-mcp call list_batches
  llamacloud-batches-mcp watch bat-sandbox-failing --sandbox";

pub(super) const CALL_USAGE: &str = "\
llamacloud-batches-mcp call [OPTIONS] <TOOL> [KEY=VALUE]...
       llamacloud-batches-mcp call [OPTIONS] <TOOL> <JSON|->
       llamacloud-batches-mcp call <TOOL> --help";

pub(super) const CALL: &str = "\
The call goes through the same server that assistants use. Use a dot to set a member of an object, as in \
`config.job.type=parse_v2`; repeat a key to make a list. Ctrl-C ends the call, not the batch. With --confirm-create, you are asked in \
the terminal before files are uploaded or credits are spent.

Exit code: 0 done, 1 the tool failed, 2 wrong usage, 130 Ctrl-C.

Examples:
  llamacloud-batches-mcp call get_batch --help
  llamacloud-batches-mcp call list_batches status=RUNNING --json
  llamacloud-batches-mcp call list_batches '{\"status\":\"RUNNING\"}'
  echo '{\"status\":\"RUNNING\"}' | llamacloud-batches-mcp call list_batches -
  llamacloud-batches-mcp call create_batch source_directory_id=dir-small \\
    config.job.type=parse_v2 \\
    config.job.configuration_id=cfg-PARSE_AGENTIC --sandbox";

pub(super) const TOOLS: &str = "\
The list follows the settings: --allow-cancel adds a tool, --read-only withholds some, and --project-id removes an argument.

Examples:
  llamacloud-batches-mcp tools
  llamacloud-batches-mcp tools --read-only --json";

pub(super) const WATCH: &str = "\
At the end it shows how many files succeeded, and which did not and why. Ctrl-C ends the command, not the batch. Rate limits, outages \
and a lost network are shown and waited out. In the sandbox, most directories `dir-NAME` have a batch \
`bat-sandbox-NAME`, which starts when it is first read.

Exit code: 0 every file succeeded; 1 not every file succeeded, or the batch cannot be read; 2 wrong usage; 130 Ctrl-C.

Examples:
  llamacloud-batches-mcp watch bat-sandbox-small --sandbox
  llamacloud-batches-mcp watch bat-sandbox-ten --sandbox --json";

pub(super) const RUN: &str = "\
Files that are already uploaded are not uploaded again. A batch of the same work (files, job type and configuration) \
that is unfinished or COMPLETED is used again. After a FAILED or CANCELLED one, a new one is created, which costs credits. After Ctrl-C or a kill, run \
the same command again to continue. The folder needs no --allow-dir.

Exit code: 0 every file succeeded and, with --out, every result was saved; 1 otherwise; 2 wrong usage; 130 Ctrl-C.

Examples:
  llamacloud-batches-mcp run examples/documents --sandbox --out text
  llamacloud-batches-mcp run ~/invoices --out ~/invoices-text --yes";

pub(super) const DOCTOR: &str = "\
Nothing is changed and nothing costs credits. The key is sent only to the base URL and, if one of LlamaCloud's regions \
rejects it, to the other region. It is never shown.

Exit code: 0 no check failed, 1 a check failed, 2 wrong usage, 130 Ctrl-C.

Examples:
  llamacloud-batches-mcp doctor
  llamacloud-batches-mcp doctor --sandbox --json";

pub(super) const HOST_CONFIG: &str = "\
Without --write, the configuration goes to stdout, with the flags given here, and instructions for registering the server and \
passing the key go to stderr. --write edits JSON (also with comments) and TOML files; for hosts with a YAML file \
it prints the configuration and exits with 1.

Examples:
  llamacloud-batches-mcp host-config --list
  llamacloud-batches-mcp host-config cursor --write
  llamacloud-batches-mcp host-config claude-code --write --file .mcp.json
  llamacloud-batches-mcp host-config vscode --region eu --read-only";

pub(super) const COMPLETIONS: &str = "\
The script must match the version of this program: print it again after an update, or each time a shell starts:
  ~/.bashrc    source <(llamacloud-batches-mcp completions bash)
  ~/.zshrc     source <(llamacloud-batches-mcp completions zsh)
  config.fish  llamacloud-batches-mcp completions fish | source
  rc.elv       eval (llamacloud-batches-mcp completions elvish | slurp)
  $PROFILE     llamacloud-batches-mcp completions powershell |
                 Out-String | Invoke-Expression

Examples:
  llamacloud-batches-mcp completions bash";

pub(super) const MAN: &str = "\
Examples:
  llamacloud-batches-mcp man > llamacloud-batches-mcp.1";

#[cfg(feature = "sandbox")]
pub(super) const SANDBOX: &str = "\
Other programs can use the sandbox as if it were LlamaCloud, with the printed address and key:
  LLAMA_CLOUD_API_KEY=llx-sandbox llamacloud-batches-mcp \\
    --base-url http://127.0.0.1:8017 call list_batches";

/// The same, with the list of faults.
#[cfg(feature = "sandbox")]
pub(super) fn sandbox_in_full() -> String {
    format!(
        "{SANDBOX}\n\nFaults (--sandbox-fault):\n{}",
        crate::sandbox::FAULTS_HELP
    )
}

/// What the exit codes mean.
pub const EXIT_CODES: &[(&str, &str)] = &[
    (
        "0",
        "Done. For watch and run: every file succeeded, and with --out every result was saved. For doctor: no check failed. For the server: its input ended, or a signal stopped it.",
    ),
    (
        "1",
        "A tool, a batch, a file or a check failed, or stdout could not be written (full or closed).",
    ),
    ("2", "The command line or a setting is wrong. Nothing was sent."),
    ("130", "Ctrl-C. A batch that was started keeps running."),
];

/// The variables that are read.
pub const VARIABLES: &[(&str, &str)] = &[
    ("LLAMA_CLOUD_API_KEY", "The API key. --api-key-file overrides it."),
    (
        "LLAMA_PARSE_API_KEY",
        "The API key, if LLAMA_CLOUD_API_KEY holds no usable key.",
    ),
    ("LLAMA_CLOUD_BASE_URL", "Same as --base-url."),
    ("LLAMA_CLOUD_PROJECT_ID", "Same as --project-id."),
    ("LLAMA_CLOUD_ORGANIZATION_ID", "Same as --organization-id."),
    ("LLAMA_CLOUD_READ_ONLY", "Same as --read-only: true or false."),
    ("LLAMA_CLOUD_ALLOW_CANCEL", "Same as --allow-cancel: true or false."),
    ("LLAMA_CLOUD_CONFIRM_CREATE", "Same as --confirm-create: true or false."),
    (
        "LLAMA_CLOUD_ALLOW_DIR",
        "Same as --allow-dir; separate folders as in PATH.",
    ),
    ("LLAMA_CLOUD_LOG", "Same as --log."),
    ("NO_COLOR", "Any value that is not empty turns colours off."),
    (
        "TERM",
        "The value `dumb` turns off colours and the progress line that is redrawn in place.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy for requests to LlamaCloud, in the usual format.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "On Linux: trusted certificates that replace the system's store.",
    ),
];

/// The files that are read and written.
pub const FILES: &[(&str, &str)] = &[
    (
        "the file of --api-key-file",
        "Its first line is the API key. Only its owner should be able to read it.",
    ),
    (
        "the file of --log-file",
        "The log is appended to it. It is created with mode 0600.",
    ),
    (
        "the host's configuration",
        "Where a host registers this server. host-config says which file that is.",
    ),
];

/// The command line's definition for people: help of one screen, with the settings only in the program's own help.
///
/// Every command accepts the settings.
pub fn definition() -> Command {
    let mut definition = Cli::command();
    // This adds the settings and the help flag to the commands.
    definition.build();
    let names: Vec<_> = definition
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let definition = names.into_iter().fold(definition, |definition, name| {
        definition.mut_subcommand(name, without_settings)
    });
    definition.mut_args(with_short_help)
}

fn without_settings(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let is_everywhere = argument.get_help_heading().is_some() || argument.get_id() == "version";
        let hidden = argument.is_hide_set() || is_everywhere;
        argument.hide(hidden)
    });
    // Its long help lists the faults.
    if command.get_name() == "sandbox" {
        return command;
    }
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command
        .mut_args(with_short_help)
        .after_help(format!("{SETTINGS}\n\n{notes}").trim_end().to_owned())
}

fn with_short_help(argument: Arg) -> Arg {
    if matches!(argument.get_action(), ArgAction::Help) {
        argument.action(ArgAction::HelpShort).help("Print help")
    } else {
        argument
    }
}

/// Replaces the settings in a command's help.
const SETTINGS: &str =
    "Settings such as --region, --project-id, --timeout and --sandbox: see `llamacloud-batches-mcp --help`.";

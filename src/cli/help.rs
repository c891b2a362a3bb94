//! What the help says beyond the flags: examples, and which flags matter to which command.

use clap::CommandFactory;

use super::Cli;

/// Below the help of the whole program.
pub(super) const KEY_AND_EXAMPLES: &str = "\
The API key comes from the variable LLAMA_CLOUD_API_KEY (or LLAMA_PARSE_API_KEY) or from --api-key-file; there is no flag for it, \
because other users of the machine can see flags.

Examples:
  llamacloud-batches-mcp doctor
  llamacloud-batches-mcp call list_batches
  llamacloud-batches-mcp watch bat-sandbox-failing --sandbox";

pub(super) const CALL: &str = "\
The call goes through the same server that assistants use, under the same settings. With `wait_seconds` among the arguments, Ctrl-C ends the waiting and not the batch. With --confirm-create the question is asked here. A \
batch that is created with --sandbox lives as long as the command; `sandbox` keeps one longer.

Exit code: 0 done, 1 the tool could not do it, 2 wrong usage, 130 Ctrl-C.

Examples:
  llamacloud-batches-mcp call list_batches
  llamacloud-batches-mcp call list_batches '{\"status\":\"RUNNING\"}' --json
  echo '{\"page_size\":5}' | llamacloud-batches-mcp call list_batches -
  llamacloud-batches-mcp call get_batch --sandbox --sandbox-speed instant \\
    '{\"batch_id\":\"bat-sandbox-failing\",\"expand\":[\"outcomes\"]}'
  llamacloud-batches-mcp call create_batch --sandbox '{
    \"source_directory_id\": \"dir-small\", \"wait_seconds\": 20,
    \"config\": {\"job\": {\"type\": \"parse_v2\",
      \"configuration_id\": \"cfg-PARSE_AGENTIC\"}}}'";

pub(super) const WATCH: &str = "\
In the end it tells what became of the files. Ctrl-C ends the watching and not the batch. A rate limit, an outage or a lost network is shown and waited out. In the sandbox, a batch \
`bat-sandbox-small` over `dir-small` begins when it is first looked at, and so for every directory of the sandbox.

Exit code: 0 every file succeeded, 1 the batch or a file did not or cannot be read, 2 wrong usage, 130 Ctrl-C.

Examples:
  llamacloud-batches-mcp watch bat-sandbox-small --sandbox
  llamacloud-batches-mcp watch bat-sandbox-ten --sandbox --json";

pub(super) const DOCTOR: &str = "\
Nothing is changed and nothing costs credits. The key is sent to LlamaCloud alone, and never shown.

Exit code: 0 if no check failed, else 1.

Examples:
  llamacloud-batches-mcp doctor
  llamacloud-batches-mcp doctor --sandbox --json";

pub(super) const HOST_CONFIG: &str = "\
The configuration goes to stdout, with the absolute path of this program and the flags that are given here. Where it belongs, how the host takes it by a command or a link, and what it needs for the key, goes to stderr.

Examples:
  llamacloud-batches-mcp host-config --list
  llamacloud-batches-mcp host-config claude-code
  llamacloud-batches-mcp host-config vscode --region eu --read-only
  llamacloud-batches-mcp host-config codex --sandbox > codex.config.toml";

pub(super) const COMPLETIONS: &str = "\
Examples:
  llamacloud-batches-mcp completions bash \\
    > ~/.local/share/bash-completion/completions/llamacloud-batches-mcp
  llamacloud-batches-mcp completions zsh > ~/.zfunc/_llamacloud-batches-mcp
  llamacloud-batches-mcp completions fish \\
    > ~/.config/fish/completions/llamacloud-batches-mcp.fish";

pub(super) const MAN: &str = "\
Examples:
  llamacloud-batches-mcp man > llamacloud-batches-mcp.1";

#[cfg(feature = "sandbox")]
pub(super) const SANDBOX: &str = "\
Other programs then use it as if it were LlamaCloud, with the address and the key that are printed:
  LLAMA_CLOUD_API_KEY=llx-sandbox llamacloud-batches-mcp \\
    --base-url http://127.0.0.1:8017 call list_batches";

/// The same, and what can go wrong in it.
#[cfg(feature = "sandbox")]
pub(super) fn sandbox_in_full() -> String {
    format!(
        "{SANDBOX}\n\nFaults (--sandbox-fault):\n{}",
        crate::sandbox::FAULTS_HELP
    )
}

/// The command line's definition as people read it: each command's help shows the settings that mean something to it.
///
/// The others are accepted all the same, since settings may stand before the command.
pub fn definition() -> clap::Command {
    let mut definition = Cli::command();
    // Only then do the commands have the settings.
    definition.build();
    let hide = |command: clap::Command| {
        let name = command.get_name().to_owned();
        command.mut_args(|argument| {
            let hidden = argument.is_hide_set() || !matters(&name, &argument);
            argument.hide(hidden)
        })
    };
    let names: Vec<_> = definition
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names
        .into_iter()
        .fold(definition, |definition, name| definition.mut_subcommand(name, hide))
}

fn matters(command: &str, argument: &clap::Arg) -> bool {
    let Some(heading) = argument.get_help_heading() else {
        return true;
    };
    let id = argument.get_id().as_str();
    match command {
        "call" => heading != "Streams",
        "watch" => matches!(heading, "Account" | "Log" | "Sandbox") || matches!(id, "poll_interval" | "timeout"),
        "doctor" => {
            matches!(heading, "Account" | "Log") || matches!(id, "sandbox" | "read_only" | "allow_cancel" | "timeout")
        }
        "sandbox" => heading == "Log" || (heading == "Sandbox" && id != "sandbox"),
        "completions" | "man" => false,
        _ => true,
    }
}

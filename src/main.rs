//! Parses, runs, maps the outcome to an exit code: 0 done, 1 failed, 2 wrong usage or settings; the commands for people have more.

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use llamacloud_batches_mcp::app::{self, UnusableOut};
use llamacloud_batches_mcp::cli::{self, Cli, Environment};
use llamacloud_batches_mcp::commands;
use llamacloud_batches_mcp::config::ConfigError;
use llamacloud_batches_mcp::files::UnusableFolder;
use llamacloud_batches_mcp::tools::UnknownTool;

fn main() -> ExitCode {
    match commands::complete(app::every_tool) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return explain(error),
    }
    let cli = match Cli::of_process() {
        Ok(cli) => cli,
        Err(help_or_error) => return explain(help_or_error),
    };
    let environment = Environment::read();
    // One thread: the server mostly waits, and reading a pipe is four times faster without handing lines between threads.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let outcome = runtime.block_on(app::run(cli, &environment));
    // A pending read of a terminal must not keep the process alive.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| fail(&error))
}

/// Prints help, the version, or what is wrong with the command line.
fn explain(mut help_or_error: clap::Error) -> ExitCode {
    let wrong_usage = help_or_error.use_stderr();
    let is_help = matches!(
        help_or_error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    // The definition for people takes longer to build, and differs only in its help.
    if is_help && let Err(for_people) = cli::definition().try_get_matches_from(cli::words()) {
        help_or_error = for_people;
    }
    let printed = help_or_error.print();
    match printed {
        _ if wrong_usage => ExitCode::from(2),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&anyhow::Error::from(error).context("stdout cannot be written")),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    drop(writeln!(std::io::stderr(), "llamacloud-batches-mcp: {error:#}"));
    let is_setting = error.is::<ConfigError>()
        || error.is::<UnusableFolder>()
        || error.is::<UnknownTool>()
        || error.is::<UnusableOut>();
    ExitCode::from(if is_setting { 2 } else { 1 })
}

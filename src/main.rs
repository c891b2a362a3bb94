//! Parses, runs, maps the outcome to an exit code: 0 done, 1 could not go on, 2 wrong usage.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use llamacloud_batches_mcp::app;
use llamacloud_batches_mcp::cli::{Cli, Environment};
use llamacloud_batches_mcp::config::ConfigError;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help_or_error) => {
            let wrong_usage = help_or_error.use_stderr();
            drop(help_or_error.print());
            return ExitCode::from(if wrong_usage { 2 } else { 0 });
        }
    };
    let environment = Environment::read();
    // One thread: the work is waiting, and a pipe is read four times faster without handing lines between threads.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let outcome = runtime.block_on(app::run(cli, &environment));
    // A read of a terminal that is still waiting must not keep the process.
    runtime.shutdown_background();
    outcome.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    drop(writeln!(std::io::stderr(), "llamacloud-batches-mcp: {error:#}"));
    ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
}

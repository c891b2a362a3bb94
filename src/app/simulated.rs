//! The simulated LlamaCloud, in place of the real one or on its own.

use anyhow::Context;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::say;
use crate::cli::{Cli, Command, Environment, Flags};
use crate::config::{ApiKey, Config, ConfigError};
use crate::sandbox::{self, Sandbox, Settings, Speed};

/// The variables that apply: a sandbox ignores the base URL that the environment names.
///
/// # Errors
/// If the flags describe a sandbox and there is none: what was meant to cost nothing would be paid for.
pub(super) fn environment(cli: &Cli, environment: &Environment) -> Result<Environment, ConfigError> {
    let Flags {
        sandbox,
        sandbox_speed,
        sandbox_fault,
        ..
    } = &cli.flags;
    if *sandbox || matches!(cli.command, Some(Command::Sandbox { .. })) {
        return Ok(environment.clone().without("LLAMA_CLOUD_BASE_URL"));
    }
    if sandbox_speed.is_some() || !sandbox_fault.is_empty() {
        let problem = "--sandbox-speed and --sandbox-fault need --sandbox. Nothing was sent.";
        return Err(ConfigError(problem.to_owned()));
    }
    Ok(environment.clone())
}

/// Starts a sandbox in this process, if requested, and points the settings at it. It ends when the result is dropped.
pub(super) async fn instead(flags: &Flags, mut config: Config) -> anyhow::Result<(Config, Option<Sandbox>)> {
    if !flags.sandbox {
        return Ok((config, None));
    }
    let sandbox = sandbox::start(settings(flags, None))
        .await
        .context("the sandbox cannot listen on loopback")?;
    config.base_url = sandbox.base_url().parse()?;
    config.api_key = ApiKey::Given(SecretString::from(sandbox.api_key()));
    Ok((config, Some(sandbox)))
}

/// Serves a sandbox over HTTP until stopped.
pub(super) async fn serve(flags: &Flags, port: u16, stop: &CancellationToken) -> anyhow::Result<()> {
    let started = sandbox::start(settings(flags, Some(port))).await;
    let sandbox = started.with_context(|| format!("the sandbox cannot listen on port {port}"))?;
    say(&format!("sandbox listening on {}", sandbox.base_url()));
    say(&format!("the API key it accepts is {}", sandbox.api_key()));
    tokio::select! {
        ended = sandbox.stopped() => ended.context("the sandbox ended"),
        () = stop.cancelled() => Ok(()),
    }
}

fn settings(flags: &Flags, port: Option<u16>) -> Settings {
    let faults = flags.sandbox_fault.iter().cloned().collect();
    Settings {
        speed: flags.sandbox_speed.unwrap_or(Speed::Fast),
        faults,
        port,
        ..Settings::default()
    }
}

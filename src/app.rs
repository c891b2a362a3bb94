//! The composition root: client → tools → server → stdio. Only here does everybody know everybody.

#[cfg(feature = "sandbox")]
mod simulated;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Command, Environment, Stdio};
use crate::config::{ApiKey, Config};
use crate::llamacloud::{Client, Credential, Scope, Settings};
use crate::mcp::{Icon, Implementation, Io, Limits, Server, ServerIdentity, Transport, serve};
use crate::tools::{self, Policy};

const ICONS: &[Icon] = &[Icon {
    src: include_str!("icon.txt"),
    mime_type: "image/png",
    sizes: &["48x48"],
}];

/// Does what the command line says.
///
/// # Errors
/// For what keeps the program from starting.
pub async fn run(cli: Cli, environment: &Environment) -> anyhow::Result<()> {
    let config = Config::resolve(&cli.flags, environment)?;
    let logging = crate::telemetry::start(&config)?;
    let stop = stop_signal()?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            #[cfg(feature = "sandbox")]
            let (config, _sandbox) = simulated::instead(&cli.flags, config).await?;
            serve_stdio(&config, &stop).await?;
        }
        #[cfg(feature = "sandbox")]
        Command::Sandbox { port } => simulated::serve(&cli.flags, port, &stop).await?,
    }
    drop(logging);
    Ok(())
}

/// The server, ready to be given a transport.
///
/// # Errors
/// For pinned ids that are none.
pub fn server(config: &Config) -> anyhow::Result<Server> {
    let credential = match &config.api_key {
        ApiKey::Given(key) => Credential::Key(key.clone()),
        ApiKey::Missing(reason) => Credential::Missing { reason: reason.clone() },
    };
    let client = Client::new(Settings::new(config.base_url.clone(), credential));
    let pinned = Scope {
        project_id: config.project_id.as_deref().map(str::parse).transpose()?,
        organization_id: config.organization_id.as_deref().map(str::parse).transpose()?,
    };
    let policy = Policy {
        pinned,
        read_only: config.read_only,
        timeout: config.timeout,
        max_result_chars: config.max_result_chars,
    };
    let identity = ServerIdentity {
        implementation: Implementation {
            name: env!("CARGO_PKG_NAME").into(),
            title: Some("LlamaCloud Batches".into()),
            version: env!("CARGO_PKG_VERSION").into(),
            description: Some("Starts and follows LlamaCloud batch jobs.".into()),
            icons: ICONS,
        },
        instructions: tools::INSTRUCTIONS,
    };
    Ok(Server::new(identity, tools::all(client, policy, ICONS)))
}

async fn serve_stdio(config: &Config, stop: &CancellationToken) -> anyhow::Result<()> {
    let server = server(config)?;
    if io::stdin().is_terminal() {
        say(&format!(
            "{} {} is an MCP server: it reads JSON-RPC messages from stdin, one a line. A host starts it; Ctrl-D ends it.",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION")
        ));
    }
    let io = match config.stdio {
        Stdio::Auto => Io::Auto,
        Stdio::Portable => Io::Portable,
    };
    let limits = Limits {
        drain: config.timeout + Duration::from_secs(5),
        ..Limits::default()
    };
    let end = serve(&server, Transport::stdio(io), &limits, stop).await;
    tracing::debug!(?end, "connection ended");
    Ok(())
}

/// Cancelled by the first signal that asks the process to end.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let signal = signals()?;
    tokio::spawn({
        let stop = stop.clone();
        async move {
            signal.await;
            stop.cancel();
        }
    });
    Ok(stop)
}

/// SIGTERM, SIGINT and SIGHUP.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Ctrl-C; what ends a server otherwise is the end of its input.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// A line for the person at the terminal. Nothing is lost where nobody reads it.
fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

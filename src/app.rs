//! The composition root: client → tools → server → stdio. Only this module knows all the others.

mod local;
#[cfg(feature = "sandbox")]
mod simulated;

pub use local::UnusableOut;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::{self, Cli, Command, Environment, Flags, Stdio};
use crate::commands::doctor::{Installation, Regions};
use crate::commands::{self, Call, Exit, Print, Terminal, Watch};
use crate::config::{self, Config};
use crate::llamacloud::{Client, CreateOnce, CreatePolicy, Scope, Settings, UploadOnce};
use crate::mcp::{End, Icon, Implementation, Limits, Server, ServerIdentity, ToolDefinition, Transport, serve};
use crate::tools::{self, Folders, Offer, Once, Policy, PollPolicy};

const ICONS: &[Icon] = &[Icon {
    src: include_str!("icon.txt"),
    mime_type: "image/png",
    sizes: &["48x48"],
}];

/// How long a create may take after a signal asks the process to end. Hosts kill sooner; supervisors allow ten seconds, and
/// Windows five after a closed window.
const SETTLE_WHEN_STOPPED: Duration = Duration::from_secs(if cfg!(windows) { 4 } else { 5 });

/// The log filter for commands that report a failed call to the person themselves.
const LOG_FOR_PEOPLE: &str = "warn,llamacloud_batches_mcp::mcp::tool=error";

/// Runs the command line.
///
/// # Errors
/// For what keeps the program from starting.
pub async fn run(cli: Cli, environment: &Environment) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Some(Command::Completions { shell }) => {
            return Ok(commands::print_completions(*shell).map(|()| ExitCode::SUCCESS)?);
        }
        Some(Command::Man) => return Ok(commands::print_manual(&every_tool()).map(|()| ExitCode::SUCCESS)?),
        Some(Command::Call { tool: None, .. }) => return Ok(commands::print_help("call").map(|()| ExitCode::SUCCESS)?),
        _ => {}
    }
    #[cfg(feature = "sandbox")]
    let environment = &simulated::environment(&cli, environment)?;
    let flags = flags_of(&cli, environment);
    let config = Config::resolve(&flags, environment)?;
    if let Some(Command::HostConfig(wanted)) = &cli.command {
        // Before logging starts: the log file is for the process that the host will start.
        return Ok(commands::host_config::run(wanted, &config, environment)?.into());
    }
    let logging = crate::telemetry::start(&config)?;
    let signals = Signals::listen()?;
    let code = match cli.command.unwrap_or(Command::Serve) {
        #[cfg(feature = "sandbox")]
        Command::Sandbox { port } => {
            simulated::serve(&flags, port, &signals.stop).await?;
            ExitCode::SUCCESS
        }
        command => {
            #[cfg(feature = "sandbox")]
            let (config, _sandbox) = simulated::instead(&flags, config).await?;
            with_server(command, &config, &flags, environment, &signals).await?
        }
    };
    drop(logging);
    Ok(code)
}

/// Serves, or runs a person's command on the same server.
async fn with_server(
    command: Command,
    config: &Config,
    flags: &Flags,
    environment: &Environment,
    signals: &Signals,
) -> anyhow::Result<ExitCode> {
    let own = local::settings_of(&command, config)?;
    let (config, source) = match &own {
        Some((config, source)) => (config, Some(source)),
        None => (config, None),
    };
    let settling = TaskTracker::new();
    let server = server(config, &settling)?;
    let exit = if command == Command::Serve {
        match serve_stdio(config, &server, signals).await {
            End::InputEnded | End::Stopped => Exit::Done,
            // Closed output counts as a failure. If the host is gone, nobody reads the exit code; but if output goes to a full
            // disk, the shell needs it.
            End::OutputClosed => Exit::Failed,
        }
    } else {
        // Only commands for people open a terminal and print these settings; collecting them takes half as long as a start.
        let context = commands::Context {
            config,
            terminal: &Terminal::of(environment),
            stop: &signals.stop,
            settings: &cli::settings_as_typed(),
            is_sandbox: is_sandbox(flags),
        };
        let exit = for_a_person(command, source, &server, &context).await?;
        context.exit(exit)
    };
    settle(&settling, config, signals).await;
    Ok(exit.into())
}

/// Runs a person's command on the server.
async fn for_a_person(
    command: Command,
    source: Option<&commands::Source>,
    server: &Server,
    context: &commands::Context<'_>,
) -> anyhow::Result<Exit> {
    Ok(match (command, source) {
        (
            Command::Call {
                tool: Some(tool),
                arguments,
                json,
                raw,
                help,
            },
            _,
        ) => {
            let print = match (help, json, raw) {
                (true, ..) => Print::Help,
                (_, true, _) => Print::Data,
                (.., true) => Print::Raw,
                _ => Print::ForPeople,
            };
            let call = Call { tool, arguments, print };
            commands::call(server, context, &call).await
        }
        (Command::Tools { json }, _) => commands::tools(server, context, json).await,
        (Command::Watch { batch_id, json }, _) => {
            let watch = Watch {
                batch_id: batch_id.to_string(),
                json,
            };
            commands::watch(server, context, &watch).await
        }
        (Command::Run(arguments), Some(source)) => commands::run(server, context, &arguments, source).await,
        (Command::Doctor { json }, _) => {
            let installation = Installation {
                config: context.config,
                server,
                is_sandbox: context.is_sandbox,
                regions: &Regions::known()?,
            };
            commands::doctor::doctor(&installation, context, json).await
        }
        // Not reached: `serve` is no command for people, `run` has a source, and all others have ended before there was a server.
        _ => Exit::Failed,
    })
}

#[cfg(feature = "sandbox")]
const fn is_sandbox(flags: &Flags) -> bool {
    flags.sandbox
}

#[cfg(not(feature = "sandbox"))]
const fn is_sandbox(_: &Flags) -> bool {
    false
}

/// The settings. A person who reads an error at a terminal needs no log line about it.
fn flags_of(cli: &Cli, environment: &Environment) -> Flags {
    let mut flags = cli.flags.clone();
    let is_for_people = matches!(
        cli.command,
        Some(
            Command::Call { .. }
                | Command::Tools { .. }
                | Command::Watch { .. }
                | Command::Run(_)
                | Command::Doctor { .. }
        )
    );
    if is_for_people && config::given("LLAMA_CLOUD_LOG", environment).is_none() {
        flags.log.get_or_insert_with(|| LOG_FOR_PEOPLE.to_owned());
    }
    flags
}

/// The server, ready for a transport. Creates that must not be interrupted run on `settling` and may outlive their call.
///
/// # Errors
/// For a folder that cannot be used, or an unknown tool in `--tools`.
pub fn server(config: &Config, settling: &TaskTracker) -> anyhow::Result<Server> {
    let Offer {
        tools,
        tasks,
        instructions,
    } = offer(config, local::open(config)?, settling)?;
    let identity = ServerIdentity {
        implementation: Implementation {
            name: env!("CARGO_PKG_NAME").into(),
            title: Some("LlamaCloud Batches".into()),
            version: env!("CARGO_PKG_VERSION").into(),
            description: Some("Starts and follows LlamaCloud batch jobs.".into()),
            icons: ICONS,
        },
        instructions,
    };
    Ok(Server::new(identity, tools, tasks))
}

fn offer(config: &Config, folders: Folders, settling: &TaskTracker) -> anyhow::Result<Offer> {
    let client = Client::new(Settings::from(config));
    let create_policy = CreatePolicy {
        // An empty directory is read again after the same pause as a batch that was just created.
        empty_pause: config.poll_interval,
        ..CreatePolicy::within(config.timeout)
    };
    let create_once = CreateOnce::new(&client, create_policy, settling.clone());
    let once = Once {
        create: create_once,
        upload: UploadOnce::new(&client, CreatePolicy::within(config.timeout), settling.clone()),
        settling: settling.clone(),
    };
    let pinned = Scope {
        project_id: config.project_id.clone(),
        organization_id: config.organization_id.clone(),
    };
    let policy = Policy {
        pinned,
        tools: config.tools.clone(),
        read_only: config.read_only,
        allow_cancel: config.allow_cancel,
        confirm_create: config.confirm_create,
        poll: PollPolicy::from(config.poll_interval),
        timeout: config.timeout,
        max_result_chars: config.max_result_chars,
    };
    Ok(tools::all(client, once, folders, policy, ICONS)?)
}

/// Every tool that any setting can offer, as advertised: for documentation and completions.
pub fn every_tool() -> Vec<ToolDefinition> {
    let flags = Flags {
        allow_cancel: true,
        ..Flags::default()
    };
    let tools = Config::resolve(&flags, &Environment::default())
        .map_err(anyhow::Error::from)
        .and_then(|config| offer(&config, local::for_definitions(), &TaskTracker::new()));
    tools.map_or_else(|_| Vec::new(), |offer| offer.tools.definitions())
}

async fn serve_stdio(config: &Config, server: &Server, signals: &Signals) -> End {
    if io::stdin().is_terminal() {
        let end_of_input = if cfg!(windows) {
            "Ctrl-Z and Enter end"
        } else {
            "Ctrl-D ends"
        };
        say(&format!(
            "{} {} is an MCP server: it reads JSON-RPC messages from stdin, one per line. A host normally starts it; \
             {end_of_input} it.",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION")
        ));
    }
    let transport = match config.stdio {
        Stdio::Auto => Transport::stdio(),
        Stdio::Portable => Transport::portable_stdio(),
    };
    let limits = Limits {
        drain: drain(config),
        ..Limits::default()
    };
    let end = serve(server, transport, &limits, &signals.stop).await;
    tracing::debug!(?end, "connection ended");
    end
}

/// How long requests in flight may take after the input has ended.
fn drain(config: &Config) -> Duration {
    config.timeout + Duration::from_secs(5)
}

/// Waits for creates in progress, because a batch costs money even if nobody learns of it.
async fn settle(settling: &TaskTracker, config: &Config, signals: &Signals) {
    settling.close();
    if settling.is_empty() {
        return;
    }
    let limit = if signals.stop.is_cancelled() {
        SETTLE_WHEN_STOPPED
    } else {
        drain(config)
    };
    tracing::warn!("a create, an upload or a save is in progress; waiting for the outcome before exiting");
    let settled = async { timeout(limit, settling.wait()).await.is_ok() };
    let settled = tokio::select! {
        settled = settled => settled,
        () = signals.again.cancelled() => false,
    };
    if !settled {
        tracing::warn!(
            "exiting while a create, an upload or a save is in progress; `list_batches` shows created batches, and a repeated \
             upload or save continues"
        );
    }
}

/// The signals that the process has received.
struct Signals {
    /// Cancelled by the first: end soon.
    stop: CancellationToken,
    /// Cancelled by the second: end now.
    again: CancellationToken,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let listening = Self {
            stop: CancellationToken::new(),
            again: CancellationToken::new(),
        };
        let mut signals = signals()?;
        tokio::spawn({
            let (stop, again) = (listening.stop.clone(), listening.again.clone());
            async move {
                signals.next().await;
                stop.cancel();
                signals.next().await;
                again.cancel();
            }
        });
        Ok(listening)
    }
}

/// SIGTERM, SIGINT and SIGHUP, as they come.
#[cfg(unix)]
fn signals() -> io::Result<impl Stream<Item = ()> + Send + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut kinds = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    ];
    Ok(futures_util::stream::poll_fn(move |context| {
        let any = kinds.iter_mut().any(|kind| kind.poll_recv(context).is_ready());
        if any { Poll::Ready(Some(())) } else { Poll::Pending }
    }))
}

/// Ctrl-C, Ctrl-Break, a closed console window and a shutdown, as they come.
#[cfg(windows)]
fn signals() -> io::Result<impl Stream<Item = ()> + Send + Unpin> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

    let (mut interrupt, mut stop) = (ctrl_c()?, ctrl_break()?);
    let (mut close, mut shutdown) = (ctrl_close()?, ctrl_shutdown()?);
    Ok(futures_util::stream::poll_fn(move |context| {
        let any = interrupt.poll_recv(context).is_ready()
            || stop.poll_recv(context).is_ready()
            || close.poll_recv(context).is_ready()
            || shutdown.poll_recv(context).is_ready();
        if any { Poll::Ready(Some(())) } else { Poll::Pending }
    }))
}

/// Prints a line for the person at the terminal. It may fail: nobody may be reading.
fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

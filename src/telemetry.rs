//! Diagnostics: tracing to stderr or to a file.
//!
//! Log lines are handed to a thread, and dropped when it cannot keep up: a stderr that nobody reads never holds up the protocol.
//! Never logged: keys, arguments, bodies of requests and answers.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::LogFormat;
use crate::config::Config;
use crate::files::reason;

const MAX_WAITING_LINES: usize = 1000;

/// Starts logging for the whole process. What is still waiting is written when the returned value is dropped.
///
/// # Errors
/// If the process logs already.
pub fn start(config: &Config) -> anyhow::Result<WorkerGuard> {
    let file = config.log_file.as_deref().and_then(|path| match open(path) {
        Ok(file) => Some(file),
        // A server without its log file is better than no server.
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
                _ => reason(&error),
            };
            drop(writeln!(
                io::stderr(),
                "--log-file: it cannot be opened ({why}); the log goes to stderr"
            ));
            None
        }
    });
    let colours = file.is_none() && !config.no_color && io::stderr().is_terminal();
    let target: Box<dyn Write + Send> = match file {
        Some(file) => Box::new(file),
        None => Box::new(io::stderr()),
    };
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_WAITING_LINES)
        .finish(target);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    let lines = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(config.log.clone()))
        .try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a bug: {}", panic.payload_as_str().unwrap_or("panicked"));
    }));
    Ok(guard)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

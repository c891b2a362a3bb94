//! Diagnostics: tracing to stderr or to a file.
//!
//! Log lines are handed to a thread, and dropped when it cannot keep up: a stderr that nobody reads never holds up the protocol.
//! Never logged: keys, arguments, bodies of requests and answers.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::LogFormat;
use crate::config::Config;

const MAX_WAITING_LINES: usize = 1000;

/// Starts logging for the whole process. What is still waiting is written when the returned value is dropped.
///
/// # Errors
/// For a file that cannot be opened.
pub fn start(config: &Config) -> anyhow::Result<Logging> {
    let (target, colours): (Box<dyn Write + Send>, _) = match &config.log_file {
        Some(path) => (Box::new(open(path)?), false),
        None => (Box::new(io::stderr()), io::stderr().is_terminal()),
    };
    let writer = Writer(Arc::new(Lines {
        target: Mutex::new(Some(target)),
        thread: OnceLock::new(),
    }));
    let logging = Logging(writer.clone());
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
    Ok(logging)
}

/// Logging that goes on until this is dropped.
pub struct Logging(Writer);

/// Hands lines to the thread that writes them, which is started with the first line: most processes never log one.
#[derive(Clone)]
struct Writer(Arc<Lines>);

struct Lines {
    target: Mutex<Option<Box<dyn Write + Send>>>,
    thread: OnceLock<(NonBlocking, Mutex<Option<WorkerGuard>>)>,
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        let (writer, _) = self.0.thread.get_or_init(|| {
            let target = self.0.target.lock().unwrap_or_else(PoisonError::into_inner).take();
            let target = target.unwrap_or_else(|| Box::new(io::sink()));
            let (writer, guard) = NonBlockingBuilder::default()
                .buffered_lines_limit(MAX_WAITING_LINES)
                .finish(target);
            (writer, Mutex::new(Some(guard)))
        });
        writer.clone()
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some((_, guard)) = self.0.0.thread.get() {
            // Dropping the guard waits for what is in the queue, but not for a reader that takes nothing.
            drop(guard.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

fn open(path: &Path) -> anyhow::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| anyhow::anyhow!("--log-file: it cannot be opened ({})", error.kind()))
}

//! How a batch that is watched looks: lines that change on a terminal, a line for each change elsewhere, or nothing with `--json`.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::commands::answer::{counts, problems, sentences, table_of_files};
use crate::commands::layout::{chop, tone_of, wrap};
use crate::commands::screen::{Region, Stream, Tone};

/// Where lines do not change, one that says nothing new comes no more often.
const A_LINE_EVERY: Duration = Duration::from_mins(1);

/// What the person sees.
pub(super) struct Display {
    out: Stream,
    region: Region,
    mode: Mode,
    started: Instant,
    /// What is watched, as a sentence.
    title: String,
    /// Empty before the first look.
    status: String,
    trouble: Option<String>,
    last_line: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Lines that change.
    Live,
    /// A line for each change.
    Plain,
    /// The looks themselves are printed.
    Silent,
}

impl Display {
    pub(super) fn new(out: Stream, batch_id: &str, is_silent: bool) -> Self {
        let mode = match (is_silent, out.is_live) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Live,
            (false, false) => Mode::Plain,
        };
        Self {
            out,
            region: out.region(),
            mode,
            started: Instant::now(),
            title: format!("Batch {batch_id}"),
            status: String::new(),
            trouble: None,
            last_line: None,
        }
    }

    /// Takes in a look at the batch.
    pub(super) fn see(&mut self, batch: &Map<String, Value>) {
        let word = |name: &str| batch.get(name).and_then(Value::as_str).unwrap_or_default();
        if self.status.is_empty() {
            let mut title = format!("Batch {}", word("id"));
            for (before, name) in [
                (" over ", "source_directory_id"),
                (", job ", "job_type"),
                (", configuration ", "configuration_id"),
            ] {
                if !word(name).is_empty() {
                    title.push_str(before);
                    title.push_str(word(name));
                }
            }
            self.title = title;
            if self.mode == Mode::Plain {
                self.out.say(&self.title);
            }
        }
        let is_news = self.status != word("status") || self.trouble.is_some();
        word("status").clone_into(&mut self.status);
        self.trouble = None;
        let is_due = self.last_line.is_none_or(|last| last.elapsed() >= A_LINE_EVERY);
        if is_news || is_due {
            self.plain_line(&format!("{:<9}  {}", self.status, in_words(&self.status)));
        }
    }

    /// Takes in that there was none.
    pub(super) fn trouble(&mut self, text: &str, pause: Duration) {
        let is_news = self.trouble.as_deref() != Some(text);
        self.trouble = Some(text.to_owned());
        if is_news {
            self.plain_line(&format!("trouble    {text} (Looking again in {} s.)", pause.as_secs()));
        }
    }

    /// Draws anew what changes with time. `next`: when the next look is; `None` while one is under way.
    pub(super) fn tick(&mut self, next: Option<Instant>) {
        if self.mode != Mode::Live {
            return;
        }
        let width = self.out.width.saturating_sub(1);
        let style = self.out.style;
        let mut lines = chop(&self.title, width);
        if !self.status.is_empty() {
            let words = chop(
                in_words(&self.status),
                width.saturating_sub(self.status.len() + 2).max(1),
            );
            let painted = style.paint(tone_of(&self.status), &self.status);
            lines.push(format!("{painted}  {}", words.join(" ")));
        }
        if let Some(trouble) = &self.trouble {
            lines.extend(
                chop(trouble, width)
                    .iter()
                    .map(|line| style.paint(Tone::Doubtful, line)),
            );
        }
        let look = match next {
            None => "looking now".to_owned(),
            Some(next) => {
                let left = next.saturating_duration_since(Instant::now());
                format!("next look in {} s", left.as_millis().div_ceil(1000))
            }
        };
        let clock = format!(
            "watched for {}, {look}; Ctrl-C ends the watching, not the batch",
            self.clock()
        );
        lines.extend(chop(&clock, width).iter().map(|line| style.paint(Tone::Faint, line)));
        self.region.draw(&lines);
    }

    /// Takes away what changes.
    pub(super) fn end(&mut self) {
        self.region.erase();
    }

    /// The last word: what the batch came to, and the files that did not succeed.
    pub(super) fn outcome(&mut self, batch: &Map<String, Value>, files: &[Map<String, Value>]) {
        self.end();
        if self.mode == Mode::Silent {
            return;
        }
        let (width, style) = (self.out.width, self.out.style);
        let mut paragraphs = vec![wrap(&verdict(batch), width)];
        paragraphs.push(problems(batch).lines(width, style));
        paragraphs.push(table_of_files(files.iter()).lines(width, style));
        paragraphs.retain(|lines| !lines.is_empty());
        let mut lines = Vec::new();
        if self.mode == Mode::Live {
            lines = wrap(&format!("{}; watched for {}.", self.title, self.clock()), width);
        }
        for paragraph in paragraphs {
            if !lines.is_empty() || self.mode == Mode::Plain {
                lines.push(String::new());
            }
            lines.extend(paragraph);
        }
        self.out.line(&lines.join("\n"));
    }

    fn plain_line(&mut self, text: &str) {
        if self.mode == Mode::Plain {
            self.out.line(&format!("{}  {}", self.clock(), text.trim_end()));
            self.last_line = Some(Instant::now());
        }
    }

    /// How long it has been watched. Shape: `0:07`, `1:02:07`.
    fn clock(&self) -> String {
        let seconds = self.started.elapsed().as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            format!("{hours}:{minutes:02}:{seconds:02}")
        } else {
            format!("{minutes}:{seconds:02}")
        }
    }
}

/// The outcome in one sentence, if all of it is known; else what the tool says of it, which names what is missing.
fn verdict(batch: &Map<String, Value>) -> String {
    let said = sentences(batch);
    let is_whole = batch
        .get("files")
        .is_some_and(|files| files.get("total").is_some() && files.get("unknown").is_none());
    let status = batch.get("status").and_then(Value::as_str).unwrap_or_default();
    if !is_whole {
        return said.to_owned();
    }
    let marker = if said.starts_with("[sandbox]") {
        "[sandbox] "
    } else {
        ""
    };
    format!("{marker}The batch is {status}. Files: {}.", counts(batch))
}

/// A status in words.
fn in_words(status: &str) -> &'static str {
    match status {
        "PENDING" => "it waits to begin",
        "THROTTLED" => "it is held back until the account's other work allows it",
        "RUNNING" => "its files are being worked on",
        "COMPLETED" => "LlamaCloud has gone through all files",
        "FAILED" => "it has no reliable results",
        "CANCELLED" => "it was stopped",
        _ => "",
    }
}

//! `doctor`: what has to be right before an assistant can work, checked one after the other, each with its remedy.
//!
//! | file | checks |
//! |---|---|
//! | `key` | that there is a key, and that it looks like one |
//! | `network` | the way to LlamaCloud: address, proxy, name, connection |
//! | `account` | what LlamaCloud says to the key: accepted, project, batches |
//! | `protocol` | the server itself, and what a host sees of it |
//!
//! This is the only command that knows the client of the API: it asks what no tool does. The key goes to the base URL and, where that
//! is a region that rejects it, to the other region, which is the same owner's.

mod account;
mod key;
mod network;
mod protocol;

use serde::Serialize;
use url::Url;

use super::context::{Context, Exit};
use super::terminal::{Output, Tone};
use crate::config::{Config, EU, US};
use crate::foreign::clean;
use crate::mcp::Server;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, or may work, but something is unusual.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be checked, or there is nothing to check.
    Skip,
}

/// One check and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it came out.
    pub status: Status,
    /// What was found. Never holds the key.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail, None)
    }

    fn warn(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Status::Warn, detail, Some(remedy.into()))
    }

    fn fail(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(name, Status::Fail, detail, Some(remedy.into()))
    }

    fn skip(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Skip, detail, None)
    }

    fn new(name: &'static str, status: Status, detail: impl Into<String>, remedy: Option<String>) -> Self {
        let detail = detail.into();
        Self {
            name,
            status,
            detail,
            remedy,
        }
    }
}

/// Where LlamaCloud is. A key belongs to one region.
#[derive(Debug, Clone)]
pub struct Regions {
    /// North America.
    pub us: Url,
    /// Europe.
    pub eu: Url,
}

impl Regions {
    /// The regions that there are.
    ///
    /// # Errors
    /// None: both are URLs.
    pub fn known() -> Result<Self, url::ParseError> {
        Ok(Self {
            us: US.parse()?,
            eu: EU.parse()?,
        })
    }
}

/// What is examined.
#[derive(Clone, Copy)]
pub struct Patient<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The server that a host would get with them.
    pub server: &'a Server,
    /// Which setting the key comes from, or would come from.
    pub key_source: &'a str,
    /// Which setting says where the API is.
    pub base_url_source: &'static str,
    /// Whether the API is a sandbox in this process.
    pub is_sandbox: bool,
    /// The regions.
    pub regions: &'a Regions,
}

/// Makes every check, and hands each on as soon as it is made. What depends on one that failed is skipped.
pub async fn examine(patient: &Patient<'_>, mut found: impl FnMut(&Check)) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |check: Check| {
        found(&check);
        let is_obstacle = check.status == Status::Fail;
        checks.push(check);
        is_obstacle
    };
    add(Check::ok(
        "version",
        format!(
            "{} {} ({} {})",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    ));
    let mut can_ask = true;
    for check in key::checks(patient) {
        can_ask &= !add(check);
    }
    for check in network::checks(patient).await {
        can_ask &= !add(check);
    }
    for check in account::checks(patient, can_ask).await {
        add(check);
    }
    for check in protocol::checks(patient).await {
        add(check);
    }
    checks
}

/// Examines, prints what is found, and says whether all is well.
pub(crate) async fn doctor(patient: &Patient<'_>, context: &Context<'_>, as_json: bool) -> Exit {
    let out = &context.terminal.out;
    let examining = examine(patient, |check| {
        if !as_json {
            show(check, out);
        }
    });
    let checks = tokio::select! {
        checks = examining => checks,
        () = context.stop.cancelled() => return Exit::Interrupted,
    };
    let failed = checks.iter().filter(|check| check.status == Status::Fail).count();
    if as_json {
        #[derive(Serialize)]
        struct Report<'a> {
            ok: bool,
            checks: &'a [Check],
        }
        let ok = failed == 0;
        let report = serde_json::to_string(&Report { ok, checks: &checks });
        out.line(&report.unwrap_or_default());
    } else {
        out.say(match failed {
            0 => "No check failed.",
            1 => "One check failed. Do what stands below it, and run this again.",
            _ => "Some checks failed. Do what stands below the first of them, and run this again.",
        });
    }
    if failed == 0 { Exit::Done } else { Exit::Failed }
}

fn show(check: &Check, out: &Output) {
    let (word, tone) = match check.status {
        Status::Ok => ("ok  ", Tone::Good),
        Status::Warn => ("warn", Tone::Doubtful),
        Status::Fail => ("fail", Tone::Bad),
        Status::Skip => ("skip", Tone::Faint),
    };
    let name = format!("{word}  {:<15}  ", check.name);
    let mut text = out.hang(&name, &clean(&check.detail, 1000));
    // Painted afterwards, since the codes take no columns.
    text = text.replacen(word, &out.paint(tone, word), 1);
    if let Some(remedy) = &check.remedy {
        text.push('\n');
        text.push_str(&out.hang(&format!("      {:<15}  ", "to do:"), &clean(remedy, 1000)));
    }
    out.line(&text);
}

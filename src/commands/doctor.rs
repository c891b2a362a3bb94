//! `doctor`: checks the installation, from the key to what a host would see, and says what to do about each problem.
//!
//! Nothing is changed, and nothing costs credits. One request distinguishes address, proxy, TLS, key, project and plan, as the client
//! does. The key goes to the base URL and, where that is a region that rejects it, to the other region.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::Instant;
use url::Url;

use super::client;
use super::context::{Context, Exit};
use super::terminal::{Output, Tone};
use super::tools::Definition;
use crate::config::{ApiKey, Config, EU, US};
use crate::llamacloud::{
    Advice, Client, Error, ErrorKind, KeySource, ListBatches, Route, Scope, Setting, Settings, Window, as_sentence,
    route,
};
use crate::mcp::Server;
use crate::untrusted::clean;

const KEY: &str = "API key";
const BASE_URL: &str = "base URL";
const PROXY: &str = "proxy";
const LLAMACLOUD: &str = "LlamaCloud";
const TOOLS: &str = "tools";
/// How often a request is tried at most: a failure that passes is not reported.
const ATTEMPTS: u32 = 2;

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
    /// It could not be checked.
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

/// What is checked.
#[derive(Clone, Copy)]
pub struct Installation<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The server that a host would get with them.
    pub server: &'a Server,
    /// Whether the API is a sandbox in this process.
    pub is_sandbox: bool,
    /// The regions.
    pub regions: &'a Regions,
}

/// Makes every check, and hands each on as soon as it is made.
pub async fn examine(installation: &Installation<'_>, mut found: impl FnMut(&Check)) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |check: Check| {
        found(&check);
        checks.push(check);
    };
    add(version());
    let key = key(installation);
    let has_key = key.status != Status::Fail;
    add(key);
    add(base_url(installation));
    add(proxy(installation.config));
    add(if has_key {
        llamacloud(installation).await
    } else {
        Check::new(LLAMACLOUD, Status::Skip, "not checked without an API key", None)
    });
    add(tools(installation).await);
    checks
}

/// Makes every check, prints what is found, and says whether all is well.
pub(crate) async fn doctor(installation: &Installation<'_>, context: &Context<'_>, as_json: bool) -> Exit {
    let out = &context.terminal.out;
    let examining = examine(installation, |check| {
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
            1 => "One check failed. Fix the problem above, then run `doctor` again.",
            _ => "Some checks failed. Fix the first problem above, then run `doctor` again.",
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
    let name = format!("{word}  {:<10}  ", check.name);
    let mut text = out.hang(&name, &clean(&check.detail, 1000));
    // Coloured only after wrapping, which would count the colour codes as columns.
    text = text.replacen(word, &out.paint(tone, word), 1);
    if let Some(remedy) = &check.remedy {
        text.push('\n');
        text.push_str(&out.hang(&format!("      {:<10}  ", "to do:"), &clean(remedy, 1000)));
    }
    out.line(&text);
}

fn version() -> Check {
    use std::env::consts::{ARCH, OS};

    let detail = format!("{} {} ({OS} {ARCH})", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    Check::ok("version", detail)
}

/// Whether there is a key, and whether it looks like one. Neither the key nor a part of it is ever repeated.
fn key(installation: &Installation<'_>) -> Check {
    const COPY_AGAIN: &str = "If it is rejected, copy the whole key again from the LlamaCloud console.";

    if installation.is_sandbox {
        return Check::ok(KEY, "the sandbox's key");
    }
    let source = &installation.config.key_source;
    match &installation.config.api_key {
        ApiKey::Missing(reason) => Check::fail(KEY, reason, give_a_key(*source)),
        ApiKey::Given(key) => {
            let key = key.expose_secret();
            let unusual = match key.len() {
                _ if !key.starts_with("llx-") => "does not begin with llx-, unlike LlamaCloud keys",
                0..20 => "is shorter than LlamaCloud keys are",
                20..=200 => return Check::ok(KEY, format!("found in {source}")),
                _ => "is longer than LlamaCloud keys are",
            };
            Check::warn(KEY, format!("found in {source}, but it {unusual}"), COPY_AGAIN)
        }
    }
}

fn give_a_key(source: KeySource) -> String {
    match source {
        KeySource::File => {
            "Write a key from the LlamaCloud console into the first line of that file, or correct the path.".to_owned()
        }
        KeySource::Variable(name) => format!(
            "Get a key (llx-…) in the LlamaCloud console and set {name} to it, here and in the environment of the host; or name a file \
             that holds it with --api-key-file."
        ),
    }
}

fn base_url(installation: &Installation<'_>) -> Check {
    let (config, regions) = (installation.config, installation.regions);
    let url = &config.base_url;
    let region = match () {
        () if installation.is_sandbox => "the sandbox",
        () if *url == regions.us => "region us",
        () if *url == regions.eu => "region eu",
        () => "not a LlamaCloud region",
    };
    let source = match config.base_url_source {
        _ if installation.is_sandbox => String::new(),
        "the default" => ", the default".to_owned(),
        setting => format!(", from {setting}"),
    };
    Check::ok(BASE_URL, format!("{url} ({region}{source})"))
}

fn proxy(config: &Config) -> Check {
    match route(&config.base_url, &config.network) {
        Route::Direct => Check::ok(PROXY, "none is used"),
        Route::Through(proxy) => Check::ok(PROXY, format!("requests go through {proxy}")),
        Route::Unusable { variable, why } => Check::fail(
            PROXY,
            format!("{variable} cannot be used: {why}"),
            as_sentence(Setting::Proxy.remedy()),
        ),
    }
}

/// Whether batches can be listed, and why not.
async fn llamacloud(installation: &Installation<'_>) -> Check {
    let config = installation.config;
    let Err(error) = list(config, &config.base_url).await else {
        return Check::ok(LLAMACLOUD, "it accepts the key, and batches can be listed");
    };
    let cause = error.cause();
    let remedy = match (error.kind(), error.advice()) {
        (ErrorKind::Unauthorized, _) => return rejected(installation, &cause).await,
        (ErrorKind::RateLimited { .. }, _) => {
            return Check::warn(LLAMACLOUD, cause, "Run `doctor` again in a minute.");
        }
        (_, Advice::Fix(Setting::Access)) => format!(
            "{} Check --project-id and --organization-id.",
            as_sentence(Setting::Access.remedy())
        ),
        (_, Advice::Fix(setting)) => as_sentence(setting.remedy()),
        (ErrorKind::UnreadableBody, _) => "Check the base URL and any proxy in between.".to_owned(),
        (_, Advice::Never) => {
            "Check the base URL, --project-id and --organization-id. A key without its own project needs \
                               --project-id."
                .to_owned()
        }
        (kind, Advice::Later(_)) => kind.last_resort().map_or_else(
            || {
                "Run `doctor` again in a minute. If the problem continues, check LlamaCloud's status page or contact support."
                    .to_owned()
            },
            as_sentence,
        ),
    };
    Check::fail(LLAMACLOUD, cause, remedy)
}

/// What to do about a rejected key: it may belong to the other region. No other address ever gets it.
async fn rejected(installation: &Installation<'_>, cause: &str) -> Check {
    let (config, regions) = (installation.config, installation.regions);
    let replace = format!(
        "{} The key is read from {}.",
        as_sentence(Setting::ApiKey.remedy()),
        config.key_source
    );
    let (other, region) = match &config.base_url {
        url if *url == regions.us => (&regions.eu, "eu"),
        url if *url == regions.eu => (&regions.us, "us"),
        _ => return Check::fail(LLAMACLOUD, cause, replace),
    };
    match list(config, other).await {
        Err(error) if *error.kind() == ErrorKind::Unauthorized => Check::fail(
            LLAMACLOUD,
            format!("{cause}; the other region rejected it too"),
            replace,
        ),
        Err(error) if !matches!(error.advice(), Advice::Fix(Setting::Access | Setting::Credits)) => {
            let why = error.cause();
            Check::fail(
                LLAMACLOUD,
                format!("{cause}; the other region could not be checked: {why}"),
                replace,
            )
        }
        _ => Check::fail(
            LLAMACLOUD,
            format!("{cause}; region {region} accepts it"),
            format!(
                "Start the server with --region {region} and without --base-url, here and in the host's configuration."
            ),
        ),
    }
}

/// One batch, listed at an address with the settings of the server.
async fn list(config: &Config, base_url: &Url) -> Result<(), Error> {
    let mut settings = Settings {
        base_url: base_url.clone(),
        ..Settings::from(config)
    };
    settings.retry.max_attempts = ATTEMPTS;
    let scope = Scope {
        project_id: config.project_id.clone(),
        organization_id: config.organization_id.clone(),
    };
    let query = ListBatches {
        window: Window {
            page_size: Some(1),
            page_token: None,
        },
        ..ListBatches::default()
    };
    let client = Client::new(settings);
    let deadline = Instant::now() + config.timeout;
    client.list_batches(&scope, &query, deadline).await.map(drop)
}

/// The tools that a host gets.
async fn tools(installation: &Installation<'_>) -> Check {
    let mut client = client::Client::connect(installation.server, Duration::from_secs(1));
    let listed = client.list_tools::<Definition>().await;
    client.close().await;
    match listed {
        Ok(tools) if !tools.is_empty() => {
            let names: Vec<_> = tools.into_iter().map(|tool| tool.name).collect();
            Check::ok(TOOLS, names.join(", "))
        }
        Ok(_) if let Some(named) = &installation.config.tools => Check::fail(
            TOOLS,
            format!(
                "with these settings, no tool of --tools ({}) is offered",
                named.join(", ")
            ),
            "Name other tools, turn --read-only off, or add --allow-dir, --output-dir or --allow-cancel for the tool that needs it.",
        ),
        refused => Check::fail(
            TOOLS,
            refused.map_or_else(|refusal| refusal.message, |_| "the server lists no tools".to_owned()),
            "This is a bug of this program: please report it, with its version.",
        ),
    }
}

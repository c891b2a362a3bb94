//! Settings after all of them were looked at together: valid, typed, ready to use.

mod folders;
mod id;
mod switch;

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::filter::Targets;
use url::Url;

use crate::cli::{Environment, Flags, LogFormat, Region, Stdio};
use crate::foreign;
use crate::hosts::KEY_PLACEHOLDER;
use crate::llamacloud::is_loopback;
pub use folders::Folders;
pub use id::check_id;
use switch::switch;

/// Where the API is in North America.
pub const US: &str = "https://api.cloud.llamaindex.ai";
/// Where it is in Europe.
pub const EU: &str = "https://api.cloud.eu.llamaindex.ai";
/// No API key is longer; a file that is, is something else.
const MAX_KEY_BYTES: u64 = 4096;

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API is.
    pub base_url: Url,
    /// The key, or why there is none.
    pub api_key: ApiKey,
    /// The only project that may be used.
    pub project_id: Option<String>,
    /// The only organization that may be used.
    pub organization_id: Option<String>,
    /// The only tools that may be offered, if they are named.
    pub tools: Option<Vec<String>>,
    /// Tools that change something are withheld.
    pub read_only: bool,
    /// `cancel_batch` is offered.
    pub allow_cancel: bool,
    /// The user is asked before a batch is created.
    pub confirm_create: bool,
    /// The folders of this machine that may be used.
    pub folders: Folders,
    /// The first pause of a call that waits.
    pub poll_interval: Duration,
    /// Within which each tool call is answered.
    pub timeout: Duration,
    /// Longest tool result, in characters.
    pub max_result_chars: usize,
    /// What is logged.
    pub log: Targets,
    /// Shape of a log line.
    pub log_format: LogFormat,
    /// Where the log goes in place of stderr.
    pub log_file: Option<PathBuf>,
    /// How stdin and stdout are used.
    pub stdio: Stdio,
}

/// The API key. Its `Debug` shows no key.
#[derive(Debug, Clone)]
pub enum ApiKey {
    /// A key.
    Given(SecretString),
    /// None, and why: a clause such as `LLAMA_CLOUD_API_KEY is not set`.
    Missing(String),
}

/// A setting that cannot be used. Shape: `--base-url: http is only allowed on loopback; use https`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Config {
    /// Settles flags and variables.
    ///
    /// # Errors
    /// For a base URL or an id that must not be used. A missing key is no error: the server starts and explains itself later.
    pub fn resolve(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let setting = |flag: &Option<String>, variable: &Option<_>| flag.clone().or_else(|| given(variable.as_deref()));
        let id = |name: &str, flag: &Option<String>, variable: &Option<_>| {
            let checked = setting(flag, variable).map(|value| check_id(&value)).transpose();
            checked.map_err(|problem| ConfigError(format!("{name}: {problem}")))
        };
        Ok(Self {
            base_url: base_url(flags, environment)?,
            api_key: api_key(flags.api_key_file.as_deref(), environment),
            project_id: id("project id", &flags.project_id, &environment.project_id)?,
            organization_id: id("organization id", &flags.organization_id, &environment.organization_id)?,
            tools: flags.tools.clone(),
            read_only: switch(
                flags.read_only,
                "LLAMA_CLOUD_READ_ONLY",
                environment.read_only.as_deref(),
            )?,
            allow_cancel: switch(
                flags.allow_cancel,
                "LLAMA_CLOUD_ALLOW_CANCEL",
                environment.allow_cancel.as_deref(),
            )?,
            confirm_create: switch(
                flags.confirm_create,
                "LLAMA_CLOUD_CONFIRM_CREATE",
                environment.confirm_create.as_deref(),
            )?,
            folders: Folders::of(flags, environment),
            poll_interval: flags.poll_interval,
            timeout: flags.timeout,
            max_result_chars: flags.max_result_chars as usize,
            log: log_filter(flags, environment)?,
            log_format: flags.log_format,
            log_file: flags.log_file.clone(),
            stdio: flags.stdio,
        })
    }
}

/// A variable's value. Hosts hand over an empty text or the literal `${NAME}` for one that is not set.
fn given(variable: Option<&OsStr>) -> Option<String> {
    let value = variable?.to_str()?.trim();
    (!value.is_empty() && placeholder(value).is_none()).then(|| value.to_owned())
}

/// The text if it is a reference that a host failed to expand (`${NAME}`, `${env:NAME}`, `$NAME`, `%NAME%`, `{env:NAME}`), or what
/// stands for a key in an example.
fn placeholder(value: &str) -> Option<&str> {
    let braced = (value.starts_with("${") || value.starts_with("{env:")) && value.ends_with('}');
    let bare = value.starts_with('$') || (value.len() > 2 && value.starts_with('%') && value.ends_with('%'));
    (braced || bare || value == KEY_PLACEHOLDER).then_some(value)
}

fn api_key(file: Option<&Path>, environment: &Environment) -> ApiKey {
    if let Some(file) = file {
        return key_file(file);
    }
    let variables = [
        ("LLAMA_CLOUD_API_KEY", &environment.api_key),
        ("LLAMA_PARSE_API_KEY", &environment.parse_api_key),
    ];
    if let Some(key) = variables.iter().find_map(|(_, value)| given(value.as_deref())) {
        return ApiKey::Given(SecretString::from(key));
    }
    let found = variables
        .iter()
        .find_map(|(name, value)| Some((*name, value.as_deref()?)));
    ApiKey::Missing(match found.map(|(name, value)| (name, value.to_str().map(str::trim))) {
        None => "LLAMA_CLOUD_API_KEY is not set".to_owned(),
        Some((name, None)) => format!("{name} is set to something that is not text"),
        Some((name, Some(""))) => format!("{name} is set, but empty"),
        Some((name, Some(KEY_PLACEHOLDER))) => format!("{name} is still the {KEY_PLACEHOLDER} of the example"),
        Some((name, Some(value))) => {
            format!(
                "{name} arrived as the literal text {}, which the host did not expand",
                foreign::quote(value, 60)
            )
        }
    })
}

/// Which setting the API key comes from, or would come from.
pub fn key_source(flags: &Flags, environment: &Environment) -> &'static str {
    let is_given = |variable: &Option<_>| given(variable.as_deref()).is_some();
    match &flags.api_key_file {
        Some(_) => "--api-key-file",
        None if !is_given(&environment.api_key) && is_given(&environment.parse_api_key) => "LLAMA_PARSE_API_KEY",
        None => "LLAMA_CLOUD_API_KEY",
    }
}

fn key_file(path: &Path) -> ApiKey {
    let mut line = String::new();
    let read = File::open(path).and_then(|file| BufReader::new(file.take(MAX_KEY_BYTES)).read_line(&mut line));
    match (read, line.trim()) {
        (Err(error), _) => {
            let kind = error.kind();
            ApiKey::Missing(format!("the file given with --api-key-file cannot be read ({kind})"))
        }
        (Ok(_), "") => ApiKey::Missing("the first line of the file given with --api-key-file is empty".to_owned()),
        (Ok(_), key) => ApiKey::Given(SecretString::from(key)),
    }
}

fn log_filter(flags: &Flags, environment: &Environment) -> Result<Targets, ConfigError> {
    let flag = flags.log.clone().map(|filter| ("--log", filter));
    let variable = || Some(("LLAMA_CLOUD_LOG", given(environment.log.as_deref())?));
    let (source, filter) = flag.or_else(variable).unwrap_or(("the default", "warn".to_owned()));
    filter.parse().map_err(|_| {
        let quoted = foreign::quote(&filter, 60);
        ConfigError(format!(
            "{source}: {quoted} is no filter; write it like `info` or `llamacloud_batches_mcp=debug`"
        ))
    })
}

fn base_url(flags: &Flags, environment: &Environment) -> Result<Url, ConfigError> {
    let (source, text) = base_url_as_given(flags, environment);
    check_base_url(&text).map_err(|problem| ConfigError(format!("{source}: {problem}")))
}

/// Which setting says where the API is, and what it says.
pub fn base_url_as_given(flags: &Flags, environment: &Environment) -> (&'static str, String) {
    let variable = || Some(("LLAMA_CLOUD_BASE_URL", given(environment.base_url.as_deref())?));
    let region = match flags.region {
        Some(Region::Eu) => Some(("--region", EU.to_owned())),
        Some(Region::Us) => Some(("--region", US.to_owned())),
        None => None,
    };
    let flag = flags.base_url.clone().map(|url| ("--base-url", url));
    flag.or(region)
        .or_else(variable)
        .unwrap_or(("the default", US.to_owned()))
}

fn check_base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url = Url::parse(&with_scheme).map_err(|error| format!("not a URL ({error}); it looks like {US}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a base URL must not hold a user name or password; the API key is passed on its own".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a base URL must have no query and no fragment".to_owned());
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err("http would send the API key in the clear and is only allowed on loopback; use https".to_owned()),
        _ => Err(format!("a base URL starts with https://, for example {US}")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn key(environment: &Environment, file: Option<&Path>) -> String {
        match api_key(file, environment) {
            ApiKey::Given(key) => format!("key {}", key.expose_secret()),
            ApiKey::Missing(reason) => reason,
        }
    }

    #[test]
    fn a_key_that_is_none_says_why() {
        for (first, second, expected) in [
            (Some("llx-1"), None, "key llx-1"),
            (Some(" llx-1\n"), None, "key llx-1"),
            (None, Some("llx-2"), "key llx-2"),
            (Some("llx-1"), Some("llx-2"), "key llx-1"),
            (Some(""), Some("llx-2"), "key llx-2"),
            (None, None, "LLAMA_CLOUD_API_KEY is not set"),
            (Some(""), None, "LLAMA_CLOUD_API_KEY is set, but empty"),
            (None, Some(" "), "LLAMA_PARSE_API_KEY is set, but empty"),
            (
                Some("llx-your-key"),
                None,
                "LLAMA_CLOUD_API_KEY is still the llx-your-key of the example",
            ),
            (
                Some("${LLAMA_CLOUD_API_KEY}"),
                None,
                "LLAMA_CLOUD_API_KEY arrived as the literal text \"${LLAMA_CLOUD_API_KEY}\", which the host did not expand",
            ),
            (
                Some("${env:MY_KEY}"),
                None,
                "LLAMA_CLOUD_API_KEY arrived as the literal text \"${env:MY_KEY}\", which the host did not expand",
            ),
            (
                Some("${user_config.api_key}"),
                None,
                "LLAMA_CLOUD_API_KEY arrived as the literal text \"${user_config.api_key}\", which the host did not expand",
            ),
        ] {
            let environment = Environment {
                api_key: first.map(Into::into),
                parse_api_key: second.map(Into::into),
                ..Environment::default()
            };
            assert_eq!(key(&environment, None), expected);
        }
    }

    #[test]
    fn a_key_file_that_cannot_be_used_says_why_without_its_path() {
        let environment = Environment {
            api_key: Some("llx-1".into()),
            ..Environment::default()
        };
        let missing = Path::new("no-such-directory/key");
        assert_eq!(
            key(&environment, Some(missing)),
            "the file given with --api-key-file cannot be read (entity not found)"
        );
    }

    #[test]
    fn only_a_safe_base_url_is_taken() {
        const CLEAR: &str = "http would send the API key in the clear and is only allowed on loopback; use https";
        for (text, expected) in [
            ("https://api.cloud.llamaindex.ai", "https://api.cloud.llamaindex.ai/"),
            ("api.cloud.eu.llamaindex.ai", "https://api.cloud.eu.llamaindex.ai/"),
            ("http://127.0.0.1:4010/prefix", "http://127.0.0.1:4010/prefix"),
            ("http://localhost:80", "http://localhost/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("http://api.cloud.llamaindex.ai", CLEAR),
            ("http://127.0.0.1.example.com", CLEAR),
            (
                "https://me:secret@api.cloud.llamaindex.ai",
                "a base URL must not hold a user name or password; the API key is passed on its own",
            ),
            (
                "https://api.cloud.llamaindex.ai?x=1",
                "a base URL must have no query and no fragment",
            ),
            (
                "https://api.cloud.llamaindex.ai#x",
                "a base URL must have no query and no fragment",
            ),
            (
                "ftp://api.cloud.llamaindex.ai",
                "a base URL starts with https://, for example https://api.cloud.llamaindex.ai",
            ),
            (
                "https://",
                "not a URL (empty host); it looks like https://api.cloud.llamaindex.ai",
            ),
        ] {
            let outcome = check_base_url(text).map_or_else(|problem| problem, |url| url.to_string());
            assert_eq!(outcome, expected, "{text}");
        }
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        let environment = Environment {
            base_url: Some("http://127.0.0.1:1".into()),
            project_id: Some("from-variable".into()),
            organization_id: Some("${ORGANIZATION}".into()),
            ..Environment::default()
        };
        let config = Config::resolve(&Flags::default(), &environment).unwrap();
        assert_eq!(config.base_url.as_str(), "http://127.0.0.1:1/");
        assert_eq!(config.project_id.as_deref(), Some("from-variable"));
        assert_eq!(config.organization_id, None);
        let flags = Flags {
            region: Some(Region::Eu),
            project_id: Some("from-flag".to_owned()),
            ..Flags::default()
        };
        let config = Config::resolve(&flags, &environment).unwrap();
        assert_eq!(config.base_url.as_str(), "https://api.cloud.eu.llamaindex.ai/");
        assert_eq!(config.project_id.as_deref(), Some("from-flag"));
        let flags = Flags {
            project_id: Some("a/b".to_owned()),
            ..Flags::default()
        };
        let error = Config::resolve(&flags, &environment).unwrap_err().to_string();
        assert_eq!(
            error,
            "project id: \"a/b\" is not 1 to 128 of the characters A-Z, a-z, 0-9, _ and -"
        );
    }
}

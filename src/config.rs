//! Settings, checked together: valid, typed, ready to use.

mod folders;
mod key;
mod switch;
mod variable;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::filter::Targets;
use url::Url;

use crate::cli::{Environment, Flags, LogFormat, Region, Stdio};
use crate::llamacloud::{Credential, KeySource, Network, OrganizationId, ProjectId, Settings, is_loopback};
use crate::untrusted;
use switch::{permission, pin, protection};
use variable::Said;

pub use folders::Folders;
pub use key::ApiKey;

/// Where the API is in North America.
pub const US: &str = "https://api.cloud.llamaindex.ai";
/// Where it is in Europe.
pub const EU: &str = "https://api.cloud.eu.llamaindex.ai";

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Config {
    /// Where the API is.
    pub base_url: Url,
    /// Which setting says so. Shape: `--base-url`, `the default`.
    pub base_url_source: &'static str,
    /// The key, or why there is none.
    pub api_key: ApiKey,
    /// Which setting the key comes from, or would have to come from.
    pub key_source: KeySource,
    /// Certificates and proxies.
    pub network: Network,
    /// The only project that may be used.
    pub project_id: Option<ProjectId>,
    /// The only organization that may be used.
    pub organization_id: Option<OrganizationId>,
    /// The only tools that may be offered, if they are named.
    pub tools: Option<Vec<String>>,
    /// Tools that change something are withheld.
    pub read_only: bool,
    /// `cancel_batch` is offered.
    pub allow_cancel: bool,
    /// The user is asked before credits are spent or files are uploaded.
    pub confirm_create: bool,
    /// The folders of this machine that may be used.
    pub folders: Folders,
    /// First polling interval of a call that waits.
    pub poll_interval: Duration,
    /// Time limit for a tool call.
    pub timeout: Duration,
    /// Longest tool result, in characters.
    pub max_result_chars: usize,
    /// What is logged.
    pub log: Targets,
    /// Shape of a log line.
    pub log_format: LogFormat,
    /// Where the log goes in place of stderr.
    pub log_file: Option<PathBuf>,
    /// Nothing is coloured.
    pub no_color: bool,
    /// How stdin and stdout are used.
    pub stdio: Stdio,
}

/// A setting that cannot be used. Shape: `--base-url: http is only allowed on loopback; use https`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl Config {
    /// Settles flags and variables.
    ///
    /// # Errors
    /// For a base URL or an id that must not be used. A missing key is not an error: the server starts and reports it later.
    pub fn resolve(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let key_file = key::file(flags);
        let (api_key, key_source) = key::find(key_file.as_deref(), environment);
        let (base_url_source, base_url) = base_url(flags, environment)?;
        Ok(Self {
            base_url,
            base_url_source,
            api_key,
            key_source,
            network: network(environment),
            project_id: pin(
                ("--project-id", flags.project_id.as_deref()),
                "LLAMA_CLOUD_PROJECT_ID",
                environment,
            )?,
            organization_id: pin(
                ("--organization-id", flags.organization_id.as_deref()),
                "LLAMA_CLOUD_ORGANIZATION_ID",
                environment,
            )?,
            tools: flags.tools.clone(),
            read_only: protection(flags.read_only, "LLAMA_CLOUD_READ_ONLY", environment)?,
            allow_cancel: permission(flags.allow_cancel, "LLAMA_CLOUD_ALLOW_CANCEL", environment)?,
            confirm_create: protection(flags.confirm_create, "LLAMA_CLOUD_CONFIRM_CREATE", environment)?,
            folders: Folders::of(flags, key_file, environment),
            poll_interval: flags.poll_interval,
            timeout: flags.timeout,
            max_result_chars: flags.max_result_chars as usize,
            log: log_filter(flags, environment)?,
            log_format: flags.log_format,
            log_file: flags.log_file.clone(),
            no_color: environment.not_empty("NO_COLOR").is_some(),
            stdio: flags.stdio,
        })
    }
}

/// How LlamaCloud is reached.
impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        let credential = match &config.api_key {
            ApiKey::Given(key) => Credential::Key(key.clone()),
            ApiKey::Missing(reason) => Credential::Missing { reason: reason.clone() },
        };
        let defaults = Self::new(config.base_url.clone(), credential);
        Self {
            connect_timeout: config.timeout,
            stall_timeout: defaults.stall_timeout.min(config.timeout * 2 / 3),
            key_source: config.key_source,
            network: config.network.clone(),
            ..defaults
        }
    }
}

/// What the variables say about certificates and proxies.
fn network(environment: &Environment) -> Network {
    let owned = |name: &str| environment.get(name).map(OsStr::to_owned);
    Network {
        cert_file: owned("SSL_CERT_FILE"),
        cert_dir: owned("SSL_CERT_DIR"),
        proxies: Network::PROXY_VARIABLES
            .iter()
            .filter_map(|name| Some((*name, owned(name)?)))
            .collect(),
    }
}

/// A variable that is set, with its name.
pub(crate) fn given(name: &'static str, environment: &Environment) -> Option<(&'static str, String)> {
    Some((name, Said::of(name, environment).text()?.to_owned()))
}

fn log_filter(flags: &Flags, environment: &Environment) -> Result<Targets, ConfigError> {
    let flag = flags.log.clone().map(|filter| ("--log", filter));
    let variable = || given("LLAMA_CLOUD_LOG", environment);
    let (source, filter) = flag.or_else(variable).unwrap_or(("the default", "warn".to_owned()));
    filter.parse().map_err(|_| {
        let quoted = untrusted::quote(&filter, 60);
        ConfigError(format!(
            "{source}: {quoted} is not a filter; write it like `info` or `llamacloud_batches_mcp=debug`"
        ))
    })
}

/// Which setting says where the API is, and the address.
fn base_url(flags: &Flags, environment: &Environment) -> Result<(&'static str, Url), ConfigError> {
    let variable = || given("LLAMA_CLOUD_BASE_URL", environment);
    let region = match flags.region {
        Some(Region::Eu) => Some(("--region", EU.to_owned())),
        Some(Region::Us) => Some(("--region", US.to_owned())),
        None => None,
    };
    let flag = flags.base_url.clone().map(|url| ("--base-url", url));
    let given = flag.or(region).or_else(variable);
    let (source, text) = given.unwrap_or(("the default", US.to_owned()));
    let url = check_base_url(&text).map_err(|problem| ConfigError(format!("{source}: {problem}")))?;
    Ok((source, url))
}

fn check_base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let mut url = Url::parse(&with_scheme).map_err(|error| format!("not a URL ({error}); write it like {US}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a base URL must not hold a user name or password; the API key is passed on its own".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a base URL must have no query and no fragment".to_owned());
    }
    // Addresses in the documentation begin with a version, which users may copy. It is removed, because each request adds it.
    let path = url.path().trim_end_matches('/');
    let root = ["/api", "/api/v1", "/api/v2"]
        .iter()
        .find_map(|version| path.strip_suffix(version));
    if let Some(root) = root.map(str::to_owned) {
        url.set_path(&root);
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
    use super::*;

    #[test]
    fn only_a_safe_base_url_is_taken() {
        const CLEAR: &str = "http would send the API key in the clear and is only allowed on loopback; use https";
        for (text, expected) in [
            ("https://api.cloud.llamaindex.ai", "https://api.cloud.llamaindex.ai/"),
            ("api.cloud.eu.llamaindex.ai", "https://api.cloud.eu.llamaindex.ai/"),
            ("http://127.0.0.1:4010/prefix", "http://127.0.0.1:4010/prefix"),
            ("http://localhost:80", "http://localhost/"),
            (
                "https://api.cloud.llamaindex.ai/api",
                "https://api.cloud.llamaindex.ai/",
            ),
            (
                "https://api.cloud.llamaindex.ai/api/v1",
                "https://api.cloud.llamaindex.ai/",
            ),
            (
                "api.cloud.eu.llamaindex.ai/api/v2/",
                "https://api.cloud.eu.llamaindex.ai/",
            ),
            ("http://127.0.0.1:4010/prefix/api/v2", "http://127.0.0.1:4010/prefix"),
            ("http://127.0.0.1:4010/myapi", "http://127.0.0.1:4010/myapi"),
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
                "not a URL (empty host); write it like https://api.cloud.llamaindex.ai",
            ),
        ] {
            let outcome = check_base_url(text).map_or_else(|problem| problem, |url| url.to_string());
            assert_eq!(outcome, expected, "{text}");
        }
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        let environment = Environment::of([
            ("LLAMA_CLOUD_BASE_URL", "http://127.0.0.1:1"),
            ("LLAMA_CLOUD_PROJECT_ID", "from-variable"),
            ("LLAMA_CLOUD_ORGANIZATION_ID", ""),
        ]);
        let config = Config::resolve(&Flags::default(), &environment).unwrap();
        assert_eq!(config.base_url.as_str(), "http://127.0.0.1:1/");
        assert_eq!(config.project_id.as_ref().map(ProjectId::as_str), Some("from-variable"));
        assert_eq!(config.organization_id, None);
        let flags = Flags {
            region: Some(Region::Eu),
            project_id: Some("from-flag".to_owned()),
            ..Flags::default()
        };
        let config = Config::resolve(&flags, &environment).unwrap();
        assert_eq!(config.base_url.as_str(), "https://api.cloud.eu.llamaindex.ai/");
        assert_eq!(config.project_id.as_ref().map(ProjectId::as_str), Some("from-flag"));
        let flags = Flags {
            project_id: Some("a/b".to_owned()),
            ..Flags::default()
        };
        let error = Config::resolve(&flags, &environment).unwrap_err().to_string();
        assert_eq!(
            error,
            "--project-id \"a/b\" holds characters other than A-Z, a-z, 0-9, _ and -"
        );
    }
}

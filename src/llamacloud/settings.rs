//! How to reach LlamaCloud: address, key, limits.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    time::Duration,
};

use secrecy::SecretString;
use url::Url;

use super::retry::RetryPolicy;

/// How to reach LlamaCloud. Everything but the address and the key has a sensible default: [`Settings::new`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and perhaps a path prefix. HTTPS, except on loopback.
    pub base_url: Url,
    /// The API key.
    pub credential: Credential,
    /// Where the key comes from. Used only in messages.
    pub key_source: KeySource,
    /// The `User-Agent` header; what no header can hold is left out.
    pub user_agent: String,
    /// How long making one connection may take, TLS included. A name with several addresses shares it among them. Apart from this
    /// and `stall_timeout`, only the deadline of an operation limits how long anything takes.
    pub connect_timeout: Duration,
    /// What the environment says about the way to the API.
    pub network: Network,
    /// The largest answer, after decompression.
    pub max_body_bytes: usize,
    /// The same for an answer that is a whole document.
    pub max_document_bytes: usize,
    /// How long an upload may go without progress; waiting for its answer counts, too.
    pub stall_timeout: Duration,
    /// How often and how patiently requests are repeated.
    pub retry: RetryPolicy,
}

impl Settings {
    /// The defaults: 45 s to connect, 8 MiB an answer, five attempts.
    pub fn new(base_url: Url, credential: Credential) -> Self {
        Self {
            base_url,
            credential,
            key_source: KeySource::Variable("LLAMA_CLOUD_API_KEY"),
            user_agent: concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(45),
            network: Network::default(),
            max_body_bytes: 8 * 1024 * 1024,
            max_document_bytes: 64 * 1024 * 1024,
            stall_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
        }
    }
}

/// The variables about certificates and proxies, as found.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// `SSL_CERT_FILE`.
    pub cert_file: Option<OsString>,
    /// `SSL_CERT_DIR`.
    pub cert_dir: Option<OsString>,
    /// Those of [`Network::PROXY_VARIABLES`] that are set.
    pub proxies: Vec<(&'static str, OsString)>,
}

impl Network {
    /// What the HTTP library reads about proxies.
    pub const PROXY_VARIABLES: [&str; 6] = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ];

    /// The first of these variables that is set, and its value.
    pub(super) fn value_of(&self, names: &[&str]) -> Option<(&'static str, &OsStr)> {
        let find = |name: &&str| self.proxies.iter().find(|(set, _)| set == name);
        names
            .iter()
            .find_map(find)
            .map(|(name, value)| (*name, value.as_os_str()))
    }
}

/// Where the API key comes from, or should come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// An environment variable.
    Variable(&'static str),
    /// The file that `--api-key-file` names.
    File,
}

impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Variable(name) => name,
            Self::File => "the file given with --api-key-file",
        })
    }
}

/// The API key, or why there is none. Debug never shows the key.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The key as it goes after `Bearer`.
    Key(SecretString),
    /// No key: every operation fails with `ErrorKind::MissingKey` before anything is sent.
    Missing {
        /// Why, in words of the configuration.
        reason: String,
    },
}

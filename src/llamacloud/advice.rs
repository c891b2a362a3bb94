//! What can be done about a failure: a type to decide by, and the remedy where the user has to change something.

use std::time::Duration;

/// What can be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// The same request fails again. Another request may succeed.
    Never,
    /// No request succeeds until the user has changed this.
    Fix(Setting),
    /// The same request may succeed later: after this time, if LlamaCloud said how long.
    Later(Option<Duration>),
}

/// What the user may have to change outside of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The API key. [`super::Client::key_source`] says which setting it comes from.
    ApiKey,
    /// The account's credits.
    Credits,
    /// What the key may be used for: its project and the plan.
    Access,
    /// Where the API is.
    BaseUrl,
    /// The proxy.
    Proxy,
    /// The certificate authorities that are trusted.
    Certificates,
    /// The date and time of this machine.
    Clock,
}

impl Setting {
    /// What the user has to do, without a subject and a full stop: `add credits in the LlamaCloud console`.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::ApiKey => "provide a valid API key (the LlamaCloud console lists keys and creates new ones)",
            Self::Credits => "add credits or change the plan in the LlamaCloud console",
            Self::Access => "use an API key of a project whose plan includes batches (Pro or Enterprise)",
            Self::BaseUrl => {
                "correct the base URL (--base-url, --region or LLAMA_CLOUD_BASE_URL): it is https://api.cloud.llamaindex.ai, or \
                 https://api.cloud.eu.llamaindex.ai for accounts in the EU"
            }
            Self::Proxy => {
                "correct the proxy setting: it is written like http://proxy.example:3128, without quotation marks; NO_PROXY lists the \
                 hosts that are reached without a proxy"
            }
            Self::Certificates if cfg!(any(target_os = "macos", windows)) => {
                "add the missing certificate authority (often that of a proxy or firewall that intercepts TLS) to this system's \
                 certificate store"
            }
            Self::Certificates => {
                "add the missing certificate authority (often that of a proxy or firewall that intercepts TLS) to this system's \
                 certificate store, or name a file with all trusted certificates in SSL_CERT_FILE, which replaces the store"
            }
            Self::Clock => {
                "check the date and time of this machine; if they are correct, ask the operator of that host to renew the \
                 certificate"
            }
        }
    }
}

/// A remedy as a sentence of its own.
pub fn as_sentence(remedy: &str) -> String {
    let mut characters = remedy.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    format!(
        "{}{}.",
        first.map_or_else(String::new, String::from),
        characters.as_str()
    )
}

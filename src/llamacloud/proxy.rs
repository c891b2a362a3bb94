//! Which proxy requests go through, as the HTTP library decides it, and which settings it would silently ignore.

use std::ffi::OsStr;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::{request::is_loopback, settings::Network};
use crate::untrusted::is_unexpanded;

/// The route of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Without a proxy.
    Direct,
    /// Through this proxy. Shape: `proxy.example:3128`, never with a password.
    Through(String),
    /// A variable holds something that is not a proxy.
    Unusable {
        /// The variable.
        variable: &'static str,
        /// A sentence without a full stop that does not repeat the value, which may hold a password.
        why: String,
    },
}

/// The route of requests to an address.
pub fn route(url: &Url, network: &Network) -> Route {
    let uri = url.as_str().parse();
    let Ok(uri) = uri else { return Route::Direct };
    let except = network
        .value_of(&["NO_PROXY", "no_proxy"])
        .and_then(|(_, value)| value.to_str());
    let except = except.unwrap_or_default();
    let anything = Matcher::builder().all("http://proxy").no(except).build();
    if is_loopback(url) || anything.intercept(&uri).is_none() {
        return Route::Direct;
    }
    let set = |names: &[&str]| network.value_of(names).filter(|(_, value)| !value.is_empty());
    // The same names in the same order as the library's.
    let chosen = set(&["HTTPS_PROXY", "https_proxy"]).or_else(|| set(&["ALL_PROXY", "all_proxy"]));
    let matcher = match chosen {
        None => Matcher::from_system(),
        Some((variable, value)) => match why_unusable(value) {
            Some(why) => return Route::Unusable { variable, why },
            None => Matcher::builder()
                .all(value.to_str().unwrap_or_default().to_owned())
                .build(),
        },
    };
    let Some(proxy) = matcher.intercept(&uri) else {
        return Route::Direct;
    };
    let port = proxy.uri().port().map_or(String::new(), |port| format!(":{port}"));
    let host = proxy.uri().host().unwrap_or_default();
    Route::Through(format!("{host}{port}"))
}

fn why_unusable(value: &OsStr) -> Option<String> {
    const QUOTES: [char; 3] = ['"', '\'', '`'];

    let why = match value.to_str() {
        None => "it is not Unicode text",
        Some(text) if is_unexpanded(text.trim()) => "it is a reference that was not expanded",
        Some(text) if text.starts_with(QUOTES) || text.ends_with(QUOTES) => "it is in quotation marks",
        Some(text) if text.trim() != text => "it begins or ends with white space",
        Some(text) => {
            let https = "https://api.example".parse().ok()?;
            let is_usable = Matcher::builder()
                .all(text.to_owned())
                .build()
                .intercept(&https)
                .is_some();
            if is_usable {
                return None;
            }
            "it is not the address of a proxy, which begins with http, https, socks4, socks4a, socks5 or socks5h, followed by ://, a \
             host and a port"
        }
    };
    Some(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route_with(variables: &[(&'static str, &str)]) -> Route {
        let network = Network {
            proxies: variables.iter().map(|(name, value)| (*name, value.into())).collect(),
            ..Network::default()
        };
        route(&"https://api.example".parse().unwrap(), &network)
    }

    #[test]
    fn a_proxy_setting_that_cannot_be_used_is_named() {
        for (value, expected) in [
            ("socks://proxy:1080", "it is not the address"),
            ("http://", "it is not the address"),
            ("ftp://proxy:3128", "it is not the address"),
            ("\"http://proxy:3128\"", "it is in quotation marks"),
            ("${COMPANY_PROXY}", "it is a reference"),
            ("$COMPANY_PROXY", "it is a reference"),
            ("%COMPANY_PROXY%", "it is a reference"),
            (" http://proxy:3128", "it begins or ends"),
        ] {
            for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                let Route::Unusable { variable: named, why } = route_with(&[(variable, value)]) else {
                    panic!("{variable}={value}");
                };
                assert!(named == variable && why.starts_with(expected), "{value}: {named} {why}");
                assert!(!why.contains("COMPANY"), "{why}");
            }
        }
    }

    #[test]
    fn a_proxy_is_chosen_as_the_library_does() {
        let through = |proxy: &str| Route::Through(proxy.to_owned());
        for (variables, expected) in [
            (&[][..], Route::Direct),
            (&[("HTTP_PROXY", "http://proxy:1")], Route::Direct),
            (&[("HTTPS_PROXY", "http://user:secret@proxy:1")], through("proxy:1")),
            (&[("HTTPS_PROXY", "proxy:1")], through("proxy:1")),
            (&[("ALL_PROXY", "socks5h://proxy:1080")], through("proxy:1080")),
            (
                &[("HTTPS_PROXY", ""), ("ALL_PROXY", "http://proxy:2")],
                through("proxy:2"),
            ),
            (&[("HTTPS_PROXY", "\"\""), ("NO_PROXY", "api.example")], Route::Direct),
            (
                &[("HTTPS_PROXY", "http://proxy:1"), ("ALL_PROXY", "socks://")],
                through("proxy:1"),
            ),
        ] {
            assert_eq!(route_with(variables), expected, "{variables:?}");
        }
    }
}

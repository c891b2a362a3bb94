//! The way to LlamaCloud: the address, a proxy, the name, the connection.

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use super::{Check, Patient};
use crate::app::client_settings;
use crate::foreign::quote;
use crate::llamacloud::is_loopback;
use crate::llamacloud::{Client, Error, ErrorKind};

const NAME: &str = "name resolution";
const CONNECTION: &str = "connection";
const RESOLVED_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn checks(patient: &Patient<'_>) -> [Check; 4] {
    let url = &patient.config.base_url;
    let proxy = proxy(url);
    let address = address(patient);
    let through = match &proxy {
        Some(proxy) => format!("requests go through {proxy}"),
        None => "none is used".to_owned(),
    };
    let name = match &proxy {
        Some(proxy) => Check::skip(NAME, format!("{proxy} does that, and not this machine")),
        None => resolution(url).await,
    };
    let connection = if matches!(name.status, super::Status::Fail) {
        Check::skip(CONNECTION, "the name leads nowhere")
    } else {
        connection(patient, proxy.as_deref()).await
    };
    [address, Check::ok("proxy", through), name, connection]
}

fn address(patient: &Patient<'_>) -> Check {
    let (url, regions) = (&patient.config.base_url, patient.regions);
    let region = match () {
        () if patient.is_sandbox => "the sandbox",
        () if *url == regions.us => "region us",
        () if *url == regions.eu => "region eu",
        () => "no region of LlamaCloud's own",
    };
    let source = match patient.base_url_source {
        _ if patient.is_sandbox => String::new(),
        "the default" => ", the default".to_owned(),
        setting => format!(", from {setting}"),
    };
    Check::ok("base URL", format!("{url} ({region}{source})"))
}

/// The proxy for an address, by the rules of the HTTP client. Shape: `the proxy proxy.example:3128`; never with its password.
fn proxy(url: &Url) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    let proxy = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
    let uri = proxy.uri();
    let port = uri.port().map_or(String::new(), |port| format!(":{port}"));
    Some(format!("the proxy {}{port}", uri.host()?))
}

async fn resolution(url: &Url) -> Check {
    let (Some(Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Check::skip(NAME, "the base URL names an address");
    };
    let remedy = "Check the base URL for a misspelling, then the network and its DNS.";
    match timeout(RESOLVED_WITHIN, lookup_host((name, port))).await {
        Ok(Ok(addresses)) => match addresses.count() {
            0 => Check::fail(NAME, format!("{name} has no address"), remedy),
            1 => Check::ok(NAME, format!("{name} has one address")),
            count => Check::ok(NAME, format!("{name} has {count} addresses")),
        },
        Ok(Err(error)) => {
            let reason = quote(&error.to_string(), 200);
            Check::fail(NAME, format!("{name} cannot be resolved: {reason}"), remedy)
        }
        Err(_) => Check::fail(
            NAME,
            format!("{name} was not resolved within {} s", RESOLVED_WITHIN.as_secs()),
            remedy,
        ),
    }
}

async fn connection(patient: &Patient<'_>, proxy: Option<&str>) -> Check {
    let config = patient.config;
    let started = Instant::now();
    let client = Client::new(client_settings(config));
    let through = proxy.map_or(String::new(), |proxy| format!(" through {proxy}"));
    match client.reach(started + config.timeout).await {
        Ok(()) if config.base_url.scheme() == "http" => {
            Check::ok(CONNECTION, "it stands, without TLS, which never leaves this machine")
        }
        Ok(()) => Check::ok(CONNECTION, format!("TCP and TLS stand{through}")),
        Err(error) => {
            let reason = error
                .reason()
                .map_or(String::new(), |reason| format!(": {}", quote(reason, 300)));
            let (what, remedy) = explain(&error, proxy);
            Check::fail(CONNECTION, format!("{what}{through}{reason}"), remedy)
        }
    }
}

/// What failed, and what to do.
fn explain(error: &Error, proxy: Option<&str>) -> (&'static str, String) {
    match error.kind() {
        ErrorKind::Tls(_) => (
            "no trusted TLS connection could be made",
            "If a proxy or a firewall intercepts TLS, or the certificate is your own, put its certificate authority into the system's \
             store or into the file that SSL_CERT_FILE names. If the base URL is your own, check that TLS is spoken there."
                .to_owned(),
        ),
        ErrorKind::TimedOut => (
            "no answer came in time",
            "Check for a firewall that drops connections; a slow network may need a longer --timeout.".to_owned(),
        ),
        _ => (
            "no connection could be made",
            match proxy {
                Some(proxy) => format!("Check {proxy} (HTTPS_PROXY, ALL_PROXY or the system's settings); NO_PROXY names hosts that need none."),
                None => "Check the network, a firewall, and the base URL. Where a proxy is needed, HTTPS_PROXY names it.".to_owned(),
            },
        ),
    }
}

//! Which certificates are trusted, and why a connection is not.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rustls::{CertificateError, ClientConfig, pki_types::UnixTime};

use super::{
    error_kind::{ErrorKind, TlsProblem},
    failed::Failed,
    retry::Failure,
    settings::Network,
};

/// Units: names.
const MAX_NAMES: usize = 3;

/// Whether the system itself verifies certificates. Then the variables are ignored.
const BY_SYSTEM: bool = cfg!(any(target_os = "macos", windows));

/// TLS with the certificates of this machine, or with those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, which take their place.
/// `None`: the library's own, which asks the system for each certificate.
pub(super) fn config(network: &Network) -> Result<Option<ClientConfig>, Failed> {
    if BY_SYSTEM {
        Ok(None)
    } else {
        from_files(network).map(Some)
    }
}

#[cfg(any(target_os = "macos", windows))]
fn from_files(_: &Network) -> Result<ClientConfig, Failed> {
    Err(Failed::new(
        Failure::NotSendable,
        ErrorKind::Tls(TlsProblem::NoCertificates),
        None,
    ))
}

#[cfg(not(any(target_os = "macos", windows)))]
fn from_files(network: &Network) -> Result<ClientConfig, Failed> {
    let mut store = rustls::RootCertStore::empty();
    let (file, dirs) = network.certificates().unwrap_or_else(|| {
        let found = openssl_probe::probe();
        (found.cert_file, found.cert_dir)
    });
    let mut load = |file: Option<&Path>, dir: Option<&Path>| {
        let found = rustls_native_certs::load_certs_from_paths(file, dir);
        store.add_parsable_certificates(found.certs);
    };
    load(file.as_deref(), None);
    for dir in &dirs {
        load(None, Some(dir));
    }
    if store.is_empty() {
        let reason = network.certificates_in_words(" contains no certificate");
        let reason = reason.unwrap_or_else(|| "this system has no certificate store that can be read".to_owned());
        let kind = ErrorKind::Tls(TlsProblem::NoCertificates);
        return Err(Failed::new(Failure::NotSendable, kind, Some(reason)));
    }
    let mut config = ClientConfig::builder()
        .with_root_certificates(std::sync::Arc::new(store))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl Network {
    /// The file and the folders that replace the system's store. An empty variable counts as not set.
    fn certificates(&self) -> Option<(Option<PathBuf>, Vec<PathBuf>)> {
        let file = given(self.cert_file.as_deref()).map(PathBuf::from);
        let dirs = given(self.cert_dir.as_deref()).unwrap_or_default();
        let dirs: Vec<_> = std::env::split_paths(dirs)
            .filter(|dir| !dir.as_os_str().is_empty())
            .collect();
        (file.is_some() || !dirs.is_empty()).then_some((file, dirs))
    }

    /// Shape: `SSL_CERT_FILE (/etc/ours.pem) contains no certificate`. `None` where neither variable is set.
    pub(super) fn certificates_in_words(&self, predicate: &str) -> Option<String> {
        self.certificates().filter(|_| !BY_SYSTEM)?;
        let named = [("SSL_CERT_FILE", &self.cert_file), ("SSL_CERT_DIR", &self.cert_dir)];
        let named = named
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} ({})", Path::new(given(value.as_deref())?).display())));
        Some(format!("{}{predicate}", named.collect::<Vec<_>>().join(" and ")))
    }
}

fn given(value: Option<&OsStr>) -> Option<&OsStr> {
    value.filter(|value| !value.is_empty())
}

/// What is wrong, and further details about it.
pub(super) fn explain(error: &rustls::Error, network: &Network) -> (TlsProblem, Option<String>) {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext,
        UnknownIssuer,
    };

    let rustls::Error::InvalidCertificate(problem) = error else {
        return (TlsProblem::Other, Some(error.to_string()));
    };
    match problem {
        UnknownIssuer => (
            TlsProblem::UnknownIssuer,
            network.certificates_in_words(" replaces this system's certificate store"),
        ),
        Expired => (TlsProblem::Expired, None),
        ExpiredContext { time, not_after } => (
            TlsProblem::Expired,
            Some(format!(
                "it was valid until {}, and it is {} now",
                date(*not_after),
                date(*time)
            )),
        ),
        NotValidYet => (TlsProblem::NotYetValid, None),
        NotValidYetContext { time, not_before } => (
            TlsProblem::NotYetValid,
            Some(format!(
                "it is valid from {} on, and it is {} now",
                date(*not_before),
                date(*time)
            )),
        ),
        NotValidForName => (TlsProblem::WrongName, None),
        NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().take(MAX_NAMES).map(String::as_str).collect();
            (
                TlsProblem::WrongName,
                (!names.is_empty()).then(|| format!("it is for {}", names.join(", "))),
            )
        }
        other => (TlsProblem::Other, Some(format!("invalid certificate: {other}"))),
    }
}

/// Shape: `2026-11-24`.
fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "a distant date".to_owned(), |at| at.strftime("%F").to_string())
}

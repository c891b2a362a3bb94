//! The variables of the process, as found. What they mean is decided where the settings are, in `config`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Every variable that is read.
const NAMES: [&str; 21] = [
    "LLAMA_CLOUD_API_KEY",
    "LLAMA_PARSE_API_KEY",
    "LLAMA_CLOUD_BASE_URL",
    "LLAMA_CLOUD_PROJECT_ID",
    "LLAMA_CLOUD_ORGANIZATION_ID",
    "LLAMA_CLOUD_READ_ONLY",
    "LLAMA_CLOUD_ALLOW_CANCEL",
    "LLAMA_CLOUD_CONFIRM_CREATE",
    "LLAMA_CLOUD_ALLOW_DIR",
    "LLAMA_CLOUD_LOG",
    "NO_COLOR",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HOME",
    "USERPROFILE",
];

/// Variables and their values; by default none is set.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<&'static str, OsString>);

/// Without the values, one of which is the API key.
impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// Reads this program's variables. The only place that does.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
    pub fn read() -> Self {
        let set = |name| Some((name, std::env::var_os(name)?));
        Self(NAMES.into_iter().filter_map(set).collect())
    }

    /// Only these variables.
    pub fn of<const N: usize>(variables: [(&'static str, &str); N]) -> Self {
        Self(variables.map(|(name, value)| (name, value.into())).into())
    }

    /// The same without a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// A variable's value, which may be empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// A variable's value, if it is not empty.
    pub fn not_empty(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<&OsStr> {
        self.not_empty(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }

    /// The path with the home folder in place of `~`, alone or before a slash. Hosts start programs without a shell, and some shells
    /// leave `--flag=~/…` as it is.
    pub fn path(&self, typed: &Path) -> PathBuf {
        match (typed.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) if rest.as_os_str().is_empty() => home.into(),
            (Ok(rest), Some(home)) => Path::new(home).join(rest),
            _ => typed.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::VARIABLES;

    #[test]
    fn a_path_in_the_home_folder_is_read_as_by_a_shell() {
        let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let environment = Environment::of([(variable, "home")]);
        let home = Path::new("home");
        for (typed, expected) in [
            ("~", home.to_owned()),
            ("~/docs/key", home.join("docs/key")),
            ("key", "key".into()),
            ("~key", "~key".into()),
            ("docs/~", "docs/~".into()),
            ("", PathBuf::new()),
        ] {
            assert_eq!(
                environment.path(Path::new(typed)).as_os_str(),
                expected.as_os_str(),
                "{typed}"
            );
        }
        assert_eq!(Environment::default().path(Path::new("~/docs")), Path::new("~/docs"));
    }

    #[test]
    fn the_manual_describes_every_variable() {
        let described: Vec<_> = VARIABLES.iter().flat_map(|(names, _)| names.split(", ")).collect();
        for name in NAMES {
            let is_of_system = ["HOME", "USERPROFILE"].contains(&name) || name == name.to_ascii_lowercase();
            assert!(is_of_system || described.contains(&name), "{name}");
        }
    }
}

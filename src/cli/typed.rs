//! The settings of this command line, so that a person or a host that starts the server can pass them again.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};

use super::Cli;

/// A setting that was given as a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Shape: `api-key-file`.
    pub flag: String,
    /// None for a switch.
    pub value: Option<OsString>,
    /// Whether the value is a path, whose meaning depends on the current folder.
    pub is_path: bool,
}

impl Setting {
    /// The words to type, with this as the value.
    pub fn words(&self, value: Option<&str>) -> Vec<String> {
        let flag = format!("--{}", self.flag);
        match value {
            None => vec![flag],
            Some(value) if value.starts_with('-') => vec![format!("{flag}={value}")],
            Some(value) => vec![flag, value.to_owned()],
        }
    }
}

/// Every setting of this process that was given as a flag, in the order in which the help lists them. The API key is never among them:
/// it has no flag.
pub fn settings() -> Vec<Setting> {
    let matches = Cli::command().try_get_matches_from(super::words());
    matches.map_or_else(|_| Vec::new(), |matches| given(&matches))
}

/// The same as words. Shape: `["--region", "eu", "--read-only"]`.
pub fn settings_as_typed() -> Vec<String> {
    as_typed(&settings())
}

fn as_typed(settings: &[Setting]) -> Vec<String> {
    let words = |setting: &Setting| {
        let value = setting.value.as_ref().map(|value| value.to_string_lossy());
        setting.words(value.as_deref())
    };
    settings.iter().flat_map(words).collect()
}

fn given(matches: &ArgMatches) -> Vec<Setting> {
    let mut settings = Vec::new();
    for flag in Cli::command().get_arguments() {
        let (Some(long), id) = (flag.get_long(), flag.get_id().as_str()) else {
            continue;
        };
        let is_known = matches.try_contains_id(id).unwrap_or(false);
        if !is_known || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let setting = |value, is_path| Setting {
            flag: long.to_owned(),
            value,
            is_path,
        };
        if let Ok(paths) = matches.try_get_many::<PathBuf>(id) {
            let paths = paths.into_iter().flatten().cloned();
            settings.extend(paths.map(|path| setting(Some(path.into()), true)));
        } else if flag.get_action().takes_values() {
            let values = matches.get_raw(id).into_iter().flatten();
            settings.extend(values.map(|value| setting(Some(value.to_owned()), false)));
        } else {
            settings.push(setting(None, false));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_typed_again_wherever_they_were_typed() {
        let matches = Cli::command()
            .try_get_matches_from([
                "llamacloud-batches-mcp",
                "--api-key-file=key",
                "watch",
                "bat-1",
                "--json",
                "--region",
                "eu",
                "--timeout",
                "5s",
                "--read-only",
            ])
            .unwrap();
        assert_eq!(
            as_typed(&given(&matches)),
            [
                "--api-key-file",
                "key",
                "--region",
                "eu",
                "--read-only",
                "--timeout",
                "5s"
            ]
        );
    }
}

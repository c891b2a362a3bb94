//! The settings of this command line as words, to be typed again.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};

use super::Cli;

/// Every setting that was given as a flag, with its value, in the order in which the help lists them.
///
/// Shape: `["--region", "eu", "--read-only"]`. The API key is never among them: it has no flag.
pub fn settings_as_typed() -> Vec<String> {
    let matches = Cli::command().try_get_matches_from(std::env::args_os());
    matches.map_or_else(|_| Vec::new(), |matches| typed(&matches))
}

fn typed(matches: &ArgMatches) -> Vec<String> {
    let mut words = Vec::new();
    for flag in Cli::command().get_arguments() {
        let (Some(long), id) = (flag.get_long(), flag.get_id().as_str()) else {
            continue;
        };
        let is_known = matches.try_contains_id(id).unwrap_or(false);
        if !is_known || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        if !flag.get_action().takes_values() {
            words.push(format!("--{long}"));
            continue;
        }
        for value in matches.get_raw(id).into_iter().flatten() {
            let value = value.to_string_lossy();
            if value.starts_with('-') {
                words.push(format!("--{long}={value}"));
            } else {
                words.extend([format!("--{long}"), value.into_owned()]);
            }
        }
    }
    words
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
            typed(&matches),
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

//! The command line with its settings in one place. They may be typed before and after the command; the parser sees conflicts and
//! repetitions only among those on the same side.

use std::ffi::OsString;

use clap::CommandFactory;

use super::Cli;

/// The words of this process.
pub fn words() -> Vec<OsString> {
    let words: Vec<_> = std::env::args_os().collect();
    match words.as_slice() {
        // Most hosts pass no arguments. That case needs no definition.
        [] | [_] => words,
        _ => settings_last(words),
    }
}

/// The same words, with the command first.
pub(super) fn settings_last(mut words: Vec<OsString>) -> Vec<OsString> {
    if let Some(words) = command(&words).and_then(|command| words.get_mut(1..=command)) {
        words.rotate_right(1);
    }
    words
}

/// Where the command is, if only settings precede it.
fn command(words: &[OsString]) -> Option<usize> {
    let definition = Cli::command();
    let takes_value = |flag: &str| {
        let mut known = definition.get_arguments();
        known
            .find(|argument| argument.get_long() == Some(flag))
            .map(|argument| argument.get_action().takes_values())
    };
    let mut at = 1;
    loop {
        let word = words.get(at)?.to_str()?;
        at += match word.strip_prefix("--") {
            None if definition.find_subcommand(word).is_some() => return Some(at),
            // The parser judges whatever is not a setting.
            None => return None,
            Some(flag) if flag.contains('=') => 1,
            Some(flag) => 1 + usize::from(takes_value(flag)?),
        };
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn moved(line: &str) -> Vec<String> {
        let words = line.split(' ').map(OsString::from).collect();
        let words = settings_last(words).into_iter();
        words.map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn settings_move_behind_the_command() {
        for (line, expected) in [
            (
                "p --region eu host-config cursor --json",
                "p host-config --region eu cursor --json",
            ),
            (
                "p --read-only --timeout=5s call x -",
                "p call --read-only --timeout=5s x -",
            ),
            ("p call --region eu", "p call --region eu"),
            ("p --region eu", "p --region eu"),
            ("p --region call call", "p call --region call"),
            ("p --no-such call x", "p --no-such call x"),
            ("p --help call", "p --help call"),
            ("p -x call", "p -x call"),
        ] {
            assert_eq!(moved(line).join(" "), expected);
        }
    }

    #[test]
    fn conflicts_and_repetitions_are_seen_on_both_sides_of_the_command() {
        let conflict = Cli::try_parse_from(moved("p --region eu host-config cursor --base-url https://x.example"));
        assert_eq!(conflict.unwrap_err().kind(), clap::error::ErrorKind::ArgumentConflict);
        #[cfg(feature = "sandbox")]
        {
            let cli =
                Cli::try_parse_from(moved("p --sandbox-fault 401:1 serve --sandbox --sandbox-fault 429:1")).unwrap();
            assert_eq!(cli.flags.sandbox_fault.len(), 2);
        }
    }
}

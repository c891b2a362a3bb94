//! Variables that protect or permit: an unreadable value never counts as the weaker choice.

use std::str::FromStr;

use super::ConfigError;
use super::variable::Said;
use crate::cli::Environment;
use crate::llamacloud::InvalidId;
use crate::untrusted::quote;

/// What a variable says; `None` if it is not set.
///
/// # Errors
/// Why it cannot be read. Shape: `"${X}" was not expanded`.
fn read<'a>(name: &str, environment: &'a Environment) -> Result<Option<&'a str>, String> {
    match Said::of(name, environment) {
        Said::Nothing => Ok(None),
        Said::Text(text) => Ok(Some(text)),
        Said::NotUnicode(_) => Err("its value is not Unicode text".to_owned()),
        Said::Unexpanded(text) => Err(format!("{} was not expanded", quote(text, 60))),
    }
}

fn error(name: &str, problem: &str) -> ConfigError {
    ConfigError(format!("{name}: {problem}"))
}

/// A switch that protects: on if its flag is given or its variable says so. A variable that cannot be read stops the start.
pub(super) fn protection(flag: bool, name: &str, environment: &Environment) -> Result<bool, ConfigError> {
    match read(name, environment) {
        Ok(None) => Ok(flag),
        Ok(Some(text)) => Ok(flag | truth(name, text)?),
        Err(problem) => Err(error(name, &problem)),
    }
}

/// A switch that permits: a variable that cannot be read permits nothing.
pub(super) fn permission(flag: bool, name: &str, environment: &Environment) -> Result<bool, ConfigError> {
    match Said::of(name, environment).text() {
        None => Ok(flag),
        Some(text) => Ok(flag | truth(name, text)?),
    }
}

/// An ID that binds the server, such as a project. The flag wins; a variable that cannot be read stops the start.
pub(super) fn pin<T: FromStr<Err = InvalidId>>(
    (flag, given): (&str, Option<&str>),
    variable: &str,
    environment: &Environment,
) -> Result<Option<T>, ConfigError> {
    let (source, text) = match (given, read(variable, environment)) {
        (Some(text), _) => (flag, text),
        (None, Ok(Some(text))) => (variable, text),
        (None, Ok(None)) => return Ok(None),
        (None, Err(problem)) => return Err(error(variable, &problem)),
    };
    let id = text
        .parse()
        .map_err(|problem| ConfigError(format!("{source} {problem}")))?;
    Ok(Some(id))
}

fn truth(name: &str, text: &str) -> Result<bool, ConfigError> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(error(name, &format!("{} is neither true nor false", quote(text, 60)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llamacloud::ProjectId;

    #[test]
    fn what_cannot_be_read_never_weakens_a_protection() {
        for (flag, said, protects, permits) in [
            (false, "", Some(false), Some(false)),
            (true, "0", Some(true), Some(true)),
            (false, "TRUE", Some(true), Some(true)),
            (false, "1", Some(true), Some(true)),
            (false, "false", Some(false), Some(false)),
            (false, "${X:-true}", None, Some(false)),
            (false, "${X}", None, Some(false)),
            (false, "{{X}}", None, Some(false)),
            (true, "{{X}}", None, Some(true)),
            (true, "maybe", None, None),
        ] {
            let environment = Environment::of([("NAME", said)]);
            assert_eq!(protection(flag, "NAME", &environment).ok(), protects, "{said}");
            assert_eq!(permission(flag, "NAME", &environment).ok(), permits, "{said}");
        }
    }

    #[test]
    fn a_pin_that_cannot_be_read_stops_the_start() {
        let pin = |flag, said: &str| {
            let pinned = pin::<ProjectId>(("--name", flag), "NAME", &Environment::of([("NAME", said)]));
            pinned
                .map(|id| id.map(|id| id.to_string()))
                .map_err(|error| error.to_string())
        };
        assert_eq!(pin(None, ""), Ok(None));
        assert_eq!(pin(None, "p-1"), Ok(Some("p-1".to_owned())));
        assert_eq!(pin(Some("p-2"), "${X}"), Ok(Some("p-2".to_owned())));
        let names_its_source = |flag, source: &str| {
            assert!(pin(flag, "a b").unwrap_err().starts_with(source));
        };
        names_its_source(None, "NAME ");
        names_its_source(Some("a b"), "--name ");
        for said in ["${X}", "{{X}}"] {
            assert_eq!(pin(None, said), Err(format!("NAME: \"{said}\" was not expanded")));
        }
    }
}

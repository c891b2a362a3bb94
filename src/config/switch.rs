//! Settings that are on or off, which a variable can say as well as a flag: bundles and hosts pass choices as variables.

use std::ffi::OsStr;

use super::{ConfigError, given};
use crate::foreign;

/// A switch is on if its flag is there, or if its variable says so. What says neither is not guessed at.
pub(super) fn switch(flag: bool, name: &str, variable: Option<&OsStr>) -> Result<bool, ConfigError> {
    let Some(value) = given(variable) else {
        return Ok(flag);
    };
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(flag),
        _ => {
            let quoted = foreign::quote(&value, 60);
            Err(ConfigError(format!("{name}: {quoted} is neither true nor false")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_on_by_its_flag_or_its_variable() {
        for (flag, said, expected) in [
            (true, "0", Some(true)),
            (false, "TRUE", Some(true)),
            (false, "1", Some(true)),
            (false, "false", Some(false)),
            (false, "${user_config.x}", Some(false)),
            (true, "maybe", None),
        ] {
            assert_eq!(switch(flag, "NAME", Some(OsStr::new(said))).ok(), expected, "{said}");
        }
    }
}

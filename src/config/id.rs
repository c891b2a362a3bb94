//! Ids in settings.

use crate::untrusted;

/// An id as it may stand in a request.
///
/// # Errors
/// What an id is, for what is none.
pub fn check_id(value: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if fits {
        return Ok(value.to_owned());
    }
    let quoted = untrusted::quote(value, 60);
    Err(format!(
        "{quoted} is not 1 to 128 of the characters A-Z, a-z, 0-9, _ and -"
    ))
}

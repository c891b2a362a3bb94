//! Words that are right, nearly right, and wrong on purpose.

use arbitrary::{Result, Unstructured};

/// Texts that hide, reorder, or end early.
const ODD: [&str; 15] = [
    "",
    " ",
    "\u{0}",
    "\u{1b}[31mred",
    "gpj.\u{202e}exe",
    "zero\u{200b}width\u{feff}",
    "tags\u{e0041}\u{e007f}",
    "\"quoted\"",
    "two\nlines",
    "\\",
    "naïve 文書 👩‍🔬",
    "../../v1",
    "null",
    "🦙",
    "2026-11-24T08:00:00Z",
];

/// Any text: odd, what the fuzzer makes up, or long.
pub(crate) fn text(choices: &mut Unstructured<'_>) -> Result<String> {
    Ok(match choices.int_in_range(0..=7)? {
        0..=3 => (*choices.choose(&ODD)?).to_owned(),
        4..=6 => choices.arbitrary::<&str>()?.chars().take(200).collect(),
        _ => {
            let length = *choices.choose(&[40, 41, 128, 129, 300, 2048, 2049, 5000])?;
            choices.choose(&["x", "é", "\u{202e}"])?.repeat(length)
        }
    })
}

/// An id: most of the time one of a few that exist.
pub(crate) fn id(choices: &mut Unstructured<'_>, prefix: &str) -> Result<String> {
    let number = choices.int_in_range(0..=4)?;
    Ok(match choices.int_in_range(0..=8)? {
        0 => format!("{prefix}-none"),
        _ => format!("{prefix}-{}", "1".repeat(number + 1)),
    })
}

//! Puts tables where the document has markers for them: `<!-- NAME -->` before, `<!-- end of NAME -->` after.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Replaces what stands between the markers of these names.
pub(crate) fn write(document: &Path, parts: &[(&str, String)]) -> Result<()> {
    let shown = || document.display().to_string();
    let mut text = fs::read_to_string(document).with_context(shown)?;
    for (name, part) in parts {
        text = replaced(&text, name, part).with_context(|| format!("{} has no markers of {name}", shown()))?;
    }
    fs::write(document, text).with_context(shown)
}

fn replaced(text: &str, name: &str, part: &str) -> Option<String> {
    let (start, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&start)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{start}\n\n{}\n\n{end}{after}", part.trim()))
}

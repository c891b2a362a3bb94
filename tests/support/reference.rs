//! Documents that others publish and that checks are made against: the protocol's schemas, the API's description.
//!
//! They are no part of this repository, and no published package has the schemas of all revisions: the SDKs have types made from
//! some of them, which accept more than a schema does. They are looked for in `shared`, beside the checkout or above it. Where one
//! is missing, its check is not made, and that is said on stderr, which `.ci/run` counts.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The text of a document, by its path in that folder.
pub(crate) fn read(file: &str) -> Option<String> {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let text = folders.find_map(|folder| std::fs::read_to_string(folder.join("shared").join(file)).ok());
    if text.is_none() {
        say_skipped(file);
    }
    text
}

/// Once for each document and process. Not by a macro: what macros print is shown only for tests that fail.
fn say_skipped(file: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(file.to_owned()) {
        drop(writeln!(
            io::stderr(),
            "SKIPPED: every check against {file}, which is not beside this checkout"
        ));
    }
}

//! Uploading results as if they were documents.

use std::cell::Cell;

use super::{Temporary, all};
use crate::files::*;

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// Lists what follows the word `results`, a path a line.
const MARK: ResultsMark = ResultsMark {
    name: "manifest.json",
    max_bytes: 40,
    saved_paths: |text| {
        READ.set(READ.get() + 1);
        let text = std::str::from_utf8(text).ok()?.strip_prefix("results")?;
        Some(text.lines().map(str::to_owned).collect())
    },
};

#[test]
fn saved_results_are_left_out() {
    let temporary = Temporary::new();
    let too_long = format!("results\n{}", "x\n".repeat(20));
    for (name, content) in [
        ("docs/a.pdf", "a"),
        ("docs/a.pdf.md", "a"),
        ("docs/manifest.json", "results\na.pdf.md\nsub/b.pdf.md"),
        ("docs/new/manifest.json", "results"),
        ("docs/new/c.pdf.md", "c"),
        ("docs/other/a.pdf.md", "the user's"),
        ("docs/other/manifest.json", "{}"),
        ("docs/long/d.md", "the user's"),
        ("docs/long/manifest.json", &too_long),
        ("docs/sub/b.pdf.md", "b"),
        ("docs/sub/old/manifest.json", "results"),
        ("docs/sub/old/deeper/d.pdf.md", "d"),
    ] {
        temporary.file(name, content);
    }
    let allowed = temporary.allowed("docs");
    let found = |path: &str| {
        let found = allowed
            .place(path)
            .unwrap()
            .files(&all().without_results(MARK))
            .unwrap();
        let files: Vec<_> = found.files.into_iter().map(|file| file.path).collect();
        (files, found.refused)
    };
    let refused = |expected: &[(&str, Refusal)]| -> Vec<_> {
        let expected = expected.iter();
        expected.map(|(path, refusal)| ((*path).to_owned(), *refusal)).collect()
    };
    let (files, left_out) = found(".");
    assert_eq!(files, ["a.pdf", "long/d.md", "other/a.pdf.md"]);
    let expected = [
        ("a.pdf.md", Refusal::SavedResult),
        ("long/manifest.json", Refusal::Extension),
        ("manifest.json", Refusal::Extension),
        ("new", Refusal::ResultsFolder),
        ("other/manifest.json", Refusal::Extension),
        ("sub/b.pdf.md", Refusal::SavedResult),
        ("sub/old", Refusal::ResultsFolder),
    ];
    assert_eq!(left_out, refused(&expected));
    assert_eq!(READ.get(), 4, "neither what is too long nor what is not there");
    let (files, left_out) = found("new");
    assert_eq!(files, ["c.pdf.md"], "what is asked for by its own name");
    assert_eq!(left_out, refused(&[("manifest.json", Refusal::Extension)]));
    assert_eq!(
        found("a.pdf.md").0,
        ["a.pdf.md"],
        "a file that is asked for by its own name"
    );
}

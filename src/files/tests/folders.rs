//! Folders that are refused as a whole.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::{Temporary, all};
use crate::files::*;

#[test]
fn a_folder_that_may_hold_the_key_file_is_refused() {
    let temporary = Temporary::new();
    temporary.file("docs/a.pdf", "a");
    let check = |key_file: PathBuf, expected: &str| {
        let forbidden = Forbidden {
            home: None,
            key_file: Some(key_file),
        };
        let opened = Allowed::open(&[temporary.0.join("docs")], &forbidden);
        let said = opened.map_or_else(|error| error.to_string(), |_| "open".to_owned());
        assert!(said.contains(expected), "{said}");
    };
    check(temporary.0.join("docs/not/yet"), "contains the file with the API key");
    check(temporary.0.join("elsewhere/not/yet"), "open");
    check(PathBuf::new(), "may contain");
    check(
        temporary.0.join("docs/a.pdf/key"),
        if cfg!(unix) { "may contain" } else { "contain" },
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(temporary.0.join("docs"), temporary.0.join("link")).unwrap();
        std::os::unix::fs::symlink(temporary.0.join("docs/none"), temporary.0.join("broken")).unwrap();
        check(temporary.0.join("link/key"), "contains the file with the API key");
        check(temporary.0.join("broken"), "may contain");
    }
}

#[test]
fn a_folder_that_cannot_be_listed_in_time_is_refused() {
    let temporary = Temporary::new();
    temporary.file("docs/a/b.pdf", "b");
    let place = temporary.allowed("docs").place(".").unwrap();
    let now = Instant::now();
    assert_eq!(place.files(&all().until(now)).unwrap_err(), TooMuch::Time);
    let found = place.files(&all().until(now + Duration::from_hours(1))).unwrap();
    assert_eq!(found.files.len(), 1);
}

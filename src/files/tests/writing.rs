//! Overwriting files, and escaping a folder.

use std::fs;

use super::Temporary;
use crate::files::*;

#[test]
fn results_are_whole_private_and_never_over_other_contents() {
    let temporary = Temporary::new();
    fs::create_dir(temporary.0.join("out")).unwrap();
    let output = Output::open(&temporary.0.join("out"), &Forbidden::default()).unwrap();
    let folder = output.folder("bat-1").unwrap().unwrap();
    let read = |path: &str| fs::read_to_string(temporary.0.join("out/bat-1").join(path)).unwrap();

    assert_eq!(
        folder.save("a/x.md", "dfl-1", b"one").unwrap(),
        Saved::New("a/x.md".to_owned())
    );
    assert_eq!(
        folder.save("a/x.md", "dfl-1", b"one").unwrap(),
        Saved::AlreadyThere("a/x.md".to_owned())
    );
    let beside = "a/x (dfl-2).md".to_owned();
    assert_eq!(
        folder.save("a/x.md", "dfl-2", b"two").unwrap(),
        Saved::New(beside.clone())
    );
    assert_eq!(
        folder.save("a/x.md", "dfl-2", b"two").unwrap(),
        Saved::AlreadyThere(beside)
    );
    assert_eq!(folder.save("a/x.md", "dfl-2", b"three").unwrap(), Saved::NameTaken);
    for path in ["a/x.md/y.md", "a/x.md/b/y.md"] {
        let blocked = folder.save(path, "dfl-1", b"new").unwrap();
        assert_eq!(blocked, Saved::NoFolder("a/x.md".to_owned()), "{path}");
    }
    assert_eq!(
        (read("a/x.md"), read("a/x (dfl-2).md")),
        ("one".to_owned(), "two".to_owned())
    );
    assert!(folder.holds("a/x.md", 3, &sha256_hex([b"one".as_slice()])));
    assert!(!folder.holds("a/x.md", 3, &sha256_hex([b"two".as_slice()])));

    folder.replace("manifest.json", b"{}").unwrap();
    folder.replace("manifest.json", b"{1}").unwrap();
    assert_eq!(folder.read("manifest.json", 9).unwrap().unwrap(), b"{1}");
    assert_eq!(folder.read("none", 9).unwrap(), None);
    assert!(folder.read("manifest.json", 2).is_err());

    let left: Vec<_> = fs::read_dir(temporary.0.join("out/bat-1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "no partial files: {left:?}");
}

/// Results that nobody finds would be reported as saved, and other documents would be uploaded than the path names.
#[cfg(unix)]
#[test]
fn a_folder_that_was_replaced_is_neither_written_nor_read() {
    let temporary = Temporary::new();
    temporary.file("docs/a.pdf", "a");
    let path = temporary.0.join("docs");
    let (output, allowed) = (
        Output::open(&path, &Forbidden::default()).unwrap(),
        temporary.allowed("docs"),
    );
    let is_usable = || (output.folder("").is_ok(), allowed.place("a.pdf").is_ok());
    assert_eq!(is_usable(), (true, true));
    fs::rename(&path, temporary.0.join("moved")).unwrap();
    assert_eq!(is_usable(), (false, false));
    temporary.file("docs/a.pdf", "another");
    assert_eq!(is_usable(), (false, false));
    fs::remove_dir_all(&path).unwrap();
    fs::rename(temporary.0.join("moved"), &path).unwrap();
    assert_eq!(is_usable(), (true, true));
}

#[test]
fn a_folder_for_results_is_inside_the_output_folder() {
    let temporary = Temporary::new();
    let out = temporary.0.join("out");
    fs::create_dir(&out).unwrap();
    let forbidden = Forbidden {
        home: Some(temporary.0.clone()),
        key_file: None,
    };
    let output = Output::open(&out, &forbidden).unwrap();
    let inside = |path: &str| out.join(path).to_str().unwrap().to_owned();
    for (path, expected) in [
        ("", "."),
        (".", "."),
        ("a/b", "a/b"),
        ("a..b", "a..b"),
        ("~/out/g", "g"),
        (out.to_str().unwrap(), "."),
        (&inside(""), "."),
        (&inside("a/b"), "a/b"),
    ] {
        assert_eq!(output.relative(path).as_deref(), Ok(expected), "{path}");
    }
    let error = output.relative("..").unwrap_err();
    assert!(error.to_string().contains(out.to_str().unwrap()), "{error}");
    for path in [
        "../x",
        "a/../b",
        r"..\x",
        "/",
        "/abs",
        "~",
        "~/other",
        &inside("../other"),
        &inside("a/../b"),
        &format!("{}-other/a", out.display()),
    ] {
        assert_eq!(output.relative(path), Err(error.clone()), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn results_go_nowhere_else() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let temporary = Temporary::new();
    let outside = temporary.file("outside/x.md", "precious");
    let out = temporary.0.join("out");
    fs::create_dir(&out).unwrap();
    let output = Output::open(&out, &Forbidden::default()).unwrap();
    symlink(&outside, out.join("link.md")).unwrap();
    symlink(temporary.0.join("new.md"), out.join("dangling.md")).unwrap();
    symlink(temporary.0.join("outside"), out.join("folder")).unwrap();
    let folder = output.folder("").unwrap().unwrap();
    assert!(output.folder("").unwrap().is_none(), "one at a time");

    assert_eq!(
        folder.save("link.md", "dfl-1", b"new").unwrap(),
        Saved::New("link (dfl-1).md".to_owned())
    );
    assert_eq!(
        folder.save("dangling.md", "dfl-1", b"new").unwrap(),
        Saved::New("dangling (dfl-1).md".to_owned())
    );
    assert_eq!(
        folder.save("folder/y.md", "dfl-1", b"new").unwrap(),
        Saved::NoFolder("folder".to_owned())
    );
    assert!(folder.save("../y.md", "dfl-1", b"new").is_err());
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
    assert!(!temporary.0.join("new.md").exists() && !temporary.0.join("y.md").exists());
    let mode = fs::metadata(out.join("link (dfl-1).md")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // The name of a folder is cleaned like every other name.
    drop(folder);
    for (name, expected) in [("../up", "_/up"), ("/abs", "abs"), ("a/b", "a/b"), (".", "")] {
        let folder = output.folder(name).unwrap().unwrap();
        assert_eq!(
            folder.to_string(),
            out.join(expected).to_str().unwrap().trim_end_matches('/')
        );
    }
    assert!(output.folder("folder").is_err(), "a link");

    fs::write(out.join(".llamacloud-batches-1-1.part"), "half").unwrap();
    let folder = output.folder("").unwrap().unwrap();
    assert!(
        !out.join(".llamacloud-batches-1-1.part").exists(),
        "left by a process that was killed"
    );
    fs::remove_dir_all(&out).unwrap();
    let error = folder.save("x.md", "dfl-1", b"new").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

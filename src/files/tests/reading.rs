//! Escaping a folder, reading hidden files, and unusual names.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Temporary, all};
use crate::files::*;

fn paths(found: &Found) -> Vec<&str> {
    found.files.iter().map(|file| file.path.as_str()).collect()
}

fn refused(found: &Found) -> Vec<(&str, Refusal)> {
    found
        .refused
        .iter()
        .map(|(path, refusal)| (path.as_str(), *refusal))
        .collect()
}

fn not_tested(what: &str) {
    drop(writeln!(std::io::stderr(), "NOT TESTED: {what}"));
}

#[test]
fn only_paths_inside_an_allowed_folder_mean_anything_and_all_others_get_one_error() {
    let temporary = Temporary::new();
    temporary.file("docs/a.pdf", "a");
    temporary.file("docs/sub/b.pdf", "b");
    temporary.file("docs/.ssh/id.pdf", "secret");
    temporary.file("docs/.env", "secret");
    temporary.file("docs-evil/c.pdf", "c");
    let allowed = temporary.allowed("docs");
    let inside = |path: &str| temporary.0.join(path).to_str().unwrap().to_owned();

    for path in [
        ".",
        "",
        "a.pdf",
        "./a.pdf",
        "sub",
        "sub/b.pdf",
        "docs/a.pdf",
        "docs",
        &inside("docs"),
        &inside("docs/a.pdf"),
        &inside("docs/./sub/b.pdf"),
    ] {
        assert!(allowed.place(path).is_ok(), "{path}");
    }
    let error = allowed.place("nothing.pdf").unwrap_err();
    for path in [
        &inside("docs-evil/c.pdf"),
        &inside("docs-evil"),
        &inside("docs/../docs-evil/c.pdf"),
        &inside(""),
        "/",
        "/etc/passwd",
        "/proc/self/environ",
        "../docs-evil/c.pdf",
        "sub/../a.pdf",
        "..",
        "sub/../../docs-evil/c.pdf",
        "%2e%2e/docs-evil/c.pdf",
        "~",
        "~root",
        "~/x.pdf",
        r"..\docs-evil\c.pdf",
        r"C:\Windows\win.ini",
        r"\\?\C:\Windows",
        "CON",
        "a.pdf/x",
        "a.pdf\0",
        "\0",
        ".env",
        ".ssh",
        ".ssh/id.pdf",
        &inside("docs/.ssh/id.pdf"),
        "a.pdf.",
        "a.pdf ",
        "a.pdf:b.pdf",
        "a.pdf::$DATA",
        "sub::$INDEX_ALLOCATION",
        "SSH~1",
        "SSH~1/id.pdf",
        "none/none/none.pdf",
        "file:///etc/passwd",
    ] {
        assert_eq!(allowed.place(path).err(), Some(error.clone()), "{path:?}");
    }
    assert!(error.to_string().contains(&inside("docs")), "{error}");
}

/// On Windows, making a link takes rights that a user need not have.
#[cfg(unix)]
#[test]
fn a_path_may_use_either_spelling_of_a_folder() {
    let temporary = Temporary::new();
    temporary.file("real/a.pdf", "a");
    std::os::unix::fs::symlink(temporary.0.join("real"), temporary.0.join("link")).unwrap();
    let allowed = temporary.allowed("link");
    for folder in ["link", "real"] {
        assert!(
            allowed
                .place(temporary.0.join(folder).join("a.pdf").to_str().unwrap())
                .is_ok(),
            "{folder}"
        );
    }
}

#[test]
fn a_path_may_begin_with_the_home_folder() {
    let temporary = Temporary::new();
    temporary.file("real/a.pdf", "a");
    let forbidden = Forbidden {
        home: Some(temporary.0.clone()),
        key_file: None,
    };
    let allowed = Allowed::open(&[temporary.0.join("real")], &forbidden).unwrap();
    assert!(allowed.place("~/real/a.pdf").is_ok());
    assert!(allowed.place("~/a.pdf").is_err());
}

#[test]
fn a_folder_that_allows_too_much_is_refused() {
    let temporary = Temporary::new();
    let key = temporary.file("home/docs/keys/llama.key.txt", "llx-1");
    temporary.file("home/other/a.pdf", "a");
    let forbidden = Forbidden {
        home: Some(temporary.0.join("home")),
        key_file: Some(key.clone()),
    };
    let open = |path: &Path| {
        Allowed::open(&[path.to_owned()], &forbidden)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert!(open(&temporary.0.join("home/other")).is_ok());
    let check = |path: PathBuf, expected: &str| {
        let error = open(&path).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check(PathBuf::from("/"), "too wide");
    check(temporary.0.join("home"), "too wide");
    check(temporary.0.clone(), "too wide");
    check(temporary.0.join("home/docs"), "API key");
    check(temporary.0.join("home/docs/keys"), "API key");
    check(temporary.0.join("none"), "cannot be opened");
    check(key, "cannot be opened");
}

#[test]
fn each_file_that_is_not_uploaded_has_its_reason() {
    let temporary = Temporary::new();
    for (name, content) in [
        ("docs/b.PDF", "b"),
        ("docs/a/x.pdf", "x"),
        ("docs/slides.key", "PK\u{3}\u{4}"),
        ("docs/notes.txt", "n"),
        ("docs/empty.pdf", ""),
        ("docs/server.key", "-----BEGIN"),
        ("docs/id_rsa", "k"),
        ("docs/a.json", "{}"),
        ("docs/.env", "k"),
        ("docs/.git/config.txt", "k"),
        ("docs/~$report.docx", "k"),
    ] {
        temporary.file(name, content);
    }
    fs::File::create(temporary.0.join("docs/huge.pdf"))
        .unwrap()
        .set_len(MAX_FILE_BYTES + 1)
        .unwrap();
    let found = temporary.allowed("docs").place(".").unwrap().files(&all()).unwrap();
    assert_eq!(paths(&found), ["a/x.pdf", "b.PDF", "notes.txt", "slides.key"]);
    let expected = [
        (".env", Refusal::Hidden),
        (".git", Refusal::Hidden),
        ("a.json", Refusal::Extension),
        ("empty.pdf", Refusal::Empty),
        ("huge.pdf", Refusal::TooLarge),
        ("id_rsa", Refusal::Extension),
        ("server.key", Refusal::NotKeynote),
        ("~$report.docx", Refusal::OfficeLock),
    ];
    assert_eq!(refused(&found), expected);
    let allowed = temporary.allowed("docs");
    for (path, refusal) in expected {
        if refusal != Refusal::Hidden {
            let found = allowed.place(path).unwrap().files(&all()).unwrap();
            assert_eq!(refused(&found), [(path, refusal)], "as a file of its own");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_never_read() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    let temporary = Temporary::new();
    let secret = temporary.file("secret.pdf", "secret");
    temporary.file("outside/c.pdf", "c");
    temporary.file("docs/a.pdf", "a");
    let docs = temporary.0.join("docs");
    symlink(&secret, docs.join("file.pdf")).unwrap();
    symlink("../secret.pdf", docs.join("relative.pdf")).unwrap();
    symlink("a.pdf", docs.join("inside.pdf")).unwrap();
    symlink(temporary.0.join("outside"), docs.join("folder")).unwrap();
    symlink("folder", docs.join("chain")).unwrap();
    symlink("loop", docs.join("loop")).unwrap();
    symlink("nowhere", docs.join("dangling.pdf")).unwrap();
    symlink("/proc/self/environ", docs.join("environ.txt")).unwrap();
    fs::hard_link(&secret, docs.join("hard.pdf")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(docs.join("pipe.pdf")).status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(docs.join("socket.pdf")).unwrap();
    // A file system may refuse such a name; then there is nothing to test.
    let has_odd_name = fs::write(docs.join(std::ffi::OsStr::from_bytes(b"bad\xff.pdf")), "x").is_ok();

    let allowed = temporary.allowed("docs");
    let found = allowed.place(".").unwrap().files(&all()).unwrap();
    assert_eq!(paths(&found), ["a.pdf"]);
    let mut expected = vec![
        ("chain", Refusal::SymbolicLink),
        ("dangling.pdf", Refusal::SymbolicLink),
        ("environ.txt", Refusal::SymbolicLink),
        ("file.pdf", Refusal::SymbolicLink),
        ("folder", Refusal::SymbolicLink),
        ("hard.pdf", Refusal::HardLink),
        ("inside.pdf", Refusal::SymbolicLink),
        ("loop", Refusal::SymbolicLink),
        ("pipe.pdf", Refusal::NotRegular),
        ("relative.pdf", Refusal::SymbolicLink),
        ("socket.pdf", Refusal::NotRegular),
    ];
    if has_odd_name {
        expected.insert(0, ("bad\u{fffd}.pdf", Refusal::NotUnicode));
    }
    assert_eq!(refused(&found), expected);
    for path in [
        "file.pdf",
        "relative.pdf",
        "folder",
        "folder/c.pdf",
        "chain/c.pdf",
        "loop",
        "dangling.pdf",
        "environ.txt",
    ] {
        assert!(allowed.place(path).is_err(), "{path}");
    }
    for path in ["hard.pdf", "pipe.pdf", "socket.pdf"] {
        assert!(
            allowed.place(path).unwrap().files(&all()).unwrap().files.is_empty(),
            "{path}"
        );
    }
}

#[test]
fn names_that_differ_little_are_files_of_their_own_and_long_ones_are_files_too() {
    let temporary = Temporary::new();
    let longest = format!("{}.pdf", "n".repeat(251));
    let mut expected = vec![
        "A.pdf",
        "a.pdf",
        &longest,
        "r\u{e9}sum\u{e9}.pdf",
        "re\u{301}sume\u{301}.pdf",
    ];
    for name in &expected {
        temporary.file(&format!("docs/{name}"), name);
    }
    let held: Vec<_> = fs::read_dir(temporary.0.join("docs")).unwrap().collect();
    if held.len() < expected.len() {
        not_tested("this file system takes some of these names for one");
        return;
    }
    let found = temporary.allowed("docs").place(".").unwrap().files(&all()).unwrap();
    expected.sort_unstable();
    assert_eq!(paths(&found), expected);
    for (file, name) in found.files.iter().zip(expected) {
        assert_eq!(file.content().unwrap().sha256, sha256_hex([name.as_bytes()]), "{name}");
    }
}

#[test]
fn folders_are_looked_into_32_deep() {
    let temporary = Temporary::new();
    let deepest = "n/".repeat(32);
    temporary.file(&format!("docs/{deepest}a.pdf"), "a");
    temporary.file(&format!("docs/{deepest}n/b.pdf"), "b");
    let allowed = temporary.allowed("docs");
    let found = allowed.place(".").unwrap().files(&all()).unwrap();
    assert_eq!(paths(&found), [format!("{deepest}a.pdf")]);
    assert_eq!(refused(&found), [(format!("{deepest}n").as_str(), Refusal::TooDeep)]);
    let inner = allowed.place("n/n").unwrap().files(&all()).unwrap();
    assert_eq!(inner.files.len(), 2, "counted from the folder that is asked for");
}

#[cfg(unix)]
#[test]
fn a_device_is_never_read() {
    let temporary = Temporary::new();
    temporary.file("docs/a.pdf", "a");
    let device = temporary.0.join("docs/null.pdf");
    let made = std::process::Command::new("mknod")
        .arg(&device)
        .args(["c", "1", "3"])
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        not_tested("a device, which only root can make");
        return;
    }
    let allowed = temporary.allowed("docs");
    let found = allowed.place(".").unwrap().files(&all()).unwrap();
    assert_eq!(
        (paths(&found), refused(&found)),
        (vec!["a.pdf"], vec![("null.pdf", Refusal::NotRegular)])
    );
    let found = allowed.place("null.pdf").unwrap().files(&all()).unwrap();
    assert_eq!(refused(&found), [("null.pdf", Refusal::NotRegular)]);
}

#[test]
fn patterns_choose_files_at_any_depth() {
    let temporary = Temporary::new();
    for name in ["docs/a.pdf", "docs/b.docx", "docs/2026/C.PDF", "docs/2026/q/d.pdf"] {
        temporary.file(name, "x");
    }
    let allowed = temporary.allowed("docs");
    let check = |include: &[&str], recursive: bool, expected: &[&str]| {
        let include: Vec<_> = include.iter().map(|&pattern| pattern.to_owned()).collect();
        let selection = Selection::new(&include, recursive).unwrap();
        let found = allowed.place(".").unwrap().files(&selection).unwrap();
        assert_eq!(paths(&found), expected, "{include:?}");
    };
    check(&[], true, &["2026/C.PDF", "2026/q/d.pdf", "a.pdf", "b.docx"]);
    check(&[], false, &["a.pdf", "b.docx"]);
    check(&["*.pdf"], true, &["2026/C.PDF", "2026/q/d.pdf", "a.pdf"]);
    check(&["2026/*.pdf"], true, &["2026/C.PDF"]);
    check(&["2026/**"], true, &["2026/C.PDF", "2026/q/d.pdf"]);
    check(&["*.docx", "./a.*"], true, &["a.pdf", "b.docx"]);
    check(&["../*"], true, &[]);
    let error = Selection::new(&["[".to_owned()], true).unwrap_err();
    assert!(error.starts_with("\"[\" is not a glob pattern"), "{error}");
}

#[test]
fn more_files_than_a_batch_takes_are_counted_and_refused() {
    let temporary = Temporary::new();
    for number in 0..=MAX_FILES {
        temporary.file(&format!("docs/{number}.txt"), "x");
    }
    let allowed = temporary.allowed("docs");
    let error = allowed.place(".").unwrap().files(&all()).unwrap_err();
    assert_eq!(error, TooMuch::Files(MAX_FILES + 1));
    let few = Selection::new(&["1?.txt".to_owned()], true).unwrap();
    assert_eq!(allowed.place(".").unwrap().files(&few).unwrap().files.len(), 10);
}

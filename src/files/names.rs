//! Names from LlamaCloud as names of files: cleaned one component at a time, unable to leave a folder, and each used once.
//!
//! The rules are the same everywhere, so that a folder that was written on one system can be copied to another.

use std::collections::HashMap;

use super::content::sha256_hex;
use crate::untrusted::{clean, folded};

/// Leaves room for the extension of the result within the 255 bytes of most file systems. Units: bytes.
const MAX_COMPONENT_BYTES: usize = 160;
const MAX_COMPONENTS: usize = 16;
/// The longest id beside a name: as long as LlamaCloud's ids, so that two of them fit beside the longest name. Units: bytes.
const MAX_ID_BYTES: usize = 40;
/// Names that mean devices on Windows, whatever their extension.
const RESERVED: [&str; 30] = [
    "con", "prn", "aux", "nul", "conin$", "conout$", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "com¹", "com²", "com³", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "lpt¹",
    "lpt²", "lpt³",
];

/// A file of LlamaCloud that needs a name here.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Distinguishes files of the same name. Shape: `dfl-…`.
    pub id: &'a str,
    /// As LlamaCloud shows it.
    pub name: &'a str,
}

/// A path for each file, in the same order, with `/`. The same claims always get the same paths.
///
/// If several would get the same path (ignoring case and Unicode normal form), all but the one with the smallest id get their
/// ids in their paths. `taken` are paths that are in use.
pub fn file_names(claims: &[Claim<'_>], taken: &[&str]) -> Vec<String> {
    let paths: Vec<Vec<String>> = claims.iter().map(|claim| components(claim.name)).collect();
    let mut owners: HashMap<String, &str> = taken.iter().map(|path| (folded(path), "")).collect();
    for (claim, path) in claims.iter().zip(&paths) {
        let owner = owners.entry(folded(&path.join("/"))).or_insert(claim.id);
        *owner = claim.id.min(owner);
    }
    let with_owner = claims.iter().zip(paths);
    with_owner
        .map(|(claim, path)| {
            let plain = path.join("/");
            if owners.get(&folded(&plain)) == Some(&claim.id) {
                plain
            } else {
                with_id(&plain, claim.id)
            }
        })
        .collect()
}

/// The folder of a path, empty if there is none, and the name in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A path with an id before its extensions. Shape: `a/x (dfl-1).pdf`.
pub(super) fn with_id(path: &str, id: &str) -> String {
    let id = if id.len() <= MAX_ID_BYTES {
        component(id)
    } else {
        sha256_hex([id.as_bytes()]).chars().take(16).collect()
    };
    let (folder, name) = split(path);
    let slash = if folder.is_empty() { "" } else { "/" };
    match name.split_once('.') {
        Some((stem, extension)) => format!("{folder}{slash}{stem} ({id}).{extension}"),
        None => format!("{folder}{slash}{name} ({id})"),
    }
}

fn components(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name
        .split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != ".")
        .map(component)
        .collect();
    if parts.len() > MAX_COMPONENTS {
        parts.drain(..parts.len() - MAX_COMPONENTS);
    }
    if parts.is_empty() {
        parts.push("unnamed".to_owned());
    }
    parts
}

fn component(part: &str) -> String {
    let printable = clean(part, part.len());
    let mut name: String = printable
        .chars()
        .map(|character| {
            if r#"<>:"|?*\/"#.contains(character) {
                '_'
            } else {
                character
            }
        })
        .collect();
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if name.is_empty() || name.starts_with('.') || RESERVED.iter().any(|reserved| stem.eq_ignore_ascii_case(reserved)) {
        name.insert(0, '_');
    }
    if name.len() > MAX_COMPONENT_BYTES {
        let hash = sha256_hex([part.as_bytes()]);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        let extension = extension.filter(|extension| extension.len() <= 10).map(str::to_owned);
        let mut end = MAX_COMPONENT_BYTES - 24;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.push('~');
        name.extend(hash.chars().take(8));
        if let Some(extension) = extension {
            name.push('.');
            name.push_str(&extension);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder_or_means_something_else_elsewhere() {
        for (name, expected) in [
            ("invoice 0417.pdf", "invoice 0417.pdf"),
            ("a/x.pdf", "a/x.pdf"),
            ("../x", "_/x"),
            ("..", "_"),
            ("/etc/passwd", "etc/passwd"),
            (r"..\..\x", "_/_/x"),
            (r"C:\x.pdf", "C_/x.pdf"),
            (r"\\?\C:\x", "_/C_/x"),
            ("./a//b/", "a/b"),
            ("", "unnamed"),
            ("/", "unnamed"),
            (".env", "_.env"),
            ("a/.ssh/id", "a/_.ssh/id"),
            ("x.pdf. .", "x.pdf"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1 .md", "_com1 .md"),
            ("LPT¹.pdf", "_LPT¹.pdf"),
            ("CONIN$", "_CONIN$"),
            ("a\r\nb\0c\u{202e}d.pdf", "a b cd.pdf"),
            ("what?*<>|\".pdf", "what______.pdf"),
            ("a:stream", "a_stream"),
            ("naïve 文書.pdf", "naïve 文書.pdf"),
        ] {
            assert_eq!(components(name).join("/"), expected, "{name:?}");
        }
    }

    #[test]
    fn long_names_stay_apart_and_keep_their_extension() {
        let long = |last: &str| components(&format!("{}{last}.pdf", "ä".repeat(200))).join("/");
        let (one, other) = (long("1"), long("2"));
        assert!(
            one.len() <= MAX_COMPONENT_BYTES && one.rsplit('.').next() == Some("pdf"),
            "{one}"
        );
        assert_ne!(one, other);
        let deep = components(&"a/".repeat(1000));
        assert_eq!(deep.len(), MAX_COMPONENTS);
    }

    #[test]
    fn the_longest_name_with_ids_and_extension_is_one_that_file_systems_take() {
        let id = format!("dfl-{}", "0".repeat(200));
        let claims = ["1", "2"].map(|last| format!("{}{last}.pdf", "n".repeat(251)));
        let claims = [&claims[0], &claims[0], &claims[1]].map(|name| Claim { id: &id, name });
        let names = file_names(&claims, &[&components(claims[0].name).join("/")]);
        for name in names {
            let saved = with_id(&format!("{name}.json"), &id);
            assert!(saved.len() <= 255, "{} bytes: {saved}", saved.len());
        }
    }

    #[test]
    fn names_that_are_one_on_some_file_systems_are_told_apart() {
        let check = |one: &str, other: &str| {
            let claims = [
                Claim { id: "dfl-1", name: one },
                Claim {
                    id: "dfl-2",
                    name: other,
                },
            ];
            let names = file_names(&claims, &[]);
            assert_eq!(names, [one.to_owned(), with_id(other, "dfl-2")], "{other:?}");
        };
        check("r\u{e9}sum\u{e9}.pdf", "re\u{301}sume\u{301}.pdf");
        check("re\u{301}sume\u{301}.pdf", "R\u{c9}SUM\u{c9}.pdf");
        check("a/b.pdf", "A/B.PDF");
    }

    #[test]
    fn files_of_one_name_get_a_path_each_and_always_the_same() {
        let claims = [
            Claim {
                id: "dfl-2",
                name: "x.pdf",
            },
            Claim {
                id: "dfl-1",
                name: "X.pdf",
            },
            Claim { id: "dfl-3", name: "y" },
            Claim { id: "dfl-4", name: "y" },
            Claim {
                id: "dfl-5",
                name: "manifest.json",
            },
        ];
        let expected = ["x (dfl-2).pdf", "X.pdf", "y", "y (dfl-4)", "manifest (dfl-5).json"];
        assert_eq!(file_names(&claims, &["manifest.json"]), expected);
        let mut turned = claims;
        turned.reverse();
        let mut names = file_names(&turned, &["manifest.json"]);
        names.reverse();
        assert_eq!(names, expected);
    }
}

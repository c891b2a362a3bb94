//! The API key: where it comes from, and whether what is there is a key at all. This is the only place that decides that.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::cli::{Environment, Flags};
use crate::files::reason;
use crate::llamacloud::KeySource;
use crate::untrusted::{is_unexpanded, quote};

/// A longer file is not a key file.
const MAX_FILE_BYTES: u64 = 4096;
/// The words that placeholders consist of. A key with no other words is a placeholder.
const WORDS_OF_EXAMPLES: [&str; 24] = [
    "add",
    "api",
    "apikey",
    "changeme",
    "cloud",
    "enter",
    "example",
    "goes",
    "here",
    "insert",
    "key",
    "llama",
    "llamacloud",
    "llx",
    "my",
    "paste",
    "placeholder",
    "put",
    "replace",
    "secret",
    "test",
    "the",
    "token",
    "your",
];

/// The API key. Its `Debug` shows no key.
#[derive(Debug, Clone)]
pub enum ApiKey {
    /// A key.
    Given(SecretString),
    /// None, and why: a clause that names the setting, such as `LLAMA_CLOUD_API_KEY is not set`.
    Missing(String),
}

/// The file that is to hold the key, as an absolute path.
pub(super) fn file(flags: &Flags) -> Option<PathBuf> {
    let path = flags.api_key_file.as_ref()?;
    // Fails for an empty path, which is no file either.
    Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
}

/// Finds the key: in the file, else in the first variable that holds one.
pub(super) fn find(file: Option<&Path>, environment: &Environment) -> (ApiKey, KeySource) {
    if let Some(path) = file {
        let key = read(path)
            .and_then(|line| usable(&line).map_err(|problem| format!("cannot be used: its first line {problem}")));
        return (given_or(key, KeySource::File), KeySource::File);
    }
    let set = |name| Some((KeySource::Variable(name), of_variable(environment.get(name)?)));
    let (first, second) = (set("LLAMA_CLOUD_API_KEY"), set("LLAMA_PARSE_API_KEY"));
    let (source, key) = match (first, second) {
        // If no variable holds a key, the error is about the first one that is set.
        (Some(first @ (_, Ok(_))), _) | (Some(first), None | Some((_, Err(_)))) => first,
        (_, Some(second)) => second,
        (None, None) => (KeySource::Variable("LLAMA_CLOUD_API_KEY"), Err("is not set".to_owned())),
    };
    (given_or(key, source), source)
}

fn given_or(key: Result<String, String>, source: KeySource) -> ApiKey {
    match key {
        Ok(key) => ApiKey::Given(SecretString::from(key)),
        Err(problem) => ApiKey::Missing(format!("{source} {problem}")),
    }
}

fn of_variable(value: &OsStr) -> Result<String, String> {
    usable(value.to_str().ok_or("is not Unicode text")?)
}

/// The key in a text, or what is wrong with the text, as the end of a sentence. No part of a possible key is repeated.
fn usable(text: &str) -> Result<String, String> {
    const QUOTES: [char; 3] = ['"', '\'', '`'];

    let key = text.trim();
    Err(match key {
        "" => "is empty",
        _ if is_unexpanded(key) => {
            let quoted = quote(key, 60);
            return Err(format!("holds the literal text {quoted}, which was not expanded"));
        }
        _ if is_placeholder(key) => "holds a placeholder and not a key",
        _ if key.starts_with(QUOTES) || key.ends_with(QUOTES) => "has quotation marks around the key",
        _ if key.to_ascii_lowercase().starts_with("bearer ") => {
            "begins with the word Bearer, which is not part of the key"
        }
        _ if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            "holds characters that no API key has, such as a space, a line break or a typographic quote"
        }
        _ => return Ok(key.to_owned()),
    }
    .to_owned())
}

/// Whether the whole text is a placeholder from some document. A real key may contain any of these words.
fn is_placeholder(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let mut words = lower
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let is_of_example = |word: &str| WORDS_OF_EXAMPLES.contains(&word) || word.bytes().all(|byte| byte == b'x');
    key.starts_with('<') || key.contains("...") || key.contains('…') || words.all(is_of_example)
}

/// The first line of a file, or why it cannot be read, without its path.
fn read(path: &Path) -> Result<String, String> {
    let cannot = |error: &io::Error| format!("cannot be read ({})", reason(error));
    // Before it is opened: opening a pipe may wait for ever.
    if !fs::metadata(path).map_err(|error| cannot(&error))?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("is longer than 4 KiB".to_owned());
    }
    let text = decode(&bytes).ok_or("is not text in UTF-8 or UTF-16")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Text as editors write it: UTF-8, or UTF-16 with a byte order mark. The mark is dropped.
fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, odd) = rest.as_chunks::<2>();
        let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<Result<String, _>>();
        text.ok().filter(|_| odd.is_empty())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn found(first: Option<&str>, second: Option<&str>) -> String {
        let mut environment = Environment::of([
            ("LLAMA_CLOUD_API_KEY", first.unwrap_or_default()),
            ("LLAMA_PARSE_API_KEY", second.unwrap_or_default()),
        ]);
        for (name, value) in [("LLAMA_CLOUD_API_KEY", first), ("LLAMA_PARSE_API_KEY", second)] {
            if value.is_none() {
                environment = environment.without(name);
            }
        }
        shown(find(None, &environment))
    }

    fn shown((key, source): (ApiKey, KeySource)) -> String {
        match key {
            ApiKey::Given(key) => format!("{} from {source}", key.expose_secret()),
            ApiKey::Missing(reason) => reason,
        }
    }

    #[test]
    fn the_first_variable_that_holds_a_key_is_used() {
        for (first, second, expected) in [
            (Some("llx-1"), None, "llx-1 from LLAMA_CLOUD_API_KEY"),
            (Some(" llx-1\n"), None, "llx-1 from LLAMA_CLOUD_API_KEY"),
            (None, Some("llx-2"), "llx-2 from LLAMA_PARSE_API_KEY"),
            (Some("llx-1"), Some("llx-2"), "llx-1 from LLAMA_CLOUD_API_KEY"),
            (Some(""), Some("llx-2"), "llx-2 from LLAMA_PARSE_API_KEY"),
            (None, None, "LLAMA_CLOUD_API_KEY is not set"),
            (Some(""), None, "LLAMA_CLOUD_API_KEY is empty"),
            (None, Some(" "), "LLAMA_PARSE_API_KEY is empty"),
            (
                Some("'llx-1'"),
                None,
                "LLAMA_CLOUD_API_KEY has quotation marks around the key",
            ),
            (
                Some("Bearer llx-1"),
                None,
                "LLAMA_CLOUD_API_KEY begins with the word Bearer, which is not part of the key",
            ),
            (
                Some("llx-a b"),
                None,
                "LLAMA_CLOUD_API_KEY holds characters that no API key has, such as a space, a line break or a typographic quote",
            ),
            (
                None,
                Some("${user_config.api_key}"),
                "LLAMA_PARSE_API_KEY holds the literal text \"${user_config.api_key}\", which was not expanded",
            ),
        ] {
            assert_eq!(found(first, second), expected);
        }
    }

    #[test]
    fn a_placeholder_is_not_a_key_and_a_key_is_not_a_placeholder() {
        for text in [
            "{{X}}",
            "${X}",
            "$X",
            "%X%",
            "{env:X}",
            "<your-key>",
            "YOUR_API_KEY",
            "llx-your-key",
            "llx-...",
            "llx-…",
            "llx-xxxxxxxx",
            "your-llama-cloud-api-key-here",
            "changeme",
            "...",
        ] {
            assert!(
                found(Some(text), None).starts_with("LLAMA_CLOUD_API_KEY holds "),
                "{text}"
            );
        }
        for key in [
            "llx-Ab3dEf6hIj9kxXx2nOp5qRs8tUv1wXy4zAb7cDe0fGh3iJk6l",
            "llx-Ab3dEf6hyOuR2nOp5qRs8tUv1wXy4zAb7cDe0fGh3iJk6lmN",
            "llx-example1",
            "llx-sandbox",
        ] {
            assert_eq!(found(Some(key), None), format!("{key} from LLAMA_CLOUD_API_KEY"));
        }
    }

    fn of_file(path: &Path) -> String {
        let environment = Environment::of([("LLAMA_CLOUD_API_KEY", "llx-1")]);
        shown(find(Some(path), &environment))
    }

    #[test]
    fn key_files_as_editors_write_them() {
        let folder = std::env::temp_dir().join(format!("llamacloud-batches-key-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("key");
        let utf16 = |unit: fn(u16) -> [u8; 2]| "\u{feff}llx-1\r\n".encode_utf16().flat_map(unit).collect::<Vec<_>>();
        let unusable = |problem: &str| format!("the file given with --api-key-file {problem}");
        let usable = "llx-1 from the file given with --api-key-file".to_owned();
        for (bytes, expected) in [
            (b"llx-1\nmore".to_vec(), usable.clone()),
            (b"\xef\xbb\xbfllx-1\r\n".to_vec(), usable.clone()),
            (utf16(u16::to_le_bytes), usable.clone()),
            (utf16(u16::to_be_bytes), usable.clone()),
            (vec![0xff, 0xfe, 0x00, 0xd8], unusable("is not text in UTF-8 or UTF-16")),
            (vec![0xff, 0xfe, 0x00], unusable("is not text in UTF-8 or UTF-16")),
            (vec![b'k', 0xff], unusable("is not text in UTF-8 or UTF-16")),
            (Vec::new(), unusable("cannot be used: its first line is empty")),
            (vec![b'k'; 5000], unusable("is longer than 4 KiB")),
            (
                [&b"llx-1\n"[..], &vec![b'k'; 100_000]].concat(),
                unusable("is longer than 4 KiB"),
            ),
            (
                b"llx-your-key".to_vec(),
                unusable("cannot be used: its first line holds a placeholder and not a key"),
            ),
        ] {
            fs::write(&path, &bytes).unwrap();
            assert_eq!(of_file(&path), expected);
        }
        fs::write(&path, "llx-1").unwrap();
        assert_eq!(of_file(&path), usable);
        assert_eq!(of_file(&folder), unusable("is not a regular file"));
        assert_eq!(
            of_file(&folder.join("none")),
            unusable("cannot be read (it does not exist)")
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        let expected = "the file given with --api-key-file is not a regular file";
        assert_eq!(of_file(Path::new("/dev/zero")), expected);
    }
}

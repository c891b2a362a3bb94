//! Texts of the program without what differs from run to run.

/// The text with the same IDs, instants and ports each time. The last part of a job's ID, which counts files, stays.
pub(crate) fn masked(text: &str) -> String {
    let text = mask(text, "hhhhhhhh-hhhh-hhhh-hhhh-", "00000000-0000-4000-8000-");
    let text = mask(
        &text,
        "bat-00000000-0000-4000-8000-hhhhhhhhhhhh",
        "bat-00000000-0000-4000-8000-000000000000",
    );
    let text = mask(
        &text,
        "ir-00000000-0000-4000-8000-hhhhhhhhhhhh",
        "ir-00000000-0000-4000-8000-000000000000",
    );
    let text = mask(&text, "dddd-dd-ddTdd:dd:ddZ", "2026-11-24T08:00:00Z");
    let text = number_after(&text, "http://127.0.0.1:", "8017");
    let text = text.replace(&refused(), "Connection refused (os error 1)");
    let text = number_after(&text, "(os error ", "1");
    let machine = format!("({} {})", std::env::consts::OS, std::env::consts::ARCH);
    let version = format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    text.replace(&machine, "(system machine)")
        .replace(&version, concat!(env!("CARGO_PKG_NAME"), " 0.0.0"))
}

/// How this system says that nothing listens on a port.
fn refused() -> String {
    let number = match std::env::consts::OS {
        "windows" => 10061,
        "macos" => 61,
        _ => 111,
    };
    std::io::Error::from_raw_os_error(number).to_string()
}

/// Replaces the number that follows these words.
fn number_after(text: &str, words: &str, replacement: &str) -> String {
    let mut parts = text.split(words);
    let mut replaced = parts.next().unwrap().to_owned();
    for part in parts {
        replaced.push_str(words);
        replaced.push_str(replacement);
        replaced.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    replaced
}

/// Replaces each place that looks like the pattern: `h` stands for a hexadecimal digit, `d` for a decimal one.
fn mask(text: &str, pattern: &str, replacement: &str) -> String {
    let fits = |rest: &str| {
        rest.get(..pattern.len()).is_some_and(|part| {
            part.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
                b'h' => byte.is_ascii_hexdigit(),
                b'd' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            })
        })
    };
    let mut masked = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if fits(rest) {
            masked.push_str(replacement);
            rest = &rest[pattern.len()..];
        } else {
            masked.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    masked
}

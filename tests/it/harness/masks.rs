//! Texts of the program without what differs from run to run.

/// The text with the same IDs, instants and ports each time. The last part of a job's ID, which counts files, stays.
pub(crate) fn masked(text: &str) -> String {
    let text = mask(text, "hhhhhhhh-hhhh-hhhh-hhhh-", "00000000-0000-4000-8000-");
    let text = mask(
        &text,
        "bat-00000000-0000-4000-8000-hhhhhhhhhhhh",
        "bat-00000000-0000-4000-8000-000000000000",
    );
    let text = mask(&text, "dddd-dd-ddTdd:dd:ddZ", "2026-11-24T08:00:00Z");
    let mut parts = text.split("http://127.0.0.1:");
    let mut masked = parts.next().unwrap().to_owned();
    for part in parts {
        masked.push_str("http://127.0.0.1:8017");
        masked.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    masked
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

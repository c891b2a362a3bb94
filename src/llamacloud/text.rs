//! Upstream words made fit to be quoted: bounded, on one line, without characters that hide or reorder text.

/// Returns `text` on one line and at most `max_chars` characters long, an ellipsis included.
///
/// Control, bidirectional, tag and other invisible formatting characters are removed; runs of white space become one space.
///
/// Shape: `clean("a\n\u{202e}b", 300)` is `"a b"`.
pub fn clean(text: &str, max_chars: usize) -> String {
    let mut cleaned = String::new();
    let mut length = 0;
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            space = length > 0;
            continue;
        }
        if is_hidden(character) {
            continue;
        }
        let needed = if space { 2 } else { 1 };
        if length + needed > max_chars {
            if length == max_chars {
                cleaned.pop();
            }
            cleaned.push('…');
            return cleaned;
        }
        if space {
            cleaned.push(' ');
            space = false;
        }
        cleaned.push(character);
        length += needed;
    }
    cleaned
}

/// Whether a character shows nothing itself but changes how others are read.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn hostile_text_becomes_one_short_line() {
        let check = |text: &str, max: usize, expected: &str| assert_eq!(clean(text, max), expected, "{text:?}");
        check("plain", 300, "plain");
        check("  two\r\n\tlines \n", 300, "two lines");
        check(
            "a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{7f}f\u{1b}[31m",
            300,
            "abcdef[31m",
        );
        check("tag\u{e0041}\u{e007f}s", 300, "tags");
        check("ünïcode 日本語", 300, "ünïcode 日本語");
        check("12345", 5, "12345");
        check("123456", 5, "1234…");
        check("1234 6", 5, "1234…");
        check("\u{2028}\u{2029}", 300, "");
        assert_eq!(clean(&"x".repeat(1_000_000), 60).chars().count(), 60);
    }
}

//! Words as a person types them into a shell.

/// The word, between quotation marks where a shell would read it differently.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,~".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if cfg!(windows) {
        format!("\"{}\"", word.replace('"', "\\\""))
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A call of this program with these words.
pub(super) fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = std::iter::once(env!("CARGO_PKG_NAME"))
        .chain(words)
        .map(quoted)
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_shell_reads_the_words_that_were_meant() {
        assert_eq!(
            command(["watch", "bat-1", "--api-key-file", "/home/a b/it's", "--log", ""]),
            r"llamacloud-batches-mcp watch bat-1 --api-key-file '/home/a b/it'\''s' --log ''"
        );
    }
}

//! Words as a person types them into a shell: a POSIX one, or cmd and PowerShell on Windows.

use super::System;

/// A command line that starts a program with these words.
pub fn command_line(words: &[&str], system: System) -> String {
    let words: Vec<_> = words.iter().map(|text| word(text, system)).collect();
    let line = words.join(" ");
    // To PowerShell, what begins with a quotation mark is a string and not a command.
    let needs_call = system == System::Windows && line.starts_with(['"', '\'']);
    if needs_call { format!("& {line}") } else { line }
}

/// One word, between quotation marks where a shell would read it differently.
pub fn word(text: &str, system: System) -> String {
    let always_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=+".contains(character);
    let is_plain = |more: &str| !text.is_empty() && text.chars().all(|one| always_plain(one) || more.contains(one));
    match system {
        System::Linux | System::MacOs if is_plain("@%,") => text.to_owned(),
        System::Linux | System::MacOs => format!("'{}'", text.replace('\'', r"'\''")),
        System::Windows if is_plain(r"\") => text.to_owned(),
        System::Windows => {
            // Doubled: a program reads a single backslash and the closing quotation mark after it as a literal quotation mark.
            let backslashes = text.len() - text.trim_end_matches('\\').len();
            let text = format!("{text}{}", r"\".repeat(backslashes));
            // Both shells read double quotation marks; PowerShell looks for variables between them, and takes typographic marks for
            // plain ones.
            if text.contains(['"', '$', '`', '“', '”', '„']) {
                let doubled = text.chars().flat_map(|one| {
                    let is_mark = ['\'', '‘', '’', '‚', '‛'].contains(&one);
                    std::iter::repeat_n(one, if is_mark { 2 } else { 1 })
                });
                format!("'{}'", doubled.collect::<String>())
            } else {
                format!("\"{text}\"")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_that_were_meant() {
        for (system, text, expected) in [
            (System::Linux, "/home/me/x.pdf", "/home/me/x.pdf"),
            (System::Linux, "create_batch,list_batches", "create_batch,list_batches"),
            (System::Linux, "/home/a b/it's", r"'/home/a b/it'\''s'"),
            (System::Linux, "~", "'~'"),
            (System::MacOs, "", "''"),
            (System::Windows, r"C:\Users\Me\docs\", r"C:\Users\Me\docs\"),
            (
                System::Windows,
                r"C:\Program Files\x.exe",
                r#""C:\Program Files\x.exe""#,
            ),
            (System::Windows, "Q3 “final”", "'Q3 “final”'"),
            (System::Windows, "$5 John’s", "'$5 John’’s'"),
            (System::Windows, r"C:\My documents\", r#""C:\My documents\\""#),
            // To PowerShell, a comma makes a list.
            (
                System::Windows,
                "create_batch,list_batches",
                r#""create_batch,list_batches""#,
            ),
            (System::Windows, "it's", r#""it's""#),
            (System::Windows, "${KEY} it's", "'${KEY} it''s'"),
            (System::Windows, "", r#""""#),
        ] {
            assert_eq!(word(text, system), expected, "{system:?}");
        }
        let program = [r"C:\Program Files\x.exe", "host-config", "cursor"];
        for (system, expected) in [
            (System::Linux, r"'C:\Program Files\x.exe' host-config cursor"),
            (System::Windows, r#"& "C:\Program Files\x.exe" host-config cursor"#),
        ] {
            assert_eq!(command_line(&program, system), expected);
        }
        assert_eq!(command_line(&["uvx", "x"], System::Windows), "uvx x");
    }
}

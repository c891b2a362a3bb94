//! Small words of sentences: numbers, plurals, enumerations.

/// The word that goes with the count.
pub(super) const fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// The number with a comma before each group of three digits.
pub(super) fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Shape: `1 file`, `1,000 files`.
pub(super) fn files(count: usize) -> String {
    format!("{} {}", number(count), plural(count, "file", "files"))
}

/// Shape: `a`, `a and b`, `a, b, and c`.
pub(super) fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

/// How long ago something was. Shape: `12 minutes ago`.
pub(super) fn ago(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..60 => return "less than a minute ago".to_owned(),
        60..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_down() {
        for (seconds, text) in [
            (-5, "less than a minute ago"),
            (59, "less than a minute ago"),
            (60, "1 minute ago"),
            (7199, "119 minutes ago"),
            (7200, "2 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(seconds), text);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (value, text) in [
            (0, "0"),
            (12, "12"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}

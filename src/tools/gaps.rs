//! What a lookup did not bring, as sentences.

use super::wording::{number, plural};
use crate::foreign::quote;
use crate::llamacloud::{Error, JobType};

/// Why something was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The request failed.
    Refused(Error),
    /// The batch names no directory that could be asked for.
    NoDirectory,
    /// No list of jobs is known for this type.
    JobType(JobType),
}

impl Unread {
    /// A clause without a full stop.
    fn cause(&self) -> String {
        match self {
            Self::Refused(error) => error.cause(),
            Self::NoDirectory => "the batch names no directory".to_owned(),
            Self::JobType(word) => {
                let word = quote(word.as_str(), 60);
                format!("this server does not know jobs of type {word}")
            }
        }
    }
}

/// About names of files that are missing.
pub(crate) fn names(missing: usize, total: usize, why: Option<&Unread>) -> Option<String> {
    if missing == 0 {
        return None;
    }
    let which = if missing == total {
        "The file names".to_owned()
    } else {
        format!(
            "The {} of {} {}",
            plural(missing, "name", "names"),
            number(missing),
            plural(missing, "file", "files")
        )
    };
    let why = why.map_or(String::new(), |why| format!(" ({})", why.cause()));
    Some(format!("{which} could not be read{why}; IDs stand in for them."))
}

/// About jobs whose state is missing.
pub(crate) fn jobs(missing: usize, total: usize, why: Option<&Unread>) -> Option<String> {
    if missing == 0 {
        return None;
    }
    let which = if missing == total {
        plural(missing, "The state of the job", "The states of the jobs").to_owned()
    } else {
        let states = plural(missing, "state", "states");
        format!("The {states} of {} of {} jobs", number(missing), number(total))
    };
    let not_listed = plural(missing, "LlamaCloud does not list it", "LlamaCloud does not list them");
    let why = why.map_or_else(|| not_listed.to_owned(), Unread::cause);
    Some(format!("{which} could not be read ({why})."))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn gaps_are_told() {
        let check =
            |gap: Option<String>, expected: &Expect| expected.assert_eq(&format!("{}\n", gap.unwrap_or_default()));
        let strange = Unread::JobType(JobType::from("split_v1"));
        assert_eq!(names(0, 12, None), None);
        check(
            names(12, 12, Some(&Unread::NoDirectory)),
            &expect![[r#"
            The file names could not be read (the batch names no directory); IDs stand in for them.
        "#]],
        );
        check(
            names(1, 12, None),
            &expect![[r#"
            The name of 1 file could not be read; IDs stand in for them.
        "#]],
        );
        check(
            names(3, 12, None),
            &expect![[r#"
            The names of 3 files could not be read; IDs stand in for them.
        "#]],
        );
        assert_eq!(jobs(0, 12, None), None);
        check(
            jobs(1, 1, None),
            &expect![[r#"
            The state of the job could not be read (LlamaCloud does not list it).
        "#]],
        );
        check(
            jobs(3, 1000, None),
            &expect![[r#"
            The states of 3 of 1,000 jobs could not be read (LlamaCloud does not list them).
        "#]],
        );
        check(
            jobs(12, 12, Some(&strange)),
            &expect![[r#"
            The states of the jobs could not be read (this server does not know jobs of type "split_v1").
        "#]],
        );
    }
}

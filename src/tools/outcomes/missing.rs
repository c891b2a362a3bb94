//! What could not be read about a batch's files, as sentences.

use crate::llamacloud::{Advice, Error, JobType};
use crate::tools::wording::{files, number, plural};
use crate::untrusted::quote;

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// A clause without a full stop.
    pub(crate) cause: String,
    /// Whether reading it later may help.
    pub(crate) may_pass: bool,
}

impl Unread {
    /// The request failed.
    pub(crate) fn refused(error: &Error) -> Self {
        Self {
            cause: error.cause(),
            may_pass: matches!(error.advice(), Advice::Later(_)),
        }
    }

    /// The batch names no directory.
    pub(crate) fn no_directory() -> Self {
        Self::for_good("the batch names no directory")
    }

    /// No list of jobs is known for this type.
    pub(crate) fn job_type(job_type: &JobType) -> Self {
        let word = quote(job_type.as_str(), 60);
        Self::for_good(format!("this server does not know jobs of type {word}"))
    }

    fn for_good(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            may_pass: false,
        }
    }
}

/// Says how many names of files could not be read.
pub(crate) fn names(missing: usize, total: usize, why: Option<&Unread>) -> Option<String> {
    if missing == 0 {
        return None;
    }
    let which = if missing == total {
        "The file names".to_owned()
    } else {
        format!("The {} of {}", plural(missing, "name", "names"), files(missing))
    };
    let why = why.map_or(String::new(), |why| format!(": {}", why.cause));
    Some(format!("{which} could not be read{why}. IDs are shown instead."))
}

/// Says how many states of jobs could not be read.
pub(crate) fn jobs(missing: usize, total: usize, why: Option<&Unread>) -> Option<String> {
    if missing == 0 {
        return None;
    }
    let which = if missing == total {
        plural(missing, "The status of the job", "The statuses of the jobs").to_owned()
    } else {
        let statuses = plural(missing, "status", "statuses");
        format!("The {statuses} of {} of {} jobs", number(missing), number(total))
    };
    let not_listed = plural(missing, "LlamaCloud does not list it", "LlamaCloud does not list them");
    let why = why.map_or(not_listed, |why| &why.cause);
    Some(format!("{which} could not be read: {why}."))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let check = |sentence: Option<String>, expected: &Expect| {
            expected.assert_eq(&format!("{}\n", sentence.unwrap_or_default()));
        };
        let strange = Unread::job_type(&JobType::from("split_v1"));
        assert_eq!(names(0, 12, None), None);
        check(
            names(12, 12, Some(&Unread::no_directory())),
            &expect![[r#"
                The file names could not be read: the batch names no directory. IDs are shown instead.
            "#]],
        );
        check(
            names(1, 12, None),
            &expect![[r#"
                The name of 1 file could not be read. IDs are shown instead.
            "#]],
        );
        check(
            names(3, 12, None),
            &expect![[r#"
                The names of 3 files could not be read. IDs are shown instead.
            "#]],
        );
        assert_eq!(jobs(0, 12, None), None);
        check(
            jobs(1, 1, None),
            &expect![[r#"
                The status of the job could not be read: LlamaCloud does not list it.
            "#]],
        );
        check(
            jobs(3, 1000, None),
            &expect![[r#"
                The statuses of 3 of 1,000 jobs could not be read: LlamaCloud does not list them.
            "#]],
        );
        check(
            jobs(12, 12, Some(&strange)),
            &expect![[r#"
                The statuses of the jobs could not be read: this server does not know jobs of type "split_v1".
            "#]],
        );
    }
}

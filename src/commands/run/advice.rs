//! What to do after a run that failed.

use crate::commands::answer::Failure;

/// What to do after a failure, if the same command may get further.
pub(super) const fn advice(failure: &Failure, has_sent: bool) -> Option<&'static str> {
    match (failure.outcome_unknown, failure.retry_after, has_sent) {
        (true, ..) => Some(
            "Wait a minute, then run the same command again: it looks for the batch before it creates one. Sooner, LlamaCloud's list \
                  may not show the batch yet, and another one would be created and paid for.",
        ),
        (false, Some(_), true) => Some(
            "Run the same command again to continue. Nothing is uploaded twice, and no batch that is unfinished or COMPLETED is \
             paid for twice; after a FAILED or CANCELLED one, a new one is created, which costs credits.",
        ),
        (false, ..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_continued() {
        let failure = |text: &str| Failure::passing(text.to_owned());
        let unknown = Failure {
            outcome_unknown: true,
            ..Failure::lasting(String::new())
        };
        for (failure, has_sent, expected) in [
            (failure("503"), true, Some("Run the same command again to continue.")),
            (failure("503"), false, None),
            (Failure::lasting("404".to_owned()), true, None),
            (unknown, false, Some("Wait a minute")),
        ] {
            let advice = advice(&failure, has_sent);
            let is_right = match (advice, expected) {
                (Some(advice), Some(start)) => advice.starts_with(start),
                (advice, expected) => advice == expected,
            };
            assert!(is_right, "{failure:?}: {advice:?}");
        }
    }
}

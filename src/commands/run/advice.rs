//! What to do after a run that failed or was stopped.

use crate::commands::answer::Failure;
use crate::commands::context::Context;

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was sent.
    Reading,
    Uploading,
    /// A batch may exist.
    Creating,
    Following,
    /// The batch has ended.
    Saving {
        batch_id: String,
        out: String,
    },
}

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

/// What a stopped run leaves, and how to go on.
pub(super) fn tell_stop(context: &Context<'_>, stage: &Stage) {
    context.terminal.err.say(match stage {
        _ if context.is_sandbox => "Stopped. The sandbox ends with this command.",
        Stage::Reading => "Stopped. Nothing was uploaded or created.",
        Stage::Uploading => "Stopped. No batch was created. Run the same command again to continue.",
        Stage::Creating => {
            "Stopped. A batch may have been created; if so, it keeps running. Wait a minute, then run the same command again: it \
             looks for the batch before it creates one."
        }
        Stage::Following => "Stopped. This does not stop the batch. Run the same command again to continue.",
        Stage::Saving { .. } => "Stopped. What was saved stays.",
    });
    if let Stage::Saving { batch_id, out } = stage
        && !context.is_sandbox
    {
        tell_rest(context, batch_id, out);
    }
}

/// The command that saves the rest of the results and cannot create a batch: the run itself would, if this one was cancelled.
pub(super) fn tell_rest(context: &Context<'_>, batch_id: &str, out: &str) {
    let err = &context.terminal.err;
    err.say("To save the rest of the results:");
    let words = [
        "call",
        "save_results",
        &format!("batch_id={batch_id}"),
        "folder=.",
        "--output-dir",
        out,
    ];
    err.line(&format!("  {}", context.command(&words)));
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

//! What to do about an error of LlamaCloud, as sentences for the one who reads them: a model that speaks with a user, or a person who has
//! typed a command.

use std::time::Duration;

use super::account::Account;
use super::key_help::how_to_pass_the_key;
use crate::hosts::TERMINAL;
use crate::llamacloud::{Advice, Error, ErrorKind, KeySource, Setting, as_sentence};
use crate::mcp::RequestContext;

/// How long to wait where LlamaCloud does not say.
pub(super) const WAIT: Duration = Duration::from_mins(1);

/// What a tool adds to the sentences about a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    /// What failed, a clause without a full stop.
    pub(crate) what: &'static str,
    /// What to do if LlamaCloud found nothing with an ID of the call.
    pub(crate) not_found: &'static str,
    /// How to get a smaller answer, if that is possible.
    pub(crate) ask_less: Option<&'static str>,
}

/// What to do next, as sentences.
pub(super) fn next_step(failure: &Failure, error: &Error, context: &RequestContext, account: &Account) -> String {
    let key_source = account.client.key_source();
    match (error.kind(), error.advice()) {
        (kind, Advice::Fix(setting)) if context.client_name() == Some(TERMINAL) => {
            what_to_fix(kind, setting, key_source)
        }
        (kind, Advice::Later(after)) if context.client_name() == Some(TERMINAL) => later(kind, after),
        (kind, Advice::Fix(setting)) => what_the_user_has_to_fix(kind, setting, key_source, context.client_name()),
        (kind, Advice::Later(after)) => call_later(kind, after),
        (kind, Advice::Never) => another_call(kind, failure),
    }
}

/// What a model can change in its next call.
fn another_call(kind: &ErrorKind, failure: &Failure) -> String {
    const NOTHING_TO_SHORTEN: &str = "This call cannot ask for less. Tell the user.";
    let ask_less = failure.ask_less.unwrap_or(NOTHING_TO_SHORTEN);
    match kind {
        ErrorKind::NotFound => failure.not_found.to_owned(),
        ErrorKind::Conflict => {
            "Check the current state (of a batch: `get_batch` shows it) before trying anything else.".to_owned()
        }
        ErrorKind::TooLarge => format!("{ask_less} If the problem remains, the user has to check the base URL."),
        ErrorKind::OversizedBody { .. } => ask_less.to_owned(),
        ErrorKind::UnreadableBody => {
            "Call again once. If that does not help, the user has to check the base URL and any proxy in between."
                .to_owned()
        }
        _ => "Correct the problem named above and call again.".to_owned(),
    }
}

fn what_the_user_has_to_fix(kind: &ErrorKind, setting: Setting, key_source: KeySource, client: Option<&str>) -> String {
    match (kind, setting) {
        (ErrorKind::MissingKey { .. }, _) => match key_source {
            KeySource::Variable("LLAMA_CLOUD_API_KEY") => how_to_pass_the_key(client),
            KeySource::Variable(name) => format!("The user has to correct {name} and restart this server."),
            KeySource::File => {
                "The user has to correct that file, or the path after --api-key-file in this server's entry in the host's MCP \
                 configuration, and restart this server."
                    .to_owned()
            }
        },
        (_, Setting::ApiKey) => format!(
            "Calling again will not help. The user has to check {key_source}: the key may be revoked, or belong to the other region. \
             {REGIONS} Then the user has to restart this server."
        ),
        (_, Setting::Access) => {
            "The API key may have no access to this project, and batches need a Pro or Enterprise plan. Omit `project_id` and \
             `organization_id`, or ask the user to configure this server with a key that has access."
                .to_owned()
        }
        (_, Setting::Credits) => {
            format!("Calling again will not help until the user does this: {}.", setting.remedy())
        }
        _ => format!(
            "Calling again will not help. The user has to do this and restart this server: {}.",
            setting.remedy()
        ),
    }
}

const REGIONS: &str = "Keys of the EU region work only with --region eu, all others only with --region us.";

/// The same for a person who has typed a command.
fn what_to_fix(kind: &ErrorKind, setting: Setting, key_source: KeySource) -> String {
    match (kind, setting) {
        (ErrorKind::MissingKey { .. }, _) => match key_source {
            KeySource::Variable("LLAMA_CLOUD_API_KEY") => {
                "Set LLAMA_CLOUD_API_KEY to your key (llx-…), or name a file that holds it with --api-key-file. --sandbox needs no key."
                    .to_owned()
            }
            KeySource::Variable(name) => format!("Correct {name}."),
            KeySource::File => "Correct that file, or the path after --api-key-file.".to_owned(),
        },
        (_, Setting::ApiKey) => {
            format!("Check {key_source}: the key may be revoked, or belong to the other region. {REGIONS}")
        }
        _ => as_sentence(setting.remedy()),
    }
}

/// The advice to wait, and what to do if that does not help.
fn call_later(kind: &ErrorKind, after: Option<Duration>) -> String {
    let else_ = match correlation_id(kind) {
        Some(id) => format!(" If this continues, the user can give LlamaCloud's support the correlation ID {id}."),
        None => kind.last_resort().map_or_else(String::new, |check| {
            format!(" If this continues, the user has to {check}.")
        }),
    };
    format!("Wait {} and call again.{else_}", wait(kind, after))
}

/// The same for a person whose command may be trying again already.
fn later(kind: &ErrorKind, after: Option<Duration>) -> String {
    let else_ = match correlation_id(kind) {
        Some(id) => format!(" If this continues, give LlamaCloud's support the correlation ID {id}."),
        None => kind
            .last_resort()
            .map_or_else(String::new, |check| format!(" If this continues, {check}.")),
    };
    format!("It may work again in {}.{else_}", wait(kind, after))
}

fn correlation_id(kind: &ErrorKind) -> Option<&str> {
    match kind {
        ErrorKind::Unavailable { correlation_id, .. } => correlation_id.as_deref(),
        _ => None,
    }
}

fn wait(kind: &ErrorKind, after: Option<Duration>) -> String {
    match kind {
        ErrorKind::TimedOut | ErrorKind::Unreachable => "a minute".to_owned(),
        _ => match whole_seconds(after.unwrap_or(WAIT)) {
            1 => "a second".to_owned(),
            seconds => format!("{seconds} seconds"),
        },
    }
}

/// Rounded up, and at least one.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_person_reads_what_to_do_and_nothing_about_hosts() {
        let missing = ErrorKind::MissingKey { reason: String::new() };
        let variable = KeySource::Variable("LLAMA_CLOUD_API_KEY");
        let retry_after = Some(Duration::from_millis(1500));
        let correlation_id = Some("32763f53-1".to_owned());
        let broken = ErrorKind::Unavailable {
            status: 503,
            correlation_id,
            retry_after,
        };
        let sentences = [
            what_to_fix(&missing, Setting::ApiKey, variable),
            what_to_fix(
                &missing,
                Setting::ApiKey,
                KeySource::Variable("LLAMA_CLOUD_API_KEY_FILE"),
            ),
            what_to_fix(&missing, Setting::ApiKey, KeySource::File),
            what_to_fix(&ErrorKind::Unauthorized, Setting::ApiKey, variable),
            what_to_fix(&ErrorKind::Forbidden, Setting::Access, variable),
            what_to_fix(&ErrorKind::PaymentRequired, Setting::Credits, variable),
            later(&ErrorKind::TimedOut, None),
            later(&ErrorKind::Unreachable, None),
            later(&broken, retry_after),
        ];
        expect![[r#"
            Set LLAMA_CLOUD_API_KEY to your key (llx-…), or name a file that holds it with --api-key-file. --sandbox needs no key.
            Correct LLAMA_CLOUD_API_KEY_FILE.
            Correct that file, or the path after --api-key-file.
            Check LLAMA_CLOUD_API_KEY: the key may be revoked, or belong to the other region. Keys of the EU region work only with --region eu, all others only with --region us.
            Use an API key of a project whose plan includes batches (Pro or Enterprise).
            Add credits or change the plan in the LlamaCloud console.
            It may work again in a minute.
            It may work again in a minute. If this continues, check the network, the proxy and the base URL.
            It may work again in 2 seconds. If this continues, give LlamaCloud's support the correlation ID 32763f53-1."#]].assert_eq(&sentences.join("\n"));
    }
}

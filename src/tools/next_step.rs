//! What to do about an error of LlamaCloud, as sentences for the one who reads them: a model that speaks with a user, or a person who has
//! typed a command.

use std::time::Duration;

use super::account::Account;
use super::key_help::how_to_pass_the_key;
use crate::hosts::{KEY_VARIABLE, TERMINAL};
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

/// Who reads the sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience<'a> {
    /// A model that speaks with its user, by the name of its host.
    Model(Option<&'a str>),
    /// A person who has typed a command.
    Person,
}

impl<'a> Audience<'a> {
    pub(super) fn of(context: &'a RequestContext) -> Self {
        match context.client_name() {
            Some(TERMINAL) => Self::Person,
            host => Self::Model(host),
        }
    }

    /// The beginning of a sentence about what a repeated call does. `when` may be empty. A command may be repeating the call already,
    /// so a person is not told to.
    pub(super) fn repeat(self, tool: &str, when: &str) -> String {
        match self {
            Self::Model(_) => format!("Call `{tool}` again with the same arguments{when}: it"),
            Self::Person => "A repeated call".to_owned(),
        }
    }

    /// What to do next, as sentences.
    pub(super) fn next_step(self, failure: &Failure, error: &Error, account: &Account) -> String {
        match (error.kind(), error.advice()) {
            (kind, Advice::Fix(setting)) => self.fix(kind, setting, account.client.key_source()),
            (kind, Advice::Later(after)) => self.try_later(kind, after),
            (kind, Advice::Never) => self.change_the_call(kind, failure),
        }
    }

    fn change_the_call(self, kind: &ErrorKind, failure: &Failure) -> String {
        let check = |what: &str| match self {
            Self::Model(_) => format!("the user has to check {what}"),
            Self::Person => format!("check {what}"),
        };
        let ask_less = failure.ask_less.unwrap_or(match self {
            Self::Model(_) => "This call cannot ask for less. Tell the user.",
            Self::Person => "There is no smaller answer to ask for.",
        });
        match kind {
            ErrorKind::NotFound => failure.not_found.to_owned(),
            ErrorKind::Conflict => {
                "Check the current state (of a batch: `get_batch` shows it) before trying anything else.".to_owned()
            }
            ErrorKind::TooLarge => format!("{ask_less} If the problem remains, {}.", check("the base URL")),
            ErrorKind::OversizedBody { .. } => ask_less.to_owned(),
            ErrorKind::UnreadableBody => format!(
                "{} once. If that does not help, {}.",
                match self {
                    Self::Model(_) => "Call again",
                    Self::Person => "Try again",
                },
                check("the base URL and any proxy in between")
            ),
            _ => match self {
                Self::Model(_) => "Correct the problem named above and call again.".to_owned(),
                Self::Person => "Correct the problem named above and try again.".to_owned(),
            },
        }
    }

    fn fix(self, kind: &ErrorKind, setting: Setting, key_source: KeySource) -> String {
        const REGIONS: &str = "Keys of the EU region work only with --region eu, all others only with --region us.";
        match (self, kind, setting) {
            (Self::Model(host), ErrorKind::MissingKey { .. }, _) => match key_source {
                KeySource::Variable(KEY_VARIABLE) => how_to_pass_the_key(host),
                KeySource::Variable(name) => format!("The user has to correct {name} and restart this server."),
                KeySource::File => {
                    "The user has to correct that file, or the path after --api-key-file in this server's entry in the host's MCP \
                     configuration, and restart this server."
                        .to_owned()
                }
            },
            (Self::Person, ErrorKind::MissingKey { .. }, _) => match key_source {
                KeySource::Variable(KEY_VARIABLE) => format!(
                    "Set {KEY_VARIABLE} to your key (llx-…), or name a file that holds it with --api-key-file.{}",
                    if cfg!(feature = "sandbox") {
                        " --sandbox needs no key."
                    } else {
                        ""
                    }
                ),
                KeySource::Variable(name) => format!("Correct {name}."),
                KeySource::File => "Correct that file, or the path after --api-key-file.".to_owned(),
            },
            (Self::Model(_), _, Setting::ApiKey) => format!(
                "Calling again will not help. The user has to check {key_source}: the key may be revoked, or belong to the other \
                 region. {REGIONS} Then the user has to restart this server."
            ),
            (Self::Person, _, Setting::ApiKey) => {
                format!("Check {key_source}: the key may be revoked, or belong to the other region. {REGIONS}")
            }
            (Self::Model(_), _, Setting::Access) => {
                "The API key may have no access to this project, and batches need a Pro or Enterprise plan. Omit `project_id` and \
                 `organization_id`, or ask the user to configure this server with a key that has access."
                    .to_owned()
            }
            (Self::Person, _, Setting::Access) => {
                "The API key may have no access to this project, and batches need a Pro or Enterprise plan. Name no project and no \
                 organization, or use a key that has access."
                    .to_owned()
            }
            (Self::Model(_), _, Setting::Credits) => {
                format!("Calling again will not help until the user does this: {}.", setting.remedy())
            }
            (Self::Model(_), ..) => format!(
                "Calling again will not help. The user has to do this and restart this server: {}.",
                setting.remedy()
            ),
            (Self::Person, ..) => as_sentence(setting.remedy()),
        }
    }

    /// The advice to wait, and what to do if that does not help. A person's command may be trying again already.
    fn try_later(self, kind: &ErrorKind, after: Option<Duration>) -> String {
        let first = match (self, after) {
            (Self::Model(_), _) => format!("Wait {} and call again.", wait(kind, after)),
            (Self::Person, Some(_)) => format!("It may work again in {}.", wait(kind, after)),
            (Self::Person, None) => "It may work again later.".to_owned(),
        };
        let last = match (self, correlation_id(kind), kind.last_resort()) {
            (Self::Model(_), Some(id), _) => {
                format!(" If this continues, the user can give LlamaCloud's support the correlation ID {id}.")
            }
            (Self::Person, Some(id), _) => {
                format!(" If this continues, give LlamaCloud's support the correlation ID {id}.")
            }
            (Self::Model(_), None, Some(check)) => format!(" If this continues, the user has to {check}."),
            (Self::Person, None, Some(check)) => format!(" If this continues, {check}."),
            (_, None, None) => String::new(),
        };
        first + &last
    }
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
        let failure = Failure {
            what: "",
            not_found: "",
            ask_less: None,
        };
        let missing = ErrorKind::MissingKey { reason: String::new() };
        let variable = KeySource::Variable(KEY_VARIABLE);
        let retry_after = Some(Duration::from_millis(1500));
        let correlation_id = Some("32763f53-1".to_owned());
        let broken = ErrorKind::Unavailable {
            status: 503,
            correlation_id,
            retry_after,
        };
        let person = Audience::Person;
        let sentences = [
            person.fix(&missing, Setting::ApiKey, variable),
            person.fix(&missing, Setting::ApiKey, KeySource::Variable("LLAMA_PARSE_API_KEY")),
            person.fix(&missing, Setting::ApiKey, KeySource::File),
            person.fix(&ErrorKind::Unauthorized, Setting::ApiKey, variable),
            person.fix(&ErrorKind::Forbidden, Setting::Access, variable),
            person.fix(&ErrorKind::PaymentRequired, Setting::Credits, variable),
            person.try_later(&ErrorKind::TimedOut, None),
            person.try_later(&ErrorKind::Unreachable, None),
            person.try_later(&broken, retry_after),
            person.change_the_call(&ErrorKind::TooLarge, &failure),
            person.change_the_call(&ErrorKind::UnreadableBody, &failure),
            person.change_the_call(
                &ErrorKind::Rejected {
                    status: 422,
                    details: Vec::new(),
                },
                &failure,
            ),
        ];
        expect![[r#"
            Set LLAMA_CLOUD_API_KEY to your key (llx-…), or name a file that holds it with --api-key-file.
            Correct LLAMA_PARSE_API_KEY.
            Correct that file, or the path after --api-key-file.
            Check LLAMA_CLOUD_API_KEY: the key may be revoked, or belong to the other region. Keys of the EU region work only with --region eu, all others only with --region us.
            The API key may have no access to this project, and batches need a Pro or Enterprise plan. Name no project and no organization, or use a key that has access.
            Add credits or change the plan in the LlamaCloud console.
            It may work again later.
            It may work again later. If this continues, check the network, the proxy and the base URL.
            It may work again in 2 seconds. If this continues, give LlamaCloud's support the correlation ID 32763f53-1.
            There is no smaller answer to ask for. If the problem remains, check the base URL.
            Try again once. If that does not help, check the base URL and any proxy in between.
            Correct the problem named above and try again."#]].assert_eq(&sentences.join("\n").replace(" --sandbox needs no key.", ""));
    }
}

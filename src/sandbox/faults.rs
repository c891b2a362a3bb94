//! Faults that can be switched on: what they are, how they are written, and which one strikes a request.
//!
//! What a fault does to a connection or an answer happens in `server`.

use std::{str::FromStr, time::Duration};

use jiff::SignedDuration;

use super::route::SCOPES;

/// Help for the faults, one a line.
pub const FAULTS_HELP: &str = "\
A fault is NAME[=VALUE][@OPERATION][:COUNT]. Without COUNT it strikes every time; without OPERATION, every operation.
OPERATION is one of create, list, get, cancel, directories, files, configurations, parse, extract, projects.

  lost-answer          create the batch, then close the connection without an answer (create only)
  reset-before-commit  reset the connection; no batch is created (create only)
  500-after-commit     create the batch, then answer 500 (create only)
  500-before-commit    answer 500; no batch is created (create only)
  reset                reset the connection without an answer
  401, 402, 403        answer with this status
  429[=SECONDS]        answer 429 with Retry-After, 1 second by default; 429=none leaves the header out
  500                  answer 500 with a correlation id
  503                  answer 503 with Retry-After: 1
  html                 answer 502 with an HTML page, as a proxy does
  slow=MS              answer after this many milliseconds
  lagging-list=MS      leave batches younger than this many milliseconds out of lists (list only)
  late-cancel          the answer to a cancel still shows the state before it (cancel only)
  clock-skew=SECONDS   the API's clock is ahead by this much, or behind if negative

Examples: lost-answer:1   429@get:2   500@parse   slow=2000@list   lagging-list=5000:1";

/// One fault, for all or a number of requests.
///
/// Shape, as text: `429=2@get:3`; see [`FAULTS_HELP`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    kind: Kind,
    scope: Option<&'static str>,
    left: Option<u64>,
}

/// The faults in force, in the order in which they strike.
///
/// Shape, as text: faults separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    End(Ending),
    Slow(Duration),
    LaggingList(Duration),
    LateCancel,
    ClockSkew(SignedDuration),
}

/// How a request ends, if not as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    LostAnswer,
    Reset,
    ErrorAfterCommit,
    Unauthorized,
    NoCredits,
    Forbidden,
    TooMany { retry_after: Option<u32> },
    Error,
    Unavailable,
    Html,
}

/// What the faults in force do to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) ending: Option<Ending>,
    pub(super) delay: Duration,
    pub(super) list_lag: Duration,
    pub(super) late_cancel: bool,
}

impl Faults {
    /// Adds a fault behind those in force.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Decides what happens to a request and counts it. Of the faults that end a request, the first one that fits strikes.
    pub(super) fn strike(&mut self, scope: &str) -> Effects {
        let mut effects = Effects::default();
        for fault in &mut self.0 {
            if fault.left == Some(0) || fault.scope.is_some_and(|own| own != scope) {
                continue;
            }
            match fault.kind {
                Kind::End(_) if effects.ending.is_some() => continue,
                Kind::End(ending) => effects.ending = Some(ending),
                Kind::Slow(delay) => effects.delay += delay,
                Kind::LaggingList(lag) => effects.list_lag = effects.list_lag.max(lag),
                Kind::LateCancel => effects.late_cancel = true,
                Kind::ClockSkew(_) => continue,
            }
            fault.left = fault.left.map(|left| left.saturating_sub(1));
        }
        effects
    }

    /// How far the API's clock is ahead of ours.
    pub(super) fn clock_skew(&self) -> SignedDuration {
        let skew = |fault: &Fault| {
            if let Kind::ClockSkew(skew) = fault.kind {
                Some(skew)
            } else {
                None
            }
        };
        self.0.iter().rev().find_map(skew).unwrap_or_default()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

impl FromStr for Faults {
    type Err = String;

    /// # Errors
    /// Those of [`Fault`].
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect()
    }
}

impl FromStr for Fault {
    type Err = String;

    /// # Errors
    /// A sentence that names the part that cannot be read and what is accepted.
    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, count) = split(text, ':');
        let (rest, scope) = split(rest, '@');
        let (name, value) = split(rest, '=');
        let left = match count {
            None => None,
            Some(count) => Some(
                count
                    .parse()
                    .map_err(|_| format!("`{count}` in `{text}` is not a count"))?,
            ),
        };
        let asked = match scope {
            None => None,
            Some(scope) => Some(
                SCOPES
                    .into_iter()
                    .find(|known| *known == scope)
                    .ok_or_else(|| format!("`{scope}` in `{text}` is not an operation: {}", SCOPES.join(", ")))?,
            ),
        };
        let (kind, own) = kind(name, value).map_err(|reason| format!("`{text}`: {reason}"))?;
        if let (Some(own), Some(asked)) = (own, asked)
            && own != asked
        {
            return Err(format!("`{text}`: {name} strikes only {own}"));
        }
        Ok(Self {
            kind,
            scope: asked.or(own),
            left,
        })
    }
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark)
        .map_or((text, None), |(head, tail)| (head, Some(tail)))
}

/// A fault by its name, and the only operation it can strike, if there is but one.
fn kind(name: &str, value: Option<&str>) -> Result<(Kind, Option<&'static str>), String> {
    let (kind, scope) = match name {
        "lost-answer" => (Kind::End(Ending::LostAnswer), Some("create")),
        "reset-before-commit" => (Kind::End(Ending::Reset), Some("create")),
        "500-after-commit" => (Kind::End(Ending::ErrorAfterCommit), Some("create")),
        "500-before-commit" => (Kind::End(Ending::Error), Some("create")),
        "reset" => (Kind::End(Ending::Reset), None),
        "401" => (Kind::End(Ending::Unauthorized), None),
        "402" => (Kind::End(Ending::NoCredits), None),
        "403" => (Kind::End(Ending::Forbidden), None),
        "429" => {
            let retry_after = match value {
                None => Some(1),
                Some("none") => None,
                Some(seconds) => Some(
                    seconds
                        .parse()
                        .map_err(|_| format!("`{seconds}` is neither seconds nor `none`"))?,
                ),
            };
            return Ok((Kind::End(Ending::TooMany { retry_after }), None));
        }
        "500" => (Kind::End(Ending::Error), None),
        "503" => (Kind::End(Ending::Unavailable), None),
        "html" => (Kind::End(Ending::Html), None),
        "slow" => return Ok((Kind::Slow(milliseconds(value)?), None)),
        "lagging-list" => return Ok((Kind::LaggingList(milliseconds(value)?), Some("list"))),
        "late-cancel" => (Kind::LateCancel, Some("cancel")),
        "clock-skew" => {
            let seconds = value.and_then(|value| value.parse::<i32>().ok());
            let seconds = seconds.ok_or("a number of seconds is missing, as in `clock-skew=-90`")?;
            return Ok((Kind::ClockSkew(SignedDuration::from_secs(seconds.into())), None));
        }
        _ => return Err(format!("there is no fault `{name}`; `sandbox --help` lists them")),
    };
    match value {
        None => Ok((kind, scope)),
        Some(_) => Err(format!("{name} takes no value")),
    }
}

fn milliseconds(value: Option<&str>) -> Result<Duration, String> {
    let number = value.and_then(|value| value.parse::<u32>().ok());
    let number = number.ok_or("a number of milliseconds is missing, as in `slow=2000`")?;
    Ok(Duration::from_millis(number.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Faults {
        text.parse().unwrap()
    }

    #[test]
    fn faults_strike_their_operation_so_many_times() {
        let mut faults = faults("429=2@get:2, lost-answer:1, 500@get");
        let mut end = |scope| faults.strike(scope).ending;
        assert_eq!(end("list"), None);
        assert_eq!(end("get"), Some(Ending::TooMany { retry_after: Some(2) }));
        assert_eq!(end("get"), Some(Ending::TooMany { retry_after: Some(2) }));
        assert_eq!(end("get"), Some(Ending::Error));
        assert_eq!(end("create"), Some(Ending::LostAnswer));
        assert_eq!(end("create"), None);
    }

    #[test]
    fn faults_that_end_nothing_go_together() {
        let mut faults = faults("slow=20,slow=30@list:1,lagging-list=500:1,html:1");
        let expected = Effects {
            ending: Some(Ending::Html),
            delay: Duration::from_millis(50),
            list_lag: Duration::from_millis(500),
            late_cancel: false,
        };
        assert_eq!(faults.strike("list"), expected);
        assert_eq!(
            faults.strike("list"),
            Effects {
                delay: Duration::from_millis(20),
                ..Effects::default()
            }
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, part) in [
            ("nothing", "no fault `nothing`"),
            ("500:x", "`x`"),
            ("500@somewhere", "`somewhere`"),
            ("slow", "milliseconds"),
            ("html=1", "takes no value"),
            ("lost-answer@get", "strikes only create"),
            ("429=soon", "`soon`"),
        ] {
            let reason = text.parse::<Fault>().unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
        assert_eq!(faults("clock-skew=-90").clock_skew(), SignedDuration::from_secs(-90));
    }

    #[test]
    fn the_help_names_every_operation() {
        for scope in SCOPES {
            assert!(FAULTS_HELP.contains(scope), "{scope}");
        }
    }
}

//! Faults that can be switched on: what they are, how they are written, and which of them strike a request.
//!
//! What a fault does to a connection or a response is in `router`.

use std::{str::FromStr, time::Duration};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

/// Help for the faults.
pub const FAULTS_HELP: &str = "\
A fault is NAME[=VALUE][@OPERATION][%PERCENT][:COUNT]. Without COUNT, the fault stays active. Without PERCENT, it affects every
matching request. Without OPERATION, it affects every operation, unless a default operation is listed below.
OPERATION is one of create, list, get, cancel (of a batch), directories, create-directory, delete-directory, files,
add-file, upload, update-file, delete-file, configurations, save-configuration, parse, parse-result, extract,
extract-result, usage, projects.

  lost-answer          do what was asked, then close the connection without an answer (default operation: create)
  STATUS-after-commit  do what was asked, then answer with this status (default operation: create)
  STATUS               answer with this status, 400 to 599, and do nothing
  429[=SECONDS]        answer 429 with Retry-After, 1 second by default; 429=none omits the header
  503[=SECONDS]        the same with 503
  reset                reset the connection without an answer, and do nothing
  html                 answer 502 with an HTML page, as a proxy does
  slow=MS              answer after this many milliseconds
  slow-after-commit=MS do what was asked, then answer after this many milliseconds (default operation: create)
  lagging-list=MS      leave items younger than this many milliseconds out of lists (default operation: list)
  late-cancel          the answer to a cancel still shows the state before it
  clock-skew=SECONDS   the API's clock is ahead by this much, or behind if negative
  seed=NUMBER          seed for the random choices of PERCENT; the same seed gives the same choices

Examples: lost-answer:1   429@get:2   500@parse   slow=2000@list   lagging-list=5000:1   503%5   lost-answer@upload%1";

/// Every operation that a fault can be aimed at.
pub(super) const OPERATIONS: [&str; 20] = [
    "create",
    "list",
    "get",
    "cancel",
    "directories",
    "create-directory",
    "delete-directory",
    "files",
    "add-file",
    "upload",
    "update-file",
    "delete-file",
    "configurations",
    "save-configuration",
    "parse",
    "parse-result",
    "extract",
    "extract-result",
    "usage",
    "projects",
];

/// One fault, for all or some requests.
///
/// Shape, as text: `429=2@get:3`; see [`FAULTS_HELP`].
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    kind: Kind,
    operation: Option<&'static str>,
    percent: Option<f64>,
    left: Option<u64>,
}

/// The faults in force, in the order in which they strike.
///
/// Shape, as text: faults separated by commas.
#[derive(Clone, Debug)]
pub struct Faults {
    active: Vec<Fault>,
    random: fastrand::Rng,
    clock_skew: SignedDuration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    End(Ending),
    Slow(Duration),
    SlowAfterCommit(Duration),
    LaggingList(SignedDuration),
    LateCancel,
    ClockSkew(SignedDuration),
    Seed(u64),
}

/// How a request ends, if not as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Status {
        code: StatusCode,
        retry_after: Option<u32>,
        after_commit: bool,
    },
    LostAnswer,
    Reset,
    Html,
}

/// What the faults in force do to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) ending: Option<Ending>,
    pub(super) delay: Duration,
    pub(super) delay_after: Duration,
    pub(super) list_lag: SignedDuration,
    pub(super) late_cancel: bool,
}

impl Effects {
    /// Whether lists omit what was created at this time.
    pub(super) fn hides(&self, created_at: Timestamp, now: Timestamp) -> bool {
        self.list_lag > SignedDuration::ZERO && now.duration_since(created_at) < self.list_lag
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            active: Vec::new(),
            random: fastrand::Rng::with_seed(1),
            clock_skew: SignedDuration::ZERO,
        }
    }
}

impl Faults {
    /// Adds a fault after those in force.
    pub fn push(&mut self, fault: Fault) {
        match fault.kind {
            Kind::Seed(seed) => self.random = fastrand::Rng::with_seed(seed),
            Kind::ClockSkew(skew) => self.clock_skew = skew,
            _ => self.active.push(fault),
        }
    }

    /// Decides what happens to a request, and counts it. Of the faults that end a request, the first that fits strikes.
    pub(super) fn strike(&mut self, operation: &str) -> Effects {
        let mut effects = Effects::default();
        for fault in &mut self.active {
            let aimed_here = fault.operation.is_none_or(|aim| aim == operation);
            let is_second_ending = effects.ending.is_some() && matches!(fault.kind, Kind::End(_));
            if fault.left == Some(0) || !aimed_here || is_second_ending {
                continue;
            }
            if fault
                .percent
                .is_some_and(|percent| self.random.f64() * 100.0 >= percent)
            {
                continue;
            }
            match fault.kind {
                Kind::End(ending) => effects.ending = Some(ending),
                Kind::Slow(delay) => effects.delay += delay,
                Kind::SlowAfterCommit(delay) => effects.delay_after += delay,
                Kind::LaggingList(lag) => effects.list_lag = effects.list_lag.max(lag),
                Kind::LateCancel => effects.late_cancel = true,
                Kind::ClockSkew(_) | Kind::Seed(_) => continue,
            }
            fault.left = fault.left.map(|left| left.saturating_sub(1));
        }
        effects
    }

    /// How far the API's clock is ahead of ours.
    pub(super) fn clock_skew(&self) -> SignedDuration {
        self.clock_skew
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        let mut all = Self::default();
        faults.into_iter().for_each(|fault| all.push(fault));
        all
    }
}

impl FromStr for Faults {
    type Err = String;

    /// # Errors
    /// Those of [`Fault`].
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect()
    }
}

impl FromStr for Fault {
    type Err = String;

    /// # Errors
    /// A sentence that names the part that cannot be read and what is accepted.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |part: &str, what: &str| format!("`{part}` in `{text}` is not {what}");
        let (rest, count) = split(text, ':');
        let (rest, percent) = split(rest, '%');
        let (rest, aim) = split(rest, '@');
        let (name, value) = split(rest, '=');
        let left = count.map(|count| count.parse().map_err(|_| wrong(count, "a count")));
        let percent = percent.map(|percent| {
            let number = percent.parse().ok().filter(|number| (0.0..=100.0).contains(number));
            number.ok_or_else(|| wrong(percent, "a percentage"))
        });
        let aim = aim.map(|aim| {
            let known = OPERATIONS.into_iter().find(|known| *known == aim);
            known.ok_or_else(|| wrong(aim, &format!("an operation: {}", OPERATIONS.join(", "))))
        });
        let (kind, usual_aim) = kind(name, value).map_err(|reason| format!("`{text}`: {reason}"))?;
        Ok(Self {
            kind,
            operation: aim.transpose()?.or(usual_aim),
            percent: percent.transpose()?,
            left: left.transpose()?,
        })
    }
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark)
        .map_or((text, None), |(head, tail)| (head, Some(tail)))
}

/// A fault by its name, and the operation it is aimed at if none is given.
fn kind(name: &str, value: Option<&str>) -> Result<(Kind, Option<&'static str>), String> {
    let number = |example: &str| {
        let number = value.and_then(|value| value.parse::<i32>().ok());
        number.ok_or_else(|| format!("a number is missing, as in `{example}`"))
    };
    let positive = |example: &str| u32::try_from(number(example)?).map_err(|error| error.to_string());
    let (kind, usual_aim) = match name {
        "lost-answer" => (Kind::End(Ending::LostAnswer), Some("create")),
        "reset" => (Kind::End(Ending::Reset), None),
        "html" => (Kind::End(Ending::Html), None),
        "late-cancel" => (Kind::LateCancel, Some("cancel")),
        "slow" => {
            let delay = Duration::from_millis(positive("slow=2000")?.into());
            return Ok((Kind::Slow(delay), None));
        }
        "slow-after-commit" => {
            let delay = Duration::from_millis(positive("slow-after-commit=2000")?.into());
            return Ok((Kind::SlowAfterCommit(delay), Some("create")));
        }
        "lagging-list" => {
            let lag = SignedDuration::from_millis(positive("lagging-list=5000")?.into());
            return Ok((Kind::LaggingList(lag), Some("list")));
        }
        "clock-skew" => {
            let skew = SignedDuration::from_secs(number("clock-skew=-90")?.into());
            return Ok((Kind::ClockSkew(skew), None));
        }
        "seed" => return Ok((Kind::Seed(positive("seed=7")?.into()), None)),
        _ => return status(name, value),
    };
    match value {
        None => Ok((kind, usual_aim)),
        Some(_) => Err(format!("{name} takes no value")),
    }
}

/// `503`, `429=2` or `500-after-commit`.
fn status(name: &str, value: Option<&str>) -> Result<(Kind, Option<&'static str>), String> {
    let unknown = || format!("there is no fault `{name}`; `sandbox --help` lists them");
    let before = name.strip_suffix("-after-commit");
    let code = before.unwrap_or(name).parse().map_err(|_| unknown())?;
    if !(400..600).contains(&code) {
        return Err(unknown());
    }
    let code = StatusCode::from_u16(code).map_err(|_| unknown())?;
    let retry_after = match (code, value) {
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, None) => Some(1),
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some("none")) | (_, None) => None,
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(seconds)) => {
            let seconds = seconds.parse();
            Some(seconds.map_err(|_| format!("`{}` is neither seconds nor `none`", value.unwrap_or_default()))?)
        }
        (_, Some(_)) => return Err(format!("{name} takes no value")),
    };
    let ending = Ending::Status {
        code,
        retry_after,
        after_commit: before.is_some(),
    };
    Ok((Kind::End(ending), before.and(Some("create"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Faults {
        text.parse().unwrap()
    }

    fn status(code: u16, retry_after: Option<u32>, after_commit: bool) -> Ending {
        Ending::Status {
            code: StatusCode::from_u16(code).unwrap(),
            retry_after,
            after_commit,
        }
    }

    #[test]
    fn faults_strike_their_operation_as_often_as_they_say() {
        let mut faults = faults("429=2@get:2, lost-answer:1, 500@get, 409-after-commit@upload, 503=none@list");
        let mut end = |operation| faults.strike(operation).ending;
        assert_eq!(end("files"), None);
        assert_eq!(end("list"), Some(status(503, None, false)));
        assert_eq!(end("get"), Some(status(429, Some(2), false)));
        assert_eq!(end("get"), Some(status(429, Some(2), false)));
        assert_eq!(end("get"), Some(status(500, None, false)));
        assert_eq!(end("create"), Some(Ending::LostAnswer));
        assert_eq!(end("create"), None);
        assert_eq!(end("upload"), Some(status(409, None, true)));
    }

    #[test]
    fn faults_that_end_nothing_add_up() {
        let mut faults = faults("slow=20,slow=30@list:1,slow-after-commit=70@list:1,lagging-list=500:1,html:1");
        let expected = Effects {
            ending: Some(Ending::Html),
            delay: Duration::from_millis(50),
            delay_after: Duration::from_millis(70),
            list_lag: SignedDuration::from_millis(500),
            late_cancel: false,
        };
        assert_eq!(faults.strike("list"), expected);
        let expected = Effects {
            delay: Duration::from_millis(20),
            ..Effects::default()
        };
        assert_eq!(faults.strike("list"), expected);
    }

    #[test]
    fn random_faults_repeat_with_their_seed() {
        let run = |text| {
            let mut faults = faults(text);
            let struck = (0..1000).map(|_| faults.strike("get").ending.is_some());
            struck.collect::<Vec<_>>()
        };
        let (first, again, other) = (run("seed=7,503%10"), run("seed=7,503%10"), run("seed=8,503%10"));
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert!((50..200).contains(&first.iter().filter(|struck| **struck).count()));
        assert_eq!(run("500%0"), [false; 1000]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, part) in [
            ("nothing", "no fault `nothing`"),
            ("399", "no fault `399`"),
            ("500:x", "`x`"),
            ("500%101", "`101`"),
            ("500@somewhere", "`somewhere`"),
            ("slow", "slow=2000"),
            ("html=1", "takes no value"),
            ("500=1", "takes no value"),
            ("429=soon", "`soon`"),
        ] {
            let reason = text.parse::<Fault>().unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
        assert_eq!(faults("clock-skew=-90").clock_skew(), SignedDuration::from_secs(-90));
    }

    #[test]
    fn the_help_names_every_operation() {
        for operation in OPERATIONS {
            assert!(FAULTS_HELP.contains(operation), "{operation}");
        }
    }
}

//! What the server answers to a `tools/call`, seen only from the outside, as a host sees it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A day: longer than anybody waits, and short enough to compute with.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// The result of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// The result's data.
    Done(Map<String, Value>),
    /// The tool failed.
    Failed(Failure),
    /// The call continues once the user has agreed.
    Asks(Ask),
}

/// A failure of a tool.
#[derive(Debug)]
pub(super) struct Failure {
    /// What failed, why, and what to do next.
    pub(super) text: String,
    /// How long to wait at least before the same call may succeed. `None`: it will not.
    pub(super) retry_after: Option<Duration>,
    /// Whether a batch may have been created all the same.
    pub(super) outcome_unknown: bool,
}

impl Failure {
    /// A failure that a repeated call cannot change.
    pub(super) const fn lasting(text: String) -> Self {
        Self {
            text,
            retry_after: None,
            outcome_unknown: false,
        }
    }

    /// A failure that may pass.
    pub(super) const fn passing(text: String) -> Self {
        Self {
            text,
            retry_after: Some(Duration::ZERO),
            outcome_unknown: false,
        }
    }
}

/// A question to the user. Source: 2026-07-28, `InputRequiredResult`.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) question: String,
    /// The label of the checkbox.
    pub(super) label: String,
    pub(super) state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallResult {
    #[serde(default)]
    content: Vec<Value>,
    structured_content: Option<Map<String, Value>>,
    #[serde(default)]
    is_error: bool,
    input_requests: Option<Value>,
    request_state: Option<String>,
    #[serde(default, rename = "_meta")]
    meta: Meta,
}

/// What a program needs to know about a failure without reading the sentences.
#[derive(Default, Deserialize)]
struct Meta {
    /// Whether the same call may succeed later.
    #[serde(default, rename = "llamacloud/retryable")]
    retryable: bool,
    /// When, if that is known. Units: seconds.
    #[serde(rename = "llamacloud/retryAfterSeconds")]
    retry_after_seconds: Option<f64>,
    /// Whether a batch may have been created all the same.
    #[serde(default, rename = "llamacloud/outcomeUnknown")]
    outcome_unknown: bool,
}

impl Answer {
    /// Reads the `result` of a `tools/call`.
    pub(super) fn of(result: &RawValue) -> Self {
        let Ok(result) = serde_json::from_str::<CallResult>(result.get()) else {
            let text = "The server's answer cannot be read. This is a bug: please report it.";
            return Self::Failed(Failure::lasting(text.to_owned()));
        };
        if let Some(requests) = result.input_requests {
            let text = |pointer: &str| {
                let text = requests.pointer(pointer).and_then(Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            return Self::Asks(Ask {
                question: text("/confirm/params/message"),
                label: text("/confirm/params/requestedSchema/properties/confirm/title"),
                state: result.request_state.unwrap_or_default(),
            });
        }
        match result.structured_content {
            Some(data) if !result.is_error => Self::Done(data),
            _ => Self::Failed(Failure {
                text: texts(&result.content),
                retry_after: result
                    .meta
                    .retryable
                    .then(|| pause(result.meta.retry_after_seconds.unwrap_or(0.0))),
                outcome_unknown: result.meta.outcome_unknown,
            }),
        }
    }
}

fn texts(content: &[Value]) -> String {
    let texts = content.iter().filter_map(|block| block.get("text")?.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// Seconds as a duration, whatever the number is.
pub(super) fn pause(seconds: f64) -> Duration {
    let seconds = if seconds.is_finite() {
        seconds.max(0.0)
    } else {
        f64::MAX
    };
    Duration::try_from_secs_f64(seconds)
        .unwrap_or(LONGEST_PAUSE)
        .min(LONGEST_PAUSE)
}

/// A member of a result that is text; empty if there is none.
pub(super) fn text<'a>(data: &'a Map<String, Value>, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member of a result that is a number; 0 if there is none.
pub(super) fn count(data: &Map<String, Value>, name: &str) -> u64 {
    data.get(name).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_pause_can_be_waited() {
        for (seconds, expected) in [
            (-1.0, Duration::ZERO),
            (1.5, Duration::from_millis(1500)),
            (1e19, LONGEST_PAUSE),
            (f64::INFINITY, LONGEST_PAUSE),
            (f64::NAN, LONGEST_PAUSE),
        ] {
            assert_eq!(pause(seconds), expected, "{seconds}");
        }
    }
}

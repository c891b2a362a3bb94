//! Files that could not be handled, grouped by reason.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::untrusted::clean;

const MAX_REASONS: usize = 10;
const MAX_EXAMPLES: usize = 3;
const MAX_REASON_CHARS: usize = 300;
const MAX_NAME_CHARS: usize = 120;

/// A reason with the files that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "what it is called in results")]
pub(crate) struct Reason {
    /// Why.
    pub(crate) reason: String,
    /// Number of files.
    pub(crate) count: usize,
    /// Names of some of them.
    pub(crate) examples: Vec<String>,
}

/// The reasons with the most files first; the rest of a long list becomes one reason.
pub(crate) fn group(files: BTreeMap<String, Vec<String>>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = files
        .into_iter()
        .map(|(reason, names)| reason_of(&reason, &names))
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    if reasons.len() > MAX_REASONS {
        let rest = reasons.split_off(MAX_REASONS - 1);
        let count = rest.iter().map(|reason| reason.count).sum();
        let names: Vec<_> = rest.into_iter().flat_map(|reason| reason.examples).collect();
        reasons.push(Reason {
            count,
            ..reason_of("other reasons", &names)
        });
    }
    reasons
}

fn reason_of(reason: &str, names: &[String]) -> Reason {
    Reason {
        reason: clean(reason, MAX_REASON_CHARS),
        count: names.len(),
        examples: names
            .iter()
            .take(MAX_EXAMPLES)
            .map(|name| clean(name, MAX_NAME_CHARS))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_groups_come_first_and_the_rest_becomes_one() {
        let files: BTreeMap<_, _> = (1..=12)
            .map(|number: usize| (format!("reason {number:02}"), vec![format!("f{number}"); number]))
            .collect();
        let reasons = group(files);
        assert_eq!(reasons.len(), 10);
        assert_eq!(
            (reasons[0].reason.as_str(), reasons[0].count, reasons[0].examples.len()),
            ("reason 12", 12, 3)
        );
        assert_eq!((reasons[9].reason.as_str(), reasons[9].count), ("other reasons", 6));
    }
}

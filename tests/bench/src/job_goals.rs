//! What the whole job may take: beside a loop that sends the same requests, in memory, in requests, and as it grows.

use crate::goals::{Measured, Outcome};
use crate::peers::Peer;
use crate::rounds::Setting;
use crate::whole_job::{FILE_BYTES, MOST_MEMORY_KIB, MOST_REQUESTS, Part, PartRow};

/// All goals whose parts were measured.
pub(crate) fn outcomes(rows: &[PartRow]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for part in largest(rows) {
        let label = part.label();
        let is_beside = rows.iter().any(|row| row.peer == Peer::Raw && row.part == part);
        if is_beside {
            let goal = format!("raw: {label}: time ≤ 1.5×");
            outcomes.push(in_settings(
                goal,
                |setting| Some(time(rows, Peer::Ours, setting, part)? / time(rows, Peer::Raw, setting, part)?),
                1.5,
            ));
        }
        let peak = |setting| Some(find(rows, Peer::Ours, setting, part)?.peak_kib.median()? * 1.024e-3);
        outcomes.push(in_settings(
            format!("{label}: memory, MB, < 64"),
            peak,
            MOST_MEMORY_KIB * 1.024e-3,
        ));
        if part.size() > 1 && is_beside {
            let again = |setting| {
                Some(find(rows, Peer::Ours, setting, part)?.requests_again? as f64 / part.size() as f64 * 100.0)
            };
            outcomes.push(in_settings(
                format!("{label}, once more: requests for 100 files < 2"),
                again,
                2.0 - f64::EPSILON,
            ));
        }
        if let Part::Outcomes { .. } = part {
            let requests = |setting| Some(find(rows, Peer::Ours, setting, part)?.requests as f64);
            outcomes.push(in_settings(
                format!("{label}: requests ≤ {MOST_REQUESTS}"),
                requests,
                MOST_REQUESTS as f64,
            ));
        }
        outcomes.extend(linear(rows, part));
    }
    outcomes.retain(|outcome| !outcome.results.is_empty());
    outcomes
}

/// The largest of each kind of part; uploads of one long file are a kind of their own.
fn largest(rows: &[PartRow]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for row in rows.iter().filter(|row| row.peer == Peer::Ours) {
        match parts.iter_mut().find(|part| is_alike(**part, row.part)) {
            Some(part) if part.size() < row.part.size() => *part = row.part,
            Some(_) => {}
            None => parts.push(row.part),
        }
    }
    parts
}

fn is_alike(one: Part, other: Part) -> bool {
    match (one, other) {
        (Part::Upload { bytes: one, .. }, Part::Upload { bytes: other, .. }) => one == other,
        _ => std::mem::discriminant(&one) == std::mem::discriminant(&other),
    }
}

/// The cost of each file or byte in the largest part, as a multiple of its cost in the next smaller part.
fn linear(rows: &[PartRow], largest: Part) -> Option<Outcome> {
    if matches!(largest, Part::Upload { bytes, .. } if bytes != FILE_BYTES) {
        return None;
    }
    let setting = Setting::ALL
        .into_iter()
        .find(|setting| find(rows, Peer::Ours, *setting, largest).is_some())?;
    let smaller = rows
        .iter()
        .map(|row| row.part)
        .filter(|part| is_alike(*part, largest) && part.size() < largest.size());
    let smaller = smaller.max_by_key(|part| part.size())?;
    let each = |part: Part| Some(time(rows, Peer::Ours, setting, part)? / part.units());
    let value = each(largest)? / each(smaller)?;
    Some(Outcome {
        goal: format!("{}, time for each: ≤ 1.1× that of {}", largest.label(), smaller.label()),
        results: vec![Measured {
            setting: "growth".to_owned(),
            value,
            met: value <= 1.1,
        }],
    })
}

fn in_settings(goal: String, of: impl Fn(Setting) -> Option<f64>, limit: f64) -> Outcome {
    let results = Setting::ALL.into_iter().filter_map(|setting| {
        let value = of(setting)?;
        Some(Measured {
            setting: setting.label().to_owned(),
            value,
            met: value <= limit,
        })
    });
    let results = results.collect();
    Outcome { goal, results }
}

fn time(rows: &[PartRow], peer: Peer, setting: Setting, part: Part) -> Option<f64> {
    find(rows, peer, setting, part)?.time_ms.median()
}

fn find(rows: &[PartRow], peer: Peer, setting: Setting, part: Part) -> Option<&PartRow> {
    rows.iter()
        .find(|row| row.peer == peer && row.setting == setting && row.part == part)
}

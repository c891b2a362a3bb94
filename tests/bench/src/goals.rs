//! What this server is to reach beside the others, and whether it does.

use serde::Serialize;

use crate::growth::{Growth, gain};
use crate::peers::Peer;
use crate::rounds::{Row, Setting};
use crate::series::Series;
use crate::tables::{figure, line};
use crate::wire::Work;

/// Which side of the limit is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    AtMost,
    AtLeast,
}

/// One quantity of ours as a multiple of another server's.
struct Goal {
    against: Peer,
    what: &'static str,
    of: fn(&Row) -> Option<f64>,
    wanted: Wanted,
    limit: f64,
}

/// How a goal came out.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) goal: String,
    pub(crate) results: Vec<Measured>,
}

/// How it came out in one setting.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) setting: String,
    pub(crate) value: f64,
    pub(crate) met: bool,
}

fn goals() -> Vec<Goal> {
    use Wanted::{AtLeast, AtMost};
    let start: fn(&Row) -> _ = |row| row.start_ms.median();
    let at_start: fn(&Row) -> _ = |row| row.resident_at_start_kib.median();
    let after_calls: fn(&Row) -> _ = |row| row.resident_after_calls_kib.median();
    let time: fn(&Row) -> _ = |row| get_batch(row)?.p50_us.median();
    let processor: fn(&Row) -> _ = |row| get_batch(row)?.processor_us.median();
    let processor_in_flight: fn(&Row) -> _ = |row| get_batch(row)?.processor_in_flight_us.median();
    let per_second: fn(&Row) -> _ = |row| get_batch(row)?.calls_per_second.median();
    let goal = |against, what, of, wanted, limit| Goal {
        against,
        what,
        of,
        wanted,
        limit,
    };
    let mut goals = vec![
        goal(Peer::Raw, "start", start, AtMost, 2.0),
        goal(Peer::Raw, "memory at start", at_start, AtMost, 2.0),
        goal(Peer::Raw, "memory after calls", after_calls, AtMost, 2.0),
        goal(Peer::Raw, "`get_batch` p50", time, AtMost, 1.2),
        goal(Peer::Raw, "`get_batch` processor time", processor, AtMost, 1.3),
        goal(Peer::Raw, "the same in flight", processor_in_flight, AtMost, 1.3),
        goal(Peer::Raw, "`get_batch` calls/s", per_second, AtLeast, 0.75),
        goal(Peer::Rmcp, "`get_batch` processor time", processor, AtMost, 0.5),
        goal(Peer::Rmcp, "the same in flight", processor_in_flight, AtMost, 0.5),
        goal(Peer::Rmcp, "`get_batch` calls/s", per_second, AtLeast, 3.0),
        goal(Peer::RmcpPipes, "`get_batch` p50", time, AtMost, 1.0),
        goal(Peer::RmcpPipes, "`get_batch` processor time", processor, AtMost, 1.0),
        goal(Peer::RmcpPipes, "the same in flight", processor_in_flight, AtMost, 1.0),
        goal(Peer::RmcpPipes, "`get_batch` calls/s", per_second, AtLeast, 1.0),
    ];
    for typescript in [Peer::Ts1, Peer::Ts2] {
        goals.extend([
            goal(typescript, "start", start, AtMost, 1.0 / 50.0),
            goal(typescript, "memory at start", at_start, AtMost, 0.1),
            goal(typescript, "memory after calls", after_calls, AtMost, 0.1),
            goal(typescript, "`get_batch` calls/s", per_second, AtLeast, 5.0),
        ]);
    }
    goals
}

fn get_batch(row: &Row) -> Option<&crate::rounds::WorkRow> {
    row.works.get(&Work::GetBatch.name())
}

/// All goals against servers that were measured, then those about growth.
pub(crate) fn outcomes(rows: &[Row], growth: &Growth) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = goals().iter().filter_map(|goal| beside(goal, rows)).collect();
    outcomes.extend(of_growth(growth));
    outcomes
}

fn beside(goal: &Goal, rows: &[Row]) -> Option<Outcome> {
    let of = |peer, setting| {
        let row = rows.iter().find(|row| row.peer == peer && row.setting == setting)?;
        (goal.of)(row)
    };
    let results: Vec<Measured> = Setting::ALL
        .into_iter()
        .filter_map(|setting| {
            let value = of(Peer::Ours, setting)? / of(goal.against, setting)?;
            let met = match goal.wanted {
                Wanted::AtMost => value <= goal.limit,
                Wanted::AtLeast => value >= goal.limit,
            };
            let setting = setting.label().to_owned();
            Some(Measured { setting, value, met })
        })
        .collect();
    let sign = if goal.wanted == Wanted::AtMost { "≤" } else { "≥" };
    let (against, what) = (goal.against.label(), goal.what);
    let goal = format!("{against}: {what} {sign} {}", limit(goal.limit));
    (!results.is_empty()).then_some(Outcome { goal, results })
}

/// `2×`, `1/50`.
fn limit(limit: f64) -> String {
    if limit < 0.5 {
        format!("1/{:.0}", 1.0 / limit)
    } else {
        format!("{limit}×")
    }
}

fn of_growth(growth: &Growth) -> Vec<Outcome> {
    let ours: Vec<_> = growth.in_flight.iter().filter(|row| row.peer == Peer::Ours).collect();
    let most = |of: fn(&crate::growth::InFlight) -> &Series| {
        let first = of(ours.first()?).median()?;
        let most = ours.iter().filter_map(|row| of(row).median()).reduce(f64::max)?;
        Some(most / first)
    };
    let per_file = |expand: &str, files: usize| {
        let row = growth
            .files
            .iter()
            .find(|row| row.expand == expand && row.count == files)?;
        Some(row.processor_us.median()? / files as f64)
    };
    let linear = |expand| Some(per_file(expand, 4000)? / per_file(expand, 1000)?);
    let memory = growth.memory.iter().find(|row| row.peer == Peer::Ours).and_then(gain);
    [
        (
            "longest time per call with 1 to 256 in flight: ≤ 1.1× that with 1",
            most(|row| &row.time_us),
            1.1,
        ),
        (
            "most processor time per call with 1 to 256 in flight: ≤ 1.1× that with 1",
            most(|row| &row.processor_us),
            1.1,
        ),
        ("memory after ten times as many calls: ≤ 1.05×", memory, 1.05),
        (
            "`results`, processor time per file with 4,000 files: ≤ 1.1× that with 1,000",
            linear("results"),
            1.1,
        ),
        (
            "`outcomes`, processor time per file with 4,000 files: ≤ 1.1× that with 1,000",
            linear("outcomes"),
            1.1,
        ),
    ]
    .into_iter()
    .filter_map(|(goal, value, limit)| {
        let value = value?;
        let results = vec![Measured {
            setting: "growth".to_owned(),
            value,
            met: value <= limit,
        }];
        Some(Outcome {
            goal: goal.to_owned(),
            results,
        })
    })
    .collect()
}

/// The goals as tables.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let settings: Vec<String> = Setting::ALL.iter().map(|setting| setting.label().to_owned()).collect();
    let (growth, beside): (Vec<_>, Vec<_>) = outcomes
        .iter()
        .partition(|outcome| outcome.results.iter().all(|result| result.setting == "growth"));
    let cell = |result: &Measured| {
        let word = if result.met { "met" } else { "**missed**" };
        format!("{} {word}", figure(result.value))
    };
    let mut text = format!("| goal | {} |\n|---|---|---|---|---|\n", settings.join(" | "));
    for outcome in beside {
        let mut cells = vec![outcome.goal.clone()];
        cells.extend(settings.iter().map(|setting| {
            let result = outcome.results.iter().find(|result| &result.setting == setting);
            result.map_or("–".to_owned(), cell)
        }));
        text += &line(&cells);
    }
    text += "\n| as work grows | |\n|---|---|\n";
    for outcome in growth {
        text += &line(&[outcome.goal.clone(), outcome.results.iter().map(cell).collect()]);
    }
    text
}

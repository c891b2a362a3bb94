//! Figures as tables in Markdown.

use crate::bench::Bench;
use crate::growth::{EXPANSIONS, FILES, Growth, IN_FLIGHT, InFlight};
use crate::rounds::{AT_A_TIME, Row, Setting};
use crate::series::Series;
use crate::whole_job::{Part, PartRow};
use crate::wire::Work;

/// One table for start and memory, and one for each setting and kind of work.
pub(crate) fn rounds(bench: &Bench, rows: &[Row]) -> String {
    let mut text = starts(bench, rows);
    for setting in Setting::ALL {
        for work in Work::ALL {
            text += &works(rows, setting, &work);
        }
    }
    text
}

fn starts(bench: &Bench, rows: &[Row]) -> String {
    let calls = thousands(bench.counts.all());
    let mut text = format!(
        "### Start and memory\n\n| server | setting | start to `initialize` answer, ms | resident after it, MiB | \
         resident after {calls} calls of `get_batch`, MiB |\n|---|---|---|---|---|\n"
    );
    for row in rows {
        text += &line(&[
            row.peer.label().to_owned(),
            row.setting.label().to_owned(),
            spread(&row.start_ms, 1.0),
            spread(&row.resident_at_start_kib, 1.0 / 1024.0),
            spread(&row.resident_after_calls_kib, 1.0 / 1024.0),
        ]);
    }
    text
}

fn works(rows: &[Row], setting: Setting, work: &Work) -> String {
    let mut text = format!(
        "\n### `{}`, {}\n\n| server | p50, µs | p99, µs | processor time per call, µs | calls/s, {AT_A_TIME} in flight | \
         processor time per call with 64 in flight, µs |\n|---|---|---|---|---|---|\n",
        work.name(),
        setting.label()
    );
    for row in rows.iter().filter(|row| row.setting == setting) {
        let Some(figures) = row.works.get(&work.name()) else {
            continue;
        };
        text += &line(&[
            row.peer.label().to_owned(),
            spread(&figures.p50_us, 1.0),
            spread(&figures.p99_us, 1.0),
            spread(&figures.processor_us, 1.0),
            spread(&figures.calls_per_second, 1.0),
            spread(&figures.processor_in_flight_us, 1.0),
        ]);
    }
    text
}

/// How its costs grow with the work.
pub(crate) fn growth(growth: &Growth) -> String {
    in_flight(growth) + &memory(growth) + &files(growth)
}

type Quantity = fn(&InFlight) -> &Series;

fn in_flight(growth: &Growth) -> String {
    let columns: Vec<String> = IN_FLIGHT.iter().map(|count| format!("{count} in flight")).collect();
    let mut text = format!(
        "### `get_batch` with more calls in flight, pipes, one core\n\n| server | for each call | {} |\n|---|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    let quantities: [(&str, Quantity); 3] = [
        ("time, µs", |row| &row.time_us),
        ("processor time, µs", |row| &row.processor_us),
        ("connections opened, for 1,000", |row| &row.connections),
    ];
    for rows in growth.in_flight.chunks(IN_FLIGHT.len()) {
        let label = rows.first().map_or("", |row| row.peer.label());
        for (quantity, of) in quantities {
            let mut cells = vec![label.to_owned(), quantity.to_owned()];
            cells.extend(rows.iter().map(|row| spread(of(row), 1.0)));
            text += &line(&cells);
        }
    }
    text
}

fn memory(growth: &Growth) -> String {
    let Some(first) = growth.memory.first() else {
        return String::new();
    };
    let parts = 1..=first.resident_kib.len();
    let columns: Vec<String> = parts.map(|part| thousands(part * first.step)).collect();
    let mut text = format!(
        "\n### Resident memory after so many calls of `get_batch`, {AT_A_TIME} in flight, pipes: MiB\n\n| server | {} |\n\
         |---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    for row in &growth.memory {
        let cells = row.resident_kib.iter().map(|kibibytes| figure(kibibytes / 1024.0));
        let label = std::iter::once(row.peer.label().to_owned());
        text += &line(&label.chain(cells).collect::<Vec<_>>());
    }
    text
}

fn files(growth: &Growth) -> String {
    if growth.files.is_empty() {
        return String::new();
    }
    let mut text =
        "\n### `get_batch` of more files, this server, pipes, one core\n\n| `expand` | files | requests to the API | \
                    p50, µs | µs per file | processor time per file, µs | resident, MiB |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for expand in EXPANSIONS {
        for count in FILES {
            let found = growth
                .files
                .iter()
                .find(|row| row.expand == expand && row.count == count);
            let Some(row) = found else { continue };
            text += &line(&[
                format!("`{expand}`"),
                thousands(count),
                row.requests.to_string(),
                spread(&row.p50_us, 1.0),
                spread(&row.p50_us, 1.0 / count as f64),
                spread(&row.processor_us, 1.0 / count as f64),
                spread(&row.resident_kib, 1.0 / 1024.0),
            ]);
        }
    }
    text
}

/// Uploads, saved results, long documents and long batches, one table for each setting.
pub(crate) fn whole_job(rows: &[PartRow]) -> String {
    let mut text = String::new();
    for setting in Setting::ALL {
        let mut of_setting = rows.iter().filter(|row| row.setting == setting).peekable();
        if of_setting.peek().is_none() {
            continue;
        }
        let heading = format!(
            "\n### The whole job, {}\n\n| what | server | time, ms | time for each file or KB, µs | processor time, ms | most memory, \
             MiB | calls | requests | requests when nothing is left |\n|---|---|---|---|---|---|---:|---:|---:|\n",
            setting.label()
        );
        text += &heading;
        for row in of_setting {
            text += &line(&[
                row.part.label(),
                row.peer.label().to_owned(),
                spread(&row.time_ms, 1.0),
                spread(&row.time_ms, 1e3 / row.part.units()),
                spread(&row.processor_ms, 1.0),
                spread(&row.peak_kib, 1.0 / 1024.0),
                row.calls.to_string(),
                thousands(usize::try_from(row.requests).unwrap_or(usize::MAX)),
                row.requests_again
                    .map_or("–".to_owned(), |requests| requests.to_string()),
            ]);
        }
    }
    text
}

impl Part {
    /// What it is called in a table.
    pub(crate) fn label(self) -> String {
        let of = |files: usize| {
            if files == 1 {
                "1 file".to_owned()
            } else {
                format!("{} files", thousands(files))
            }
        };
        match self {
            Self::Upload { files, bytes } => format!("upload of {}, {}", of(files), size(bytes)),
            Self::Save { files } => format!("results of {}, saved", of(files)),
            Self::Outcomes { files } => format!("outcomes of {}, all pages", of(files)),
            Self::Document { bytes } => format!("document of {}, all pages", size(bytes as u64)),
        }
    }

    /// How many files, or thousands of bytes of a document.
    pub(crate) fn units(self) -> f64 {
        match self {
            Self::Document { bytes } => bytes as f64 / 1e3,
            _ => self.size() as f64,
        }
    }
}

/// `100 KB`, `300 MB`.
fn size(bytes: u64) -> String {
    if bytes < 1_000_000 {
        format!("{} KB", bytes / 1000)
    } else {
        format!("{} MB", bytes / 1_000_000)
    }
}

/// A row of a table.
pub(crate) fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Median, minimum and maximum, each times a factor: `8.1 (7.9–8.4)`.
fn spread(series: &Series, factor: f64) -> String {
    match (series.median(), series.min(), series.max()) {
        (Some(median), Some(min), Some(max)) if min < max => {
            format!(
                "{} ({}–{})",
                figure(median * factor),
                figure(min * factor),
                figure(max * factor)
            )
        }
        (Some(median), _, _) => figure(median * factor),
        _ => "–".to_owned(),
    }
}

/// Three digits, or all before the point.
pub(crate) fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a figure of a table, not negative"
        )]
        thousands(size.round() as usize)
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.1 || value == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

/// `12345` as `12,345`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

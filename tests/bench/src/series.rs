//! Figures of several rounds, and what stands for them in a table.

use serde::{Serialize, Serializer};

/// One quantity, measured several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The value in the middle; `None` if nothing was measured.
    pub(crate) fn median(&self) -> Option<f64> {
        quantile(&mut self.0.clone(), 0.5)
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.0.iter().copied().reduce(f64::min)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.0.iter().copied().reduce(f64::max)
    }
}

/// Shape: `{ "median": 8.1, "min": 7.9, "max": 8.4 }`.
impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            median: Option<f64>,
            min: Option<f64>,
            max: Option<f64>,
        }
        let (median, min, max) = (self.median(), self.min(), self.max());
        Shown { median, min, max }.serialize(serializer)
    }
}

/// The value below which this part of all values lies, by the nearest rank. Sorts them.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of values"
    )]
    let at = (last as f64 * part).round() as usize;
    values.get(at).copied()
}

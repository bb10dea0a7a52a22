//! Forecasts of a series that need no training.

use super::Prepared;
use crate::metrics;

/// MAPE on the test part, in percent, of forecasts that need no training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Naive {
    /// The mean of all values before the test part.
    pub mean: f64,
    /// The value before.
    pub last: f64,
    /// The oldest value of the window: the same month a year before, with twelve months.
    pub season: f64,
}

impl Naive {
    /// Of a series; none of samples of a table.
    #[must_use]
    pub(crate) fn of(data: &Prepared) -> Option<Self> {
        let window = data.before.len();
        if window == 0 {
            return None;
        }
        let values = [&data.before, &data.train.values, &data.test.values].map(|part| &part[..]).concat();
        let known = values.len() - data.test.values.len();
        let (past, targets) = values.split_at(known);
        let mean = past.iter().sum::<f64>() / known as f64;
        let back = |months: usize| metrics::mape(&values[known - months..values.len() - months], targets);
        Some(Self {
            mean: metrics::mape(&vec![mean; targets.len()], targets),
            last: back(1),
            season: back(window),
        })
    }
}

//! Forecasts of a series that need no training.

use super::Prepared;
use crate::metrics;

/// MAPE on the test part, in percent, of forecasts that need no training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Naive {
    /// The mean of all values before the test part.
    pub mean: f64,
    /// The value before.
    pub last: f64,
    /// The oldest value of the window: the same month a year before, with twelve months.
    pub season: f64,
}

impl Naive {
    /// Of a series; none of samples with classes.
    #[must_use]
    pub fn of(data: &Prepared) -> Option<Self> {
        data.series?;
        let real = |value: &usize| *value as f64;
        let values: Vec<f64> =
            [&data.before, &data.train.labels, &data.test.labels].into_iter().flatten().map(real).collect();
        let (known, window) = (values.len() - data.test.labels.len(), data.before.len());
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

//! How good a training is: a part that is right for classes, an error in percent for a series.

use super::report::{Accuracy, Baselines};
use super::task::Task;
use crate::data::{Naive, Prepared, Series};
use crate::metrics;

/// What scores are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The part of the samples that are classified right, a fraction.
    #[default]
    Accuracy,
    /// The mean absolute error of forecasts, in percent of the measured values.
    Mape,
}

impl Measure {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Mape => "MAPE",
        }
    }

    /// A score in percent.
    #[must_use]
    pub fn percent(self, score: f64) -> f64 {
        match self {
            Self::Accuracy => 100.0 * score,
            Self::Mape => score,
        }
    }
}

/// What outputs tell of samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// A class of each.
    Classes(Vec<usize>),
    /// A value of each, in the unit of the series.
    Values(Vec<f64>),
}

impl Predictions {
    /// The values of a series that outputs tell, one a sample.
    pub fn values(series: &Series, outputs: impl IntoIterator<Item = f64>) -> Self {
        Self::Values(outputs.into_iter().map(|output| series.value(output)).collect())
    }

    /// How good they are: a fraction of classes that are right, or MAPE in percent.
    #[must_use]
    pub fn score(&self, labels: &[usize]) -> f64 {
        match self {
            Self::Classes(classes) => metrics::accuracy(classes, labels),
            Self::Values(values) => {
                let targets: Vec<f64> = labels.iter().map(|&label| label as f64).collect();
                metrics::mape(values, &targets)
            }
        }
    }

    /// What they are measured by.
    #[must_use]
    pub fn measure(&self) -> Measure {
        match self {
            Self::Classes(_) => Measure::Accuracy,
            Self::Values(_) => Measure::Mape,
        }
    }
}

/// Scores of the models of a run, as far as there are some.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scores {
    /// Of the trained model on the training part.
    pub train: Option<f64>,
    /// Of the trained model on the test part.
    pub test: Option<f64>,
    /// Of the twin's model on the test part.
    pub twin: Option<f64>,
    /// Of floating-point training on the test part.
    pub clear: Option<f64>,
}

impl Scores {
    /// What the report says, with predictions of the test part for what is said of classes.
    pub(super) fn report<T: Task>(self, task: &T, predicted: Option<&Predictions>) -> Accuracy {
        let data = task.data();
        if task.measure() == Measure::Mape {
            return Accuracy {
                mape: self.test,
                twin_mape: self.twin,
                clear_mape: self.clear,
                baselines: baselines(data),
                ..Accuracy::default()
            };
        }
        let classes = match predicted {
            Some(Predictions::Classes(classes)) => Some(classes),
            _ => None,
        };
        let labels = &data.test.labels;
        Accuracy {
            train: self.train,
            test: self.test,
            twin_test: self.twin,
            clear_test: self.clear,
            balanced_test: classes.map(|classes| task.balanced(classes)),
            majority_test: classes.map(|_| metrics::majority_share(labels)),
            ..Accuracy::default()
        }
    }
}

fn baselines(data: &Prepared) -> Option<Baselines> {
    Naive::of(data).map(|Naive { mean, last, season }| Baselines { mean, last, season })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_of_what_is_predicted() {
        let classes = Predictions::Classes(vec![0, 1, 1, 2]);
        assert_eq!((classes.score(&[0, 1, 2, 2]), classes.measure()), (0.75, Measure::Accuracy));
        assert_eq!(Measure::Accuracy.percent(0.75), 75.0);
        let series = Series { divisor: 100.0, center: 1.0 };
        let values = Predictions::values(&series, [0.0, 1.0]);
        assert_eq!(values, Predictions::Values(vec![100.0, 200.0]));
        assert_eq!((values.score(&[125, 200]), values.measure()), (10.0, Measure::Mape));
        assert_eq!(Measure::Mape.percent(10.0), 10.0);
    }
}

//! How good a training is: a part that is right for classes, an error in percent for a series.

use crate::data::Series;
use crate::metrics;

/// The measure of scores.
///
/// ```
/// use nn_encrypted::run::Measure;
///
/// assert_eq!(Measure::default(), Measure::Accuracy);
/// ```
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
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Mape => "MAPE",
        }
    }

    /// A score in percent.
    #[must_use]
    pub(crate) fn percent(self, score: f64) -> f64 {
        match self {
            Self::Accuracy => 100.0 * score,
            Self::Mape => score,
        }
    }
}

/// Predictions for samples, from outputs.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// use nn_encrypted::run::Predictions;
///
/// let mut twin = session.twin(session.first.clone())?;
/// let found = session.predicted(&mut twin, &session.data.test)?;
/// assert!(matches!(found, Predictions::Classes(classes) if classes.len() == 30));
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// A class of each.
    Classes(Vec<usize>),
    /// A value of each, in the unit of the series.
    Values(Vec<f64>),
}

impl Predictions {
    /// The values of a series that outputs tell, one a sample.
    pub(crate) fn values(series: &Series, outputs: impl IntoIterator<Item = f64>) -> Self {
        Self::Values(outputs.into_iter().map(|output| series.value(output)).collect())
    }

    /// How good they are: a fraction of classes that are right, or MAPE in percent.
    #[must_use]
    pub(crate) fn score(&self, labels: &[usize]) -> f64 {
        match self {
            Self::Classes(classes) => metrics::accuracy(classes, labels),
            Self::Values(values) => {
                let targets: Vec<f64> = labels.iter().map(|&label| label as f64).collect();
                metrics::mape(values, &targets)
            }
        }
    }

    /// Their measure.
    #[must_use]
    pub(crate) fn measure(&self) -> Measure {
        match self {
            Self::Classes(_) => Measure::Accuracy,
            Self::Values(_) => Measure::Mape,
        }
    }
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

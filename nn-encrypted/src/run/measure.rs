//! How good a training is: a part that is right for classes, an error in percent for a series.

use crate::data::{Samples, Series};
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
    /// The part of the variance of measured values that is explained, 1 at most: R².
    RSquared,
}

impl Measure {
    /// Its name.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Mape => "MAPE",
            Self::RSquared => "R²",
        }
    }

    /// A score in its usual form.
    #[must_use]
    pub(crate) fn text(self, score: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2} %", 100.0 * score),
            Self::Mape => format!("{score:.2} %"),
            Self::RSquared => format!("{score:.4}"),
        }
    }

    /// A score as it is drawn: in percent, but for R².
    #[must_use]
    pub(crate) fn drawn(self, score: f64) -> f64 {
        if self == Self::Accuracy { 100.0 * score } else { score }
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
    /// A value of each, in the unit of the measurements.
    Values(Vec<f64>),
}

impl Predictions {
    /// The values of a series that outputs tell, one a sample.
    pub(crate) fn values(series: &Series, outputs: impl IntoIterator<Item = f64>) -> Self {
        Self::Values(outputs.into_iter().map(|output| series.value(output)).collect())
    }

    /// How good they are by the labels or measured values of samples: a fraction of classes that are right, MAPE in percent, or R².
    #[must_use]
    pub(crate) fn score(&self, samples: &Samples, measure: Measure) -> f64 {
        match (self, measure) {
            (Self::Classes(classes), _) => metrics::accuracy(classes, &samples.labels),
            (Self::Values(values), Measure::RSquared) => metrics::r_squared(values, &samples.values),
            (Self::Values(values), _) => metrics::mape(values, &samples.values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_of_what_is_predicted() {
        let samples = |labels: &[usize], values: &[f64]| Samples {
            x: ndarray::Array2::zeros((0, 0)),
            labels: labels.to_vec(),
            values: values.to_vec(),
            rows: vec![],
            saturated: 0,
        };
        let classes = Predictions::Classes(vec![0, 1, 1, 2]);
        assert_eq!(classes.score(&samples(&[0, 1, 2, 2], &[]), Measure::Accuracy), 0.75);
        let series = Series { divisor: 100.0, center: 1.0 };
        let values = Predictions::values(&series, [0.0, 1.0]);
        assert_eq!(values, Predictions::Values(vec![100.0, 200.0]));
        assert_eq!(values.score(&samples(&[], &[125.0, 200.0]), Measure::Mape), 10.0);
        assert_eq!(values.score(&samples(&[], &[100.0, 200.0]), Measure::RSquared), 1.0);
        let texts = [Measure::Accuracy, Measure::Mape, Measure::RSquared].map(|measure| measure.text(0.75));
        assert_eq!(texts, ["75.00 %", "0.75 %", "0.7500"]);
        assert_eq!((Measure::Accuracy.drawn(0.75), Measure::RSquared.drawn(0.75)), (75.0, 0.75));
    }
}

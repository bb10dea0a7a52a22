//! Scores of models, as the report has them.

use super::measure::{Measure, Predictions};
use super::report::{Accuracy, Baselines};
use super::session::Session;
use crate::data::{Naive, Prepared};
use crate::metrics;

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
    /// The part of the report, with predictions of the test part for figures of classes.
    pub(super) fn report(self, session: &Session, predicted: Option<&Predictions>) -> Accuracy {
        let data = &session.data;
        if session.measure() == Measure::RSquared {
            let errors = match predicted {
                Some(Predictions::Values(values)) => Some(metrics::errors(values, &data.test.values)),
                _ => None,
            };
            return Accuracy {
                r_squared: self.test,
                twin_r_squared: self.twin,
                clear_r_squared: self.clear,
                mae: errors.map(|[mae, _]| mae),
                rmse: errors.map(|[_, rmse]| rmse),
                ..Accuracy::default()
            };
        }
        if session.measure() == Measure::Mape {
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
            balanced_test: classes.map(|classes| session.balanced(classes)),
            majority_test: classes.map(|_| metrics::majority_share(labels)),
            ..Accuracy::default()
        }
    }
}

fn baselines(data: &Prepared) -> Option<Baselines> {
    Naive::of(data).map(|Naive { mean, last, season }| Baselines { mean, last, season })
}

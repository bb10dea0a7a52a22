//! Meaning of the outputs of a network: classes and their scores, or measured values.

use ndarray::{Array2, ArrayRef1, ArrayRef2, Axis};

use super::measure::Predictions;
use super::quality::Quality;
use super::{RunError, Session};
use crate::data::{Coding, Samples};
use crate::recipe::RefreshStrategy;
use crate::twin::{Twin, TwinError, classes, is_logit};

/// Samples whose features are real numbers at a time, where it does not matter which are classified together.
const ROWS: usize = 1024;

impl Session {
    /// Predictions from rows of outputs.
    #[must_use]
    pub(crate) fn predictions(&self, outputs: &ArrayRef2<f64>) -> Predictions {
        match &self.data.series {
            Some(series) => Predictions::values(series, outputs.iter().copied()),
            None => Predictions::Classes(classes(&self.recipe, outputs)),
        }
    }

    /// The twin's predictions for samples. Its model stays as it is; where tables are looked up each classification draws errors of
    /// its own and is observed as a step is, elsewhere the ranges of training stay those of its steps.
    ///
    /// # Errors
    /// If a number overflows or is not finite.
    pub fn predicted(&self, twin: &mut Twin, samples: &Samples) -> Result<Predictions, RunError> {
        Ok(self.predictions(&self.outputs(twin, samples)?))
    }

    /// The twin's outputs for samples, as those that [`predicted`](Self::predicted) tells of.
    pub(crate) fn outputs(&self, twin: &mut Twin, samples: &Samples) -> Result<Array2<f64>, RunError> {
        Ok(match self.recipe.refresh.strategy {
            RefreshStrategy::Clean => twin.outputs(&self.features(&samples.x))?,
            RefreshStrategy::Client | RefreshStrategy::Bootstrap | RefreshStrategy::None => {
                let mut twin = twin.clone();
                self.by_parts(samples, |x| twin.outputs(x))?
            }
        })
    }

    /// How good the classes are that outputs for labelled samples say.
    pub(super) fn quality(&self, outputs: &ArrayRef2<f64>, samples: &Samples) -> Option<Quality> {
        let Predictions::Classes(predicted) = self.predictions(outputs) else { return None };
        let scores = self.class_scores(outputs);
        let second = if scores.ncols() == 2 { scores.column(1).to_vec() } else { vec![] };
        Quality::of(&self.data.classes, &predicted, &samples.labels, &second)
    }

    /// The score of each class by rows of outputs: they are not calibrated, and add up to 1.
    #[must_use]
    pub(crate) fn class_scores(&self, outputs: &ArrayRef2<f64>) -> Array2<f64> {
        if self.recipe.data.outputs != Coding::Single {
            let largest = |row: &ArrayRef1<f64>| row.fold(f64::NEG_INFINITY, |a: f64, &b| a.max(b));
            let mut scores = outputs.to_owned();
            for mut row in scores.rows_mut() {
                let largest = largest(&row);
                row.mapv_inplace(|output| (output - largest).exp());
                let sum = row.sum();
                row.mapv_inplace(|score| score / sum);
            }
            return scores;
        }
        let logits = is_logit(&self.recipe);
        let second =
            |output: f64| if logits { 1.0 / (1.0 + (-output).exp()) } else { output.clamp(0.0, 1.0) };
        Array2::from_shape_fn((outputs.nrows(), 2), |(row, class)| {
            let second = second(outputs[(row, 0)]);
            if class == 1 { second } else { 1.0 - second }
        })
    }

    /// Outputs for samples that do not depend on which of them are asked for together.
    pub(crate) fn by_parts(
        &self,
        samples: &Samples,
        mut outputs: impl FnMut(&ArrayRef2<f64>) -> Result<Array2<f64>, TwinError>,
    ) -> Result<Array2<f64>, TwinError> {
        let mut all = Array2::zeros((samples.x.nrows(), self.data.outputs));
        let parts = all.axis_chunks_iter_mut(Axis(0), ROWS);
        for (x, mut part) in samples.x.axis_chunks_iter(Axis(0), ROWS).zip(parts) {
            part.assign(&outputs(&self.features(&x))?);
        }
        Ok(all)
    }
}

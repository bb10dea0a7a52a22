//! Targets that outputs are compared with, and classes that outputs name.

use ndarray::{Array2, ArrayRef2, ArrayView1};

use super::error::{Result, TwinError};
use crate::metrics;
use crate::recipe::{Coding, Loss, Recipe};

/// The targets of labels, one row a label: 1 for the right output and 0 for others, with cross-entropy smoothed by
/// `target_smoothing`; with a single output 1 for the second of two classes.
///
/// # Errors
/// If a label is no class.
pub(crate) fn targets(recipe: &Recipe, labels: &[usize], outputs: usize) -> Result<Array2<f64>> {
    let low = if recipe.loss == Loss::CrossEntropy { recipe.target_smoothing } else { 0.0 };
    let hard = hard_targets(recipe, labels, outputs)?;
    if low == 0.0 {
        return Ok(hard);
    }
    Ok(hard.mapv(|hit| if hit > 0.5 { 1.0 - low } else { low }))
}

/// [`targets`] that are not smoothed.
///
/// # Errors
/// As [`targets`].
pub(crate) fn hard_targets(recipe: &Recipe, labels: &[usize], outputs: usize) -> Result<Array2<f64>> {
    let single = recipe.data.outputs == Coding::Single;
    let classes = if single { 2 } else { outputs };
    if let Some(&found) = labels.iter().find(|label| **label >= classes) {
        return Err(TwinError::Shape { what: "class of a label".into(), found, needed: classes });
    }
    Ok(Array2::from_shape_fn((labels.len(), outputs), |(row, output)| {
        let hit = if single { labels[row] == 1 } else { labels[row] == output };
        f64::from(u8::from(hit))
    }))
}

/// Whether a sigmoid stands behind outputs that was not computed.
pub(crate) fn is_logit(recipe: &Recipe) -> bool {
    recipe.loss != Loss::Quadratic && recipe.layers.last().is_some_and(|layer| layer.kind.is_activation())
}

/// The class that each row of outputs says: the largest, the first of equals; of a single output, the second of two classes if it is
/// above a half, or above 0 where a sigmoid stands behind it that was not computed. Measured values have no class but the first.
#[must_use]
pub fn classes(recipe: &Recipe, outputs: &ArrayRef2<f64>) -> Vec<usize> {
    let half = if is_logit(recipe) { 0.0 } else { 0.5 };
    let class = |row: ArrayView1<'_, f64>| match recipe.data.outputs {
        Coding::OneHot => metrics::argmax(row),
        Coding::Single => usize::from(row.iter().any(|&output| output > half)),
        Coding::Measured => 0,
    };
    outputs.rows().into_iter().map(class).collect()
}

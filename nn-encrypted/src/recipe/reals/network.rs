//! A recipe as a chain of matrices and polynomials.

use ndarray::Array2;

use super::shape::{Block, blocks};
use super::{Entry, MatrixLayer, RealLayer, RealLayerKind, RealLoss, RealNetwork, RealRecipe, RecipeError};
use crate::activation::{FitMethod, fit, sigmoid};

pub(super) fn network(
    recipe: &RealRecipe,
    features: usize,
    outputs: usize,
) -> Result<RealNetwork, RecipeError> {
    let layers = blocks(recipe, features, outputs)?;
    let layers = layers.iter().enumerate().map(|(number, block)| matrix(block, number + 1));
    Ok(RealNetwork { layers: layers.collect(), output: recipe.output_polynomial() })
}

impl RealRecipe {
    /// With cross-entropy: the polynomial for the sigmoid of the outputs, constant first.
    #[must_use]
    pub fn output_polynomial(&self) -> Option<Vec<f64>> {
        let limit = self.cross_entropy.limit;
        (self.loss == RealLoss::CrossEntropy).then(|| {
            let mut fitted =
                fit(sigmoid, self.cross_entropy.degree, [-limit, limit], FitMethod::LeastSquares);
            // σ − 1/2 is odd; the rest is rounding.
            fitted.iter_mut().skip(2).step_by(2).for_each(|even| *even = 0.0);
            fitted
        })
    }
}

/// The name of a layer with weights by its kind and number, from 1.
pub(crate) fn layer_name(kind: RealLayerKind, number: usize) -> String {
    format!("{} {number}", kind.to_string().to_lowercase())
}

fn matrix(block: &Block<'_>, number: usize) -> MatrixLayer {
    let size = |shape: Vec<usize>| shape.iter().product();
    let (entries, bias) = match block.layer.kind {
        RealLayerKind::Conv1d => convolution(block),
        _ => dense(block),
    };
    MatrixLayer {
        name: layer_name(block.layer.kind, number),
        entries,
        bias,
        weights: size(block.shape()),
        biases: block.biases(),
        activation: block.activation.and_then(RealLayer::activation),
    }
}

/// The place, after the pooling, of an input before it: channel and position.
fn pooled(block: &Block<'_>, input: usize) -> (usize, usize) {
    (input / block.input.length, input % block.input.length / block.pool)
}

fn dense(block: &Block<'_>) -> (Array2<Option<Entry>>, Vec<usize>) {
    let (length, outputs) = (block.pooled().length, block.output.size());
    let factor = 1.0 / block.pool as f64;
    let entries = Array2::from_shape_fn((block.input.size(), outputs), |(input, output)| {
        let (channel, position) = pooled(block, input);
        Some(Entry { weight: (channel * length + position) * outputs + output, factor })
    });
    (entries, (0..outputs).collect())
}

fn convolution(block: &Block<'_>) -> (Array2<Option<Entry>>, Vec<usize>) {
    let (channels, taps) = (block.input.channels, block.layer.kernel.unwrap_or(1));
    let (positions, factor) = (block.output.length, 1.0 / block.pool as f64);
    let entries = Array2::from_shape_fn((block.input.size(), block.output.size()), |(input, output)| {
        let (channel, position) = pooled(block, input);
        let (out_channel, first) = (output / positions, output % positions);
        let tap = position.checked_sub(first).filter(|tap| *tap < taps)?;
        Some(Entry { weight: (out_channel * channels + channel) * taps + tap, factor })
    });
    (entries, (0..block.output.size()).map(|output| output / positions).collect())
}

//! The twin: the same training in floating point on plain matrices, layer by layer as the recipe has them.
//!
//! It is the second, independent implementation that an encrypted run is compared with: it knows no slots and no matrices
//! of a convolution. An encrypted run gives the same numbers up to its noise.
//!
//! - Forward: `Z_l = A_(l-1)·W_l + b_l`, a convolution where the recipe has one; `A_l = p(Z_l)`, then means where the recipe
//!   has a pooling.
//! - Error: `D_L = Z_L − Y`, with cross-entropy `p(Z_L) − Y`; before, `D_l = (what comes back through l + 1) ∘ p'(Z_l)`.
//! - Gradient of a mini-batch: the sum over its samples over `batch_size`, of a shorter last one too.
//! - Update: `V ← μ·V − η·G`, `W ← W − η·G + μ·V`.

mod function;
mod net;
mod range;
mod stage;

use ndarray::{Array2, ArrayRef2};

pub(super) use self::function::Function;
pub(super) use self::net::{Head, Net};
pub use self::range::Range;
use self::range::{LayerRanges, observe_model, observe_trace};
use super::RealModel;
use crate::recipe::{RealLoss, RealRecipe, RecipeError, blocks, layer_name};

/// A network in training on plain numbers.
#[derive(Debug, Clone)]
pub struct RealTwin {
    net: Net,
    ranges: Vec<LayerRanges>,
}

impl RealTwin {
    /// A network that goes on from given weights.
    ///
    /// # Errors
    /// As [`RealRecipe::network`], or if the model is of another network.
    pub fn new(
        recipe: &RealRecipe,
        features: usize,
        outputs: usize,
        model: RealModel,
    ) -> Result<Self, RecipeError> {
        let head = recipe
            .output_polynomial()
            .map_or(Head::Identity, |polynomial| Head::Function(Function::Polynomial(polynomial)));
        let layers = blocks(recipe, features, outputs)?;
        let ranges = layers.iter().enumerate().map(|(number, block)| {
            let name = layer_name(block.layer.kind, number + 1);
            LayerRanges::new(&name, block.activation.is_none(), &recipe.bounds)
        });
        let mut ranges: Vec<LayerRanges> = ranges.collect();
        observe_model(&mut ranges, &model);
        let net = Net::new(recipe, features, outputs, model, Function::polynomial, head)?;
        Ok(Self { net, ranges })
    }

    /// Weights, biases and momenta.
    #[must_use]
    pub fn model(&self) -> &RealModel {
        &self.net.model
    }

    /// The largest magnitude of each tensor since the start.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range> {
        self.ranges.iter().flat_map(LayerRanges::list).cloned().collect()
    }

    /// Trains on one mini-batch; one row a sample, targets as they are encrypted: see [`targets`].
    ///
    /// # Panics
    /// If `x` or `targets` has another number of columns than the network has inputs or outputs.
    pub fn step(&mut self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) {
        let trace = self.net.trace(x, targets);
        self.net.update(&trace.gradients);
        observe_trace(&mut self.ranges, &trace);
        observe_model(&mut self.ranges, &self.net.model);
    }

    /// The weighted sums of the last layer, one row a sample.
    ///
    /// # Panics
    /// If `x` has another number of columns than the network has inputs.
    #[must_use]
    pub fn outputs(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        self.net.outputs(x)
    }
}

/// The targets for labels of classes: 1 for the right output, 0 for others; with cross-entropy they are smoothed.
#[must_use]
pub fn targets(recipe: &RealRecipe, labels: &[usize], outputs: usize) -> Array2<f64> {
    let low = match recipe.loss {
        RealLoss::Quadratic => 0.0,
        RealLoss::CrossEntropy => recipe.cross_entropy.smoothing,
    };
    one_hot(labels, outputs).mapv(|hit| if hit > 0.5 { 1.0 - low } else { low })
}

/// One row a label: 1 in its column, 0 in others.
#[must_use]
pub fn one_hot(labels: &[usize], outputs: usize) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), outputs), |(row, output)| f64::from(u8::from(labels[row] == output)))
}

#[cfg(test)]
mod tests;

//! The twin: the training of a recipe on plain integer matrices, exact to the last bit.
//!
//! It is the second, independent implementation that an encrypted run is compared with: it knows no slots, no steps and
//! no ciphertexts. These are the numbers both must give.
//!
//! # Fixed point
//! A real v is kept as the integer `v·2^f`, where f, its fractional bits, is known beforehand ([`Network`] has it for
//! every tensor). `r(n, s)` is n / 2^s rounded half away from zero, `sat(n, B)` is n clamped to ±B.
//! A *refresh* of a tensor to f' bits and bound B is `sat(r(n, f - f'), B·2^f')`. In the formulas the bits are
//! those of the default recipe.
//!
//! - Inputs have 4 bits. Weights and biases are kept with 14 bits, `|W| <= 1`; `W_hi = r(W, 8)` has 6 bits and enters
//!   products, `W_lo = W - W_hi·2^8` only the update.
//! - Forward: `Z_l = A_(l-1)·W_hi + 2^f(A)·b_hi` at f(A) + 6 bits, refreshed to 4 bits and ±2.5, the last layer's to
//!   6 bits and ±2.5. `A_l = p(Z_l)` with the exact integer polynomial of the activation.
//! - Error: `D_L = Z_L - Y` with one-hot labels Y; `D_(l-1) = (D_l·W_hiᵀ) ∘ p'(Z_(l-1))`, refreshed to 6 bits and ±6.
//! - Gradient of a batch: `G_l = A_(l-1)ᵀ·D_l` and `2^f(A)·ΣD_l` for the bias, not divided by anything.
//! - Update, without any rounding at the scale that holds all terms: `V' = μ·V + G/2^k` with the smallest 2^k not below
//!   the batch size (for a shorter last batch too), `W' = W - η·V'`; then V' is refreshed to 12 bits and ±1, W' to 14 bits
//!   and ±1.
//!
//! A tensor left out of `refresh.tensors` keeps its scale and is not saturated.

mod backward;
mod fixed;
mod forward;
mod matrix;
mod range;
mod refresh;
mod step;
mod update;

use ndarray::{Array2, ArrayRef2};

pub use self::fixed::{round_shift, saturate};
use self::range::Ranges;
pub use self::range::TensorRange;
use crate::data::{Batches, Samples};
use crate::metrics;
use crate::recipe::{Model, Network, Recipe};

/// Why the twin cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TwinError {
    /// A number does not fit 63 bits.
    #[error("{tensor}: a value does not fit 63 bits; refresh more tensors or use fewer fractional bits")]
    Overflow {
        /// The tensor.
        tensor: String,
    },
    /// Two shapes do not belong together.
    #[error("{what}: {found} given, {needed} needed")]
    Shape {
        /// What has the shape.
        what: &'static str,
        /// The extent there is.
        found: usize,
        /// The extent needed.
        needed: usize,
    },
}

/// A network in training on integers.
#[derive(Debug, Clone)]
pub struct Twin {
    recipe: Recipe,
    network: Network,
    model: Model,
    ranges: Ranges,
}

/// What one step computed, for comparison with another implementation; one item a linear layer, input first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Pre-activations as used.
    pub preactivations: Vec<Array2<i64>>,
    /// Errors as used.
    pub errors: Vec<Array2<i64>>,
    /// Gradients of the weights, `gradient_bits` fractional bits.
    pub weight_gradients: Vec<Array2<i64>>,
    /// Gradients of the biases, `gradient_bits` fractional bits.
    pub bias_gradients: Vec<ndarray::Array1<i64>>,
}

impl Twin {
    /// A new network with the initial weights of a seed.
    #[must_use]
    pub fn new(recipe: &Recipe, network: &Network, seed: u64) -> Self {
        Self::with_model(recipe, network, Model::initial(recipe, network, seed))
    }

    /// A network that goes on from given weights.
    #[must_use]
    pub fn with_model(recipe: &Recipe, network: &Network, model: Model) -> Self {
        Self { recipe: recipe.clone(), network: network.clone(), model, ranges: Ranges::default() }
    }

    /// Weights, biases and momentum.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Largest magnitude before the refresh and number of saturated values of each tensor, since the start.
    #[must_use]
    pub fn ranges(&self) -> Vec<TensorRange> {
        self.ranges.list()
    }

    /// How many values were saturated since the start.
    #[must_use]
    pub fn saturations(&self) -> u64 {
        self.ranges().iter().map(|range| range.saturated).sum()
    }

    /// Trains on one batch; one row of `x` a sample.
    ///
    /// # Errors
    /// If a shape is wrong or a number overflows; the twin is unchanged then.
    pub fn step(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<Trace, TwinError> {
        let mut ranges = self.ranges.clone();
        let (trace, model) = step::step(self, x, labels, &mut ranges)?;
        (self.model, self.ranges) = (model, ranges);
        Ok(trace)
    }

    /// Trains on all batches of an epoch (counted from 0) in their order.
    ///
    /// # Errors
    /// As [`Twin::step`].
    pub fn epoch(&mut self, samples: &Samples, batches: &Batches, epoch: usize) -> Result<(), TwinError> {
        for batch in batches.order(epoch) {
            let (x, labels) = samples.select(batches.rows(batch));
            self.step(&x, &labels)?;
        }
        Ok(())
    }

    /// The refreshed outputs for samples, at the `preactivation_bits` of the last layer.
    ///
    /// # Errors
    /// If a shape is wrong or a number overflows.
    pub fn outputs(&self, x: &ArrayRef2<i32>) -> Result<Array2<i64>, TwinError> {
        step::outputs(self, x)
    }

    /// The class of each sample: the largest output, the first of equals.
    ///
    /// # Errors
    /// As [`Twin::outputs`].
    pub fn predict(&self, x: &ArrayRef2<i32>) -> Result<Vec<usize>, TwinError> {
        let mut classes = Vec::with_capacity(x.nrows());
        for rows in x.axis_chunks_iter(ndarray::Axis(0), 1024) {
            classes.extend(self.outputs(&rows)?.rows().into_iter().map(metrics::argmax));
        }
        Ok(classes)
    }

    /// The part of samples that are classified right.
    ///
    /// # Errors
    /// As [`Twin::outputs`].
    pub fn accuracy(&self, samples: &Samples) -> Result<f64, TwinError> {
        Ok(metrics::accuracy(&self.predict(&samples.x)?, &samples.labels))
    }
}

fn overflow(tensor: &str) -> TwinError {
    TwinError::Overflow { tensor: tensor.to_owned() }
}

#[cfg(test)]
mod tests;

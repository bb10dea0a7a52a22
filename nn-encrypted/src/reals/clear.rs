//! The same training with exact functions, the measure of what polynomials cost.

use ndarray::{Array2, ArrayRef2};

use super::RealModel;
use super::twin::{Function, Head, Net};
use crate::recipe::{RealLoss, RealRecipe, RecipeError};

/// A network in floating-point training: σ and tanh instead of polynomials close to them, and with cross-entropy the
/// softmax.
#[derive(Debug, Clone)]
pub struct RealClear {
    net: Net,
}

impl RealClear {
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
        let head = match recipe.loss {
            RealLoss::Quadratic => Head::Identity,
            RealLoss::CrossEntropy => Head::Softmax,
        };
        Ok(Self { net: Net::new(recipe, features, outputs, model, Function::exact, head)? })
    }

    /// Weights, biases and momenta.
    #[must_use]
    pub fn model(&self) -> &RealModel {
        &self.net.model
    }

    /// Trains on one mini-batch; one row a sample, targets without smoothing: see [`one_hot`](super::one_hot).
    ///
    /// # Panics
    /// If `x` or `targets` has another number of columns than the network has inputs or outputs.
    pub fn step(&mut self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) {
        self.net.step(x, targets);
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

//! A network in floating-point training.

use ndarray::{Array2, ArrayRef2};

use crate::activation::Function;
use crate::model::Model;
use crate::network::Network;
use crate::recipe::Recipe;
use crate::twin::{TwinError, Walk};

/// A network in floating-point training.
#[derive(Debug, Clone)]
pub struct Clear(Walk);

impl Clear {
    /// A network that goes on from given weights.
    ///
    /// # Errors
    /// If the model is of another network.
    pub fn new(recipe: &Recipe, network: &Network, model: Model) -> Result<Self, TwinError> {
        Walk::floating(recipe, network, model, None).map(Self)
    }

    /// A network with one function in place of every activation.
    pub fn with_function(
        recipe: &Recipe,
        network: &Network,
        model: Model,
        function: &Function,
    ) -> Result<Self, TwinError> {
        Walk::floating(recipe, network, model, Some(function)).map(Self)
    }

    /// Weights, biases and momenta.
    pub(crate) fn model(&self) -> &Model {
        &self.0.model
    }

    /// Trains on one mini-batch; one row a sample, targets that are not smoothed: see [`hard_targets`](crate::twin::hard_targets).
    ///
    /// # Errors
    /// If a shape is wrong or a number is not finite; the model is unchanged then.
    pub fn step(&mut self, x: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<(), TwinError> {
        self.0.step(x, targets)
    }

    /// The outputs for samples, one row a sample, as those of the twin.
    ///
    /// # Errors
    /// If a shape is wrong or a number is not finite.
    pub fn outputs(&mut self, x: &ArrayRef2<f64>) -> Result<Array2<f64>, TwinError> {
        self.0.outputs(x)
    }
}

//! A network in floating-point training.

use ndarray::{Array2, ArrayRef2};

use crate::activation::Function;
use crate::model::Model;
use crate::network::Network;
use crate::recipe::Recipe;
use crate::twin::{TwinError, Walk};

/// A network in floating-point training.
///
/// ```
/// use ndarray::arr2;
/// use nn_encrypted::clear::Clear;
/// use nn_encrypted::model::{Grid, Model};
/// use nn_encrypted::network::Network;
/// use nn_encrypted::recipe::Recipe;
///
/// let recipe = Recipe::load("ckks_sgd", &["optimizer.batch_size=2".to_owned()])?;
/// let network = Network::new(&recipe, 2, None, 2)?;
/// let model = Model::initial(&network, recipe.init_gain(), 1, |_| Grid { bits: None, bound: 1.0 });
/// let mut net = Clear::new(&recipe, &network, model)?;
/// let (x, y) = (arr2(&[[0.5, -0.5], [-0.25, 0.75]]), arr2(&[[1.0, 0.0], [0.0, 1.0]]));
/// for _ in 0..100 {
///     net.step(&x, &y)?;
/// }
/// assert!((net.outputs(&x)? - y).iter().all(|miss| miss.abs() < 0.1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// The same with one function in place of every activation.
    ///
    /// # Errors
    /// As [`Clear::new`].
    pub fn with_function(
        recipe: &Recipe,
        network: &Network,
        model: Model,
        function: &Function,
    ) -> Result<Self, TwinError> {
        Walk::floating(recipe, network, model, Some(function)).map(Self)
    }

    /// Weights, biases and momenta.
    #[must_use]
    pub fn model(&self) -> &Model {
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

//! Where training starts.

use super::{RealLayerState, RealModel, RealRecipe, RecipeError, blocks};
use crate::data::random::{Purpose, normal_16, stream};

impl RealModel {
    /// Nearly normal weights of deviation `init_gain / √inputs`, within the bound of weights, everything else 0; the same
    /// on every machine.
    ///
    /// # Errors
    /// As [`RealRecipe::network`].
    pub fn initial(recipe: &RealRecipe, features: usize, outputs: usize) -> Result<Self, RecipeError> {
        let mut rng = stream(recipe.seed, Purpose::Weights);
        let bound = recipe.bounds.weight;
        let layers = blocks(recipe, features, outputs)?.into_iter().map(|block| {
            let deviation = recipe.optimizer.init_gain / (block.fan_in() as f64).sqrt();
            let mut draw = || (normal_16(&mut rng) as f64 / 65_536.0 * deviation).clamp(-bound, bound);
            let shape = block.shape();
            let weight: Vec<f64> = (0..shape.iter().product()).map(|_| draw()).collect();
            let bias = vec![0.0; block.biases()];
            RealLayerState {
                shape,
                weight_momentum: vec![0.0; weight.len()],
                weight,
                bias_momentum: bias.clone(),
                bias,
            }
        });
        Ok(Self { layers: layers.collect() })
    }
}

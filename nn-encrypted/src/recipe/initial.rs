//! The numbers that training changes, and where they start.

use ndarray::{Array1, Array2};

use super::{Network, Recipe};
use crate::data::random::{Purpose, normal_16, stream};

/// Weights, biases and momentum as integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// One for each linear layer.
    pub layers: Vec<LayerState>,
}

/// The integers of a linear layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerState {
    /// inputs x outputs, `weight_bits` fractional bits.
    pub weight: Array2<i64>,
    /// outputs, `weight_bits` fractional bits.
    pub bias: Array1<i64>,
    /// Momentum of the weights, `momentum_bits` fractional bits.
    pub weight_momentum: Array2<i64>,
    /// Momentum of the biases, `momentum_bits` fractional bits.
    pub bias_momentum: Array1<i64>,
}

impl Model {
    /// Nearly normal weights of deviation `init_gain / √inputs`, everything else 0; the same on every machine.
    #[must_use]
    pub fn initial(recipe: &Recipe, network: &Network, seed: u64) -> Self {
        let mut rng = stream(seed, Purpose::Weights);
        let bits = recipe.quantization.weight_bits;
        let bound = (recipe.quantization.bounds.weight * f64::from(1_u32 << bits)) as i64;
        let layers = network.layers.iter().map(|layer| {
            // deviation · 2^bits with 16 further bits; from here on integers only
            let deviation = recipe.init_gain() / (layer.inputs as f64).sqrt() * 2_f64.powi(bits as i32 + 16);
            let deviation = deviation.round() as i64;
            let weight = Array2::from_shape_simple_fn((layer.inputs, layer.outputs), || {
                let scaled = i128::from(normal_16(&mut rng)) * i128::from(deviation);
                let rounded = (scaled.abs() + (1 << 31)) >> 32;
                let magnitude = rounded.min(i128::from(bound)) as i64;
                if scaled < 0 { -magnitude } else { magnitude }
            });
            let shape = weight.dim();
            LayerState {
                weight,
                bias: Array1::zeros(layer.outputs),
                weight_momentum: Array2::zeros(shape),
                bias_momentum: Array1::zeros(layer.outputs),
            }
        });
        Self { layers: layers.collect() }
    }
}

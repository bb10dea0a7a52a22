//! The numbers that training changes, and where they start.

use ndarray::{Array1, Array2};

use super::WordRecipe;
use crate::data::random::{Purpose, normal_16, stream};

/// Weights and biases as words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordModel {
    /// Layer after layer.
    pub layers: Vec<WordLayer>,
}

/// The words of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordLayer {
    /// inputs x outputs.
    pub weight: Array2<i64>,
    /// outputs.
    pub bias: Array1<i64>,
}

impl WordModel {
    /// Nearly normal weights of deviation `init_gain / √inputs`, biases 0; the same on every machine.
    #[must_use]
    pub fn initial(recipe: &WordRecipe, widths: &[usize]) -> Self {
        let bound = (1_i128 << (recipe.word_bits - 1)) - 1;
        Self::normal(recipe.seed, widths, recipe.optimizer.init_gain, recipe.fraction_bits(), bound)
    }

    /// Nothing but zeros.
    #[must_use]
    pub fn zeros(widths: &[usize]) -> Self {
        let layer = |pair: &[usize]| WordLayer {
            weight: Array2::zeros((pair[0], pair[1])),
            bias: Array1::zeros(pair[1]),
        };
        Self { layers: widths.windows(2).map(layer).collect() }
    }

    /// Nearly normal weights of deviation `gain / √inputs`, with `fraction_bits` fractional bits and saturated to `bound`.
    pub(crate) fn normal(seed: u64, widths: &[usize], gain: f64, fraction_bits: u32, bound: i128) -> Self {
        let mut rng = stream(seed, Purpose::Weights);
        let layers = widths.windows(2).map(|pair| {
            // deviation · 2^f with 16 further bits; from here on integers only
            let unit = 2_f64.powi(fraction_bits as i32 + 16);
            let deviation = (gain / (pair[0] as f64).sqrt() * unit).round() as i128;
            let weight = Array2::from_shape_simple_fn((pair[0], pair[1]), || {
                let scaled = i128::from(normal_16(&mut rng)) * deviation;
                let magnitude = ((scaled.abs() + (1 << 31)) >> 32).min(bound);
                (if scaled < 0 { -magnitude } else { magnitude }) as i64
            });
            WordLayer { weight, bias: Array1::zeros(pair[1]) }
        });
        Self { layers: layers.collect() }
    }
}

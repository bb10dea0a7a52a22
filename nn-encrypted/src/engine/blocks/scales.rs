//! The scales of numbers in slots.

use he_switch::{Parameters, ckks_to_tfhe, tfhe_to_ckks};

use crate::numbers::tables::{RESULT_BITS, TableNumbers};

/// The factors of integers in slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BlockScales {
    /// Of features, activations, errors and targets.
    pub(crate) factor: f64,
    pub(crate) weight: f64,
    /// `log2` of what pre-activations are multiplied by on their way to a table with a shift of 0.
    pub(crate) bits: u32,
}

impl BlockScales {
    /// With the factor that results of tables have in slots, and room for weights of up to 8.
    pub(crate) fn new(numbers: &TableNumbers, parameters: &Parameters) -> Self {
        let (factor, unit) = (tfhe_to_ckks::factor(parameters, RESULT_BITS), ckks_to_tfhe::unit(parameters));
        let phase = (-f64::from(numbers.log_t)).exp2() / (unit * factor);
        let bits = (phase.log2() + f64::from(numbers.weight_bits() + 3)).round().clamp(0.0, 20.0);
        Self { factor, weight: phase / bits.exp2(), bits: bits as u32 }
    }
}

//! What was observed of each tensor.

use std::collections::BTreeMap;

use serde::Serialize;

/// The observed range of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorRange {
    /// Its layer and name, such as `linear1.preactivation`.
    pub tensor: String,
    /// Fractional bits before its refresh.
    pub fraction_bits: u32,
    /// The largest magnitude before its refresh, as an integer of that scale.
    pub max_abs: u64,
    /// How many values its refresh saturated.
    pub saturated: u64,
    /// How many values it had.
    pub values: u64,
}

impl TensorRange {
    /// The largest magnitude as a real number.
    #[must_use]
    pub fn max_real(&self) -> f64 {
        self.max_abs as f64 / 2_f64.powi(self.fraction_bits as i32)
    }

    /// The bits of the smallest plaintext modulus that holds what was observed.
    #[must_use]
    pub fn modulus_bits(&self) -> f64 {
        (2.0 * self.max_abs as f64 + 1.0).log2()
    }
}

/// The ranges of all tensors by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranges(BTreeMap<String, TensorRange>);

impl Ranges {
    pub(super) fn observe(
        &mut self,
        tensor: &str,
        fraction_bits: u32,
        max_abs: u64,
        values: usize,
        saturated: u64,
    ) {
        let range = self.0.entry(tensor.to_owned()).or_insert_with(|| TensorRange {
            tensor: tensor.to_owned(),
            fraction_bits,
            max_abs: 0,
            saturated: 0,
            values: 0,
        });
        range.max_abs = range.max_abs.max(max_abs);
        range.saturated += saturated;
        range.values += values as u64;
    }

    pub(super) fn list(&self) -> Vec<TensorRange> {
        self.0.values().cloned().collect()
    }
}

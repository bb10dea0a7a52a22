//! How large the numbers of a training become.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::recipe::RefreshTensor;

/// The observed range of a tensor of a layer with weights.
///
/// ```
/// use nn_encrypted::twin::TensorRange;
///
/// let range = TensorRange {
///     tensor: "linear2.output".to_owned(),
///     layer: 3,
///     largest: 2.75,
///     bound: Some(2.5),
///     beyond: 7,
///     setting: "numbers.bounds.output".to_owned(),
/// };
/// let text = "layer 3: linear2.output reaches 2.7500, 7 times beyond 2.5000: change `numbers.bounds.output`";
/// assert_eq!(range.to_string(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TensorRange {
    /// Layer and tensor, such as `linear1.preactivation`.
    pub tensor: String,
    /// Place of the layer among the layers of the recipe, from 1.
    pub layer: usize,
    /// The largest magnitude so far, before it was refreshed.
    pub largest: f64,
    /// The largest magnitude it may have; none of a tensor that keeps its scale.
    pub bound: Option<f64>,
    /// How many values were beyond the bound: saturated by a client, or else wrong in an encrypted training.
    pub beyond: u64,
    /// The setting that makes room for larger ones.
    pub setting: String,
}

/// The ranges of the tensors of each layer with weights, counted from 0.
pub(super) type Ranges = BTreeMap<(usize, RefreshTensor), TensorRange>;

impl fmt::Display for TensorRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tensor, layer, largest, beyond, setting, .. } = self;
        write!(f, "layer {layer}: {tensor} reaches {largest:.4}")?;
        match self.bound {
            Some(bound) if *beyond > 0 => write!(f, ", {beyond} times beyond {bound:.4}: change `{setting}`"),
            Some(bound) => write!(f, " of {bound:.4}"),
            None => Ok(()),
        }
    }
}

/// The name of a tensor in messages, and of its bound in recipes.
pub(super) fn name(tensor: RefreshTensor) -> &'static str {
    match tensor {
        RefreshTensor::Preactivation => "preactivation",
        RefreshTensor::Output => "output",
        RefreshTensor::Error => "error",
        RefreshTensor::Weight => "weight",
        RefreshTensor::Momentum => "momentum",
    }
}

//! Refusals by number.

use std::collections::BTreeMap;

use crate::network::{Layer, Network};
use crate::numbers::fixed::ScaleError;
use crate::plan::parameters::bgv::{MOST_PLAINTEXT_BITS, MOST_PLAINTEXT_PRIMES, bits};
use crate::plan::{PlanError, Reason};
use crate::program::Tensor;

/// The tensor with the largest bound, and the bound.
pub(in crate::plan::slots) fn widest(bounds: &BTreeMap<Tensor, i128>) -> (Tensor, i128) {
    let widest = bounds.iter().max_by_key(|(_, bound)| **bound);
    widest.map_or((Tensor::Features, 0), |(tensor, bound)| (*tensor, *bound))
}

/// Place in the recipe and kind of the layer that a tensor belongs to; of `otherwise`, or the last one, if it is of all layers.
fn place(network: &Network, tensor: Tensor, otherwise: Option<usize>) -> (usize, String) {
    let layer = tensor.layer().or(otherwise).and_then(|l| network.layers.get(l)).or(network.layers.last());
    layer.map(Layer::place).unwrap_or_default()
}

/// A tensor that grows too large; `largest` is the layer that has the largest gradient.
pub(in crate::plan::slots) fn wraps(
    network: &Network,
    tensor: Tensor,
    largest: Option<usize>,
    bound: i128,
) -> PlanError {
    let available = f64::from(MOST_PLAINTEXT_PRIMES * MOST_PLAINTEXT_BITS);
    range(network, tensor, largest, bits(bound), available)
}

/// Values that wrap around: bits that are needed, and that plaintext moduli hold.
pub(in crate::plan::slots) fn range(
    network: &Network,
    tensor: Tensor,
    largest: Option<usize>,
    needed: f64,
    available: f64,
) -> PlanError {
    let at = place(network, tensor, largest);
    let what = format!(
        "the {tensor} may reach {needed:.1} bits between two refreshes, of which plaintext moduli hold {available}: lower its bounds or fractional bits"
    );
    PlanError::refused(at, Reason::Range, what, [needed, available])
}

/// Noise beyond the longest chain of primes, of `available` bits.
pub(in crate::plan::slots) fn levels(
    network: &Network,
    tensor: Tensor,
    why: &str,
    needed: f64,
    available: f64,
) -> PlanError {
    let at = place(network, tensor, None);
    let what = format!(
        "no 128-bit parameters hold the noise of a step; the last ones tried fail at the {tensor}: {why}"
    );
    PlanError::refused(at, Reason::Levels, what, [needed, available])
}

/// A tensor that the next product needs at every index of an axis, without the refresh that spreads it.
pub(in crate::plan::slots) fn layout(network: &Network, tensor: Tensor) -> PlanError {
    let at = place(network, tensor, None);
    let what = format!(
        "0 refreshes by the client spread the {tensor} along the axis that the next product needs: refresh.strategy = \"client\" with it among refresh.tensors is needed"
    );
    PlanError::refused(at, Reason::Layout, what, [1.0, 0.0])
}

/// Numbers without a fixed-point format.
pub(in crate::plan::slots) fn scale(error: ScaleError) -> PlanError {
    let what = error.to_string();
    match error {
        ScaleError::TooMany { layer, kind, bits, .. } => {
            PlanError::refused((layer, kind), Reason::Range, what, [f64::from(bits), 62.0])
        }
        ScaleError::Field { field, .. } => PlanError::field(field, what),
    }
}

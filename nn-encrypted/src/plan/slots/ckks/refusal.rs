//! Refusals by number.

use crate::engine::slots::ckks::Tally;
use crate::network::{Layer, Network};
use crate::plan::{PlanError, Reason};
use crate::program::{Step, Tensor};

fn refused(network: &Network, l: usize, reason: Reason, what: String, numbers: [f64; 2]) -> PlanError {
    let layer = network.layers.get(l).or(network.layers.last());
    PlanError::refused(layer.map(Layer::place).unwrap_or_default(), reason, what, numbers)
}

/// The layer that a step belongs to, of some.
fn layer_of(step: Option<Step>, layers: &[usize]) -> usize {
    let (first, last) = (layers.first().copied().unwrap_or(0), layers.last().copied().unwrap_or(0));
    match step {
        Some(
            Step::Forward(l)
            | Step::Backward(l)
            | Step::Gradient(l)
            | Step::Activate(l)
            | Step::Derivative(l),
        ) => l,
        Some(Step::Loss) => last,
        _ => first,
    }
}

/// A step that is deeper than any chain of primes.
pub(super) fn levels(
    network: &Network,
    layers: &[usize],
    tally: &Tally,
    [needed, most]: [usize; 2],
) -> PlanError {
    let step = tally.lowest.1;
    let part = step.map_or_else(String::new, |step| step.to_string());
    let what = format!(
        "{part}: a step takes {needed} levels between two refreshes, at most {most} are possible at 128 bits: fewer layers, or activations of a lower degree"
    );
    refused(network, layer_of(step, layers), Reason::Levels, what, [needed as f64, most as f64])
}

/// Values that do not fit in the modulus even of the longest chain: the step, the bits it has too few, and those of the lowest
/// prime above the scale.
pub(super) fn range(network: &Network, layers: &[usize], overflow: Option<((Step, f64), f64)>) -> PlanError {
    let ((step, missing), room) = overflow.unwrap_or(((Step::Update, 0.0), 0.0));
    let what = format!(
        "{step}: values take {:.1} bits above the scale, of which the modulus has {room}: lower the bounds in numbers.bounds",
        room + missing
    );
    refused(network, layer_of(Some(step), layers), Reason::Range, what, [room + missing, room])
}

/// Weights that stand in several entries and do not fit in one ciphertext.
pub(super) fn shared(network: &Network, l: usize, ciphertexts: usize) -> PlanError {
    let what = format!(
        "its weights stand in several places, and all layers together take {ciphertexts} ciphertexts; convolutions and pooling need 1"
    );
    refused(network, l, Reason::Layout, what, [ciphertexts as f64, 1.0])
}

/// More memory than plans may take: the least of all plans, and what is taken, in bytes.
pub(super) fn memory(network: &Network, layers: &[usize], [least, most]: [usize; 2]) -> PlanError {
    let (needed, most) = (least >> 30, most >> 30);
    let what = format!(
        "a step takes {needed} GiB of memory, at most {most} are planned with: a smaller optimizer.batch_size"
    );
    refused(network, layer_of(None, layers), Reason::Memory, what, [needed as f64, most as f64])
}

/// A tensor that comes from, or goes to, an engine of another scheme without a refresh by the client.
pub(super) fn border(network: &Network, l: usize, tensor: Tensor) -> PlanError {
    let what = format!("the {tensor} crosses to another engine without a refresh by the client");
    refused(network, l, Reason::Layout, what, [1.0, 0.0])
}

//! A training step, and a classification, on ciphertexts.

use he_tfhe::LweCiphertext;

use super::MixedError;
use super::layers::Layers;

/// What the way forward leaves behind.
struct Passed<L: Layers> {
    /// Of each layer.
    inputs: Vec<L::Inputs>,
    /// Of each hidden layer: whether a unit lets pass, image after image.
    masks: Vec<Vec<LweCiphertext>>,
    /// The weighted sums of the outputs.
    sums: Vec<L::Cipher>,
}

fn forward<L: Layers>(pass: &L, features: &[L::Cipher]) -> Result<Passed<L>, MixedError> {
    let lookup = pass.lookup();
    let (mut inputs, mut masks) = (vec![pass.inputs(0, features)?], vec![]);
    for l in 0..pass.depth() {
        let sums = pass.sums(l, &inputs[l])?;
        if l + 1 == pass.depth() {
            return Ok(Passed { inputs, masks, sums });
        }
        let samples = pass.lower_sums(l, &sums, (lookup.plan.numbers.shifts[0], 1 << 30, 1))?;
        let outputs = lookup.look_up(&samples, &lookup.tables.rectifier, pass.stop())?;
        let (mut values, mut passes) = (Vec::new(), Vec::new());
        for (i, output) in outputs.into_iter().enumerate() {
            if i % 2 == 0 { values.push(output) } else { passes.push(output) }
        }
        let pieces = pass.raise_inputs(l + 1, values)?;
        inputs.push(pass.inputs(l + 1, &pieces)?);
        masks.push(passes);
    }
    Err(MixedError::Place)
}

/// The errors of the outputs: what their table gives, without the labels.
fn output_errors<L: Layers>(
    pass: &L,
    passed: &Passed<L>,
    labels: &[L::Cipher],
) -> Result<Vec<L::Cipher>, MixedError> {
    let (lookup, l) = (pass.lookup(), pass.depth() - 1);
    let samples = pass.lower_sums(l, &passed.sums, (lookup.plan.numbers.shifts[1], 1 << 30, 0))?;
    let outputs = lookup.look_up(&samples, &lookup.tables.output, pass.stop())?;
    pass.without(&pass.raise_errors(l, outputs, &passed.inputs[l])?, labels)
}

/// What the errors of layer `l` hand back to the layer before, where it lets pass.
fn back<L: Layers>(
    pass: &L,
    l: usize,
    errors: &L::Errors,
    passed: &Passed<L>,
) -> Result<Vec<L::Cipher>, MixedError> {
    let lookup = pass.lookup();
    let how = (lookup.plan.numbers.shifts[2], 1 << 29, 0);
    let mut samples = pass.lower_back(l, &pass.back(l, errors)?, how)?;
    samples
        .iter_mut()
        .zip(&passed.masks[l - 1])
        .try_for_each(|(sample, mask)| sample.add_scaled_assign(mask, 1))?;
    let values = lookup.look_up(&samples, &lookup.tables.masked, pass.stop())?;
    pass.raise_errors(l - 1, values, &passed.inputs[l - 1])
}

/// The weights after a step, as good as new.
pub(super) fn train<L: Layers>(
    pass: &L,
    features: &[L::Cipher],
    labels: &[L::Cipher],
) -> Result<Vec<L::Cipher>, MixedError> {
    let passed = forward(pass, features)?;
    let mut pieces = output_errors(pass, &passed, labels)?;
    let mut changed = Vec::new();
    for l in (0..pass.depth()).rev() {
        let errors = pass.errors(&pieces)?;
        changed.push(pass.updated(l, &passed.inputs[l], &errors)?);
        if l > 0 {
            pieces = back(pass, l, &errors, &passed)?;
        }
    }
    changed.reverse();
    pass.refreshed(changed)
}

/// The weighted sums of the outputs.
pub(super) fn classify<L: Layers>(pass: &L, features: &[L::Cipher]) -> Result<Vec<L::Cipher>, MixedError> {
    Ok(forward(pass, features)?.sums)
}

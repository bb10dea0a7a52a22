//! A rehearsal of all steps of a training, one after another.

use super::steps::Steps;
use super::{Agreement, Residues};
use crate::engine::Result;

/// All steps, from fresh ciphertexts: whether their noise can be held. Without ciphertexts, but for those of a tiny ring.
///
/// # Errors
/// Where noise exceeds the modulus; with how many steps were done before.
pub(super) fn walk<R: Residues>(
    agreement: &Agreement,
    ops: &R,
    fresh: &R::Ciphertext,
) -> Result<(), (usize, crate::engine::EngineError)> {
    let mut weights: Option<Vec<Vec<R::Ciphertext>>> = None;
    for done in 0..agreement.ladder.steps() {
        let steps = Steps { agreement, ops, done, rows: agreement.batch, rehearsed: true };
        let new = step(&steps, fresh, weights.as_deref()).map_err(|error| (done, error))?;
        weights = Some(new);
    }
    Ok(())
}

/// A step, and the new weights of each layer.
fn step<R: Residues>(
    steps: &Steps<'_, R>,
    fresh: &R::Ciphertext,
    weights: Option<&[Vec<R::Ciphertext>]>,
) -> Result<Vec<Vec<R::Ciphertext>>> {
    let (agreement, last) = (steps.agreement, steps.last());
    let features = vec![fresh.clone(); agreement.columns.tiles(steps.layer(0)?.inputs)];
    let of = |l: usize| weights.map(|all| &all[l][..]);
    let mut sums = vec![steps.sums(0, &features, of(0))?];
    for l in 1..=last {
        sums.push(steps.sums(l, &sums[l - 1], of(l))?);
    }
    let mut error = steps.loss(&sums[last], &vec![fresh.clone(); steps.layer(last)?.outputs])?;
    let mut new = Vec::new();
    for l in (0..=last).rev() {
        let inputs = if l == 0 { features.clone() } else { steps.beside(&sums[l - 1])? };
        let made = steps.new_weights(l, &steps.gradients(l, &inputs, &error)?, of(l))?;
        made.iter().take(1).try_for_each(|a| steps.ops.smallest(a).map(drop))?;
        new.insert(0, made);
        if l > 0 {
            error = steps.errors(l, &error, of(l))?;
        }
    }
    Ok(new)
}

impl<R: Residues> Steps<'_, R> {
    /// `Sum(l)` everywhere: of features beside one another, or of activations everywhere.
    pub(super) fn sums(
        &self,
        l: usize,
        before: &[R::Ciphertext],
        weights: Option<&[R::Ciphertext]>,
    ) -> Result<Vec<R::Ciphertext>> {
        match (l, weights) {
            (_, Some(weights)) => self.sealed_forward(l, before, weights),
            (0, None) => self.first_forward(before),
            (_, None) => self.forward(l, before),
        }
    }

    /// The errors of the layer before, everywhere.
    pub(super) fn errors(
        &self,
        l: usize,
        errors: &[R::Ciphertext],
        weights: Option<&[R::Ciphertext]>,
    ) -> Result<Vec<R::Ciphertext>> {
        match weights {
            Some(weights) => self.sealed_backward(l, errors, weights),
            None => self.backward(l, errors),
        }
    }

    /// The gradient of a layer, packed where weights are.
    pub(super) fn gradients(
        &self,
        l: usize,
        inputs: &[R::Ciphertext],
        errors: &[R::Ciphertext],
    ) -> Result<Vec<R::Ciphertext>> {
        let gradient = self.gradient(inputs, errors)?;
        if self.agreement.is_packed() { self.packed(l, &gradient) } else { Ok(gradient) }
    }

    /// New weights and biases of a layer.
    pub(super) fn new_weights(
        &self,
        l: usize,
        gradient: &[R::Ciphertext],
        weights: Option<&[R::Ciphertext]>,
    ) -> Result<Vec<R::Ciphertext>> {
        if self.agreement.is_packed() {
            self.packed_update(l, gradient, weights)
        } else {
            self.update(l, gradient)
        }
    }
}

//! The tensors of a step, each held no longer than a step reads it.

use super::RealFormulas;
use crate::engine::slots::Store;
use crate::program::{Step, Tensor};

/// State, expanded weights and tensors of images.
pub struct Held<C> {
    /// Weights and momentum as they are kept, compact.
    pub state: Vec<C>,
    /// The same after a bootstrap.
    pub bootstrapped: Option<Vec<C>>,
    /// Expanded weights and biases of each layer.
    pub expanded: Vec<Vec<C>>,
    /// Everything else.
    pub tensors: Store<C>,
}

impl<C> Default for Held<C> {
    fn default() -> Self {
        Self { state: Vec::new(), bootstrapped: None, expanded: Vec::new(), tensors: Store::default() }
    }
}

impl<C> Held<C> {
    /// Weights and momentum from which a step begins.
    #[must_use]
    pub fn start(&self) -> &[C] {
        self.bootstrapped.as_deref().unwrap_or(&self.state)
    }

    /// Everything but the state.
    pub fn clear(&mut self) {
        self.bootstrapped = None;
        self.expanded.clear();
        self.tensors.keep(&[]);
    }

    /// Drops what is read by no step behind this one.
    pub(super) fn drop_unread(&mut self, formulas: &RealFormulas, step: Step) {
        let Some(place) = formulas.steps.iter().position(|other| *other == step) else { return };
        let behind = &formulas.steps[place + 1..];
        let is_read = |tensor: &Tensor| {
            let reads = |step: &Step| match *step {
                Step::Refresh { round, .. } => formulas.rounds[round].contains(tensor),
                step => formulas.runs(step) && step.reads().contains(tensor),
            };
            *tensor == formulas.outputs || behind.iter().any(reads)
        };
        step.reads().iter().filter(|tensor| !is_read(tensor)).for_each(|tensor| self.tensors.forget(*tensor));
        for (expanded, &l) in self.expanded.iter_mut().zip(&formulas.geometry.numbers) {
            if !behind.contains(&Step::Forward(l)) && !behind.contains(&Step::Backward(l)) {
                expanded.clear();
                expanded.shrink_to_fit();
            }
        }
    }
}

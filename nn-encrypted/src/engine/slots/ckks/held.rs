//! The tensors of a step, each held no longer than a step reads it.

use std::borrow::Cow;

use super::RealFormulas;
use crate::engine::slots::Tensors;
use crate::engine::{EngineError, Result, Store};
use crate::layout::WeightTiles;
use crate::program::{Step, Tensor};

/// The mini-batch, read tile by tile of images.
pub trait Samples<C>: Sync {
    /// Features or targets of a tile of images, by tiles of features or outputs.
    fn read(&self, tensor: Tensor, tile: usize) -> Result<Vec<C>>;

    /// Images there are.
    fn rows(&self) -> usize;
}

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
    pub fn start(&self) -> &[C] {
        self.bootstrapped.as_deref().unwrap_or(&self.state)
    }

    /// Everything but the state.
    pub fn clear(&mut self) {
        self.bootstrapped = None;
        self.expanded.clear();
        self.tensors.keep(&[]);
    }

    /// Puts in what a step made.
    pub(super) fn put(&mut self, formulas: &RealFormulas, tensor: Tensor, mut tiles: Vec<C>) {
        if tensor != Tensor::Expanded {
            return self.tensors.put(tensor, tiles);
        }
        self.expanded.clear();
        for layer in formulas.geometry.layers.iter().rev() {
            self.expanded.insert(0, tiles.split_off(layer.first.min(tiles.len())));
        }
    }

    /// Drops what is read by no step behind this one.
    pub(super) fn drop_unread(&mut self, formulas: &RealFormulas, step: Step) {
        used_up(formulas, step).into_iter().for_each(|tensor| self.tensors.forget(tensor));
        let Some(place) = formulas.program.training.iter().position(|other| *other == step) else { return };
        let behind = &formulas.program.training[place + 1..];
        let is_read = |tensor: &Tensor| {
            let reads = |step: &Step| match *step {
                Step::Refresh { round, .. } => {
                    formulas.program.rounds[round].iter().any(|refresh| refresh.from == *tensor)
                }
                step => formulas.runs(step) && step.reads().contains(tensor),
            };
            *tensor == formulas.program.outputs.from || behind.iter().any(reads)
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

/// The tensors whose last reader a step is. Derivatives are made along with activations: nothing reads pre-activations again.
fn used_up(formulas: &RealFormulas, step: Step) -> Vec<Tensor> {
    let last = formulas.last();
    match step {
        Step::Activate(l) => vec![Tensor::Sum(l), Tensor::Preactivation(l)],
        Step::Loss => {
            let both = [Tensor::Activation(last), Tensor::Derivative(last)];
            [Tensor::Sum(last), Tensor::Preactivation(last)].into_iter().chain(both).collect()
        }
        Step::Derivative(l) => vec![Tensor::InputGradient(l), Tensor::Derivative(l)],
        Step::Update => formulas.geometry.numbers.iter().map(|&l| Tensor::Products(l)).collect(),
        _ => vec![],
    }
}

/// What is held, and a mini-batch, as what a step reads.
pub(super) struct Reading<'h, C, M> {
    pub(super) held: &'h Held<C>,
    pub(super) samples: &'h M,
    /// Tiles of images.
    pub(super) parts: usize,
}

impl<C: Clone + Send + Sync, M: Samples<C>> Tensors<C> for Reading<'_, C, M> {
    fn get(&self, tensor: Tensor) -> Result<&[C]> {
        match tensor {
            Tensor::Weights => Ok(self.held.start()),
            tensor => self.held.tensors.get(tensor),
        }
    }

    fn weights(&self, place: usize, _: &WeightTiles, count: usize) -> Result<&[C]> {
        let tiles = self.held.expanded.get(place).filter(|tiles| tiles.len() == count);
        tiles.map(Vec::as_slice).ok_or(EngineError::Missing(Tensor::Expanded))
    }

    fn parts(&self) -> usize {
        self.parts
    }

    fn part(&self, tensor: Tensor, part: usize) -> Result<Cow<'_, [C]>> {
        self.samples.read(tensor, part).map(Cow::Owned)
    }

    fn rows(&self) -> usize {
        self.samples.rows()
    }
}

//! The tensors that steps read.

use std::borrow::Cow;

use crate::engine::{EngineError, Result, Store};
use crate::layout::WeightTiles;
use crate::program::Tensor;

/// The tensors that a step reads.
pub trait Tensors<C: Clone>: Sync {
    /// The tiles of a tensor.
    fn get(&self, tensor: Tensor) -> Result<&[C]>;

    fn has(&self, tensor: Tensor) -> bool {
        self.get(tensor).is_ok()
    }

    /// The expanded weights, then biases, of a layer, which is the one at a place among those of the engine.
    fn weights(&self, place: usize, layer: &WeightTiles, count: usize) -> Result<&[C]>;

    /// The parts in which features and targets are read.
    fn parts(&self) -> usize;

    /// A part of features or targets: some tiles of images.
    fn part(&self, tensor: Tensor, part: usize) -> Result<Cow<'_, [C]>>;

    /// Images there are, if fewer than a mini-batch has.
    fn rows(&self) -> usize {
        usize::MAX
    }
}

/// The tensors that were there before a step, and those it made itself.
pub(super) struct View<'s, C, T> {
    pub(super) before: &'s T,
    pub(super) made: &'s [(Tensor, Vec<C>)],
}

impl<C: Clone + Send + Sync, T: Tensors<C>> Tensors<C> for View<'_, C, T> {
    fn get(&self, tensor: Tensor) -> Result<&[C]> {
        let made = self.made.iter().find(|(made, _)| *made == tensor);
        made.map_or_else(|| self.before.get(tensor), |(_, tiles)| Ok(tiles))
    }

    fn weights(&self, place: usize, layer: &WeightTiles, count: usize) -> Result<&[C]> {
        self.before.weights(place, layer, count)
    }

    fn parts(&self) -> usize {
        self.before.parts()
    }

    fn part(&self, tensor: Tensor, part: usize) -> Result<Cow<'_, [C]>> {
        self.before.part(tensor, part)
    }

    fn rows(&self) -> usize {
        self.before.rows()
    }
}

/// A store as what a step reads, features and targets as a whole.
pub(crate) struct Whole<'s, C> {
    pub(crate) store: &'s Store<C>,
}

impl<C: Clone + Send + Sync> Tensors<C> for Whole<'_, C> {
    fn get(&self, tensor: Tensor) -> Result<&[C]> {
        self.store.get(tensor)
    }

    fn weights(&self, _: usize, layer: &WeightTiles, count: usize) -> Result<&[C]> {
        let all = self.store.get(Tensor::Expanded)?;
        all.get(layer.first..layer.first + count).ok_or(EngineError::Missing(Tensor::Expanded))
    }

    fn parts(&self) -> usize {
        1
    }

    fn part(&self, tensor: Tensor, _: usize) -> Result<Cow<'_, [C]>> {
        Ok(Cow::Borrowed(self.store.get(tensor)?))
    }
}

//! The tensors that an engine holds.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Tensors;
use crate::engine::{EngineError, Result};
use crate::layout::WeightTiles;
use crate::program::Tensor;

/// Tensors as tiles, by name.
pub struct Store<C> {
    tensors: HashMap<Tensor, Vec<C>>,
}

impl<C> Default for Store<C> {
    fn default() -> Self {
        Self { tensors: HashMap::new() }
    }
}

impl<C> Store<C> {
    /// The tiles of a tensor.
    pub fn get(&self, tensor: Tensor) -> Result<&[C]> {
        self.tensors.get(&tensor).map(Vec::as_slice).ok_or(EngineError::Missing(tensor))
    }

    pub fn has(&self, tensor: Tensor) -> bool {
        self.tensors.contains_key(&tensor)
    }

    /// Puts a tensor in, in place of what was there.
    pub fn put(&mut self, tensor: Tensor, tiles: Vec<C>) {
        self.tensors.insert(tensor, tiles);
    }

    /// Takes a tensor out.
    pub fn take(&mut self, tensor: Tensor) -> Result<Vec<C>> {
        self.tensors.remove(&tensor).ok_or(EngineError::Missing(tensor))
    }

    pub fn forget(&mut self, tensor: Tensor) {
        self.tensors.remove(&tensor);
    }

    /// Keeps only the given tensors.
    pub fn keep(&mut self, wanted: &[Tensor]) {
        self.tensors.retain(|tensor, _| wanted.contains(tensor));
    }
}

/// A store as what a step reads, features and targets as a whole.
pub struct Whole<'s, C> {
    pub store: &'s Store<C>,
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

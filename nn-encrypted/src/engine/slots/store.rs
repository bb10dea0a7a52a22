//! The tensors that an engine holds.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Tensors;
use crate::engine::EngineError;
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
    ///
    /// # Errors
    /// If it is not there.
    pub fn get(&self, tensor: Tensor) -> Result<&[C], EngineError> {
        self.tensors.get(&tensor).map(Vec::as_slice).ok_or(EngineError::Missing(tensor))
    }

    /// Whether a tensor is there.
    #[must_use]
    pub fn has(&self, tensor: Tensor) -> bool {
        self.tensors.contains_key(&tensor)
    }

    /// Puts a tensor in, in place of what was there.
    pub fn put(&mut self, tensor: Tensor, tiles: Vec<C>) {
        self.tensors.insert(tensor, tiles);
    }

    /// Takes a tensor out.
    ///
    /// # Errors
    /// If it is not there.
    pub fn take(&mut self, tensor: Tensor) -> Result<Vec<C>, EngineError> {
        self.tensors.remove(&tensor).ok_or(EngineError::Missing(tensor))
    }

    /// Forgets a tensor.
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
    /// The store.
    pub store: &'s Store<C>,
}

impl<C: Clone + Send + Sync> Tensors<C> for Whole<'_, C> {
    fn get(&self, tensor: Tensor) -> Result<&[C], EngineError> {
        self.store.get(tensor)
    }

    fn weights(&self, _: usize, layer: &WeightTiles, count: usize) -> Result<&[C], EngineError> {
        let all = self.store.get(Tensor::Expanded)?;
        all.get(layer.first..layer.first + count).ok_or(EngineError::Missing(Tensor::Expanded))
    }

    fn parts(&self) -> usize {
        1
    }

    fn part(&self, tensor: Tensor, _: usize) -> Result<Cow<'_, [C]>, EngineError> {
        Ok(Cow::Borrowed(self.store.get(tensor)?))
    }
}

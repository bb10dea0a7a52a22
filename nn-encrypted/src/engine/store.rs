//! The tensors that an engine holds.

use std::collections::HashMap;

use super::{EngineError, Result};
use crate::program::Tensor;

/// Tensors as tiles, by name.
pub(crate) struct Store<C> {
    tensors: HashMap<Tensor, Vec<C>>,
}

impl<C> Default for Store<C> {
    fn default() -> Self {
        Self { tensors: HashMap::new() }
    }
}

impl<C> Store<C> {
    /// The tiles of a tensor, which must be there.
    pub(crate) fn get(&self, tensor: Tensor) -> Result<&[C]> {
        self.tensors.get(&tensor).map(Vec::as_slice).ok_or(EngineError::Missing(tensor))
    }

    pub(crate) fn has(&self, tensor: Tensor) -> bool {
        self.tensors.contains_key(&tensor)
    }

    /// Puts a tensor in, in place of what was there.
    pub(crate) fn put(&mut self, tensor: Tensor, tiles: Vec<C>) {
        self.tensors.insert(tensor, tiles);
    }

    /// Takes a tensor out, which must be there.
    pub(crate) fn take(&mut self, tensor: Tensor) -> Result<Vec<C>> {
        self.remove(tensor).ok_or(EngineError::Missing(tensor))
    }

    /// Takes a tensor out, if it is there.
    pub(crate) fn remove(&mut self, tensor: Tensor) -> Option<Vec<C>> {
        self.tensors.remove(&tensor)
    }

    pub(crate) fn forget(&mut self, tensor: Tensor) {
        self.tensors.remove(&tensor);
    }

    /// Keeps only the given tensors.
    pub(crate) fn keep(&mut self, wanted: &[Tensor]) {
        self.tensors.retain(|tensor, _| wanted.contains(tensor));
    }
}

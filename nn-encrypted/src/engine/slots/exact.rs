//! Steps on exact numbers, which a client refreshes: every tensor is right at index 0 of the axis it was summed along.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::numbers::Activated;
use super::tensors::Tensors;
use super::{Formulas, Level, LossFormula, Numbers, SlotOps};
use crate::engine::{EngineError, Result};
use crate::layout::Geometry;
use crate::program::Tensor;

/// Layout, constants and levels of some layers.
#[derive(Clone, Copy)]
pub struct Exact<'a, V> {
    pub geometry: &'a Geometry,
    pub formulas: &'a Formulas<V>,
    /// Primes over which tensors are computed.
    pub levels: &'a BTreeMap<Tensor, Level>,
}

impl<V> Exact<'_, V> {
    pub(super) fn level_of(&self, tensor: Tensor) -> Level {
        self.levels.get(&tensor).copied().unwrap_or_default()
    }
}

impl<S: SlotOps> Numbers<S> for Exact<'_, S::Scalar> {
    fn geometry(&self) -> &Geometry {
        self.geometry
    }

    fn last(&self) -> usize {
        self.formulas.layers.len().saturating_sub(1)
    }

    fn loss(&self) -> LossFormula {
        self.formulas.loss
    }

    fn level(&self, tensor: Tensor) -> Level {
        self.level_of(tensor)
    }

    // A constant derivative has a scale all the same: no layer is linear.
    fn constants(&self, l: usize) -> Option<[S::Scalar; 2]> {
        let formula = self.formulas.layers.get(l)?;
        Some([formula.constant, formula.one])
    }

    fn expand(&self, ops: &S, compact: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        self.expanded(ops, compact)
    }

    fn preactivations<'t>(
        &self,
        _: &S,
        l: usize,
        tensors: &'t impl Tensors<S::Ciphertext>,
    ) -> Result<Cow<'t, [S::Ciphertext]>> {
        Ok(Cow::Borrowed(tensors.get(Tensor::Preactivation(l))?))
    }

    fn activations(&self, ops: &S, l: usize, z: &[S::Ciphertext]) -> Result<Activated<S::Ciphertext>> {
        Ok((self.functions(ops, Tensor::Activation(l), z)?, None))
    }

    fn derivatives(&self, ops: &S, l: usize, z: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        self.functions(ops, Tensor::Derivative(l), z)
    }

    // The update takes the errors themselves as gradients of biases: one product with masks for all layers.
    fn update(
        &self,
        ops: &S,
        tensors: &impl Tensors<S::Ciphertext>,
        tensor: Tensor,
    ) -> Result<Vec<S::Ciphertext>> {
        match tensor {
            Tensor::NewMomentum => self.combined(ops, tensors, &self.formulas.momentum),
            Tensor::NewWeights => self.combined(ops, tensors, &self.formulas.weights),
            _ => self.gradient(ops, tensors, self.level_of(tensor)),
        }
    }
}

impl<V: Copy + Send + Sync> Exact<'_, V> {
    /// The polynomial of an activation, or of a derivative.
    fn functions<S: SlotOps<Scalar = V>>(
        &self,
        ops: &S,
        tensor: Tensor,
        z: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        let (l, order) = match tensor {
            Tensor::Activation(l) => (l, 0),
            Tensor::Derivative(l) => (l, 1),
            _ => return Err(EngineError::Unplanned(tensor.to_string())),
        };
        let polynomials = self.formulas.layers.get(l).and_then(|layer| layer.activation.as_ref());
        let polynomials = polynomials
            .ok_or_else(|| EngineError::Unplanned(format!("polynomial behind layer {}", l + 1)))?;
        let level = self.level_of(tensor);
        z.par_iter().map(|z| super::polynomial::value(ops, z, &polynomials[order], level)).collect()
    }

    /// `Σ c·tensor`, tile by tile.
    fn combined<S: SlotOps<Scalar = V>>(
        &self,
        ops: &S,
        tensors: &impl Tensors<S::Ciphertext>,
        terms: &[(V, Tensor)],
    ) -> Result<Vec<S::Ciphertext>> {
        let all =
            terms.iter().map(|(c, tensor)| Ok((*c, tensors.get(*tensor)?))).collect::<Result<Vec<_>>>()?;
        let count = all.iter().map(|(_, tiles)| tiles.len()).min().unwrap_or(0);
        (0..count)
            .into_par_iter()
            .map(|i| ops.combine(&all.iter().map(|(c, tiles)| (*c, &tiles[i])).collect::<Vec<_>>()))
            .collect()
    }
}

//! Steps on approximate numbers: weights and momentum in one complex state, sums along `P` right everywhere, bounds.

use std::borrow::Cow;

use super::{RealFormulas, RealOps};
use crate::engine::Result;
use crate::engine::slots::numbers::Activated;
use crate::engine::slots::{Body, LossFormula, Numbers, Sign, Tensors};
use crate::layout::{Geometry, Images, Side};
use crate::program::Tensor;

impl<S: RealOps> Numbers<S> for RealFormulas {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn last(&self) -> usize {
        Self::last(self)
    }

    fn loss(&self) -> LossFormula {
        self.loss
    }

    fn writes(&self, tensor: Tensor) -> bool {
        // Derivatives are made along with activations, and the state is weights and momentum.
        !matches!(tensor, Tensor::Derivative(_) | Tensor::Gradient | Tensor::NewMomentum)
    }

    // The constants beside weights are in the masks that expand them.
    fn is_linear(&self, l: usize) -> bool {
        // The constant is in the unit of the errors.
        self.activations[l].degree == 1
    }

    fn bound(&self, tensor: Tensor) -> Option<f64> {
        match tensor {
            Tensor::Sum(l) => Some(self.sum_bound(l)),
            Tensor::InputGradient(l) if self.by_client(Tensor::RawError(l)) => {
                Some(self.input_gradient_bound(l + 1))
            }
            _ => None,
        }
    }

    fn spread(&self, ops: &S, tensor: Tensor, sum: S::Ciphertext) -> Result<S::Ciphertext> {
        let Tensor::InputGradient(back) = tensor else { return Ok(sum) };
        let body = Body { ops, numbers: self };
        let refreshed = self.by_client(Tensor::RawError(back)) || self.is_bootstrapped(tensor);
        match body.output_side(back + 1)? {
            side @ Side::Q if !refreshed => body.spread_sum(&sum, side, Images::All),
            _ => Ok(sum),
        }
    }

    fn expand(&self, ops: &S, compact: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        Body { ops, numbers: self }.expand(compact)
    }

    fn preactivations<'t>(
        &self,
        ops: &S,
        l: usize,
        tensors: &'t impl Tensors<S::Ciphertext>,
    ) -> Result<Cow<'t, [S::Ciphertext]>> {
        Body { ops, numbers: self }.preactivations(l, tensors)
    }

    fn activations(&self, ops: &S, l: usize, z: &[S::Ciphertext]) -> Result<Activated<S::Ciphertext>> {
        Body { ops, numbers: self }.activations(l, z)
    }

    fn derivatives(&self, ops: &S, l: usize, z: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        let (_, derivatives) = Body { ops, numbers: self }.activations(l, z)?;
        Ok(derivatives.unwrap_or_default())
    }

    fn bias_gradients(&self, ops: &S, outputs: usize, error: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>> {
        let sum = |o: usize| {
            let column: Vec<_> = error.iter().skip(o).step_by(outputs).map(|e| (Sign::Plus, e)).collect();
            ops.sum(&column)
        };
        (0..outputs).map(sum).collect()
    }

    fn update(
        &self,
        ops: &S,
        tensors: &impl Tensors<S::Ciphertext>,
        _: Tensor,
    ) -> Result<Vec<S::Ciphertext>> {
        Body { ops, numbers: self }.update(tensors)
    }
}

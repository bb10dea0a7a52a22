//! Parts of a step that exact and approximate numbers do each in their own way.

use std::borrow::Cow;

use super::tensors::Tensors;
use super::{Level, LossFormula, SlotOps};
use crate::engine::Result;
use crate::layout::Geometry;
use crate::program::Tensor;

/// Values, and derivatives where these are made along with them.
pub(super) type Activated<C> = (Vec<C>, Option<Vec<C>>);

/// The layout, constants and refreshes of some layers; and how a kind of numbers keeps weights, evaluates polynomials and spreads
/// what is right at one index of an axis. Operations refuse where the scheme does, or a tensor is not there.
pub trait Numbers<S: SlotOps>: Sync {
    fn geometry(&self) -> &Geometry;

    /// The last layer of the network.
    fn last(&self) -> usize;

    /// How the error begins.
    fn loss(&self) -> LossFormula;

    /// Primes over which a tensor is computed.
    fn level(&self, _tensor: Tensor) -> Level {
        Level::default()
    }

    /// Whether a step writes this one of its tensors.
    fn writes(&self, _tensor: Tensor) -> bool {
        true
    }

    /// The constant beside the weights of layer `l`, and the input of its bias, where these are not both 1.
    fn constants(&self, _l: usize) -> Option<[S::Scalar; 2]> {
        None
    }

    /// Whether the derivative of the activation behind layer `l` is a constant, by which errors are not multiplied.
    fn is_linear(&self, _l: usize) -> bool {
        false
    }

    /// A bound of a sum along an axis, where the scheme must know it.
    fn bound(&self, _tensor: Tensor) -> Option<f64> {
        None
    }

    /// A gradient with respect to inputs, everywhere along the axis it is summed along, if the next step needs it there.
    fn spread(&self, _ops: &S, _tensor: Tensor, sum: S::Ciphertext) -> Result<S::Ciphertext> {
        Ok(sum)
    }

    /// The weights of all layers as tiles, out of compact ciphertexts.
    fn expand(&self, ops: &S, compact: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>>;

    /// Pre-activations of layer `l` that are right everywhere.
    fn preactivations<'t>(
        &self,
        ops: &S,
        l: usize,
        tensors: &'t impl Tensors<S::Ciphertext>,
    ) -> Result<Cow<'t, [S::Ciphertext]>>;

    /// The activation behind layer `l`.
    fn activations(&self, ops: &S, l: usize, z: &[S::Ciphertext]) -> Result<Activated<S::Ciphertext>>;

    /// Its derivative, where that is not made along with it.
    fn derivatives(&self, ops: &S, l: usize, z: &[S::Ciphertext]) -> Result<Vec<S::Ciphertext>>;

    /// Gradients of the biases, out of the errors of a layer with so many tiles of outputs, where they are made along with those of
    /// the weights.
    fn bias_gradients(
        &self,
        _ops: &S,
        _outputs: usize,
        _error: &[S::Ciphertext],
    ) -> Result<Vec<S::Ciphertext>> {
        Ok(Vec::new())
    }

    /// One of the tensors that an update writes.
    fn update(
        &self,
        ops: &S,
        tensors: &impl Tensors<S::Ciphertext>,
        tensor: Tensor,
    ) -> Result<Vec<S::Ciphertext>>;
}

//! Training steps on slots: the bodies of layer-level steps over the operations of a scheme, in the cube of [`crate::layout`].
//!
//! Every tensor has one formula, which reads tensors that are there before it. With the expanded weights `W`, `b` as products
//! take them, the constant `c` beside the weights of a layer and 1 at the scale of a sum:
//!
//! | step | tensors and their formulas |
//! |---|---|
//! | `Expand` | `Expanded`: the compact [`Weights`](Tensor::Weights) as tiles |
//! | `Forward(l)` | `Sum(l) = c·A_l·W_l + 1·b_l`, summed along the inputs |
//! | `Activate(l)` | `Activation(l) = a(Z_l)` |
//! | `Loss` | `Error(L)`, see [`LossFormula`] |
//! | `Backward(l)` | `InputGradient(l − 1) = c·D_l·W_lᵀ`, summed along the outputs |
//! | `Derivative(l)` | `Derivative(l) = a'(Z_l)`, `RawError(l) = InputGradient(l) ∘ Derivative(l)` |
//! | `Gradient(l)` | `Products(l) = A_lᵀ·D_l`, image by image |
//! | `Update` | `Gradient`: the sums over images, compact; `NewMomentum` and `NewWeights`: linear combinations |
//!
//! A sum along an axis is right at index 0 of it; a refresh spreads it along the axis.

mod body;
mod compact;
mod exact;
mod formulas;
mod linear;
mod numbers;
mod ops;
mod polynomial;
mod tensors;

pub mod bgv;
pub mod ckks;
#[cfg(test)]
mod clear_slots;
#[cfg(test)]
mod tests;

#[cfg(doc)]
use crate::program::Tensor;

pub use self::body::{Body, written};
pub use self::exact::Exact;
pub use self::formulas::{Formulas, LayerFormulas, LossFormula};
pub use self::numbers::Numbers;
pub(crate) use self::ops::{Level, Sign, SlotOps};
pub use self::tensors::Tensors;
pub(crate) use self::tensors::Whole;

//! Steps on CKKS ciphertexts, in the cube `[P | b | Q]` of [`crate::layout`].
//!
//! # Numbers
//! With `κ_l` the constant of the activation behind layer `l` (see [`MonicPolynomial`]), pre-activations are held as `κ_l·z_l` and
//! expanded weights as `κ_l·W_l`. The state of a training is `(W/β_W + i·V/β_V)/√2`, compact, with the public bounds `β` of the
//! recipe: its magnitude stays below 1, which a bootstrap needs.
//!
//! # Steps
//!
//! | step | tensors and their formulas |
//! |---|---|
//! | `Expand` | the real part of the state as tiles, times `κ` and the constants beside the weights |
//! | `Forward(l)` | `Sum(l) = A_l·W_l + b_l`, summed along the inputs: right everywhere along `P`, at index 0 along `Q` |
//! | `Activate(l)` | a sum that was not refreshed is spread; `Activation(l) = a(Z_l)`, `Derivative(l) = a'(Z_l)` over a constant |
//! | `Loss` | the same, and `Error(L)`, see [`LossFormula`](super::LossFormula) |
//! | `Gradient(l)` | `Products(l) = A_lᵀ·D_l`, image by image, and the errors as gradient of the biases |
//! | `Backward(l)` | `InputGradient(l − 1) = D_l·W_lᵀ`, summed along the outputs, and spread where no refresh follows |
//! | `Derivative(l)` | `RawError(l) = InputGradient(l) ∘ Derivative(l)` |
//! | `Update` | gradients are collected, summed where a weight stands several times, and added to the state as `NewWeights` |
//!
//! Features stay sealed and are read tile of images by tile of images. A tensor is dropped behind the last step that reads it.
//!
//! # Levels
//! Of a step with one hidden layer of degree 2: expand 1, product 1, activation 1, product 1, mask of the outputs 1, error 1,
//! derivative 1, gradient 1, collect 1.

mod activation;
mod agreement;
mod axes;
mod body;
mod engine;
mod formulas;
mod held;
mod levels;
mod monic;
mod numbers;
mod ops;
mod shared;
mod slots;
mod weights;

pub use self::agreement::CkksAgreement;
pub use self::engine::CkksEngine;
pub use self::formulas::RealFormulas;
pub use self::held::{Held, Samples};
pub use self::levels::{Counts, Level, Rehearsal, Room, Tally};
pub use self::monic::MonicPolynomial;
pub use self::ops::{RealMask, RealOps};
pub use self::slots::CkksSlots;

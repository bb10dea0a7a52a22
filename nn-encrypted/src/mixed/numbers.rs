//! Fixed point, and the tables.
//!
//! Features and activations have `α` fractional bits, errors, outputs and labels `β`, and a learning rate of `2^−κ` gives weights
//! `α + β + κ`: an update `W ← W − Σ a·d` needs no rounding, and weights stay exact integers modulo `t` from the first step to
//! the last. A weighted sum has `2α + β + κ` fractional bits and an error that is handed back `α + 2β + κ`.
//!
//! A table reads a sum `z` as the phase `z·2^j/t`, `j` as large as the bound of `z` allows: low bits of `z` drop below what a
//! blind rotation tells apart. With `B` boxes on the half torus,
//!
//! ```text
//! activation   phase z·2^j/t + 1/4              within (0, 1/2)    box b stands for z·2^j/t = b/2B − 1/4
//! error        phase e·2^j/t + 1/8 + mask/4     within (0, 1/2)    box b < B/2: 0; else e·2^j/t = b/2B − 3/8
//! ```
//!
//! where `mask` is 1 for a rectifier that lets its input pass: the derivative of ReLU costs no table of its own.

use super::MixedPlanError;
use crate::activation::sigmoid;
use crate::recipe::MixedRecipe;

/// Largest result of a table, larger ones are clipped. A bootstrap of CKKS lifts up to a 32nd of the torus: larger units of fewer
/// results stand farther above the noise, and products of what was lifted are exact after one lift less.
const MOST: f64 = 63.0;

/// `log2` of the unit of results on the torus, negated.
pub const RESULT_BITS: u32 = 11;

/// The fixed-point formats of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// `log2 t`.
    pub log_t: u32,
    /// `α`.
    pub activation_bits: u32,
    /// `β`.
    pub error_bits: u32,
    /// `κ`.
    pub update_bits: u32,
    /// `j` before hidden activations, before outputs, and of errors.
    pub shifts: [u32; 3],
}

impl Numbers {
    /// The formats of a recipe.
    ///
    /// # Errors
    /// If a bound does not fit the plaintext modulus; the first layer that needs it is named.
    pub fn new(recipe: &MixedRecipe) -> Result<Self, MixedPlanError> {
        let q = &recipe.quantization;
        let kappa = recipe.optimizer.shift().unwrap_or(0);
        let (alpha, beta) = (q.activation_bits, q.error_bits);
        let hidden = recipe.layers.len() > 2;
        let shift = |name: &'static str, layer: usize, bound: f64, bits: u32, room: u32| {
            let free = f64::from(q.plaintext_bits) - f64::from(room + bits) - bound.log2();
            if free < 0.0 {
                let kind = recipe.layers[layer].kind;
                let most = (free + bound.log2()).exp2();
                return Err(MixedPlanError::Range { layer: layer + 1, kind, name, bound, most });
            }
            Ok(free.floor().min(20.0) as u32)
        };
        let (sum, error) = (2 * alpha + beta + kappa, alpha + 2 * beta + kappa);
        let outputs = recipe.layers.len() - 1;
        let output = shift("output", outputs, q.bounds.output, sum, 2)?;
        let shifts = if hidden {
            [
                shift("preactivation", 1, q.bounds.preactivation, sum, 2)?,
                output,
                shift("error", 1, q.bounds.error, error, 3)?,
            ]
        } else {
            [0, output, 0]
        };
        Ok(Self {
            log_t: q.plaintext_bits,
            activation_bits: alpha,
            error_bits: beta,
            update_bits: kappa,
            shifts,
        })
    }

    /// Fractional bits of a weighted sum.
    pub fn sum_bits(&self) -> u32 {
        2 * self.activation_bits + self.error_bits + self.update_bits
    }

    /// Fractional bits of an error that is handed back, before its table.
    pub fn back_bits(&self) -> u32 {
        self.activation_bits + 2 * self.error_bits + self.update_bits
    }

    /// `z` for a phase.
    fn real(&self, phase: f64, shift: u32, bits: u32) -> f64 {
        phase * f64::from(self.log_t).exp2() / f64::from(shift + bits).exp2()
    }

    /// Table of the rectifier, and of whether it lets pass.
    pub fn rectifier(&self, boxes: usize) -> [Vec<i64>; 2] {
        let value = |b: usize| {
            let z = self.real(b as f64 / (2 * boxes) as f64 - 0.25, self.shifts[0], self.sum_bits());
            (z * f64::from(self.activation_bits).exp2()).round().clamp(0.0, MOST) as i64
        };
        [(0..boxes).map(value).collect(), (0..boxes).map(|b| i64::from(2 * b > boxes)).collect()]
    }

    /// Table of the sigmoid.
    pub fn sigmoid(&self, boxes: usize) -> Vec<i64> {
        let value = |b: usize| {
            let z = self.real(b as f64 / (2 * boxes) as f64 - 0.25, self.shifts[1], self.sum_bits());
            (sigmoid(z) * f64::from(self.error_bits).exp2()).round() as i64
        };
        (0..boxes).map(value).collect()
    }

    /// Table of errors that are handed back, behind their mask.
    pub fn masked(&self, boxes: usize) -> Vec<i64> {
        let value = |b: usize| {
            if 2 * b < boxes {
                return 0;
            }
            let e = self.real(b as f64 / (2 * boxes) as f64 - 0.375, self.shifts[2], self.back_bits());
            (e * f64::from(self.error_bits).exp2()).round().clamp(-MOST, MOST) as i64
        };
        (0..boxes).map(value).collect()
    }

    /// Integers of a real bound of weighted sums, of outputs and of errors: where a phase leaves the range of its table.
    pub fn limits(&self) -> [i64; 3] {
        let [hidden, output, error] = self.shifts;
        [hidden + 2, output + 2, error + 3].map(|bits| 1 << (self.log_t - bits))
    }
}

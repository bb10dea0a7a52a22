//! Fixed point where lookup tables round, and the tables.
//!
//! Features and activations have `α` fractional bits, errors, outputs and targets `β`, and a factor `2^−κ` of summed gradients gives
//! weights `α + β + κ`: an update `W ← W − Σ a·d` needs no rounding, and weights stay exact integers modulo `t = 2^log t` from the
//! first step to the last. A pre-activation has `2α + β + κ` fractional bits and a gradient with respect to an input `α + 2β + κ`.
//!
//! A table is looked up by the phase `z·2^j/t` of a value `z`, `j` as large as the bound of `z` allows: low bits of `z` drop below
//! what a blind rotation tells apart. With `B` boxes on the half torus,
//!
//! ```text
//! activation   phase z·2^j/t + 1/4              within (0, 1/2)    box b stands for z·2^j/t = b/2B − 1/4
//! error        phase e·2^j/t + 1/8 + mask/4     within (0, 1/2)    box b < B/2: 0; else e·2^j/t = b/2B − 3/8
//! ```
//!
//! where `mask` is 1 for a ReLU that lets its input pass: its derivative costs no table of its own. The derivative of another
//! function is looked up beside its value, as `d = a'(z)/8m` on the torus, `m` the largest magnitude of `a'` within the range of its
//! table, and multiplied with the error by a table of squares:
//!
//! ```text
//! product      phases u ± d + 1/4, u = e·2^j/t  within (0, 1/2)    box b stands for x = b/2B − 1/4, and Q(x) = 2m·K·x²
//! e·a'(z) = K·u · 8m·d = Q(u + d) − Q(u − d)
//! ```
//!
//! with `K` results to the torus of errors. Both values of `Q` are rounded. With cross-entropy the sigmoid behind the outputs is looked
//! up as the error is; with quadratic loss the error is the difference of outputs and targets, times the derivative of the
//! activation behind the outputs if there is one.

mod exact;
mod functions;

use std::fmt;

use he_core::wire::Writer;

pub(crate) use self::exact::{Index, Looked};
pub(crate) use self::functions::{DERIVATIVE_BITS, derivative_bits, is_masked};
use crate::network::{Activation, Layer, Network};
use crate::recipe::{Numbers, Recipe, Scheme};

/// Largest result of a table, larger ones are clipped. A bootstrap of CKKS lifts up to a 32nd of the torus: larger units of fewer
/// results stand farther above the noise, and products of what was lifted are exact after one lift less.
const MOST: f64 = 63.0;

/// `log2` of the unit of results on the torus, negated.
pub(crate) const RESULT_BITS: u32 = 11;

/// `log2` of the plaintext modulus where the recipe leaves it open.
const LOG_MODULUS: u32 = 26;

/// The formats of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TableNumbers {
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
    /// Bits of the plaintext modulus that each leaves beside those of its bound: where tables are on the half torus, two, or three of
    /// errors, and over slots one, or two of outputs, for a target.
    pub spare: [u32; 3],
}

/// Why a network has no formats. Layers are counted from 1.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Values, or products with derivatives, that tables do not hold.
    #[error("layer {layer} ({kind}): range: {what}")]
    Range { layer: usize, kind: String, what: String, needed: f64, available: f64 },
    /// The factor of summed gradients is no power of two below 1.
    #[error(
        "optimizer.learning_rate = {found}: a power of two up to {most}, the divisor of summed gradients, is needed where updates are exact"
    )]
    LearningRate { found: String, most: u64 },
}

/// `log2` of the plaintext modulus.
pub(crate) fn log_modulus(numbers: &Numbers) -> u32 {
    numbers.plaintext_bits.value().and_then(|bits| u32::try_from(bits).ok()).unwrap_or(LOG_MODULUS)
}

/// Fractional bits of weights, at which a sum of products of activations and errors is an update; none if the learning rate is no
/// power of two up to the divisor of summed gradients.
pub(crate) fn weight_bits(recipe: &Recipe) -> Option<u32> {
    let numbers = &recipe.numbers;
    Some(numbers.input_bits + numbers.error_bits + recipe.optimizer.update_shift()?)
}

/// Whether activations of a network are looked up over slots.
pub(crate) fn over_slots(network: &Network) -> bool {
    let mut activations = network.layers.iter().filter_map(|layer| layer.activation.as_ref());
    activations.any(|activation| activation.scheme == Scheme::Tables)
}

impl TableNumbers {
    /// The formats of a network.
    ///
    /// # Errors
    /// If the learning rate is no power of two, or a bound does not fit the plaintext modulus; the first layer that needs it is named.
    pub(crate) fn new(recipe: &Recipe, network: &Network) -> Result<Self, TableError> {
        let (numbers, optimizer) = (&recipe.numbers, &recipe.optimizer);
        let update_bits = optimizer.update_shift().ok_or_else(|| TableError::LearningRate {
            found: optimizer.learning_rate.to_string(),
            most: 1 << optimizer.batch_shift(),
        })?;
        let (log_t, bounds) = (log_modulus(numbers), &numbers.bounds);
        let mut made = Self {
            log_t,
            activation_bits: numbers.input_bits,
            error_bits: numbers.error_bits,
            update_bits,
            shifts: [0; 3],
            spare: if over_slots(network) { [1, 2, 1] } else { [2, 2, 3] },
        };
        let shift = |name: &'static str, behind: usize, bound: f64, taken: u32| {
            let free = f64::from(log_t) - f64::from(taken) - bound.log2();
            if free < 0.0 {
                let ((layer, kind), available) = (place(network, behind), (free + bound.log2()).exp2());
                let what = format!(
                    "numbers.bounds.{name} is {bound}; less than {available:.3} is possible with this plaintext modulus and these fractional bits"
                );
                return Err(TableError::Range { layer, kind, what, needed: bound, available });
            }
            Ok(free.floor().min(20.0) as u32)
        };
        let last = network.depth().saturating_sub(1);
        let (sum, back, spare) = (made.sum_bits(), made.back_bits(), made.spare);
        made.shifts[1] = shift("output", last, bounds.output, sum + spare[1])?;
        if last > 0 {
            made.shifts[0] = shift("preactivation", 0, bounds.preactivation, sum + spare[0])?;
            made.shifts[2] = shift("error", 0, bounds.error, back + spare[2])?;
        }
        made.check_products(network, bounds)?;
        Ok(made)
    }

    /// Writes the formats, canonically.
    pub(crate) fn encode(&self, out: &mut Writer) {
        [self.log_t, self.activation_bits, self.error_bits, self.update_bits]
            .into_iter()
            .for_each(|x| out.u32(x));
        self.shifts.into_iter().for_each(|x| out.u32(x));
    }

    /// A line about the ranges of tables, of a network with hidden layers or without.
    pub(crate) fn write_ranges(&self, f: &mut fmt::Formatter<'_>, hidden: bool) -> fmt::Result {
        let range = |limit: i64, bits: u32| limit as f64 / f64::from(bits).exp2();
        let [preactivation, output, error] = self.limits();
        let output = range(output, self.sum_bits());
        if !hidden {
            return writeln!(f, "tables hold pre-activations up to {output}");
        }
        let (preactivation, error) = (range(preactivation, self.sum_bits()), range(error, self.back_bits()));
        writeln!(
            f,
            "tables hold pre-activations up to {preactivation}, those of the outputs up to {output}, errors up to {error}"
        )
    }

    /// Fractional bits of a pre-activation.
    pub(crate) fn sum_bits(&self) -> u32 {
        2 * self.activation_bits + self.error_bits + self.update_bits
    }

    /// Fractional bits of a gradient with respect to an input, before its table.
    pub(crate) fn back_bits(&self) -> u32 {
        self.activation_bits + 2 * self.error_bits + self.update_bits
    }

    /// Fractional bits of weights.
    pub(crate) fn weight_bits(&self) -> u32 {
        self.activation_bits + self.error_bits + self.update_bits
    }

    /// Integers of a real bound of pre-activations, of outputs and of errors: where a phase leaves the range of its table.
    pub(crate) fn limits(&self) -> [i64; 3] {
        let [hidden, output, error] = self.shifts;
        let [a, b, c] = self.spare;
        [hidden + a, output + b, error + c].map(|bits| 1 << (self.log_t - bits))
    }
}

/// Number and kind of the activation behind a layer with weights, or of that layer where there is none.
fn place(network: &Network, behind: usize) -> (usize, String) {
    let layer = network.layers.get(behind);
    let activation = layer.and_then(|layer| layer.activation.as_ref()).map(Activation::place);
    activation.or_else(|| layer.map(Layer::place)).unwrap_or_default()
}

/// The resolution of lookups in tables.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "Reader")]
pub struct TableReader {
    /// `log2` of the positions on the torus.
    pub log: u32,
    /// Deviation of a phase before it is rounded down, on the torus, for tables of one output and of two.
    pub deviations: [f64; 2],
}

impl TableReader {
    /// Boxes on the half torus of a table of so many outputs.
    pub fn boxes(&self, outputs: usize) -> usize {
        (1 << (self.log - 2)) / outputs
    }
}

he_core::debug_as_displayed!(TableError);

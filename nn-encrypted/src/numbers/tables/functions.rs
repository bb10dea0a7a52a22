//! Entries of tables.

use super::{MOST, TableError, TableNumbers};
use crate::activation::Function;
use crate::network::Network;
use crate::recipe::{Bounds, Loss, Scheme};

/// `log2` of the unit of a derivative on the torus, negated.
pub(crate) const DERIVATIVE_BITS: u32 = 14;

/// `log2` of the largest derivative in such units.
const DERIVATIVE_STEPS: u32 = 11;

/// `log2` of the unit of the mask of ReLU on the torus, negated.
const MASK_BITS: u32 = 2;

/// Points on either side of 0 at which the largest magnitude of a function is looked for.
const POINTS: i32 = 1024;

/// Whether the derivative of a hidden activation is a mask of its inputs, 0 or 1: then one table takes the error with its mask.
pub(crate) fn is_masked(function: &Function) -> bool {
    matches!(function, Function::Relu)
}

/// `log2` of the unit of the derivative of a hidden activation on the torus, negated; that of the last one is never a mask.
pub(crate) fn derivative_bits(function: &Function) -> u32 {
    if is_masked(function) { MASK_BITS } else { DERIVATIVE_BITS }
}

/// The values of a table of so many boxes, that of `x` for box `b` that stands for `x = b/2B − 1/4`.
fn boxes(boxes: usize, value: impl Fn(f64) -> f64) -> Vec<i64> {
    let at = |b: usize| value(b as f64 / (2 * boxes) as f64 - 0.25);
    (0..boxes).map(|b| at(b).round() as i64).collect()
}

impl TableNumbers {
    /// `z` for a phase.
    fn real(&self, phase: f64, shift: u32, bits: u32) -> f64 {
        phase * f64::from(self.log_t).exp2() / f64::from(shift + bits).exp2()
    }

    /// The largest magnitude of a function of pre-activations within the range of a table.
    fn largest(&self, shift: u32, function: impl Fn(f64) -> f64) -> f64 {
        let limit = self.real(0.25, shift, self.sum_bits());
        let all = (-POINTS..=POINTS).map(|i| function(limit * f64::from(i) / f64::from(POINTS)).abs());
        all.fold(0.0, f64::max)
    }

    /// Tables of a function of pre-activations that are looked up with a shift, with so many fractional bits, and of its derivative.
    fn with_derivative(&self, function: &Function, shift: u32, bits: u32, count: usize) -> [Vec<i64>; 2] {
        let z = |phase: f64| self.real(phase, shift, self.sum_bits());
        let unit = f64::from(bits).exp2();
        let most = MOST.max(unit);
        let value = |phase: f64| (function.value(z(phase)) * unit).clamp(-most, most);
        let largest = self.largest(shift, |z| function.derivative(z));
        let steps = f64::from(DERIVATIVE_STEPS).exp2() / largest;
        [boxes(count, value), boxes(count, |phase| function.derivative(z(phase)) * steps)]
    }

    /// Tables of the activation behind a hidden layer, with the fractional bits of activations, and of its derivative: of ReLU
    /// whether it lets its input pass, of others in units of the largest one.
    pub(crate) fn activation(&self, function: &Function, count: usize) -> [Vec<i64>; 2] {
        if is_masked(function) {
            return self.relu(count);
        }
        self.with_derivative(function, self.shifts[0], self.activation_bits, count)
    }

    /// Tables of the activation behind the last layer, with the fractional bits of errors, and of its derivative.
    pub(crate) fn output_activation(&self, function: &Function, count: usize) -> [Vec<i64>; 2] {
        self.with_derivative(function, self.shifts[1], self.error_bits, count)
    }

    /// Table of a function of the last pre-activations alone, with the fractional bits of errors.
    pub(crate) fn output(&self, function: &Function, count: usize) -> Vec<i64> {
        let [values, _] = self.output_activation(function, count);
        values
    }

    /// Table of errors of a hidden layer: with the mask of ReLU, or the squares whose differences are products with other
    /// derivatives.
    pub(crate) fn error(&self, function: &Function, count: usize) -> Vec<i64> {
        if is_masked(function) {
            return self.masked_error(count);
        }
        let largest = self.largest(self.shifts[0], |z| function.derivative(z));
        self.squares(largest, (self.shifts[2], self.back_bits()), count)
    }

    /// Table of squares whose differences are products of the error at outputs with the derivative of their activation.
    pub(crate) fn output_error(&self, function: &Function, count: usize) -> Vec<i64> {
        let largest = self.largest(self.shifts[1], |z| function.derivative(z));
        self.squares(largest, (self.output_error_shift(function), self.error_bits), count)
    }

    /// `Q`, for errors with a shift and fractional bits.
    fn squares(&self, largest: f64, (shift, bits): (u32, u32), count: usize) -> Vec<i64> {
        let scale = self.real(1.0, shift, bits) * f64::from(self.error_bits).exp2();
        boxes(count, |x| (2.0 * largest * scale * x * x).clamp(0.0, MOST))
    }

    /// `j` of the difference of outputs behind this activation and targets of at most 1, which has the fractional bits of errors.
    pub(crate) fn output_error_shift(&self, function: &Function) -> u32 {
        let held = (MOST / f64::from(self.error_bits).exp2()).max(1.0);
        let largest = self.largest(self.shifts[1], |z| function.value(z)).min(held) + 1.0;
        self.log_t.saturating_sub(self.error_bits + 3 + largest.log2().ceil() as u32)
    }

    /// Tables of ReLU, and of whether it lets its input pass.
    pub(crate) fn relu(&self, count: usize) -> [Vec<i64>; 2] {
        let unit = f64::from(self.activation_bits).exp2();
        let value = |phase: f64| (self.real(phase, self.shifts[0], self.sum_bits()) * unit).clamp(0.0, MOST);
        [boxes(count, value), boxes(count, |phase| f64::from(u8::from(phase > 0.0)))]
    }

    /// Table of errors of a hidden layer behind a ReLU, with their mask.
    pub(crate) fn masked_error(&self, count: usize) -> Vec<i64> {
        let unit = f64::from(self.error_bits).exp2();
        boxes(count, |phase| {
            let error = self.real(phase - 0.125, self.shifts[2], self.back_bits());
            if phase < 0.0 { 0.0 } else { (error * unit).round().clamp(-MOST, MOST) }
        })
    }

    /// Refuses functions whose derivatives, times the largest error, are more than a table holds.
    pub(super) fn check_products(&self, network: &Network, bounds: &Bounds) -> Result<(), TableError> {
        let layers = network.layers.iter().enumerate();
        for (l, activation) in layers.filter_map(|(l, layer)| Some((l, layer.activation.as_ref()?))) {
            let (function, last) = (&activation.function, l + 1 == network.depth());
            let direct = last && network.loss == Loss::CrossEntropy;
            if activation.scheme != Scheme::Tfhe || direct || (is_masked(function) && !last) {
                continue;
            }
            let largest = self.largest(self.shifts[usize::from(last)], |z| function.derivative(z));
            let possible = (MOST + 1.0) / largest / f64::from(self.error_bits).exp2();
            let (name, bound, error) = if last {
                let bits = self.output_error_shift(function) + self.error_bits + 3;
                ("output", bounds.output, (f64::from(self.log_t) - f64::from(bits)).exp2())
            } else {
                ("error", bounds.error, self.limits()[2] as f64 / f64::from(self.back_bits()).exp2())
            };
            if error > possible {
                let (layer, kind) = activation.place();
                let what = format!(
                    "errors up to {error} are multiplied with its derivative, with numbers.bounds.{name} = {bound}; tables hold products of errors up to {possible:.3}"
                );
                return Err(TableError::Range { layer, kind, what, needed: error, available: possible });
            }
        }
        Ok(())
    }
}

//! Rounding, saturation, and what is counted of it.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::program::Rounding;
use crate::roles::cipher::{Values, round_shift};

/// Counts of the client; they stay with the client.
///
/// ```
/// # use nn_encrypted::recipe::Recipe;
/// # use nn_encrypted::run::Session;
/// #
/// # let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()])?;
/// # let session = Session::new(recipe, None)?;
/// use nn_encrypted::roles::{Client, RefreshCounts};
///
/// let client = Client::new(&session.plan()?, session.first.clone())?;
/// assert_eq!(client.counts(), RefreshCounts::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshCounts {
    /// Values that were larger than their bound and were cut to it.
    pub saturations: u64,
    /// Signs that the server did not compute as planned: values larger than the plan proved possible, digits out of range, and
    /// outputs further from the client's own than the plan allows. What the server gets back does not depend on it.
    pub out_of_bounds: u64,
    /// Ciphertexts decrypted and encrypted again.
    pub refreshed: u64,
}

/// Rounds and saturates, and counts.
pub(super) struct Settle<'c> {
    rounding: Rounding,
    counts: &'c mut RefreshCounts,
}

impl<'c> Settle<'c> {
    pub(super) fn new(rounding: Rounding, counts: &'c mut RefreshCounts) -> Self {
        Self { rounding, counts }
    }

    /// Saturation alone, of approximate numbers.
    pub(super) fn without_rounding(mut self) -> Self {
        self.rounding.bits = None;
        self
    }

    /// A tensor of images.
    pub(super) fn rows(&mut self, values: Values) -> Array2<f64> {
        match values {
            Values::Exact(values, bits) => {
                let limits = Limits::new(self.rounding, bits);
                values.mapv(|value| self.exact(value, &limits))
            }
            Values::Real(values) => values.mapv(|value| self.real(value)),
        }
    }

    /// Weights or momentum; approximate ones are not rounded.
    pub(super) fn model(&mut self, values: Values) -> Vec<f64> {
        if matches!(values, Values::Real(_)) {
            self.rounding.bits = None;
        }
        self.rows(values).into_iter().collect()
    }

    /// An integer whose fractional bits are those of the limits.
    fn exact(&mut self, value: i128, limits: &Limits) -> f64 {
        self.counts.out_of_bounds += u64::from(value.unsigned_abs() > limits.proven);
        let rounded = if limits.up > 0 { value << limits.up } else { round_shift(value, limits.down) };
        self.counts.saturations += u64::from(rounded.unsigned_abs() > limits.bound.unsigned_abs());
        rounded.clamp(-limits.bound, limits.bound) as f64 * limits.unit
    }

    pub(super) fn real(&mut self, value: f64) -> f64 {
        let Rounding { bits, bound, proven } = self.rounding;
        // What is no number is none of the plan's, and no answer may hold it.
        self.counts.out_of_bounds += u64::from(!(0.0..=proven).contains(&value.abs()));
        let value = if value.is_nan() { 0.0 } else { value };
        let (rounded, bound) = match bits {
            Some(bits) => (rounded(value, bits), { scaled(bound, bits).trunc() / scaled(1.0, bits) }),
            None => (value, bound),
        };
        self.counts.saturations += u64::from(rounded.abs() > bound);
        rounded.clamp(-bound, bound)
    }
}

/// A rounding of integers with so many fractional bits.
struct Limits {
    /// Of the integer before rounding.
    proven: u128,
    /// Fractional bits that go, or come.
    down: u32,
    up: u32,
    /// Of the integer after rounding.
    bound: i128,
    /// The number that one stands for after rounding.
    unit: f64,
}

impl Limits {
    fn new(Rounding { bits: to, bound, proven }: Rounding, bits: u32) -> Self {
        let to = to.unwrap_or(bits);
        // Conversions of what is too large, or infinite, end at the largest integer.
        Self {
            proven: scaled(proven, bits) as u128,
            down: bits.saturating_sub(to),
            up: to.saturating_sub(bits),
            bound: scaled(bound, to) as i128,
            unit: scaled(1.0, to).recip(),
        }
    }
}

/// `value` with so many fractional bits, halves away from zero.
pub(super) fn rounded(value: f64, bits: u32) -> f64 {
    scaled(value, bits).round() / scaled(1.0, bits)
}

/// `value·2^bits`
fn scaled(value: f64, bits: u32) -> f64 {
    value * f64::from(bits).exp2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rounding_is_half_away_from_zero(value in -1_000_000_i64..1_000_000, shift in 0_u32..12) {
            let exact = value as f64 / f64::from(1_u32 << shift);
            prop_assert_eq!(round_shift(value.into(), shift), exact.round() as i128);
        }

        #[test]
        fn integers_are_rounded_as_the_numbers_they_stand_for(
            value in -100_000_i64..100_000,
            bits in 0_u32..14,
            to in 0_u32..14,
            bound in 0.0..20.0_f64,
            proven in 0.0..40.0_f64,
        ) {
            let rounding = Rounding { bits: Some(to), bound, proven };
            let [mut integers, mut reals] = [RefreshCounts::default(); 2];
            let real = value as f64 / f64::from(1 << bits);
            let found = Settle::new(rounding, &mut integers).exact(value.into(), &Limits::new(rounding, bits));
            prop_assert_eq!(found, Settle::new(rounding, &mut reals).real(real));
            prop_assert_eq!(integers, reals);
            prop_assert!(found.abs() <= bound);
        }
    }

    #[test]
    fn saturations_and_values_out_of_bounds_are_counted() {
        let rounding = Rounding { bits: Some(2), bound: 1.3, proven: 2.0 };
        let mut counts = RefreshCounts::default();
        let values = Values::Exact(Array2::from_shape_vec((1, 5), vec![3, -40, 20, 32, -33]).unwrap(), 4);
        let found = Settle::new(rounding, &mut counts).rows(values);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [0.25, -1.25, 1.25, 1.25, -1.25]);
        assert_eq!(counts, RefreshCounts { saturations: 3, out_of_bounds: 2, refreshed: 0 });
    }
}

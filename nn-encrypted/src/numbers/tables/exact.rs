//! Tables over slots: integers that are truncated exactly, and looked up by what is left of them.
//!
//! A value `S` of a tensor, times `2^j`, is an integer modulo `t`, or `S` modulo `T = t/2^j`. It is truncated to an index of 8 bits: part
//! after part of `b` low bits, `S ← ⌊S/2^b + 1/2⌋` modulo `T/2^b`. Tables are functions of the index:
//!
//! ```text
//! activation   index of Z       a(z) with α fractional bits, and a'(z)
//! loss         index of (Z, y)  T1(z) − y·T2(z) with β fractional bits; y, a target of 0 or 1, is the bit above those of z
//! error        index of D·Wᵀ    with β fractional bits, times the mask of ReLU; or the index, times a'(z), truncated again to β bits
//! ```
//!
//! With quadratic loss `T1 = a·a'` and `T2 = a'`, rounded each; with cross-entropy `T1 = σ` and `T2 = 1`. Results have 8 bits with their
//! sign, and larger ones are clipped.

use super::TableNumbers;
use crate::activation::Function;
use crate::recipe::Loss;

/// Bits of an index.
const INDEX_BITS: u32 = 8;

/// Low bits that a truncation takes off, at most.
const MOST_TRUNCATED: u32 = 10;

/// Largest result.
const MOST: f64 = 127.0;

/// A lookup, by the tensor whose values it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// Pre-activations of a hidden layer.
    Preactivation,
    /// Those of the last layer, with targets.
    Output,
    /// Gradients with respect to the inputs of a layer.
    Error,
}

/// The way from an integer to its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// `j`.
    pub shift: u32,
    /// `log2 T`.
    pub width: u32,
    /// Low bits that each truncation takes off.
    pub parts: Vec<u32>,
}

impl Index {
    /// Of integers modulo `2^width`, so that `kept` bits are left of them.
    fn new(shift: u32, width: u32, kept: u32) -> Self {
        let dropped = width.saturating_sub(kept);
        let count = dropped.div_ceil(MOST_TRUNCATED);
        let part = |i| (dropped + i) / count;
        Self { shift, width, parts: (0..count).map(part).collect() }
    }

    /// Bits of the index.
    pub(crate) fn bits(&self) -> u32 {
        self.width - self.dropped()
    }

    /// Low bits that are taken off.
    pub(crate) fn dropped(&self) -> u32 {
        self.parts.iter().sum()
    }

    /// The index of an integer, from `−2^(bits − 1)` up to `2^(bits − 1) − 1`.
    pub(crate) fn of(&self, value: i64) -> i64 {
        let (mut value, mut width) = (centred(value, self.width), self.width);
        for part in &self.parts {
            width -= part;
            value = centred((value + (1 << (part - 1))) >> part, width);
        }
        value
    }

    /// The values of a table, in the order of `0, 1, …, 2^bits − 1`.
    pub(crate) fn table(&self, entry: impl Fn(i64) -> i64) -> Vec<i64> {
        let bits = self.bits();
        (0..1 << bits).map(|i| entry(centred(i, bits))).collect()
    }
}

/// An integer modulo `2^bits`, from `−2^(bits − 1)` up to `2^(bits − 1) − 1`.
fn centred(value: i64, bits: u32) -> i64 {
    let unused = i64::BITS - bits;
    value << unused >> unused
}

fn clipped(value: f64) -> i64 {
    value.round().clamp(-MOST, MOST) as i64
}

impl TableNumbers {
    /// The way from a tensor to its indices.
    pub(crate) fn index(&self, looked: Looked) -> Index {
        let (place, kept) = match looked {
            Looked::Preactivation => (0, INDEX_BITS),
            Looked::Output => (1, INDEX_BITS + 1),
            Looked::Error => (2, INDEX_BITS),
        };
        Index::new(self.shifts[place], self.log_t - self.shifts[place], kept)
    }

    /// `z` of an index of pre-activations.
    fn real_of(&self, index: &Index, i: i64) -> f64 {
        i as f64 * f64::from(index.dropped()).exp2() / f64::from(self.sum_bits()).exp2()
    }

    /// Tables of the activation behind a hidden layer and of its derivative.
    pub(crate) fn exact_activation(&self, function: &Function) -> [Vec<i64>; 2] {
        let index = self.index(Looked::Preactivation);
        let unit = f64::from(self.activation_bits).exp2();
        let slope = f64::from(self.exact_derivative_bits(function)).exp2();
        let z = |i| self.real_of(&index, i);
        [
            index.table(|i| clipped(function.value(z(i)) * unit)),
            index.table(|i| clipped(function.derivative(z(i)) * slope)),
        ]
    }

    /// Fractional bits of the derivative of a hidden activation: none of a mask, of others as many as its largest magnitude within the
    /// range leaves of 8 bits with their sign, but such that errors times derivatives have more than errors.
    pub(crate) fn exact_derivative_bits(&self, function: &Function) -> u32 {
        if super::is_masked(function) {
            return 0;
        }
        let index = self.index(Looked::Preactivation);
        let half = 1 << (index.bits() - 1);
        let all = (-half..half).map(|i| function.derivative(self.real_of(&index, i)).abs());
        let largest = all.fold(f64::MIN_POSITIVE, f64::max);
        let held = (f64::from(1 << (INDEX_BITS - 1)) / largest).log2().floor().clamp(0.0, 12.0) as u32;
        held.max((self.error_bits + 1).saturating_sub(self.error_index_bits()))
    }

    /// Fractional bits of the index of an error.
    fn error_index_bits(&self) -> u32 {
        self.back_bits().saturating_sub(self.index(Looked::Error).dropped())
    }

    /// The table of errors at the outputs, of pre-activations and targets.
    pub(crate) fn exact_loss(&self, function: &Function, loss: Loss) -> Vec<i64> {
        let index = self.index(Looked::Output);
        let (bits, unit) = (index.bits() - 1, f64::from(self.error_bits).exp2());
        index.table(|i| {
            let i_z = centred(i, bits);
            let (z, y) = (self.real_of(&index, i_z), (i - i_z) >> bits & 1);
            let (value, slope) = (function.value(z), function.derivative(z));
            let [t1, t2] = match loss {
                Loss::CrossEntropy => [value, 1.0],
                Loss::Quadratic => [value * slope, slope],
            };
            clipped((t1 * unit).round() - y as f64 * (t2 * unit).round())
        })
    }

    /// The table of outputs behind the last activation, for a classification: with targets of 0.
    pub(crate) fn exact_output(&self, function: &Function) -> Vec<i64> {
        let index = self.index(Looked::Output);
        let unit = f64::from(self.error_bits).exp2();
        index.table(|i| clipped(function.value(self.real_of(&index, centred(i, index.bits() - 1))) * unit))
    }

    /// A target of 0 or 1 as a part of the integer that is looked up at the outputs, before it is multiplied by `2^j`.
    pub(crate) fn target_unit(&self) -> i64 {
        1 << (self.log_t - 1 - self.shifts[1])
    }

    /// The table of errors behind a mask: from their index to `β` fractional bits. Where there is no mask, the index itself.
    pub(crate) fn exact_error(&self, masked: bool) -> Vec<i64> {
        let scale = f64::from(self.error_bits as i32 - self.error_index_bits() as i32).exp2();
        let index = self.index(Looked::Error);
        index.table(|i| if masked { clipped(i as f64 * scale) } else { i })
    }

    /// The way from the product of the index of an error and a derivative to `β` fractional bits.
    pub(crate) fn product_index(&self, function: &Function) -> Index {
        let dropped = self.error_index_bits() + self.exact_derivative_bits(function) - self.error_bits;
        Index::new(0, INDEX_BITS + dropped, INDEX_BITS)
    }

    /// The table that takes errors over from the index of a product.
    pub(crate) fn exact_product(&self, function: &Function) -> Vec<i64> {
        self.product_index(function).table(|i| clipped(i as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_rounded_part_by_part_and_wrap() {
        let index = Index::new(3, 24, 8);
        assert_eq!((index.parts.clone(), index.bits()), (vec![8, 8], 8));
        assert_eq!(Index::new(0, 26, 9).parts, [8, 9]);
        assert_eq!(Index::new(0, 18, 8).parts, [10]);
        assert_eq!(Index::new(0, 8, 8).parts, [0; 0]);
        assert_eq!(Index::new(0, 6, 8).bits(), 6);
        for (value, expected) in [
            (0, 0),
            (1 << 15, 1),
            // First to 2^8·127 + 127 and a half, rounded up, then up again.
            ((1 << 15) - 128, 1),
            ((1 << 15) - 129, 0),
            (-(1 << 15), 0),
            (-(1 << 15) - 129, -1),
            (127 << 16, 127),
            ((127 << 16) + (1 << 15), -128),
            (1 << 24, 0),
        ] {
            assert_eq!(index.of(value), expected, "{value}");
        }
    }

    #[test]
    fn the_target_is_the_bit_above_those_of_the_output() {
        let numbers = TableNumbers {
            log_t: 26,
            activation_bits: 5,
            error_bits: 6,
            update_bits: 4,
            shifts: [1, 1, 0],
            spare: [1, 2, 1],
        };
        let index = numbers.index(Looked::Output);
        let table = numbers.exact_loss(&Function::Sigmoid, Loss::Quadratic);
        let at = |sum: i64, y: i64| {
            let i = index.of((sum + y * numbers.target_unit()) % (1 << index.width));
            table[i.rem_euclid(table.len() as i64) as usize]
        };
        for k in -40..40 {
            let z = f64::from(k) / 8.0;
            let sum = (z * f64::from(numbers.sum_bits()).exp2()) as i64;
            let (s, d) = (Function::Sigmoid.value(z), Function::Sigmoid.derivative(z));
            let [t1, t2] = [s * d, d].map(|x| (x * 64.0).round() as i64);
            assert_eq!([at(sum, 0), at(sum, 1)], [t1, t1 - t2], "{z}");
        }
    }
}

//! Operations on slices of integers: element `i` of a result is from elements `i` of the operands.
//!
//! Each chooses its carries by the number of integers.

use super::carry::Carry;
use super::circuit::Circuit;
use super::integer::Bits;
use super::run::BitEvaluator;
use crate::error::Error;

/// The width of the first integer; without integers any will do.
fn width(integers: &[Bits]) -> usize {
    integers.first().map_or(1, Bits::width)
}

impl BitEvaluator<'_> {
    /// The only result of the circuit for the width of the first operand.
    fn one(
        &self,
        operands: &[&[Bits]],
        build: impl Fn(usize, Carry) -> Result<Circuit, Error>,
    ) -> Result<Vec<Bits>, Error> {
        // The last: the first may be a condition.
        let integers = operands[operands.len() - 1];
        if operands.iter().all(|integers| integers.is_empty()) {
            return Ok(Vec::new());
        }
        let circuit = self.fastest(integers.len(), |carry| build(width(integers), carry))?;
        Ok(self.run(&circuit, operands)?.swap_remove(0))
    }

    /// `a + b`, wrapped.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn add(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::add)
    }

    /// `a − b`, wrapped.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn sub(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::sub)
    }

    /// `−a`, wrapped.
    ///
    /// # Errors
    /// If the widths differ or an integer belongs to other parameters.
    pub fn negate(&self, a: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a], Circuit::negate)
    }

    /// `|a|`, wrapped.
    ///
    /// # Errors
    /// If the widths differ or an integer belongs to other parameters.
    pub fn abs(&self, a: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a], Circuit::abs)
    }

    /// `a·b`, wrapped.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn mul(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::mul)
    }

    /// `a·b`, of twice the width, from integers of at most 32 bits.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn mul_full(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::mul_full)
    }

    /// `⌊a·b/2^fraction⌋`, wrapped.
    ///
    /// # Errors
    /// As [`mul`](Self::mul), and if `fraction` is larger than the width.
    pub fn mul_fixed(&self, a: &[Bits], b: &[Bits], fraction: usize) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], |width, carry| Circuit::mul_fixed(width, fraction, carry))
    }

    /// `a = b`, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn equal(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], |width, _| Circuit::equal(width))
    }

    /// `a ≠ b`, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn not_equal(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], |width, _| Circuit::not_equal(width))
    }

    /// `a < b`, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn less(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::less)
    }

    /// `a ≤ b`, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn less_or_equal(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::less_or_equal)
    }

    /// `a > b`, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn greater(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::greater)
    }

    /// `a ≥ b`, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn greater_or_equal(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::greater_or_equal)
    }

    /// `a < b` of unsigned integers, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn less_unsigned(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::less_unsigned)
    }

    /// `a ≤ b` of unsigned integers, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn less_or_equal_unsigned(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::less_or_equal_unsigned)
    }

    /// `a > b` of unsigned integers, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn greater_unsigned(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::greater_unsigned)
    }

    /// `a ≥ b` of unsigned integers, integers of one bit.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn greater_or_equal_unsigned(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::greater_or_equal_unsigned)
    }

    /// The bits of `a` and of `b`.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn bitand(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], |width, _| Circuit::bitand(width))
    }

    /// The bits of `a` or of `b`.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn bitor(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], |width, _| Circuit::bitor(width))
    }

    /// The bits of just one of `a` and `b`.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn bitxor(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], |width, _| Circuit::bitxor(width))
    }

    /// The bits that `a` does not have, `−1 − a`; without a gate.
    ///
    /// # Errors
    /// If the widths differ or an integer belongs to other parameters.
    pub fn bitnot(&self, a: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a], |width, _| Circuit::bitnot(width))
    }

    /// `c ? a : b`, of integers `c` of one bit.
    ///
    /// # Errors
    /// As [`add`](Self::add), or if a condition has more than one bit.
    #[doc(alias = "mux")]
    pub fn select(&self, c: &[Bits], a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[c, a, b], |width, _| Circuit::select(width))
    }

    /// The lesser of two.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn min(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::min)
    }

    /// The greater of two.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn max(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::max)
    }

    /// `a·2^n`, wrapped, for unsigned amounts `n`, all of one width.
    ///
    /// # Errors
    /// If there are not equally many of both, widths differ among integers or amounts, or an integer belongs to other
    /// parameters.
    pub fn shift_left(&self, a: &[Bits], n: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, n], |amount, _| Circuit::shift_left(width(a), amount))
    }

    /// `⌊a/2^n⌋` of unsigned integers, for unsigned amounts `n`, all of one width.
    ///
    /// # Errors
    /// If there are not equally many of both, widths differ among integers or amounts, or an integer belongs to other
    /// parameters.
    pub fn shift_right(&self, a: &[Bits], n: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, n], |amount, _| Circuit::shift_right(width(a), amount))
    }

    /// `⌊a/2^n⌋`, for unsigned amounts `n`, all of one width.
    ///
    /// # Errors
    /// If there are not equally many of both, widths differ among integers or amounts, or an integer belongs to other
    /// parameters.
    pub fn shift_right_arithmetic(&self, a: &[Bits], n: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, n], |amount, _| Circuit::shift_right_arithmetic(width(a), amount))
    }

    /// The bits moved up by unsigned amounts `n`, all of one width, modulo the width of `a`.
    ///
    /// # Errors
    /// As [`shift_left`](Self::shift_left).
    pub fn rotate_left(&self, a: &[Bits], n: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, n], |amount, _| Circuit::rotate_left(width(a), amount))
    }

    /// The bits moved down by unsigned amounts `n`, all of one width, modulo the width of `a`.
    ///
    /// # Errors
    /// As [`shift_left`](Self::shift_left).
    pub fn rotate_right(&self, a: &[Bits], n: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, n], |amount, _| Circuit::rotate_right(width(a), amount))
    }

    /// Quotients, rounded towards 0, and remainders; see [`Circuit::div_rem`] for division by 0.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn div_rem(&self, a: &[Bits], b: &[Bits]) -> Result<[Vec<Bits>; 2], Error> {
        self.pair(a, b, Circuit::div_rem)
    }

    /// Quotients and remainders of unsigned integers; see [`Circuit::div_rem_unsigned`] for division by 0.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn div_rem_unsigned(&self, a: &[Bits], b: &[Bits]) -> Result<[Vec<Bits>; 2], Error> {
        self.pair(a, b, Circuit::div_rem_unsigned)
    }

    fn pair(
        &self,
        a: &[Bits],
        b: &[Bits],
        build: impl Fn(usize, Carry) -> Result<Circuit, Error>,
    ) -> Result<[Vec<Bits>; 2], Error> {
        if a.is_empty() && b.is_empty() {
            return Ok([Vec::new(), Vec::new()]);
        }
        let circuit = self.fastest(a.len(), |carry| build(width(a), carry))?;
        let mut results = self.run(&circuit, &[a, b])?.into_iter();
        Ok([(); 2].map(|()| results.next().unwrap_or_default()))
    }

    /// Only the quotients of [`div_rem`](Self::div_rem), with fewer gates.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn div(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::div)
    }

    /// Only the quotients of [`div_rem_unsigned`](Self::div_rem_unsigned), with fewer gates.
    ///
    /// # Errors
    /// If there are not equally many of both, their widths differ, or an integer belongs to other parameters.
    pub fn div_unsigned(&self, a: &[Bits], b: &[Bits]) -> Result<Vec<Bits>, Error> {
        self.one(&[a, b], Circuit::div_unsigned)
    }

    /// `e^{−a}` of unsigned integers, all with `fraction` bits behind the point, as [`Circuit::exp_neg`] defines it.
    ///
    /// # Errors
    /// As [`abs`](Self::abs), or if width and `fraction` are out of range.
    pub fn exp_neg(&self, a: &[Bits], fraction: usize) -> Result<Vec<Bits>, Error> {
        self.one(&[a], |width, carry| Circuit::exp_neg(width, fraction, carry))
    }

    /// `1/a`, all with `fraction` bits behind the point, as [`Circuit::reciprocal`] defines it.
    ///
    /// # Errors
    /// As [`abs`](Self::abs), or if width and `fraction` are out of range.
    pub fn reciprocal(&self, a: &[Bits], fraction: usize) -> Result<Vec<Bits>, Error> {
        self.one(&[a], |width, carry| Circuit::reciprocal(width, fraction, carry))
    }

    /// `1/(1 + e^{−a})`, all with `fraction` bits behind the point, as [`Circuit::sigmoid`] defines it.
    ///
    /// # Errors
    /// As [`abs`](Self::abs), or if width and `fraction` are out of range.
    pub fn sigmoid(&self, a: &[Bits], fraction: usize) -> Result<Vec<Bits>, Error> {
        self.one(&[a], |width, carry| Circuit::sigmoid(width, fraction, carry))
    }
}

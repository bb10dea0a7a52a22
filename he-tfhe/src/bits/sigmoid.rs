//! The sigmoid from sums, an exponential and a division, as in t-BMPNet (Yoo, Yoon 2021).
//!
//! The integer function is defined in the documentation of [`bits`](super).

use super::carry::{Carry, negate_if};
use super::circuit::Circuit;
use super::exponential::{GUARD, MAX_FRACTION, exp_neg};
use super::quotient::Trial;
use super::width::{MAX_WIDTH, check};
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// `1/(1 + e^{−x})`, both with `fraction` bits behind the point: the function
    /// [`clear::sigmoid`](super::clear::sigmoid), in `0..2^fraction`.
    ///
    /// # Errors
    /// If the width is not `2..=64`, or `fraction` is not `1..=40` and less than the width.
    pub fn sigmoid(width: usize, fraction: usize, carry: Carry) -> Result<Self, Error> {
        check("width of an integer with sign", width, 2, MAX_WIDTH)?;
        check("bits behind the point", fraction, 1, MAX_FRACTION.min(width - 1))?;
        Self::of_integers(width, |b, x| {
            let sign = x[width - 1];
            let size = negate_if(b, sign, x, carry);
            // One bit more than the result is kept of e; both e and 1 + e are then known to half a place.
            let e = exp_neg(b, &size, fraction, carry).split_off(GUARD - 1);
            let divisor: Vec<Wire> = e.iter().copied().chain([Wire::TRUE]).collect();
            // e/(1 + e) < 1/2: the first bit is 0, and the first trial 2e − (1 + e) = e − 1 < 0.
            let first = e.iter().copied().chain([Wire::TRUE; 2]).collect();
            let mut trial = Trial::new(&divisor, first, Wire::FALSE, carry);
            let mut bits = vec![!sign];
            for _ in 1..fraction {
                let bit = trial.step(b, Wire::FALSE, Wire::FALSE);
                bits.push(b.xor(bit, !sign));
            }
            bits.reverse();
            bits.resize(width, Wire::FALSE);
            bits
        })
    }
}

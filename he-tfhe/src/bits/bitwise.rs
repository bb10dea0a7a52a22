//! Bitwise operations: a gate for each bit.

use super::builder::Builder;
use super::circuit::Circuit;
use super::wire::Wire;
use crate::error::Error;

impl Circuit {
    /// The bits of `a` and of `b`.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn bitand(width: usize) -> Result<Self, Error> {
        bitwise(width, Builder::and)
    }

    /// The bits of `a` or of `b`.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn bitor(width: usize) -> Result<Self, Error> {
        bitwise(width, Builder::or)
    }

    /// The bits of just one of `a` and `b`.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn bitxor(width: usize) -> Result<Self, Error> {
        bitwise(width, Builder::xor)
    }

    /// The bits that `a` does not have, `−1 − a`; without a gate.
    ///
    /// # Errors
    /// If the width is not `1..=64`.
    pub fn bitnot(width: usize) -> Result<Self, Error> {
        Self::of_integers(width, |_, x| x.iter().map(|&x| !x).collect())
    }
}

fn bitwise(width: usize, gate: impl Fn(&mut Builder, Wire, Wire) -> Wire) -> Result<Circuit, Error> {
    Circuit::of_pairs(width, |b, x, y| x.iter().zip(y).map(|(&x, &y)| gate(b, x, y)).collect())
}

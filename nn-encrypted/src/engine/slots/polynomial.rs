//! Polynomials of exact numbers.

use std::collections::BTreeMap;

use super::{Level, SlotOps};
use crate::engine::Result;

/// `Σ c_i·z^i` by powers: an activation has a low degree, and one linear combination aligns all powers at once.
pub(super) fn value<S: SlotOps>(
    ops: &S,
    z: &S::Ciphertext,
    coefficients: &[S::Scalar],
    level: Level,
) -> Result<S::Ciphertext> {
    let (zero, one) = (S::Scalar::default(), S::ONE);
    let mut powers: BTreeMap<usize, S::Ciphertext> = BTreeMap::new();
    for (i, _) in coefficients.iter().enumerate().skip(1).filter(|(_, c)| **c != zero) {
        power(ops, z, i, &mut powers, level)?;
    }
    let power = |i: usize| if i == 1 { z } else { &powers[&i] };
    let terms: Vec<_> = (coefficients.iter().enumerate().skip(1))
        .filter(|(_, c)| **c != zero)
        .map(|(i, &c)| (c, power(i)))
        .collect();
    let sum = match terms[..] {
        // A constant: nothing of z is left, but the result must be a ciphertext still.
        [] => ops.combine(&[(zero, z)])?,
        [(c, only)] if c == one => only.clone(),
        _ => ops.combine(&terms)?,
    };
    match coefficients.first() {
        Some(&c) if c != zero => ops.add_const(&sum, c),
        _ => Ok(sum),
    }
}

fn power<S: SlotOps>(
    ops: &S,
    z: &S::Ciphertext,
    i: usize,
    powers: &mut BTreeMap<usize, S::Ciphertext>,
    level: Level,
) -> Result<()> {
    if i == 1 || powers.contains_key(&i) {
        return Ok(());
    }
    let (low, high) = (i / 2, i - i / 2);
    power(ops, z, low, powers, level)?;
    power(ops, z, high, powers, level)?;
    let get = |i: usize| if i == 1 { z } else { &powers[&i] };
    let product = ops.product(get(low), get(high), level)?;
    powers.insert(i, product);
    Ok(())
}

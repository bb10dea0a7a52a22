//! Vectors longer than a ciphertext: one plaintext for each stretch of as many values as there are slots.

use zeroize::{Zeroize, Zeroizing};

use super::error::OperandError;

/// Splits values into stretches of `slots`, the last of which may be shorter, and encodes each.
///
/// # Errors
/// Those of `encode`.
///
/// # Panics
/// If there are no slots.
pub fn split<T, P, E>(
    values: &[T],
    slots: usize,
    encode: impl FnMut(&[T]) -> Result<P, E>,
) -> Result<Vec<P>, E> {
    values.chunks(slots).map(encode).collect()
}

/// The first `length` values of plaintexts with `slots` values each.
///
/// # Errors
/// If there are fewer values, and those of `decode`.
///
/// # Panics
/// If there is not the memory for `length` values, where so many are said to be there.
pub fn joined<P, T: Copy + Zeroize, E: From<OperandError>>(
    parts: &[P],
    slots: usize,
    length: usize,
    mut decode: impl FnMut(&P) -> Result<Vec<T>, E>,
) -> Result<Vec<T>, E> {
    let check = |capacity| {
        if length <= capacity { Ok(()) } else { Err(OperandError::TooManyValues { given: length, capacity }) }
    };
    check(parts.len().saturating_mul(slots))?;
    let mut all = Vec::with_capacity(length);
    for part in parts {
        let values = Zeroizing::new(decode(part)?);
        all.extend_from_slice(&values[..values.len().min(length - all.len())]);
    }
    // Some may have fewer slots than the others.
    check(all.len())?;
    Ok(all)
}

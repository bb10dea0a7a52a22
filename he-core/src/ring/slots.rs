//! Integers modulo `t` in plaintexts: by coefficients, or in SIMD slots.
//!
//! For a prime `t ≡ 1 (mod 2N)` the ring `Z_t[X]/(X^N + 1)` is `N` copies of `Z_t`, by evaluation at the odd powers of a `2N`-th root
//! of unity `ψ`. Slot `(r, c)`, `r ∈ {0, 1}`, `0 ≤ c < N/2`, at index `r·N/2 + c`, is the value at `ψ^{±3^c}`, plus for `r = 0`, minus
//! for `r = 1`. The automorphism `X ↦ X^{3^k}` rotates both rows left by `k`, `X ↦ X^{−1}` swaps them (Smart, Vercauteren 2014).

use thiserror::Error;
use zeroize::Zeroizing;

use super::automorphism::Automorphisms;
use super::ntt::{Ntt, NttError};
use crate::modulus::Modulus;
use crate::prime::is_prime;

/// Integers that a plaintext cannot hold.
#[derive(Clone, PartialEq, Eq, Error)]
pub enum ValuesError {
    /// More values than places.
    #[error("{given} values do not fit in {capacity} places")]
    TooMany {
        /// Values given.
        given: usize,
        /// Places there are.
        capacity: usize,
    },
    /// A value that the plaintext modulus cannot tell from another.
    #[error("value {value} at place {index} is outside the plaintext range -{half} to {half}")]
    OutOfRange {
        /// The value.
        value: i64,
        /// Where it stands.
        index: usize,
        /// Largest magnitude.
        half: i64,
    },
    /// A value above the bound that was stated for all.
    #[error(
        "value {value} at place {index} is above the bound {most}; state a larger one (Encoder::with_bound), or ask for arithmetic modulo t by name (Encoder::modular)"
    )]
    AboveBound {
        /// The value.
        value: i64,
        /// Where it stands.
        index: usize,
        /// The bound.
        most: u64,
    },
}

/// Residues modulo `t` of at most `n` values, each of magnitude at most `t/2`; missing ones are 0.
///
/// # Errors
/// If there are too many values, or one is out of range.
///
/// # Panics
/// If there is not the memory for `n` words.
pub fn residues(values: &[i64], t: &Modulus, n: usize) -> Result<Vec<u64>, ValuesError> {
    if values.len() > n {
        return Err(ValuesError::TooMany { given: values.len(), capacity: n });
    }
    let half = (t.value() / 2) as i64;
    let mut out = vec![0; n];
    for (index, (out, &value)) in out.iter_mut().zip(values).enumerate() {
        if value.unsigned_abs() > half as u64 {
            return Err(ValuesError::OutOfRange { value, index, half });
        }
        *out = t.reduce_i64(value);
    }
    Ok(out)
}

/// As [`residues`], of values of magnitude at most `most`, if there is such a bound; without one `−t/2` and `t/2` are the same for an
/// even `t`.
///
/// # Errors
/// As [`residues`]; also if a value is above the bound, or the negative of half an even `t`, which decodes as a positive one.
///
/// # Panics
/// As [`residues`].
pub fn residues_within(
    values: &[i64],
    most: Option<u64>,
    t: &Modulus,
    n: usize,
) -> Result<Vec<u64>, ValuesError> {
    let out = residues(values, t, n)?;
    let Some(most) = most else { return Ok(out) };
    let lowest = -((t.value().saturating_sub(1) / 2) as i64);
    match values.iter().position(|&value| value.unsigned_abs() > most || value < lowest) {
        Some(index) => Err(ValuesError::AboveBound { value: values[index], index, most }),
        None => Ok(out),
    }
}

/// The slots of plaintexts modulo a prime.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::Modulus;
/// use he_core::ring::slots::Slots;
///
/// // 97 is 1 modulo 32.
/// let slots = Slots::new(16, Modulus::new(97)?)?.ok_or("97 has slots")?;
/// let values: Vec<u64> = (0..16).collect();
/// assert_eq!(slots.values(&slots.coefficients(&values))[..], values);
/// // 98 is no prime.
/// assert!(Slots::new(16, Modulus::new(98)?)?.is_none());
/// # Ok(())
/// # }
/// ```
pub struct Slots {
    ntt: Ntt,
    /// Position in the transform of slot `i`.
    positions: Vec<u32>,
}

impl Slots {
    /// The slots of a ring of dimension `n`; none unless `t` is a prime `≡ 1 (mod 2n)`.
    ///
    /// # Errors
    /// If the ring has no transform.
    pub fn new(n: usize, t: Modulus) -> Result<Option<Self>, NttError> {
        if t.value().checked_rem((n as u64).wrapping_mul(2)) != Some(1) || !is_prime(t.value()) {
            return Ok(None);
        }
        let ntt = Ntt::new(n, t)?;
        let positions = slot_positions(ntt.evaluation_exponents());
        Ok(Some(Self { ntt, positions }))
    }

    /// The transform modulo `t`.
    pub fn ntt(&self) -> &Ntt {
        &self.ntt
    }

    /// The polynomial with the given residues in its slots.
    ///
    /// # Panics
    /// If there are not `N`.
    pub fn coefficients(&self, values: &[u64]) -> Vec<u64> {
        let mut coefficients = vec![0; values.len()];
        for (&position, value) in self.positions.iter().zip(values) {
            coefficients[position as usize] = *value;
        }
        self.ntt.inverse(&mut coefficients);
        coefficients
    }

    /// The slots of a polynomial; wiped when dropped.
    ///
    /// # Panics
    /// If there are not `N` coefficients.
    pub fn values(&self, coefficients: &[u64]) -> Zeroizing<Vec<u64>> {
        let mut values = Zeroizing::new(coefficients.to_vec());
        self.ntt.forward(&mut values);
        Zeroizing::new(self.positions.iter().map(|&position| values[position as usize]).collect())
    }
}

fn slot_positions(exponents: &[u32]) -> Vec<u32> {
    let (n, tables) = (exponents.len(), Automorphisms::new(exponents));
    let mut positions = vec![0; n];
    let mut power = 1;
    for column in 0..n / 2 {
        positions[column] = tables.position(power) as u32;
        positions[n / 2 + column] = tables.position(2 * n - power) as u32;
        power = power * 3 % (2 * n);
    }
    positions
}

crate::brief_debug!(Slots: |a| n = a.positions.len());

crate::debug_as_displayed!(ValuesError);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::naive::evaluate;

    #[test]
    fn a_slot_is_the_value_at_its_power_of_the_root() {
        let t = Modulus::new(97).unwrap();
        let slots = Slots::new(16, t).unwrap().unwrap();
        let values: Vec<u64> = (0..16).map(|i| i * 5 % 97).collect();
        let (coefficients, root) = (slots.coefficients(&values), slots.ntt().root());
        for column in 0..8u32 {
            let power = u64::from(3u32.pow(column) % 32);
            let [plus, minus] = [power, 32 - power].map(|e| evaluate(&coefficients, t.pow(root, e), &t));
            assert_eq!([plus, minus], [values[column as usize], values[8 + column as usize]]);
        }
    }

    #[test]
    fn values_above_a_stated_bound_are_named() {
        let (t, even) = (Modulus::new(97).unwrap(), Modulus::new(16).unwrap());
        assert_eq!(residues_within(&[-5, 5], Some(5), &t, 3), Ok(vec![92, 5, 0]));
        let above = |value, most| Err(ValuesError::AboveBound { value, index: 1, most });
        assert_eq!(residues_within(&[5, -6], Some(5), &t, 3), above(-6, 5));
        assert!(
            above(-6, 5)
                .is_err_and(|e: ValuesError| e.to_string().contains("-6 at place 1 is above the bound 5"))
        );
        assert_eq!(residues_within(&[48, -48], None, &t, 3), Ok(vec![48, 49, 0]));
        // Half of an even modulus has no negative, unless it is a residue.
        assert_eq!(residues_within(&[8, -8], Some(8), &even, 2), above(-8, 8));
        assert_eq!(residues_within(&[8, -8], None, &even, 2), Ok(vec![8, 8]));
        let out = residues_within(&[49], Some(100), &t, 3);
        assert_eq!(out, Err(ValuesError::OutOfRange { value: 49, index: 0, half: 48 }));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let t = Modulus::new(97).unwrap();
        assert_eq!(residues(&[-48, 48], &t, 3), Ok(vec![49, 48, 0]));
        assert_eq!(residues(&[0, 49], &t, 3), Err(ValuesError::OutOfRange { value: 49, index: 1, half: 48 }));
        assert!(residues(&[i64::MIN], &t, 1).unwrap_err().to_string().contains("-48 to 48"));
        assert_eq!(residues(&[0; 4], &t, 3), Err(ValuesError::TooMany { given: 4, capacity: 3 }));
    }
}

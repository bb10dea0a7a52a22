//! Tables of accumulators.

use super::AccumulatorParameters;
use crate::error::Error;

/// The polynomial that a blind rotation turns: integers modulo `t` at the top of the modulus.
#[derive(Clone)]
pub struct AccumulatorTable {
    pub(super) params: AccumulatorParameters,
    /// Coefficients, limb after limb.
    pub(super) polynomial: Vec<u64>,
    /// Boxes on the half torus that must be told apart, if it has such.
    pub(super) boxes: Option<u64>,
}

impl AccumulatorTable {
    /// Values modulo `t` for boxes on the half torus, as `he_tfhe::LookupTable` has them: box `m` of `2^p` is centred at
    /// `m/2^{p+1}`, and the other half of the torus has the negated values.
    ///
    /// # Errors
    /// If the number of values is no power of two of at most `N`, `t` is not 2 to `2^49`, or a value is not below it.
    pub fn on_half_torus(params: &AccumulatorParameters, t: u64, values: &[u64]) -> Result<Self, Error> {
        let (n, boxes) = (params.n(), values.len());
        if !boxes.is_power_of_two() || boxes > n {
            let (field, found) = ("the number of values of a table", boxes.to_string());
            return Err(Error::Mismatch { field, found, needed: format!("a power of two of at most {n}") });
        }
        let width = n / boxes;
        // Readings are rounded down: a box begins half its width before its centre.
        let table = Self::build(params, t, values, |i| match (i + width / 2) / width {
            at if at < boxes => (at, false),
            _ => (0, true),
        })?;
        Ok(Self { boxes: Some(boxes as u64), ..table })
    }

    /// Values modulo `t` for the readings `0 … N − 1` of a phase modulo `2N`; `x + N` reads the negative of what `x` reads.
    /// How far a reading is off is for the caller to know: the noise of operands is not checked.
    ///
    /// # Errors
    /// If there are not `N` values, `t` is not 2 to `2^49`, or a value is not below it.
    pub fn of_readings(params: &AccumulatorParameters, t: u64, values: &[u64]) -> Result<Self, Error> {
        if values.len() != params.n() {
            let (field, found) = ("the number of readings of a table", values.len().to_string());
            return Err(Error::Mismatch { field, found, needed: params.n().to_string() });
        }
        Self::build(params, t, values, |i| (i, false))
    }

    /// Coefficient `i` is the value, or its negative, at the place that `at` gives.
    fn build(
        params: &AccumulatorParameters,
        t: u64,
        values: &[u64],
        at: impl Fn(usize) -> (usize, bool),
    ) -> Result<Self, Error> {
        if !(2..=1 << 49).contains(&t) {
            let (field, found) = ("the modulus of a table", t.to_string());
            return Err(Error::Mismatch { field, found, needed: "2 to 2^49".into() });
        }
        if let Some(value) = values.iter().find(|value| **value >= t) {
            let (field, found) = ("a value of a table", value.to_string());
            return Err(Error::Mismatch { field, found, needed: format!("below {t}") });
        }
        let encoded: Vec<u128> = values.iter().map(|&m| encode(params.modulus(), t, m)).collect();
        let basis = params.0.ring.basis(super::LIMBS);
        let coefficient = |i: usize, q: &he_core::Modulus| {
            let (at, negative) = at(i);
            let residue = q.reduce_u128(encoded[at]);
            if negative { q.neg(residue) } else { residue }
        };
        let polynomial =
            basis.moduli().flat_map(|q| (0..params.n()).map(move |i| (i, q))).map(|(i, q)| coefficient(i, q));
        Ok(Self { params: params.clone(), polynomial: polynomial.collect(), boxes: None })
    }

    /// The parameters.
    pub fn params(&self) -> &AccumulatorParameters {
        &self.params
    }
}

/// `⌊m·Q/t⌉` for `m < t`, without products of more than 128 bits.
pub(super) fn encode(modulus: u128, t: u64, m: u64) -> u128 {
    let (t, m) = (u128::from(t), u128::from(m));
    m * (modulus / t) + (m * (modulus % t) + t / 2) / t
}

//! Linear transforms of slots, double-hoisted.
//!
//! A matrix `M` has diagonals `d_k[j] = M[j, j + k]`, and `M·x = Σ_k d_k ∘ rot_k(x)`. With `k = g + b`, `b` one of the baby
//! steps, `M·x = Σ_g rot_g(Σ_b rot_{−g}(d_{g+b}) ∘ rot_b(x))` (Halevi, Shoup 2018). Here
//!
//! * the baby rotations share one decomposition and stay over `Q·P`, as do their products with the diagonals and the sums
//!   (Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021, section 4);
//! * the giant steps go by Horner's rule, so that equal distances between them need one key: `rot_g(s_g + rot_h(s_{g+h} + …))`;
//! * the last division by `P` takes the prime of the level along.

use std::collections::{BTreeMap, BTreeSet};

use he_core::ring::embedding::Diagonals;
use he_core::rlwe::{self, Digits, Extended, OperandError};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::ciphertext::Ciphertext;
use crate::elements::{conjugation_element, rotation_element};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::evaluator::Evaluator;
use crate::params::Parameters;
use crate::plaintext::Plaintext;
use crate::rotation::missing;

/// A matrix over the slots, encoded for ciphertexts at one level.
///
/// ```
/// # use he_ckks::*;
/// # use num_complex::Complex64;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::n8192().build()?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encoder, encryptor, decryptor) =
/// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
/// let rows = [[1.0, 2.0], [3.0, 4.0]].map(|row| row.map(|x| Complex64::new(x, 0.0)).to_vec());
/// let matrix = LinearTransform::from_rows(&params, &rows, params.max_level())?;
/// let keys = key.evaluation_keys(&matrix.key_request(&params))?;
/// let evaluator = Evaluator::new(&params, keys)?;
/// let x = encryptor.encrypt(&encoder.with_bound(10.0).encode_in(&[10.0, 1.0], 2)?)?;
/// let product = decryptor.decrypt(&evaluator.transform(&matrix, &x)?)?;
/// assert!((product[0] - 12.0).abs() < 1e-4 && (product[1] - 34.0).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub struct LinearTransform {
    params: Parameters,
    slots: usize,
    level: usize,
    scale: f64,
    period: usize,
    baby: Vec<usize>,
    /// Ascending giant steps, each with pairs of an index into `baby` and a diagonal.
    giants: Vec<(usize, Vec<(usize, rlwe::PreparedPlaintext)>)>,
    /// Largest sum of the magnitudes in a row.
    sum: f64,
    /// Growth of errors at most, however they are related: the root of the largest sums in a row and in a column.
    gain: f64,
    /// Growth of errors that are not related: the largest root of the sum of squares in a row.
    independent: f64,
    /// Variance of the rounding of the diagonals, for values of magnitude 1.
    rounding: f64,
}

impl LinearTransform {
    /// The transform with the given diagonals over `slots` cyclic slots, for ciphertexts at `level`; the result is one
    /// level lower.
    ///
    /// # Errors
    /// If there are no such slots, the level is 0 or above the highest, a diagonal has another length, all are zero, or an entry does not fit.
    pub fn new(
        params: &Parameters,
        diagonals: &Diagonals,
        slots: usize,
        level: usize,
    ) -> Result<Self, Error> {
        params.embedding(slots)?;
        params.check_product_level("linear transform", level)?;
        let scale = params.product_scale(level) / params.scale(level);
        let count = diagonals.len() as f64;
        let unit = diagonals
            .keys()
            .fold(slots, |unit, &k| if k == 0 { unit } else { unit.min(1 << k.trailing_zeros()) });
        // A giant step costs about twice a baby step; both counts are powers of two.
        let baby = ((2.0 * count).sqrt() as usize).next_power_of_two();
        Self::arranged(params, diagonals, slots, level, scale, baby * unit)
    }

    /// The transform with a matrix given by rows; its size is the number of slots.
    ///
    /// # Errors
    /// If it is not square with a power of two of rows up to `N/2`, or as [`new`](Self::new).
    pub fn from_rows(params: &Parameters, rows: &[Vec<Complex64>], level: usize) -> Result<Self, Error> {
        let n = rows.len();
        let columns = rows.iter().map(Vec::len).find(|&c| c != n).unwrap_or(n);
        if !n.is_power_of_two() || columns != n || n > params.slots() {
            return Err(OperandError::MatrixShape { rows: n, columns, slots: params.slots() }.into());
        }
        let diagonal = |k: usize| (0..n).map(|i| rows[i][(i + k) % n]).collect::<Vec<_>>();
        let all = (0..n).map(|k| (k, diagonal(k)));
        let used: Diagonals = all.filter(|(_, d)| d.iter().any(|z| *z != Complex64::default())).collect();
        Self::new(params, &used, n, level)
    }

    /// The diagonals in baby steps below `period` and giant steps that are multiples of it, at the given scale.
    pub(crate) fn arranged(
        params: &Parameters,
        diagonals: &Diagonals,
        slots: usize,
        level: usize,
        scale: f64,
        period: usize,
    ) -> Result<Self, Error> {
        let operation = "linear transform";
        params.embedding(slots)?;
        if params.rlwe().spec().p.is_empty() {
            return Err(OperandError::NoSpecialPrimes { operation }.into());
        }
        if diagonals.is_empty() {
            return Err(OperandError::NoOperands { operation }.into());
        }
        if let Some(wrong) = diagonals.values().find(|d| d.len() != slots) {
            return Err(OperandError::MatrixShape { rows: wrong.len(), columns: wrong.len(), slots }.into());
        }
        let mut baby: Vec<usize> = diagonals.keys().map(|k| k % period).collect();
        baby.sort_unstable();
        baby.dedup();
        let encoded = (diagonals.par_iter())
            .map(|(&k, diagonal)| {
                let giant = k - k % period;
                let (prepared, rounding) = prepare(params, diagonal, giant, level, scale)?;
                Ok((giant, baby.binary_search(&(k % period)).unwrap_or(0), prepared, rounding))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let mut giants: BTreeMap<usize, Vec<(usize, rlwe::PreparedPlaintext)>> = BTreeMap::new();
        let rounding = encoded.iter().map(|(.., rounding)| rounding).sum();
        for (giant, index, prepared, _) in encoded {
            giants.entry(giant).or_default().push((index, prepared));
        }
        let giants = giants.into_iter().collect();
        let [sum, gain, independent] = growth(diagonals, slots);
        let params = params.clone();
        Ok(Self { params, slots, level, scale, period, baby, giants, sum, gain, independent, rounding })
    }

    /// The rotations for which keys are needed.
    pub fn rotations(&self) -> Vec<usize> {
        let indices = self.giants.iter().flat_map(|(g, row)| row.iter().map(move |(b, _)| g + self.baby[*b]));
        rotations_of(indices, self.period)
    }

    /// The keys it needs.
    pub fn key_request(&self, params: &Parameters) -> crate::KeyRequest {
        crate::KeyRequest::default().rotations(params, &self.rotations(), self.level)
    }

    /// Level of the ciphertexts it takes.
    pub fn level(&self) -> usize {
        self.level
    }

    /// Bytes of its diagonals.
    pub fn bytes(&self) -> usize {
        self.giants.iter().flat_map(|(_, row)| row).map(|(_, operand)| operand.bytes()).sum()
    }
}

/// A diagonal, rotated back by its giant step and encoded; and the variance of its rounding.
fn prepare(
    params: &Parameters,
    diagonal: &[Complex64],
    giant: usize,
    level: usize,
    scale: f64,
) -> Result<(rlwe::PreparedPlaintext, f64), Error> {
    let mut rotated = diagonal.to_vec();
    let slots = rotated.len();
    rotated.rotate_right(giant % slots);
    // A diagonal of a smaller period is a polynomial of fewer terms.
    let mut short = slots;
    while short > 1 && rotated[..short / 2] == rotated[short / 2..short] {
        short /= 2;
    }
    let plaintext = Plaintext::new(params, &rotated[..short], f64::MAX)?.with_own_bound();
    let rounding = plaintext.estimate(params, scale).error.powi(2);
    let scaled = plaintext.scaled(params, scale)?;
    Ok((rlwe::PreparedPlaintext::new(params.rlwe(), level + 1, &scaled), rounding))
}

/// Growth of values, of errors however they are related, and of errors that are not: the fields `sum`, `gain` and
/// `independent` of a transform.
fn growth(diagonals: &Diagonals, slots: usize) -> [f64; 3] {
    let row = |j: usize, power: i32| diagonals.values().map(|d| d[j].norm().powi(power)).sum::<f64>();
    let column =
        |j: usize| diagonals.iter().map(|(k, d)| d[(j + slots - k % slots) % slots].norm()).sum::<f64>();
    let [rows, squares] = [1, 2].map(|power| (0..slots).map(|j| row(j, power)).fold(0.0, f64::max));
    let columns = (0..slots).map(column).fold(0.0, f64::max);
    [rows, (rows * columns).sqrt(), squares.sqrt()]
}

/// The rotations that diagonals at the given places take, with giant steps that are multiples of `period`: the baby steps,
/// the distances between giant steps, and the first of these.
pub(crate) fn rotations_of(indices: impl Iterator<Item = usize>, period: usize) -> Vec<usize> {
    let (mut steps, mut giants): (BTreeSet<usize>, BTreeSet<usize>) =
        indices.map(|k| (k % period, k - k % period)).unzip();
    steps.extend(giants.first().copied());
    while let Some(last) = giants.pop_last() {
        steps.extend(giants.last().map(|before| last - before));
    }
    steps.remove(&0);
    steps.into_iter().collect()
}

impl Evaluator {
    /// The matrix times the slots; takes a level. A ciphertext of a higher level than the transform is brought down first.
    ///
    /// # Errors
    /// If an operand is foreign, the ciphertext is at a lower level, has more slots than the matrix has rows, or is of degree 2, or a key
    /// is missing.
    pub fn transform(&self, matrix: &LinearTransform, x: &Ciphertext) -> Result<Ciphertext, Error> {
        let operation = "linear transform";
        self.check_rotation(operation, x)?;
        if !matrix.params.same(&self.params) {
            return Err(OperandError::Foreign { operation, object: "matrix" }.into());
        }
        if x.slots > matrix.slots {
            return Err(Error::SlotCount { operation, found: x.slots, needed: matrix.slots });
        }
        if x.level() < matrix.level {
            return Err(OperandError::Level { operation, wanted: matrix.level, present: x.level() }.into());
        }
        let x = if x.level() > matrix.level { self.mod_switch_to(x, matrix.level)? } else { x.clone() };
        let sum = self.transform_extended(matrix, &x, f64::INFINITY, matrix.gain)?;
        self.divided(operation, &sum, sum.inner.mod_down_and_drop())
    }

    /// The transform of a ciphertext of exactly its level, at whatever scale it has, and with errors that are not related; the result is
    /// known to stay below `bound`.
    pub(crate) fn transform_here(
        &self,
        matrix: &LinearTransform,
        x: &Ciphertext,
        bound: f64,
    ) -> Result<Ciphertext, Error> {
        let sum = self.transform_extended(matrix, x, bound, matrix.independent)?;
        self.divided("linear transform", &sum, sum.inner.mod_down_and_drop())
    }

    /// The transform before the division.
    pub(crate) fn transform_extended(
        &self,
        matrix: &LinearTransform,
        x: &Ciphertext,
        bound: f64,
        gain: f64,
    ) -> Result<Undivided, Error> {
        let operation = "linear transform";
        let keys = &self.keys.inner;
        let element = |k: usize| rotation_element(&self.params, k);
        let digits = Digits::decompose(self.params.rlwe(), &x.inner.parts()[1]);
        let turned = (matrix.baby.par_iter())
            .map(|&k| {
                let g = element(k);
                keys.automorphism_extended(&x.inner, &digits, g).ok_or_else(|| missing(operation, g, x))
            })
            .collect::<Result<Vec<_>, _>>()?;
        drop(digits);
        let mut total: Option<(usize, Extended)> = None;
        for (g, row) in matrix.giants.iter().rev() {
            let pairs: Vec<_> = row.iter().map(|(b, diagonal)| (diagonal, &turned[*b])).collect();
            let mut sum = Extended::dot(&pairs);
            if let Some((above, total)) = &total {
                sum.add_assign(&self.rotate_extended(operation, total, element(above - g), x)?);
            }
            total = Some((*g, sum));
        }
        let (g, sum) = total.ok_or(OperandError::NoOperands { operation })?;
        let inner = self.rotate_extended(operation, &sum, element(g), x)?;
        let slots = x.slots.max(matrix.slots);
        let known = x.estimate_in(slots);
        let estimate = Estimate { bound: (known.bound * matrix.sum).min(bound), error: known.error * gain };
        let encoding = matrix.rounding * x.estimate.bound * x.estimate.bound;
        // Without the rounding of a division: there was none.
        let switched = self.params.noise().key_switch(x.level() + 1) - self.params.noise().rounding();
        let switched = self.params.slot_variance(slots, switched, x.scale);
        let estimate = estimate.with_noise(encoding + switched * matrix.independent.powi(2));
        Ok(Undivided { inner, scale: x.scale * matrix.scale, slots, estimate })
    }

    /// Real and imaginary parts of the matrix times the slots, if the matrix is half of what it should be: the rounding of
    /// the division is not doubled by the sum with the conjugate.
    pub(crate) fn transform_to_parts(
        &self,
        matrix: &LinearTransform,
        x: &Ciphertext,
        bound: f64,
    ) -> Result<[Ciphertext; 2], Error> {
        let operation = "conjugate";
        let half = self.transform_extended(matrix, x, bound, matrix.independent)?;
        let conjugate = self.rotate_extended(operation, &half.inner, conjugation_element(&self.params), x)?;
        let (mut real, mut imaginary) = (half.inner.clone(), conjugate.clone());
        real.add_assign(&conjugate);
        // conj(w) − w = −2i·Im w.
        imaginary.sub_assign(&half.inner);
        imaginary.mul_i_assign();
        // The error that counts is that of the complex number which the real parts of both make: twice that of half of it, and
        // of two roundings half of each.
        let error = half.estimate.error * 2.0;
        let whole = Undivided { estimate: Estimate { error, ..half.estimate }, ..half };
        let parts = [real, imaginary].map(|part| self.divided(operation, &whole, part.mod_down_and_drop()));
        let [real, imaginary] = parts;
        Ok([real?, imaginary?])
    }

    fn divided(
        &self,
        operation: &'static str,
        sum: &Undivided,
        inner: rlwe::Ciphertext,
    ) -> Result<Ciphertext, Error> {
        let scale = sum.scale / self.params.prime(inner.limbs());
        let estimate = sum.estimate.with_noise(self.rounding(sum.slots, scale));
        self.finish(operation, inner, scale, sum.slots, estimate)
    }

    fn rotate_extended(
        &self,
        operation: &'static str,
        sum: &Extended,
        g: usize,
        x: &Ciphertext,
    ) -> Result<Extended, Error> {
        Ok(self.keys.inner.turn_extended(sum, g).ok_or_else(|| missing(operation, g, x))?)
    }
}

/// The result of a transform before the division.
pub(crate) struct Undivided {
    inner: Extended,
    scale: f64,
    slots: usize,
    estimate: Estimate,
}

he_core::brief_debug!(LinearTransform: |a| level = a.level, slots = a.slots, scale = a.scale);

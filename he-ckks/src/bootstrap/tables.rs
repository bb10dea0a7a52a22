//! Integers modulo `t` in coefficients, cleaned and looked up in tables while they are refreshed.
//!
//! An integer `m` stands in a coefficient as `m·q_0/t` modulo the first prime, with a small error. After modulus raising and
//! coefficients-to-slots the exponential of modular reduction is `E = exp(2πi·(m/t + ε))`, whatever multiple of `q_0` was added.
//! A table `f` is then one polynomial in `E` (Alexandru, Kim, Polyakov 2024): with the discrete Fourier transform
//! `f̂_k = Σ_m f(m)·e^{−2πi·km/t}`,
//!
//! ```text
//! F(E) = f̂_0/t + 2·Re Σ_{k=1}^{t−1} (1/t)(1 − k/t)·f̂_k·E^k
//! ```
//!
//! is the trigonometric Hermite interpolation of Fejér: `F = f(m)` and `dF/dε = 0` at every `m/t`, so that an error `ε` leaves
//! with its square, at most `½·(t − 1)²·(2π·ε)²` times half the range of `f` (Bernstein). Fejér's kernel is not negative and sums to 1: no result
//! passes the extremes of the table. All tables of one argument share its powers.

use std::f64::consts::{PI, SQRT_2};

use he_core::rlwe::{self, OperandError};
use num_complex::Complex64;

use super::Bootstrapper;
use crate::approximation::ApproximationError;
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::polynomial::Kind;

/// Errors of integers are kept below half their distance over this: as many standard deviations.
const DEVIATIONS: f64 = 8.0;

/// A function on the integers modulo `t`, ready to be looked up.
///
/// ```
/// use he_ckks::bootstrap::Table;
/// let squares = Table::new(&[0.0, 1.0, 4.0, 9.0])?;
/// assert_eq!(squares.modulus(), 4);
/// // What comes out for 3 with an error of a hundredth: most of it is gone.
/// assert!((squares.evaluate(3.01) - 9.0).abs() < 0.005);
/// # Ok::<(), he_ckks::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// `(1/t)(1 − k/t)·f̂_k`, half of it for `k = 0`.
    coefficients: Vec<Complex64>,
    /// Largest magnitude.
    most: f64,
    /// Half the difference of the extremes.
    spread: f64,
}

impl Table {
    /// The table with the values `f(0), f(1), …, f(t − 1)`.
    ///
    /// # Errors
    /// If there are fewer than 2 or more than 1024, or one is not finite.
    pub fn new(values: &[f64]) -> Result<Self, Error> {
        let t = values.len();
        if !(2..=1024).contains(&t) {
            return Err(Error::Spec {
                field: "table",
                found: t.to_string(),
                needed: "2 to 1024 values".into(),
            });
        }
        if !values.iter().all(|f| f.is_finite()) {
            return Err(ApproximationError::Coefficients.into());
        }
        let root = |k: usize| Complex64::from_polar(1.0, -2.0 * PI * k as f64 / t as f64);
        let coefficient = |k: usize| {
            let sum: Complex64 = values.iter().enumerate().map(|(m, f)| root(k * m % t) * f).sum();
            sum * if k == 0 { 0.5 } else { 1.0 - k as f64 / t as f64 } / t as f64
        };
        let [low, high] = [f64::min, f64::max].map(|pick| values.iter().copied().fold(values[0], pick));
        let (most, spread) = (low.abs().max(high.abs()), (high - low) / 2.0);
        Ok(Self { coefficients: (0..t).map(coefficient).collect(), most, spread })
    }

    /// Each integer itself, from `−t/2` up to `(t − 1)/2`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn identity(t: usize) -> Result<Self, Error> {
        let centred = |m: usize| m as f64 - if 2 * m >= t { t as f64 } else { 0.0 };
        Self::new(&(0..t.min(1025)).map(centred).collect::<Vec<_>>())
    }

    /// `t`.
    pub fn modulus(&self) -> usize {
        self.coefficients.len()
    }

    /// Levels of the user that it takes.
    pub fn levels(&self) -> usize {
        self.modulus().next_power_of_two().trailing_zeros() as usize
    }

    /// Value of the polynomial at `x`, an integer with an error.
    pub fn evaluate(&self, x: f64) -> f64 {
        let e = Complex64::from_polar(1.0, 2.0 * PI * x / self.modulus() as f64);
        2.0 * self.coefficients.iter().rev().fold(Complex64::default(), |sum, c| sum * e + c).re
    }

    /// Error that an error of the integers, a root mean square in units of `t`, leaves.
    fn cleaned(&self, error: f64) -> f64 {
        let degree = (self.modulus() - 1) as f64;
        // √3: the root of the mean fourth power.
        0.5 * 3f64.sqrt() * self.spread * (degree * 2.0 * PI * error).powi(2)
    }
}

/// Integers modulo `t` in the coefficients of a ciphertext over the first prime; they have no levels, and wait to be looked
/// up.
///
/// ```
/// # use he_ckks::{bootstrap::*, *};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec { log_n: 9, ..Spec::bootstrap_sparse() }.build_insecure("an example")?;
/// let key = SecretKey::generate(&params)?;
/// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
/// let plaintext = Encoder::new(&params).with_bound(8.0).encode_in(&[0.01, 3.0, 4.99, 7.0], 4)?;
/// let c = Encryptor::with_secret(&key).encrypt(&plaintext)?;
/// let integers = bootstrapper.to_integers(&c, 8)?;
/// assert!(integers.modulus() == 8 && integers.error() < 0.01);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Integers {
    /// At scale `q_0/t`.
    inner: Ciphertext,
    modulus: usize,
}

impl Integers {
    /// `t`.
    pub fn modulus(&self) -> usize {
        self.modulus
    }

    /// Root mean square of the errors of the integers, 1 being their distance.
    pub fn error(&self) -> f64 {
        self.inner.estimate.error
    }
}

impl Bootstrapper {
    /// Slots with integer real and imaginary parts as integers modulo `t`. They need a level more than
    /// [`bootstrap`](Self::bootstrap), which brings them to the scale that makes `q_0` count as `t`.
    ///
    /// # Errors
    /// As [`bootstrap`](Self::bootstrap), but for the bound, which does not matter; also if `t` is out of range, or `q_0/t` is
    /// below the scale of ciphertexts over one prime, where the errors of the transform would drown the integers.
    pub fn to_integers(&self, a: &Ciphertext, t: usize) -> Result<Integers, Error> {
        let (operation, e) = ("integers", &self.evaluator);
        let params = e.params();
        let needed = self.to_coefficients.len() + 1;
        e.check_rotation(operation, a)?;
        if a.level() < needed {
            return Err(OperandError::LevelsUsedUp { operation, needed, present: a.level() }.into());
        }
        self.check_slots(a)?;
        let scale = params.prime(0) / t as f64;
        let most = params.prime(0) / params.scale(0);
        if t < 2 || t as f64 > most * (1.0 + 1e-3) {
            let needed = format!("2 to {}", most.round());
            return Err(Error::Spec { field: "modulus of integers", found: t.to_string(), needed });
        }
        let start =
            e.scaled_to(a, needed - 1, params.scale(needed - 1) * scale / params.scale(0))?.into_owned();
        // What is larger wraps, and stands for its representative.
        let bound = start.estimate.bound.min(0.25 * t as f64);
        let apply = |a: Ciphertext, matrix| e.transform_here(matrix, &a, bound);
        let inner = self.to_coefficients.iter().try_fold(start.with_bound(bound)?, apply)?;
        // A slot's error is that of a sum over all coefficients.
        let error = inner.estimate.error / (2.0 * inner.slots as f64).sqrt();
        let estimate = Estimate { error, ..inner.estimate };
        self.distinct(operation, Integers { inner: Ciphertext { scale, estimate, ..inner }, modulus: t })
    }

    /// The integers of an RLWE ciphertext of this key and the first prime alone, with phase `m·q_0/t + e` in its coefficients;
    /// `error` is the root mean square of `e·t/q_0`. A BGV ciphertext, whose phase `m + t·e` has the integers at the lower end,
    /// becomes one by a product with `t^{−1}` modulo `q_0` (which reads `−q_0^{−1}·m` modulo `t`) and a key switch. With fewer slots
    /// than `N/2` only the coefficients of the powers of `X^{N/2n}` count.
    ///
    /// Slot `j` of what is looked up has the coefficients `r` and `r + n` of these as real and imaginary part, where `r` is `j`
    /// with its bits reversed.
    ///
    /// # Errors
    /// If the ciphertext is not one of these parameters over one prime, of degree 1, or the error is too large to distinguish the
    /// integers.
    pub fn import(&self, c: rlwe::Ciphertext, t: usize, error: f64) -> Result<Integers, Error> {
        let (operation, params) = ("integers", self.evaluator.params());
        if !c.params().same(params.rlwe()) {
            return Err(OperandError::Foreign { operation, object: "ciphertext" }.into());
        }
        if c.limbs() != 1 {
            return Err(OperandError::Level { operation, wanted: 0, present: c.limbs() - 1 }.into());
        }
        let inner = Ciphertext {
            params: params.clone(),
            inner: c,
            scale: params.prime(0) / t as f64,
            slots: self.slots,
            estimate: Estimate { bound: 0.25 * t as f64, error },
        };
        let rotated = self.evaluator.rotate(&inner, self.rotation)?;
        // Its estimate took the error for one of slots; a rounding is lost in that of the import.
        let switched = params.noise().key_switch(1).sqrt() / inner.scale;
        let inner =
            Ciphertext { estimate: Estimate { error: error.hypot(switched), ..inner.estimate }, ..rotated };
        self.distinct(operation, Integers { inner, modulus: t })
    }

    /// The RLWE ciphertext of the integers, in the order of [`import`](Self::import).
    ///
    /// # Errors
    /// If the integers belong to other parameters.
    pub fn export(&self, a: &Integers) -> Result<rlwe::Ciphertext, Error> {
        Ok(self.evaluator.rotate(&a.inner, self.slots - self.rotation)?.inner)
    }

    /// Tables of the integers, all from one modulus raising and one exponential: values in slots, with the levels that
    /// [`Table::levels`] leaves. Errors of the integers leave with their square.
    ///
    /// ```
    /// # use he_ckks::*;
    /// # fn main() -> Result<(), Error> {
    /// # let spec = Spec { log_n: 9, ..Spec::bootstrap_sparse() };
    /// # let params = spec.build_insecure("a documentation test")?;
    /// # let key = SecretKey::generate(&params)?;
    /// # let (encoder, encryptor, decryptor) =
    /// #     (Encoder::new(&params), Encryptor::with_secret(&key), Decryptor::new(&key));
    /// use bootstrap::Table;
    /// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
    /// // Integers modulo 8, none of them exact.
    /// let x = encryptor.encrypt(&encoder.with_bound(8.0).encode_in(&[0.01, 3.0, 4.99, 7.0], 4)?)?;
    /// let integers = bootstrapper.to_integers(&x, 8)?;
    /// let relu = Table::new(&[0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0])?;
    /// let sign = Table::new(&[0.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0])?;
    /// let found = bootstrapper.look_up(&integers, &[&relu, &sign])?;
    /// let slots = decryptor.decrypt(&found[0])?;
    /// assert!(slots.iter().zip([0.0, 3.0, 0.0, 0.0]).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.01));
    /// let slots = decryptor.decrypt(&found[1])?;
    /// assert!(slots.iter().zip([0.0, 1.0, -1.0, -1.0]).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.01));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the integers belong to other parameters, a table has another modulus, there are too few levels for it, or no table is
    /// given.
    pub fn look_up(&self, a: &Integers, tables: &[&Table]) -> Result<Vec<Ciphertext>, Error> {
        let (operation, e) = ("look up", &self.evaluator);
        e.check(operation, &a.inner)?;
        if let Some(wrong) = tables.iter().find(|table| table.modulus() != a.modulus) {
            let (found, needed) = (wrong.modulus().to_string(), a.modulus.to_string());
            return Err(Error::Spec { field: "modulus of the table", found, needed });
        }
        // The transforms reckon with errors of slots.
        let error = a.error() * (2.0 * self.slots as f64).sqrt();
        let phase = Ciphertext { estimate: Estimate { error, ..a.inner.estimate }, ..a.inner.clone() };
        let [real, imaginary] = self.to_slots(&self.raise(&phase)?)?;
        // Of either part, in units of q_0.
        let left = self.modular.range() * real.estimate.error / SQRT_2;
        let polynomials: Vec<_> = tables.iter().map(|table| &table.coefficients[..]).collect();
        let half =
            |part: &Ciphertext| e.polynomial_sums(Kind::Powers, &self.modular.circle(e, part)?, &polynomials);
        let (real, imaginary) = rayon::join(|| half(&real), || half(&imaginary));
        let (real, mut imaginary) = (real?, imaginary?);
        imaginary.iter_mut().for_each(|part| part.inner.mul_i_assign());
        (real.iter().zip(&imaginary).zip(tables))
            .map(|((real, imaginary), table)| {
                let sum = self.modular.joined(e, real, imaginary)?;
                let error = sum.estimate.error.hypot(SQRT_2 * table.cleaned(left));
                Ok(Ciphertext { estimate: Estimate { bound: SQRT_2 * table.most, error }, ..sum })
            })
            .collect()
    }

    /// Integers modulo `t` in the real and imaginary parts of slots, from `−t/2` up to `(t − 1)/2`, refreshed and cleaned.
    ///
    /// # Errors
    /// As [`to_integers`](Self::to_integers) and [`look_up`](Self::look_up).
    pub fn bootstrap_integers(&self, a: &Ciphertext, t: usize) -> Result<Ciphertext, Error> {
        let identity = Table::identity(t)?;
        Ok(self.look_up(&self.to_integers(a, t)?, &[&identity])?.swap_remove(0))
    }

    /// The integers, if their errors leave them apart.
    fn distinct(&self, operation: &'static str, a: Integers) -> Result<Integers, Error> {
        let (error, most) = (a.error(), 0.5 / DEVIATIONS);
        if error <= most {
            return Ok(a);
        }
        Err(Error::Indistinct { operation, modulus: a.modulus, error, most })
    }
}

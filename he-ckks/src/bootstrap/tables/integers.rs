//! Integers in coefficients, from slots and from other schemes.

use he_core::rlwe::{self, OperandError};

use super::super::{Bootstrapper, Order};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;

/// Errors of integers are kept below half their distance over this: as many standard deviations.
const DEVIATIONS: f64 = 8.0;
/// `log2` of the largest modulus: of the 50 bits of the first prime enough must be left for errors.
const LARGEST_LOG: u32 = 32;
/// Integers modulo `t` in the coefficients of a ciphertext over the first prime; they have no levels, and wait to be looked
/// up, or to be [truncated](Bootstrapper::truncate) where they are wider than a table. Their errors count as normal.
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
    pub(super) inner: Ciphertext,
    pub(super) modulus: usize,
    pub(super) real: bool,
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

    /// The integers in the real parts of slots alone: those of imaginary parts are left out wherever these are looked up, which
    /// saves an exponential and the table polynomials, and comes out as 0.
    #[must_use]
    pub fn real_parts(self) -> Self {
        Self { real: true, ..self }
    }

    /// `log2` of a bound of the probability that one of all is further than `most` from its place, 1 being their distance: of
    /// `2n·erfc(most/(σ√2))`, with `erfc(x) ≤ e^{−x²}`, for the [error](Self::error) `σ`.
    pub fn log2_beyond(&self, most: f64) -> f64 {
        let x = most / self.error();
        (2.0 * self.inner.slots as f64).log2() - x * x / 2.0 * std::f64::consts::LOG2_E
    }

    /// The integers modulo `t`, a divisor of their modulus: the rest wraps. Their errors in units of 1 stay.
    pub(super) fn modulo(&self, t: usize) -> Self {
        let mut inner = self.inner.clone();
        inner.inner.mul_integer((self.modulus / t) as i64);
        inner.scale *= (self.modulus / t) as f64;
        inner.estimate.bound = 0.25 * t as f64;
        Self { inner, modulus: t, real: self.real }
    }
}

impl Bootstrapper {
    /// Slots with integer real and imaginary parts as integers modulo `t`; larger ones wrap. They need a level more than
    /// [`bootstrap`](Self::bootstrap), which brings them to the scale that makes `q_0` count as `t`: that scale is their own, whatever
    /// that of the levels is. The constant of it has the bits that `t` leaves of `q_0`, and its rounding is an error too.
    ///
    /// ```
    /// # use he_ckks::{bootstrap::*, *};
    /// # fn main() -> Result<(), Error> {
    /// // The uniform preset, whose first prime has but 5 bits more than its scale.
    /// let params = Spec { log_n: 9, ..Spec::bootstrap_uniform() }.build_insecure("an example")?;
    /// let key = SecretKey::generate(&params)?;
    /// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
    /// let plaintext = Encoder::new(&params).with_bound(256.0).encode_in(&[255.0, 3.001, 127.0, 128.0], 4)?;
    /// let c = Encryptor::with_secret(&key).encrypt(&plaintext)?;
    /// let integers = bootstrapper.to_integers(&c, 256)?.real_parts();
    /// let found = bootstrapper.look_up(&integers, &[&Table::identity(256)?])?;
    /// let found = Decryptor::new(&key).decrypt(&found[0])?;
    /// assert!(found.iter().zip([-1.0, 3.0, 127.0, -128.0]).all(|(a, b)| (a - b).abs() < 0.01));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`bootstrap`](Self::bootstrap), but for the bound, which does not matter; also if `t` is not 2 to 2^32, or the errors are too
    /// large to distinguish the integers.
    pub fn to_integers(&self, a: &Ciphertext, t: usize) -> Result<Integers, Error> {
        let operation = "integers";
        check_modulus(t)?;
        let phase = self.to_phase(operation, a, t as f64)?;
        // A slot's error is that of a sum over all coefficients.
        let error = phase.estimate.error / (2.0 * phase.slots as f64).sqrt();
        let inner = Ciphertext { estimate: Estimate { error, ..phase.estimate }, ..phase };
        self.distinct(operation, Integers { inner, modulus: t, real: false })
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
    /// If the ciphertext is not one of these parameters over one prime, of degree 1, `t` is not 2 to 2^32, or the error is too large to
    /// distinguish the integers.
    pub fn import(&self, c: rlwe::Ciphertext, t: usize, error: f64) -> Result<Integers, Error> {
        let (operation, params) = ("integers", self.evaluator.params());
        check_modulus(t)?;
        self.check_order(Order::SlotsFirst)?;
        if !c.params().same(params.rlwe()) {
            return Err(OperandError::Foreign { operation, object: "ciphertext" }.into());
        }
        c.secret_id().check(operation, "ciphertext", self.keys.secret_id())?;
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
        self.distinct(operation, Integers { inner, modulus: t, real: false })
    }

    /// The RLWE ciphertext of the integers, in the order of [`import`](Self::import).
    ///
    /// # Errors
    /// If the integers belong to other parameters.
    pub fn export(&self, a: &Integers) -> Result<rlwe::Ciphertext, Error> {
        Ok(self.evaluator.rotate(&a.inner, self.slots - self.rotation)?.inner)
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

fn check_modulus(t: usize) -> Result<(), Error> {
    if (2..=1 << LARGEST_LOG).contains(&t) {
        return Ok(());
    }
    let needed = format!("2 to 2^{LARGEST_LOG}");
    Err(Error::Spec { field: "modulus of integers", found: t.to_string(), needed })
}

he_core::brief_debug!(Integers: |a| inner = a.inner, modulus = a.modulus);

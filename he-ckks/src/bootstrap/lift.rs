//! Bootstrapping of the polynomial itself, for schemes that keep integers in coefficients.
//!
//! With the transforms in the other order, [`Order::CoefficientsFirst`], modulus raising comes first, then
//! coefficients-to-slots, modular reduction, and slots-to-coefficients at the highest levels of the user (Cheon, Han, Kim,
//! Kim and Song 2018). What comes out has, over the primes that are left, the phase of what went in times the ratio of the
//! scales, with an error: a small polynomial modulo `q_0` is *lifted* to a large modulus.

use he_core::rlwe::{self, OperandError};

use super::{Bootstrapper, Order};
use crate::ciphertext::Ciphertext;
use crate::error::Error;
use crate::estimate::Estimate;

/// A polynomial lifted from the first prime to a large modulus.
///
/// ```
/// # use he_ckks::{bootstrap::*, *};
/// # fn main() -> Result<(), Error> {
/// # let spec = Spec { log_n: 9, levels: 2, ..Spec::bootstrap_uniform() };
/// # let bootstrap = spec.bootstrap.clone().map(|b| BootstrapSpec { order: Order::CoefficientsFirst, ..b });
/// # let params = Spec { bootstrap, ..spec }.build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(params.slots(), &KeyRequest::default())?)?;
/// let mut prng = he_core::ring::sample::Prng::from_os()?;
/// let small = key.inner().encrypt(1, &[1 << 40, -(1 << 40)], &mut prng).expand();
/// let lifted = bootstrapper.lift(&small)?;
/// assert_eq!(lifted.inner.limbs(), bootstrapper.lifted_level() + 1);
/// assert!(lifted.error < 1e-4 * bootstrapper.liftable());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Lifted {
    /// At the level that the transform at the end leaves.
    pub inner: rlwe::Ciphertext,
    /// Factor of the phase.
    pub factor: f64,
    /// Root mean square of the error of a coefficient, in units of the phase that went in.
    pub error: f64,
}

/// Values in the coefficients of a ciphertext over the first prime.
///
/// ```
/// # use he_ckks::{bootstrap::*, *};
/// # fn main() -> Result<(), Error> {
/// # let spec = Spec { log_n: 9, levels: 2, ..Spec::bootstrap_uniform() };
/// # let params = spec.build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let bootstrapper = Bootstrapper::new(key.bootstrap_keys(4, &KeyRequest::default())?)?;
/// let plaintext = Encoder::new(&params).encode_in(&[0.5, -0.25, 1.0, 0.0], 4)?;
/// let c = Encryptor::with_secret(&key).encrypt_at(&plaintext, params.reserved_levels())?;
/// // Half a bootstrap; what a bridge computes on the coefficients comes between the halves.
/// let CoefficientCiphertext { inner, error, .. } = bootstrapper.to_first_prime(&c)?;
/// let refreshed = bootstrapper.from_first_prime(inner, error)?;
/// assert!((Decryptor::new(&key).decrypt(&refreshed)?[0] - 0.5).abs() < 1e-5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CoefficientCiphertext {
    /// Over one prime.
    pub inner: rlwe::Ciphertext,
    /// Factor of the values.
    pub scale: f64,
    /// Root mean square of the error of a coefficient, in units of the values.
    pub error: f64,
}

impl Bootstrapper {
    /// The first half of a [`bootstrap`](Self::bootstrap): the values of the slots in coefficients over the first prime, in the
    /// order of [`import`](Self::import).
    ///
    /// # Errors
    /// As [`bootstrap`](Self::bootstrap).
    pub fn to_first_prime(&self, a: &Ciphertext) -> Result<CoefficientCiphertext, Error> {
        let low = self.to_coefficients(a)?;
        // A slot's error is that of a sum over all coefficients.
        let error = low.estimate.error / (2.0 * self.slots as f64).sqrt();
        let rotated = self.evaluator.rotate(&low, self.slots - self.rotation)?;
        Ok(CoefficientCiphertext { inner: rotated.inner, scale: low.scale, error })
    }

    /// The second half: values in coefficients over the first prime, in units of the scale over one prime
    /// ([`liftable`](Self::liftable)), become slots with all levels of the user. `error` is the root mean square of the error of a
    /// coefficient in these units.
    ///
    /// # Errors
    /// If the ciphertext is not one of these parameters over one prime.
    pub fn from_first_prime(&self, c: rlwe::Ciphertext, error: f64) -> Result<Ciphertext, Error> {
        let (operation, params) = ("bootstrap", self.evaluator.params());
        self.check_order(Order::SlotsFirst)?;
        if !c.params().same(params.rlwe()) {
            return Err(OperandError::Foreign { operation, object: "ciphertext" }.into());
        }
        c.secret_id().check(operation, "ciphertext", self.keys.secret_id())?;
        if c.limbs() != 1 {
            return Err(OperandError::Level { operation, wanted: 0, present: c.limbs() - 1 }.into());
        }
        let (slots, scale) = (self.slots, params.scale(0));
        let estimate = Estimate { bound: 1.0, error: error * (2.0 * slots as f64).sqrt() };
        let low = Ciphertext { params: params.clone(), inner: c, scale, slots, estimate };
        let rotated = self.evaluator.rotate(&low, self.rotation)?;
        let [real, imaginary] = self.to_slots(&self.raise(&rotated)?)?;
        self.modular.reduce(&self.evaluator, &real, &imaginary)
    }

    /// Slots of the ciphertexts it bootstraps.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Level of a [lifted](Self::lift) ciphertext.
    pub fn lifted_level(&self) -> usize {
        self.evaluator.params().max_level() - self.to_coefficients.len()
    }

    /// The largest magnitude of a coefficient that can be lifted: the scale of a ciphertext over one prime.
    pub fn liftable(&self) -> f64 {
        self.evaluator.params().scale(0)
    }

    /// A ciphertext over the first prime alone whose phase is small, lifted to a large modulus. With fewer slots than `N/2` only
    /// the coefficients of the powers of `X^{N/2n}` count, the others become zero. Errors of the operand stay as they are.
    ///
    /// # Errors
    /// If the order of the parameters is the other one, or the ciphertext is not one of these parameters over one prime.
    pub fn lift(&self, c: &rlwe::Ciphertext) -> Result<Lifted, Error> {
        self.lift_of(c, None)
    }

    /// [`lift`](Self::lift) for a phase with normally distributed coefficients: modular reduction errs less around zero than where values
    /// are spread over the interval. The deviation is in units of the phase.
    ///
    /// # Errors
    /// As [`lift`](Self::lift).
    pub fn lift_normal(&self, c: &rlwe::Ciphertext, deviation: f64) -> Result<Lifted, Error> {
        self.lift_of(c, Some(deviation / self.liftable()))
    }

    fn lift_of(&self, c: &rlwe::Ciphertext, deviation: Option<f64>) -> Result<Lifted, Error> {
        let (operation, params) = ("lift", self.evaluator.params());
        self.check_order(Order::CoefficientsFirst)?;
        if !c.params().same(params.rlwe()) {
            return Err(OperandError::Foreign { operation, object: "ciphertext" }.into());
        }
        c.secret_id().check(operation, "ciphertext", self.keys.secret_id())?;
        if c.limbs() != 1 {
            return Err(OperandError::Level { operation, wanted: 0, present: c.limbs() - 1 }.into());
        }
        let (slots, scale) = (self.slots, params.scale(0));
        let estimate = Estimate { bound: 1.0, error: 0.0 };
        let low = Ciphertext { params: params.clone(), inner: c.clone(), scale, slots, estimate };
        let [real, imaginary] = self.to_slots(&self.raise(&low)?)?;
        let mut values = self.modular.reduce(&self.evaluator, &real, &imaginary)?;
        if let Some(deviation) = deviation {
            values.estimate = self.modular.estimate_of_normal(real.estimate.error, deviation);
        }
        let e = &self.evaluator;
        let out =
            self.to_coefficients.iter().try_fold(values, |a, matrix| e.transform_here(matrix, &a, 1.0))?;
        // A slot's error is that of a sum over all coefficients.
        let error = out.estimate.error / (2.0 * slots as f64).sqrt() * scale;
        Ok(Lifted { factor: out.scale / scale, inner: out.inner, error })
    }
}

he_core::brief_debug!(Lifted: |a| inner = a.inner, factor = a.factor, error = a.error);
he_core::brief_debug!(CoefficientCiphertext: |a| inner = a.inner, scale = a.scale, error = a.error);

#[cfg(test)]
mod tests {
    use he_core::ring::rns::to_integers;
    use he_core::ring::sample::Prng;

    use super::*;
    use crate::bootstrap::BootstrapSpec;
    use crate::{KeyRequest, SecretKey, Spec};

    /// Coefficients before and after, in units of the first scale: spread over the interval, or about normal.
    fn lifted(log_n: u32, slots: usize, deviation: Option<f64>) -> (Vec<f64>, Vec<f64>, f64) {
        let uniform = Spec::bootstrap_uniform();
        let bootstrap =
            uniform.bootstrap.clone().map(|b| BootstrapSpec { order: Order::CoefficientsFirst, ..b });
        let spec = Spec { log_n, levels: 2, bootstrap, ..uniform };
        let params = spec.build_insecure("a test of the circuit").unwrap();
        let key = SecretKey::generate(&params).unwrap();
        let bootstrapper =
            Bootstrapper::new(key.bootstrap_keys(slots, &KeyRequest::default()).unwrap()).unwrap();
        let mut prng = Prng::from_os().unwrap();
        let unit = bootstrapper.liftable();
        let mut uniform = || (prng.next_u64() >> 11) as f64 / 2f64.powi(52) - 1.0;
        let value = |_| match deviation {
            None => (uniform() * unit) as i64,
            // Twelve of a variance of a third each.
            Some(deviation) => ((0..12).map(|_| uniform()).sum::<f64>() / 2.0 * deviation * unit) as i64,
        };
        let message: Vec<i64> = (0..params.n()).map(value).collect();
        let c = key.inner().encrypt(1, &message, &mut prng).expand();
        let out = match deviation {
            None => bootstrapper.lift(&c).unwrap(),
            Some(deviation) => bootstrapper.lift_normal(&c, deviation * unit).unwrap(),
        };
        assert_eq!(out.inner.limbs() - 1, bootstrapper.lifted_level());
        let phase = to_integers(&key.inner().phase(&out.inner));
        let found = phase.iter().map(|x| x.to_string().parse::<f64>().unwrap() / out.factor / unit).collect();
        (message.iter().map(|&m| m as f64 / unit).collect(), found, out.error / unit)
    }

    #[test]
    fn polynomials_around_zero_are_lifted_with_the_error_of_the_formula() {
        for deviation in [1.0 / 9.0, 1.0 / 18.0, 1e-4] {
            let (message, found, error) = lifted(10, 512, Some(deviation));
            let square: f64 = message.iter().zip(&found).map(|(a, b)| (a - b).powi(2)).sum();
            let ratio = square / message.len() as f64 / (error * error);
            println!("deviation {deviation:.4}: 2^{:.2}, {ratio:.3} of the variance", error.log2());
            assert!((0.75..1.25).contains(&ratio), "deviation {deviation}: {ratio:.3} of the variance");
        }
    }

    #[test]
    fn polynomials_are_lifted() {
        for (log_n, slots) in [(10, 512), (10, 64)] {
            let (message, found, error) = lifted(log_n, slots, None);
            let gap = message.len() / (2 * slots);
            let square: f64 =
                (0..message.len())
                    .map(|i| {
                        if i.is_multiple_of(gap) { (message[i] - found[i]).powi(2) } else { found[i].powi(2) }
                    })
                    .sum();
            let measured = (square / message.len() as f64).sqrt();
            let bits = -measured.log2();
            println!("N = 2^{log_n}, {slots} slots: {bits:.2} bits, estimated {:.2}", -error.log2());
            assert!(bits > 24.0 && (0.3..1.7).contains(&(measured / error)), "{measured:e} {error:e}");
        }
    }
}

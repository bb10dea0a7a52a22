//! BGV ciphertexts refreshed by the bootstrap of CKKS.
//!
//! A message at the top, phase `m·Q/t + e (mod Q)`, times `t` is `t·e (mod Q)`: the message is gone, and a small polynomial
//! remains that CKKS can bootstrap (Kim, Seo, Song 2024). With `y = t·e/Q` the error in units of the message, an
//! iteration of [`Refresher::clean`] is
//!
//! 1. `d = a·t·c` for the largest integer `a` with which `a·y` stays in the interval of modular reduction, switched to `q_0`:
//!    phase `a·y·q_0`;
//! 2. `d` *lifted* to `Q'` (see [`he_ckks::bootstrap::Lifted`]): phase `γ·a·y·q_0` with an error `ε` relative to `q_0`;
//! 3. `c·(Q'/Q) − β·lift(d)` with `β = Q'/(γ·a·t·q_0)`: the same message, and the error is `y' = ε/a` instead of `y`.
//!
//! Whatever `t` is, an iteration gains the bits of precision of the bootstrap. The message itself is never bootstrapped and stays
//! exact, which a message off the grid would not.
//!
//! **How clean is clean enough.** A product of two BGV ciphertexts in dimension `n` at the best modulus has, in units of the
//! message, an error of about `y·t·2^5·√n`: for it to be exact `y` must be far below `2^{−log t − 12}`, where decrypting
//! alone takes `y < 1/2`. As primes are dropped whole, it may be far more: for the square of a full ciphertext of the preset to be
//! refreshed, not just decrypted, `y` must be at most `2^-56`.
//!
//! **Widening.** A small message, `|m| ≤ q_0-interval`, at the top of `q_0` with a *small* `t'` is lifted itself and comes out with
//! any larger `t`: the torus knows no division, but after the lift there is no wrap left to divide.
//!
//! One refresh serves as many BGV ciphertexts as the ring of CKKS is made of. `p` of them, `p` a power of two, lie in a subring and
//! need a bootstrap of `p·n/2` slots only, which is a little cheaper.

mod keys;

use std::sync::Arc;

use he_ckks::bootstrap::{Bootstrapper, Lifted};
use he_core::ring::poly::{Coeff, Poly};
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{self, Bound, SecretId};

use crate::error::Error;
use crate::rings::{join, mul_float, mul_wide, scale_up, split, to_one_limb};
use crate::shared::Parameters;
use crate::top::at_the_top;

pub use keys::{Integers, Keys};

/// Deviations of an error that the interval of modular reduction must hold: one coefficient in `2^62` has more.
const DEVIATIONS: f64 = 9.0;
/// `log2` of the probability that a coefficient is further from zero than an estimate allows.
const LOG2_OUTSIDE: f64 = -62.0;
/// The error of a lift relative to the interval, about: it decides how far errors are amplified, not what they are said to be.
const PRECISION: f64 = 1.0 / (1 << 26) as f64;

/// The bridge from BGV to CKKS and back, which refreshes BGV ciphertexts in bulk.
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, bgv::BootstrapSpec, bgv_ckks::{Keys, Refresher}, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// # let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// # let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// # let keys = ckks.bootstrap_keys(512, &he_ckks::KeyRequest::default())?;
/// # let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys)?);
/// # let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[5, -3])?;
/// # let c = he_bgv::Encryptor::with_secret(&bgv).encrypt(&plaintext)?;
/// let refresher = Refresher::new(Keys::generate(&params, &bgv, &ckks)?, bootstrapper)?;
/// let fresh = refresher.refresh(&[c], (-46_f64).exp2())?;
/// assert!(fresh[0].noise_budget() > 40.0);
/// let plaintext = he_bgv::Decryptor::new(&bgv).decrypt(&fresh[0])?;
/// assert_eq!(he_bgv::Encoder::new(params.bgv()).decode_coefficients(&plaintext)[..2], [5, -3]);
/// # Ok(())
/// # }
/// ```
pub struct Refresher {
    params: Parameters,
    bootstrapper: Arc<Bootstrapper>,
    keys: Keys,
}

impl Refresher {
    /// The bridge of its keys and the bootstrapper of CKKS; nothing secret goes in.
    ///
    /// # Errors
    /// If the bootstrapper belongs to other parameters or another secret than the keys, or leaves fewer primes than BGV has.
    pub fn new(keys: Keys, bootstrapper: Arc<Bootstrapper>) -> Result<Self, Error> {
        let params = keys.params.clone();
        if !bootstrapper.evaluator().params().same(params.ckks()) {
            return Err(Error::Foreign { operation: "refresh", object: "bootstrapper" });
        }
        bootstrapper.secret_id().check("refresh", "bootstrapper", keys.secret_ids()[1])?;
        let (found, needed) = (bootstrapper.lifted_level() + 1, params.joint().max_limbs());
        if found < needed {
            let (found, needed) = (found.to_string(), format!("{needed}, those of BGV"));
            return Err(Error::Mismatch { field: "primes that a bootstrap leaves", found, needed });
        }
        Ok(Self { params, bootstrapper, keys })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifiers of the secrets of BGV and of CKKS.
    pub fn secret_ids(&self) -> [SecretId; 2] {
        self.keys.secret_ids()
    }

    /// Ciphertexts of any levels side by side in the ring of CKKS: at most [`Parameters::capacity`].
    ///
    /// # Errors
    /// If there are none or too many, or one belongs to other parameters or another secret or is not relinearized.
    pub fn gather(&self, ciphertexts: &[he_bgv::Ciphertext]) -> Result<Integers, Error> {
        self.check_ciphertexts(ciphertexts)?;
        let params = &self.params;
        let (t, limbs) = (params.t(), params.joint().max_limbs());
        // At the top a larger modulus is free, and so all come to the same.
        let piece = |c| {
            let (top, factor) = at_the_top(params.top(), c);
            (if top.limbs() < limbs { scale_up(&top, limbs) } else { top }, factor)
        };
        let (pieces, factors): (Vec<_>, Vec<u64>) = ciphertexts.iter().map(piece).unzip();
        let error = self.gathered_error(ciphertexts);
        let dimension = ciphertexts.len().next_power_of_two() * params.bgv().n();
        let inner = self.keys.up.switch_ciphertext(&join(&pieces, params.joint()))?;
        let bounds = ciphertexts.iter().map(he_bgv::Ciphertext::bound).collect();
        Ok(Integers { inner, t, error, dimension, factors, bounds })
    }

    /// One iteration: replaces the error by that of the bootstrap, divided by the largest power of two with which the present
    /// error stays in the interval of modular reduction.
    ///
    /// # Errors
    /// If the integers belong to other parameters or another secret, or their error is too large to tell them apart and to be reduced.
    pub fn clean(&self, c: &Integers) -> Result<Integers, Error> {
        self.check(c)?;
        let limbs = self.params.joint().max_limbs();
        let gain = self.gain(c.error, c.t)?;
        let message = to_one_limb(&mul_float(&mul_wide(&c.inner, c.t.into()), gain));
        let (lifted, lift) = self.lift(message, c.error * gain * self.first_prime())?;
        let Cleaned { beta, error } = self.cleaned(c.error, c.t, gain, lift);
        let mut inner = if c.inner.limbs() == limbs { c.inner.clone() } else { scale_up(&c.inner, limbs) };
        inner.sub_assign(&mul_float(&lifted, beta));
        Ok(Integers { inner, error, ..c.clone() })
    }

    /// A small phase over the first prime, of that deviation, lifted to the primes of BGV.
    fn lift(&self, message: rlwe::Ciphertext, deviation: f64) -> Result<(rlwe::Ciphertext, Lift), Error> {
        let ckks = self.params.ckks().rlwe();
        let lifted = self.joint(self.bootstrapper.lift_normal(&message.over(ckks), deviation)?);
        let error = lifted.error.hypot(self.rounding()) / self.first_prime();
        Ok((lifted.inner, Lift { error, factor: lifted.factor }))
    }

    /// The error and the factor of a lift, from the lift of nothing: the error is that of the largest phase there may be.
    pub(crate) fn lift_zero(&self) -> Result<Lift, Error> {
        let zero = Poly::<Coeff>::zero(self.params.joint().basis(1)).into_eval();
        let zero = rlwe::Ciphertext::new(self.params.joint(), self.secret_ids()[1], vec![zero.clone(), zero]);
        Ok(self.lift(zero, self.bootstrapper.liftable() / DEVIATIONS)?.1)
    }

    /// The integer by which an error is multiplied before it is lifted: it just stays in the interval of modular reduction. Or a
    /// smaller one, where that leaves so few bits for the factor of the result that its rounding would be felt.
    fn gain(&self, error: f64, t: u64) -> Result<f64, Error> {
        let room = self.bootstrapper.liftable() / self.first_prime();
        let most = room / (DEVIATIONS * error);
        if most.is_nan() || most < 1.0 {
            let [found, needed] = [error, error * most].map(|error| format!("2^{:.1}", error.log2()));
            return Err(Error::Mismatch { field: "the error of integers that are cleaned", found, needed });
        }
        // With a the gain, PRECISION·room/a and error·(t·a/other_primes)/√12 are alike.
        let alike = PRECISION * room * 12_f64.sqrt() * self.other_primes() / (error * t as f64);
        Ok(most.min(alike.sqrt()).max(1.0).floor())
    }

    /// The effect of the subtraction of a lifted error.
    fn cleaned(&self, error: f64, t: u64, gain: f64, lift: Lift) -> Cleaned {
        let exact = self.other_primes() / (lift.factor * t as f64 * gain);
        let beta = exact.round();
        // Of a factor that is not exact a part of the error is left; a float has 53 bits.
        let left = (beta / exact - 1.0).abs() + 16.0 * f64::EPSILON;
        Cleaned { beta, error: (lift.error / gain * beta / exact).hypot(error * left) }
    }

    /// The largest number of iterations of [`clean_to`](Self::clean_to), without them.
    pub(crate) fn iterations(&self, error: f64, target: f64, lift: Lift) -> Result<usize, Error> {
        let (mut error, mut count, t) = (error, 0, self.params.t());
        while error > target {
            let next = self.cleaned(error, t, self.gain(error, t)?, lift).error;
            check_progress(error, next, target)?;
            (error, count) = (next, count + 1);
        }
        Ok(count)
    }

    /// The error of a ciphertext once it is among others in the ring of CKKS.
    pub(crate) fn gathered_error(&self, ciphertexts: &[he_bgv::Ciphertext]) -> f64 {
        let (params, limbs) = (&self.params, self.params.joint().max_limbs());
        let own = ciphertexts.iter().map(relative_error).fold(0.0, f64::max);
        let switched = NoiseModel::new(params.joint()).key_switch(limbs).sqrt() * params.t() as f64;
        own.hypot(switched / params.bgv().noise().log_q(limbs - 1).exp2())
    }

    /// `log2` of the probability that a lift fails: that modulus raising does, or that a coefficient is further from zero than estimates
    /// allow.
    pub(crate) fn log2_failure(&self) -> f64 {
        let (params, n) = (self.params.ckks(), self.params.ckks().n());
        let raising = params.spec().bootstrap.as_ref().map_or(0.0, |b| b.log2_failure(n));
        (raising.exp2() + n as f64 * LOG2_OUTSIDE.exp2()).log2()
    }

    /// BGV ciphertexts that the slots of the bootstrap have room for.
    pub(crate) fn capacity(&self) -> usize {
        2 * self.bootstrapper.slots() / self.params.bgv().n()
    }

    /// The largest error that can be cleaned.
    pub(crate) fn largest_error(&self) -> f64 {
        self.bootstrapper.liftable() / self.first_prime() / DEVIATIONS
    }

    /// Small integers modulo a small `t'`, over the first prime, as integers modulo the `t` of BGV, with their errors and one of the
    /// bootstrap.
    pub(crate) fn widen(&self, c: &Integers) -> Result<Integers, Error> {
        self.check(c)?;
        let ckks = self.params.ckks().rlwe();
        let lifted = self.joint(self.bootstrapper.lift(&c.inner.clone().over(ckks))?);
        let (small, t) = (c.t as f64, self.params.t());
        let beta = self.other_primes() * small / (lifted.factor * t as f64);
        let error = c.error.hypot(lifted.error * small / self.first_prime());
        // Only what is within t'/2 is lifted as it is: a bound that holds modulo the larger t as well.
        let bounds = vec![all_of(c.t, self.params.bgv().n()); c.dimension.div_ceil(self.params.bgv().n())];
        Ok(Integers { inner: mul_float(&lifted.inner, beta.round()), t, error, bounds, ..c.clone() })
    }

    /// Iterations until the error is at most `error`.
    ///
    /// # Errors
    /// As [`clean`](Self::clean); or if an iteration does not help any more.
    pub fn clean_to(&self, c: Integers, error: f64) -> Result<Integers, Error> {
        Ok(self.cleaned_to(c, error)?.0)
    }

    /// [`clean_to`](Self::clean_to), and the number of iterations.
    pub(crate) fn cleaned_to(&self, c: Integers, error: f64) -> Result<(Integers, usize), Error> {
        self.check(&c)?;
        let (mut c, mut iterations) = (c, 0);
        while c.error > error || c.inner.limbs() < self.params.joint().max_limbs() {
            let next = self.clean(&c)?;
            if c.inner.limbs() == next.inner.limbs() {
                check_progress(c.error, next.error, error)?;
            }
            (c, iterations) = (next, iterations + 1);
        }
        Ok((c, iterations))
    }

    /// Back to BGV: the ciphertexts that lie side by side. Integers in a ring smaller than BGV's come back as one ciphertext, in its
    /// subring.
    ///
    /// # Errors
    /// If the integers belong to other parameters or another secret, have another modulus than BGV's, or fewer primes.
    pub fn scatter(&self, c: &Integers) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        self.check(c)?;
        let params = &self.params;
        let limbs = params.joint().max_limbs();
        let t = params.bgv().t();
        if c.t != t.value() || c.inner.limbs() != limbs {
            let found = format!("{} over {} primes", c.t, c.inner.limbs());
            let needed = format!("{} over {limbs}", t.value());
            return Err(Error::Mismatch { field: "the modulus of the integers", found, needed });
        }
        // m·Q/t + e times −t is −t·e, which is m·Q modulo t.
        let q = params.joint().spec().q.iter().fold(1, |q, &p| t.mul(q, t.reduce(p)));
        let noise = self.scattered_noise(c.error).log2();
        let pieces = split(&self.keys.down.switch_ciphertext(&c.inner)?, params.top());
        let back = |(i, piece): (usize, &rlwe::Ciphertext)| {
            let inner = mul_wide(piece, -i128::from(t.value())).over(params.bgv().rlwe());
            let factor = t.mul(q, c.factors.get(i).copied().unwrap_or(1));
            let bound = c.bounds.get(i).copied().unwrap_or(all_of(t.value(), params.bgv().n()));
            Ok(he_bgv::Ciphertext::from_rlwe_with_factor(params.bgv(), inner, factor, bound, noise)?)
        };
        let count = (c.dimension / params.bgv().n()).max(1);
        pieces.iter().step_by(pieces.len() / count).enumerate().map(back).collect()
    }

    /// Deviation of the phase of BGV ciphertexts that integers with such an error become.
    pub(crate) fn scattered_noise(&self, error: f64) -> f64 {
        let (params, limbs) = (&self.params, self.params.joint().max_limbs());
        let switched = NoiseModel::new(params.joint()).key_switch(limbs).sqrt() * params.t() as f64;
        (error * params.bgv().noise().log_q(limbs - 1).exp2()).hypot(switched)
    }

    /// BGV ciphertexts over all their primes, with an error of at most `error` in units of their integers. The bounds of their values
    /// stay.
    ///
    /// # Errors
    /// As [`gather`](Self::gather) and [`clean_to`](Self::clean_to).
    pub fn refresh(
        &self,
        ciphertexts: &[he_bgv::Ciphertext],
        error: f64,
    ) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        let mut fresh = self.scatter(&self.clean_to(self.gather(ciphertexts)?, error)?)?;
        fresh.truncate(ciphertexts.len());
        Ok(fresh)
    }

    /// Checks that there are some ciphertexts, not too many, and that they are relinearized and of these parameters.
    pub(crate) fn check_ciphertexts(&self, ciphertexts: &[he_bgv::Ciphertext]) -> Result<(), Error> {
        let (params, operation) = (&self.params, "refresh");
        let most = params.capacity();
        if ciphertexts.is_empty() || ciphertexts.len() > most {
            let (found, needed) = (ciphertexts.len().to_string(), format!("1 to {most}"));
            return Err(Error::Mismatch { field: "the number of ciphertexts", found, needed });
        }
        for c in ciphertexts {
            if !c.params().same(params.bgv()) {
                return Err(Error::Foreign { operation, object: "ciphertext" });
            }
            c.secret_id().check(operation, "ciphertext", self.secret_ids()[0])?;
            if c.degree() != 1 {
                let (found, needed) = (format!("degree {}", c.degree()), "degree 1".into());
                return Err(Error::Mismatch { field: "the ciphertext", found, needed });
            }
        }
        Ok(())
    }

    /// Checks that integers belong to these parameters, and that the bootstrap has slots for all of them.
    fn check(&self, c: &Integers) -> Result<(), Error> {
        let (operation, object) = ("refresh", "ciphertext of integers");
        if !c.inner.params().same(self.params.joint()) {
            return Err(Error::Foreign { operation, object });
        }
        c.inner.secret_id().check(operation, object, self.secret_ids()[1])?;
        let slots = self.bootstrapper.slots();
        if 2 * slots < c.dimension {
            let (found, needed) = (slots.to_string(), (c.dimension / 2).to_string());
            return Err(Error::Mismatch { field: "the number of slots of the bootstrap", found, needed });
        }
        Ok(())
    }

    /// A lifted polynomial over the primes of BGV.
    fn joint(&self, lifted: Lifted) -> Lifted {
        let inner = lifted.inner.truncated(self.params.joint().max_limbs()).over(self.params.joint());
        Lifted { inner, ..lifted }
    }

    fn first_prime(&self) -> f64 {
        self.params.joint().spec().q[0] as f64
    }

    /// `Q'/q_0`.
    fn other_primes(&self) -> f64 {
        self.params.joint().spec().q[1..].iter().map(|&q| q as f64).product()
    }

    /// Deviation of the rounding of a modulus switch in the ring of CKKS.
    fn rounding(&self) -> f64 {
        self.params.ckks().noise().rounding().sqrt()
    }
}

/// The bound of all integers modulo `t` in a ring of dimension `n`.
fn all_of(t: u64, n: usize) -> Bound {
    Bound::of_coefficients(Some(t / 2), n)
}

/// Of a lift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lift {
    /// Root mean square of the error, relative to the first prime.
    error: f64,
    /// Factor of the phase.
    factor: f64,
}

/// The multiple of the lifted error that an iteration of cleaning subtracts, and the error that is left.
struct Cleaned {
    beta: f64,
    error: f64,
}

/// Refuses an iteration that does not even halve an error.
fn check_progress(before: f64, after: f64, target: f64) -> Result<(), Error> {
    if after <= 0.5 * before {
        return Ok(());
    }
    let [found, needed] = [after, target].map(|error| format!("2^{:.1}", error.log2()));
    Err(Error::Mismatch { field: "the least error of a refresh", found, needed })
}

/// Error of a ciphertext in units of its integers: a deviation nine of which are as improbable as what its noise may reach.
fn relative_error(c: &he_bgv::Ciphertext) -> f64 {
    let estimator = c.params().noise();
    (estimator.bound_log2(c.noise()) - estimator.log_q(c.level())).exp2() / DEVIATIONS
}

he_core::brief_debug!(Refresher: |a| params = a.params, secret_ids = a.secret_ids());

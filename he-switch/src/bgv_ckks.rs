//! BGV ciphertexts refreshed by the bootstrap of CKKS.
//!
//! A message at the top, phase `m·Q/t + e (mod Q)`, times `t` is `t·e (mod Q)`: the message is gone, and a small polynomial
//! remains that CKKS can bootstrap (Kim, Seo, Song 2024). With `y = t·e/Q` the error in units of the message, an
//! iteration of [`Refresher::clean`] is
//!
//! 1. `d = a·t·c` for the largest power of two `a` with which `a·y` stays in the interval of modular reduction, switched to `q_0`:
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

use std::sync::Arc;

use he_ckks::bootstrap::{Bootstrapper, Lifted};
use he_core::ring::sample::Prng;
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{self, KeySwitchKey};

use crate::bgv_to_tfhe::at_the_top;
use crate::error::Error;
use crate::params::Parameters;
use crate::rings::{join, mul_wide, scale_up, split, to_one_limb};

/// Deviations of an error that the interval of modular reduction must hold.
const DEVIATIONS: f64 = 9.0;

/// Keys between the secrets of BGV and CKKS; their masks are kept as seeds when they are sent.
///
/// ```
/// # use he_switch::{Error, Spec, bgv_ckks::Keys, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// let bytes = Keys::generate(&params, &bgv, &ckks)?.to_bytes()?;
/// let keys = Keys::from_bytes(&params, &bytes)?;
/// # assert_eq!(keys.to_bytes()?, bytes);
/// # Ok(())
/// # }
/// ```
pub struct Keys {
    pub(crate) params: Parameters,
    pub(crate) up: KeySwitchKey,
    pub(crate) down: KeySwitchKey,
}

impl Keys {
    /// Draws the keys.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        bgv: &he_bgv::SecretKey,
        ckks: &he_ckks::SecretKey,
    ) -> Result<Self, Error> {
        if !bgv.params().same(params.bgv()) || !ckks.params().same(params.ckks()) {
            let operation = "keys of the bridge between BGV and CKKS";
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        let mut prng = Prng::from_os()?;
        let (joint, limbs) = (params.joint(), params.joint().max_limbs());
        let (small, large) = (bgv.inner().interleaved(joint), ckks.inner().interleaved(joint));
        let up = large.switching_key_from(&small, limbs, &mut prng);
        let down = small.switching_key_from(&large, limbs, &mut prng);
        Ok(Self { params: params.clone(), up, down })
    }
}

/// A ciphertext in the ring of CKKS with integers at the top of its modulus, one in each coefficient.
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, Spec, bgv_ckks::{Keys, Refresher}, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let bgv = he_bgv::SecretKey::generate(params.bgv())?;
/// # let ckks = he_ckks::SecretKey::generate(params.ckks())?;
/// # let keys = ckks.bootstrap_keys(512, &he_ckks::KeyRequest::default())?;
/// # let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys)?);
/// # let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[5, -3])?;
/// # let c = he_bgv::Encryptor::with_secret(&bgv).encrypt(&plaintext)?;
/// # let refresher = Refresher::new(Keys::generate(&params, &bgv, &ckks)?, bootstrapper)?;
/// # let bgv = he_bgv::Evaluator::new(params.bgv(), he_bgv::EvaluationKeys::none(params.bgv()))?;
/// // A ciphertext over its last prime; the error is in units of the distance of two integers.
/// let integers = refresher.gather(&[bgv.mod_switch(&bgv.mod_switch(&c)?)?])?;
/// assert!((1e-8..1e-4).contains(&integers.error()));
/// let cleaned = refresher.clean(&integers)?;
/// assert!(cleaned.error() < 1e-6 * integers.error());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Integers {
    pub(crate) inner: rlwe::Ciphertext,
    /// The modulus of the integers.
    pub(crate) t: u64,
    /// Root mean square of the error, in units of the integers.
    pub(crate) error: f64,
    /// Dimension of the subring that is in use, a power of two.
    pub(crate) dimension: usize,
}

impl Integers {
    /// Root mean square of the error, the distance of two integers being 1.
    pub fn error(&self) -> f64 {
        self.error
    }
}

/// The bridge from BGV to CKKS and back, which refreshes BGV ciphertexts in bulk.
///
/// ```
/// # use std::sync::Arc;
/// # use he_switch::{Error, Spec, bgv_ckks::{Keys, Refresher}, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
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
    /// If the bootstrapper belongs to other parameters, or leaves fewer primes than BGV has.
    pub fn new(keys: Keys, bootstrapper: Arc<Bootstrapper>) -> Result<Self, Error> {
        let params = keys.params.clone();
        if !bootstrapper.evaluator().params().same(params.ckks()) {
            return Err(Error::Foreign { operation: "refresh", object: "bootstrapper" });
        }
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

    /// Ciphertexts side by side in the ring of CKKS: at most [`Parameters::bgv_capacity`].
    ///
    /// # Errors
    /// If there are none or too many, or one belongs to other parameters, is not relinearized, or is at another level than the
    /// first.
    pub fn gather(&self, ciphertexts: &[he_bgv::Ciphertext]) -> Result<Integers, Error> {
        let (params, operation) = (&self.params, "refresh");
        let most = params.bgv_capacity();
        if ciphertexts.is_empty() || ciphertexts.len() > most {
            let (found, needed) = (ciphertexts.len().to_string(), format!("1 to {most}"));
            return Err(Error::Mismatch { field: "the number of ciphertexts", found, needed });
        }
        let level = ciphertexts[0].level();
        for c in ciphertexts {
            if !c.params().same(params.bgv()) {
                return Err(Error::Foreign { operation, object: "ciphertext" });
            }
            if c.degree() != 1 || c.level() != level {
                let found = format!("degree {}, level {}", c.degree(), c.level());
                let needed = format!("degree 1, level {level}");
                return Err(Error::Mismatch { field: "the ciphertext", found, needed });
            }
        }
        let (t, estimator) = (params.t(), params.bgv().noise());
        let (pieces, growth): (Vec<_>, Vec<f64>) = ciphertexts.iter().map(|c| at_the_top(params, c)).unzip();
        let noises = ciphertexts.iter().zip(growth).map(|(c, growth)| c.noise().log2().exp2() * growth);
        let noise = noises.fold(0.0, f64::max);
        let joined = join(&pieces, params.joint());
        let switched = NoiseModel::new(params.joint()).key_switch(level + 1).sqrt();
        let modulus = estimator.log_q(level).exp2();
        let error = (noise / modulus).hypot(switched * t as f64 / modulus);
        let dimension = ciphertexts.len().next_power_of_two() * params.bgv().n();
        Ok(Integers { inner: self.keys.up.switch_ciphertext(&joined), t, error, dimension })
    }

    /// One iteration: replaces the error by that of the bootstrap, divided by the largest power of two with which the present
    /// error stays in the interval of modular reduction.
    ///
    /// # Errors
    /// If the integers belong to other parameters, or their error is too large to tell them apart and to be reduced.
    pub fn clean(&self, c: &Integers) -> Result<Integers, Error> {
        self.check(c)?;
        let limbs = self.params.joint().max_limbs();
        let (first, room) = (self.first_prime(), self.bootstrapper.liftable());
        let bits = (room / (first * DEVIATIONS * c.error)).log2().floor();
        if bits < 0.0 {
            let (found, needed) =
                (format!("2^{:.1}", c.error.log2()), format!("2^{:.1}", c.error.log2() + bits));
            return Err(Error::Mismatch { field: "the error of integers that are cleaned", found, needed });
        }
        // More would leave too few bits for the factor of the result.
        let bits = bits.min(40.0) as u32;
        let message = to_one_limb(&mul_wide(&c.inner, i128::from(c.t) << bits));
        let deviation = c.error * f64::from(bits).exp2() * first;
        let lifted =
            self.joint(self.bootstrapper.lift_normal(&message.over(self.params.ckks().rlwe()), deviation)?);
        let amplified = c.t as f64 * f64::from(bits).exp2();
        let beta = self.other_primes() / (lifted.factor * amplified);
        let wide = if c.inner.limbs() == limbs { c.inner.clone() } else { scale_up(&c.inner, limbs) };
        let mut inner = wide;
        inner.sub_assign(&mul_wide(&lifted.inner, beta.round() as i128));
        let gain = f64::from(bits).exp2();
        let own = (lifted.error / first).hypot(self.rounding() / first) / gain;
        Ok(Integers { inner, error: own.hypot(c.error / beta), ..*c })
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
        Ok(Integers { inner: mul_wide(&lifted.inner, beta.round() as i128), t, error, ..*c })
    }

    /// Iterations until the error is at most `error`.
    ///
    /// # Errors
    /// As [`clean`](Self::clean); or if an iteration does not help any more.
    pub fn clean_to(&self, c: Integers, error: f64) -> Result<Integers, Error> {
        let mut c = c;
        while c.error > error || c.inner.limbs() < self.params.joint().max_limbs() {
            let next = self.clean(&c)?;
            if next.error > 0.5 * c.error && c.inner.limbs() == next.inner.limbs() {
                let (found, needed) =
                    (format!("2^{:.1}", next.error.log2()), format!("2^{:.1}", error.log2()));
                return Err(Error::Mismatch { field: "the least error of a refresh", found, needed });
            }
            c = next;
        }
        Ok(c)
    }

    /// Back to BGV: the ciphertexts that lie side by side. Integers in a ring smaller than BGV's come back as one ciphertext, in its
    /// subring.
    ///
    /// # Errors
    /// If the integers belong to other parameters, have another modulus than BGV's, or fewer primes.
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
        let switched = NoiseModel::new(params.joint()).key_switch(limbs).sqrt();
        // Modulo t, m·Q/t times −t is m·Q.
        let q = params.joint().spec().q.iter().fold(1, |q, &p| t.mul(q, t.reduce(p)));
        let back = -i128::from(t.center(t.inv(q).unwrap_or(1))) * i128::from(t.value());
        let own = c.error / c.t as f64 * params.bgv().noise().log_q(limbs - 1).exp2();
        let noise = (back as f64 * own.hypot(switched)).abs().log2();
        let pieces = split(&self.keys.down.switch_ciphertext(&c.inner), params.top());
        let back = |piece: &rlwe::Ciphertext| {
            let inner = mul_wide(piece, back).over(params.bgv().rlwe());
            Ok(he_bgv::Ciphertext::from_rlwe(params.bgv(), inner, noise)?)
        };
        let count = (c.dimension / params.bgv().n()).max(1);
        pieces.iter().step_by(pieces.len() / count).map(back).collect()
    }

    /// BGV ciphertexts over all their primes, with an error of at most `error` in units of their integers.
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

    /// Checks that integers belong to these parameters, and that the bootstrap has slots for all of them.
    fn check(&self, c: &Integers) -> Result<(), Error> {
        if !c.inner.params().same(self.params.joint()) {
            return Err(Error::Foreign { operation: "refresh", object: "ciphertext of integers" });
        }
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

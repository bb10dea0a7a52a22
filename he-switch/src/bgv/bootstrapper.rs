//! Bootstraps, and what they cost.

use std::sync::{Arc, OnceLock};

use cpu_time::ThreadTime;
use he_bgv::{Ciphertext, Noise};
use he_core::rlwe::SecretId;

use super::keys::BootstrapKeys;
use crate::bgv_ckks::{Lift, Refresher};
use crate::error::Error;
use crate::shared::Parameters;

/// A noise budget to be had after a bootstrap: [`he_bgv::Ciphertext::noise_budget`].
///
/// ```
/// use he_switch::bgv::Budget;
///
/// // A product modulo t in dimension n takes about log2 t + log2 n − 1.6 bits.
/// assert!(Budget::bits(60) > Budget::bits(16 + 13 - 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget(u32);

impl Budget {
    /// So many bits, or more.
    pub fn bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// The cost of a bootstrap, known before it.
///
/// ```
/// # use he_switch::{Error, bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// # let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// # let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[7])?;
/// # let fresh = he_bgv::Encryptor::with_secret(&secret).encrypt(&plaintext)?;
/// let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(&params, &secret)?)?;
/// # let evaluator = he_bgv::Evaluator::new(params.bgv(), he_bgv::EvaluationKeys::none(params.bgv()))?;
/// let used = evaluator.mod_switch_to(&fresh, 0)?; // some twenty bits left
/// let cost = bootstrapper.cost(&[used], Budget::bits(60))?;
/// assert!(cost.lifts == 2 && cost.core_seconds > 0.0);
/// // Nothing to lift, where there is budget enough.
/// assert_eq!(bootstrapper.cost(&[fresh], Budget::bits(60))?.lifts, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Lifts, which are bootstraps of CKKS; seldom there is one less.
    pub lifts: usize,
    /// Seconds on one thread, by the time that a lift took on this machine.
    pub core_seconds: f64,
    /// `log2` of a bound of the probability that a result has more noise than it says: for each lift that of a failure of modulus
    /// raising ([`he_ckks::BootstrapSpec::log2_failure`]), and `N·2^{−62}` for nine deviations of an error; minus infinity without
    /// lifts.
    pub log2_failure: f64,
}

/// Bootstraps BGV ciphertexts; holds keys and nothing that decrypts, and is cheap to clone.
///
/// ```
/// # use he_switch::{Error, bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = BootstrapSpec::insecure_small().build_insecure("an example")?;
/// # let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// # let (encoder, decryptor) = (he_bgv::Encoder::new(params.bgv()), he_bgv::Decryptor::new(&secret));
/// let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(&params, &secret)?)?;
/// let plaintext = encoder.encode_coefficients(&[5, -3])?;
/// let c = he_bgv::Encryptor::with_secret(&secret).encrypt_at(&plaintext, 0)?;
/// let fresh = bootstrapper.bootstrap(&[c], Budget::bits(60))?;
/// assert!(fresh[0].level() == 2 && fresh[0].noise_budget() >= 60.0);
/// assert!(decryptor.noise_budget(&fresh[0])? >= fresh[0].noise_budget());
/// assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&fresh[0])?)[..2], [5, -3]);
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret key:
/// ```compile_fail,E0308
/// # fn f(secret: he_bgv::SecretKey) {
/// let bootstrapper = he_switch::bgv::Bootstrapper::new(secret);
/// # }
/// ```
#[derive(Clone)]
pub struct Bootstrapper {
    refresher: Arc<Refresher>,
    /// The lift of nothing, and its seconds on one thread, once they were asked for.
    lift: Arc<OnceLock<(Lift, f64)>>,
}

impl Bootstrapper {
    /// Prepares keys for use: expands masks from their seeds, and the transforms of CKKS's bootstrap.
    ///
    /// # Errors
    /// Never for keys that were drawn or read.
    #[doc(alias = "recrypt")]
    pub fn new(keys: BootstrapKeys) -> Result<Self, Error> {
        let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys.ckks)?);
        let refresher = Arc::new(Refresher::new(keys.between, bootstrapper)?);
        Ok(Self { refresher, lift: Arc::default() })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.refresher.params()
    }

    /// The identifier of the secret of BGV.
    pub fn secret_id(&self) -> SecretId {
        self.refresher.secret_ids()[0]
    }

    /// The ciphertexts over all primes, each with at least the budget by its estimate, whether they had used up theirs or not.
    /// Ciphertexts may have any levels and correction factors; [`Parameters::capacity`] of them share a lift, and each group of so
    /// many takes the lifts that its noisiest ciphertext needs.
    ///
    /// # Errors
    /// If there is no ciphertext, one belongs to other parameters or another secret, is not relinearized or has a budget below
    /// [`least_budget`](Self::least_budget); or if the chain is too short for the budget that is asked for.
    pub fn bootstrap(&self, ciphertexts: &[Ciphertext], budget: Budget) -> Result<Vec<Ciphertext>, Error> {
        let error = self.error_of(budget)?;
        let mut out = Vec::with_capacity(ciphertexts.len());
        for group in self.groups(ciphertexts)? {
            out.extend(self.refresher.refresh(group, error)?);
        }
        Ok(out)
    }

    /// The cost of [`bootstrap`](Self::bootstrap), from the noise of the ciphertexts. The first call lifts nothing, once, on one
    /// thread, to learn how long that takes on this machine.
    ///
    /// # Errors
    /// As [`bootstrap`](Self::bootstrap); or if the operating system gives no thread.
    pub fn cost(&self, ciphertexts: &[Ciphertext], budget: Budget) -> Result<Cost, Error> {
        let (error, (lift, seconds)) = (self.error_of(budget)?, self.measured()?);
        let mut lifts = 0;
        for group in self.groups(ciphertexts)? {
            self.refresher.check_ciphertexts(group)?;
            lifts += self.refresher.iterations(self.refresher.gathered_error(group), error, lift)?;
        }
        let log2_failure = (lifts as f64).log2() + self.refresher.log2_failure();
        Ok(Cost { lifts, core_seconds: lifts as f64 * seconds, log2_failure })
    }

    /// The least budget of a ciphertext that can be bootstrapped, in bits: with less, its error is beyond the interval that CKKS
    /// lifts.
    pub fn least_budget(&self) -> f64 {
        let params = self.params();
        let level = params.bgv().max_level();
        // Its key switch adds to the error, which is small at most.
        let largest = self.refresher.largest_error() * (1.0 - 1e-3);
        self.budget_of(largest * params.bgv().noise().log_q(level).exp2())
    }

    /// The largest budget there can be, in bits: that of a ciphertext whose noise is that of a key switch from CKKS.
    pub fn most_budget(&self) -> f64 {
        self.budget_of(self.refresher.scattered_noise(0.0))
    }

    /// The budget over all primes, for a deviation of the phase.
    fn budget_of(&self, deviation: f64) -> f64 {
        let bgv = self.params().bgv();
        bgv.noise().budget(Noise::from_log2(deviation.log2()), bgv.max_level())
    }

    /// The largest error, in units of the integers, that leaves a budget.
    pub(crate) fn error_of(&self, Budget(bits): Budget) -> Result<f64, Error> {
        let most = self.most_budget();
        let needed = format!("less than {most:.1} bits");
        let too_large = || Error::Mismatch { field: "the budget", found: bits.to_string(), needed };
        if f64::from(bits) >= most {
            return Err(too_large());
        }
        let bgv = self.params().bgv();
        let modulus = bgv.noise().log_q(bgv.max_level()).exp2();
        let all = (self.budget_of(1.0) - f64::from(bits)).exp2();
        Ok((all.powi(2) - self.refresher.scattered_noise(0.0).powi(2)).sqrt() / modulus)
    }

    fn groups<'c>(&self, all: &'c [Ciphertext]) -> Result<std::slice::Chunks<'c, Ciphertext>, Error> {
        if all.is_empty() {
            let (found, needed) = ("0".into(), "1 or more".into());
            return Err(Error::Mismatch { field: "the number of ciphertexts", found, needed });
        }
        Ok(all.chunks(self.params().capacity()))
    }

    fn measured(&self) -> Result<(Lift, f64), Error> {
        if let Some(&measured) = self.lift.get() {
            return Ok(measured);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        // Of the one thread that computes, whatever else the machine does.
        let (lift, seconds) = pool.install(|| {
            let before = ThreadTime::now();
            let lift = self.refresher.lift_zero()?;
            Ok::<_, Error>((lift, before.elapsed().as_secs_f64()))
        })?;
        Ok(*self.lift.get_or_init(|| (lift, seconds)))
    }
}

he_core::brief_debug!(Bootstrapper: |a| refresher = a.refresher);

//! The server's part: BGV, the ways to tables and back.

use std::sync::Arc;

use he_ckks::bootstrap::{Bootstrapper, Integers};
use he_core::ring::poly::{Coeff, Poly};
use he_core::rlwe;
use he_core::rlwe::KeySwitchKey;
use he_core::rlwe::noise::NoiseModel;

use super::keys::EvaluationKeys;
use super::spec::Parameters;
use crate::bgv_ckks::{self, Refresher};
use crate::error::Error;
use crate::expand::Expander;
use crate::rings::{join, mul_wide, to_one_limb};
use crate::top::at_the_top;

/// BGV, its refresh, and the ways to tables over slots of CKKS and back. It holds nothing secret, is shared by threads, and is cheap to
/// clone.
///
/// ```
/// # use he_switch::{Error, tables::{EvaluationKeys, KeyRequest, Spec, Switcher}, he_bgv, he_ckks};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// # let request = KeyRequest { expansion: 2, slots: 512, refresh_slots: 512, ..KeyRequest::default() };
/// use he_ckks::bootstrap::Table;
///
/// let switcher = Switcher::new(EvaluationKeys::generate(&params, &secret, &request)?)?;
/// let encoder = he_bgv::Encoder::new(params.bgv());
/// let plaintext = encoder.encode_coefficients(&[77_312, -77_313, 383, 384])?;
/// let c = he_bgv::Encryptor::with_secret(&secret).encrypt_at(&plaintext, 1)?;
/// // Integers of 18 bits at the top of t = 2^26, in the real parts of slots; two times 8 bits are taken off.
/// let integers = switcher.to_tables(&[c], 8)?.real_parts();
/// let high = switcher.tables().truncate(&integers, 8)?;
/// assert_eq!((integers.modulus(), high.modulus()), (1 << 18, 1 << 10));
/// let high = switcher.tables().truncate(&high, 6)?;
/// let negative = Table::new(&(0..16).map(|m| if m < 8 { -f64::from(m) } else { f64::from(16 - m) }).collect::<Vec<_>>())?;
/// let found = switcher.tables().look_up_in_coefficients(&high, &[&negative], 1 << 10)?;
/// // Back with a modulus of which all are small, and with the budget of a product.
/// let fresh = switcher.to_bgv(&found[0], 1, (-46_f64).exp2())?;
/// assert!(fresh.lifts >= 2);
/// let plaintext = he_bgv::Decryptor::new(&secret).decrypt(&fresh.ciphertexts[0])?;
/// assert_eq!(encoder.decode_coefficients(&plaintext)[..4], [-5, 5, 0, 0]);
/// # Ok(())
/// # }
/// ```
///
/// It takes no secret keys:
/// ```compile_fail,E0308
/// # fn f(secret: he_switch::he_bgv::SecretKey) {
/// let switcher = he_switch::tables::Switcher::new(secret);
/// # }
/// ```
#[derive(Clone)]
pub struct Switcher {
    params: Parameters,
    bgv: Arc<he_bgv::Evaluator>,
    expander: Arc<Expander>,
    tables: Arc<Bootstrapper>,
    refresher: Arc<Refresher>,
    /// From BGV to the tables, and from there to the lift.
    ways: Arc<[KeySwitchKey; 2]>,
}

/// BGV ciphertexts over all primes, lifted from values of tables or refreshed.
///
/// ```
/// # use he_switch::{Error, tables::{EvaluationKeys, KeyRequest, Spec, Switcher}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let secret = he_bgv::SecretKey::generate(params.bgv())?;
/// # let request = KeyRequest { slots: 512, refresh_slots: 512, ..KeyRequest::default() };
/// # let switcher = Switcher::new(EvaluationKeys::generate(&params, &secret, &request)?)?;
/// # let plaintext = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[5, -3])?;
/// let used = he_bgv::Encryptor::with_secret(&secret).encrypt_at(&plaintext, 0)?;
/// let fresh = switcher.refresh(&[used], (-46_f64).exp2())?;
/// assert!((1..4).contains(&fresh.lifts) && fresh.ciphertexts[0].level() == params.bgv().max_level());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Lifted {
    /// The ciphertexts.
    pub ciphertexts: Vec<he_bgv::Ciphertext>,
    /// Bootstraps of CKKS that they took.
    pub lifts: usize,
}

impl Switcher {
    /// Prepares keys for use: expands masks from their seeds, and the transforms of both bootstraps.
    ///
    /// # Errors
    /// Never for keys that were drawn; if keys that were read do not go together, as those of different clients do not.
    pub fn new(keys: EvaluationKeys) -> Result<Self, Error> {
        keys.check_secrets()?;
        let lift = Arc::new(Bootstrapper::new(keys.lift)?);
        Ok(Self {
            bgv: Arc::new(he_bgv::Evaluator::new(keys.params.bgv(), keys.bgv)?),
            expander: Arc::new(keys.expander),
            tables: Arc::new(Bootstrapper::new(keys.tables)?),
            refresher: Arc::new(Refresher::new(keys.between.bgv, lift)?),
            ways: Arc::new([keys.between.up, keys.between.across]),
            params: keys.params,
        })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The evaluator of BGV.
    pub fn bgv(&self) -> &Arc<he_bgv::Evaluator> {
        &self.bgv
    }

    /// Takes BGV ciphertexts apart, and packs them.
    pub fn expander(&self) -> &Arc<Expander> {
        &self.expander
    }

    /// The bootstrapper of the tables.
    pub fn tables(&self) -> &Arc<Bootstrapper> {
        &self.tables
    }

    /// BGV ciphertexts that fit the slots of the tables.
    pub fn capacity(&self) -> usize {
        2 * self.tables.slots() / self.params.bgv().n()
    }

    /// BGV ciphertexts that are refreshed at once.
    pub fn refresh_capacity(&self) -> usize {
        self.refresher.capacity()
    }

    /// Coefficients of BGV ciphertexts as integers modulo `t/2^shift`: larger ones wrap. With `p` ciphertexts of dimension `n` in the
    /// slots of the bootstraps, coefficient `i` of the `b`-th is integer `r = p·i + b`, and what is looked up of it is in the slot whose
    /// number is `r` with its bits reversed, real part for `r < p·n/2`, imaginary part of slot `r − p·n/2` otherwise.
    ///
    /// # Errors
    /// If there are none or too many, one belongs to other parameters or is not relinearized, the modulus would be less than 2, or the noise is
    /// too large for integers to be told apart.
    pub fn to_tables(&self, ciphertexts: &[he_bgv::Ciphertext], shift: u32) -> Result<Integers, Error> {
        self.refresher.check_ciphertexts(ciphertexts)?;
        self.check_capacity(ciphertexts.len())?;
        let (bgv, shared) = (self.params.bgv(), self.params.shared());
        let t = self.params.t();
        let modulus = (t >> shift.min(63)) as usize;
        if !t.is_multiple_of(1 << shift.min(63)) || modulus < 2 {
            let (found, needed) = (format!("2^{shift}"), format!("a divisor of {t}, and less than that"));
            return Err(Error::Mismatch { field: "the factor of integers", found, needed });
        }
        let mut growth = 1.0_f64;
        let piece = |c: &he_bgv::Ciphertext| {
            let (top, factor) = at_the_top(shared.top(), c);
            // A correction factor is a unit.
            let inverse = bgv.t().center(bgv.t().inv(factor).unwrap_or(1));
            growth = growth.max(inverse.unsigned_abs() as f64);
            to_one_limb(&mul_wide(&top, i128::from(inverse) << shift))
        };
        let mut pieces: Vec<rlwe::Ciphertext> = ciphertexts.iter().map(piece).collect();
        let zero = Poly::<Coeff>::zero(shared.top().basis(1)).into_eval();
        pieces.resize(
            self.capacity(),
            rlwe::Ciphertext::new(shared.top(), ciphertexts[0].secret_id(), vec![zero.clone(), zero]),
        );
        let switched = self.ways[0].switch_ciphertext(&join(&pieces, shared.joint()))?;
        let unit = modulus as f64 / shared.joint().spec().q[0] as f64;
        let rounded = (2.0 * bgv.n() as f64 / 3.0 / 12.0 + 1.0 / 12.0).sqrt() * unit;
        let error =
            (self.refresher.gathered_error(ciphertexts) * growth).hypot(rounded).hypot(self.switched(unit));
        Ok(self.tables.import(switched.over(self.params.tables().rlwe()), modulus, error)?)
    }

    /// The first `count` BGV ciphertexts of what was looked up in coefficients, in the order of [`to_tables`](Self::to_tables), over all
    /// primes and with an error of at most `error` in units of the integers. All integers must be within `1/32` of their modulus.
    ///
    /// # Errors
    /// If there are not so many, the integers belong to other parameters, or as
    /// [`Refresher::clean_to`](crate::bgv_ckks::Refresher::clean_to).
    pub fn to_bgv(&self, a: &Integers, count: usize, error: f64) -> Result<Lifted, Error> {
        self.check_capacity(count)?;
        let joint = self.params.shared().joint();
        let inner = self.ways[1].switch_ciphertext(&self.tables.export(a)?.over(joint))?;
        let unit = a.modulus() as f64 / joint.spec().q[0] as f64;
        let integers = bgv_ckks::Integers {
            inner,
            t: a.modulus() as u64,
            error: a.error().hypot(self.switched(unit)),
            dimension: 2 * self.tables.slots(),
            factors: Vec::new(),
            bounds: Vec::new(),
        };
        let (clean, iterations) = self.refresher.cleaned_to(self.refresher.widen(&integers)?, error)?;
        let mut ciphertexts = self.refresher.scatter(&clean)?;
        ciphertexts.truncate(count);
        Ok(Lifted { ciphertexts, lifts: 1 + iterations })
    }

    /// BGV ciphertexts with all levels and an error of at most `error` in units of the integers: see
    /// [`Refresher::refresh`](crate::bgv_ckks::Refresher::refresh).
    ///
    /// # Errors
    /// As there.
    pub fn refresh(&self, ciphertexts: &[he_bgv::Ciphertext], error: f64) -> Result<Lifted, Error> {
        let (clean, lifts) = self.refresher.cleaned_to(self.refresher.gather(ciphertexts)?, error)?;
        let mut all = self.refresher.scatter(&clean)?;
        all.truncate(ciphertexts.len());
        Ok(Lifted { ciphertexts: all, lifts })
    }

    /// `log2` of a bound of the probability that a lift fails; those of tables are said by
    /// [`Bootstrapper::truncation_failure`](he_ckks::bootstrap::Bootstrapper::truncation_failure).
    pub fn log2_failure(&self) -> f64 {
        self.refresher.log2_failure()
    }

    /// Root mean square of the error of a key switch over the first prime, for a unit of the phase.
    fn switched(&self, unit: f64) -> f64 {
        NoiseModel::new(self.params.shared().joint()).key_switch(1).sqrt() * unit
    }

    fn check_capacity(&self, count: usize) -> Result<(), Error> {
        let most = self.capacity();
        if (1..=most).contains(&count) {
            return Ok(());
        }
        let (found, needed) = (count.to_string(), format!("1 to {most}, as many as the keys have slots for"));
        Err(Error::Mismatch { field: "the number of ciphertexts", found, needed })
    }
}

he_core::brief_debug!(Switcher: |a| params = a.params, secret_id = a.bgv.secret_id());
he_core::brief_debug!(Lifted: |a| ciphertexts = a.ciphertexts, lifts = a.lifts);

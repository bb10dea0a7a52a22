//! [`SlotOps`] of CKKS ciphertexts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use he_ckks::{
    Bootstrapper, Ciphertext, Complex64, Encoder, Evaluator, LinearTransform, Parameters, PreparedPlaintext,
};
use he_core::rlwe::SecretId;

use super::{CkksAgreement, RealFormulas, RealMask, RealOps};
use crate::engine::slots::{Level, Sign, SlotOps};
use crate::engine::{EngineError, Result};
use crate::layout::Images;

/// What names an encoded mask: everything of a [`RealMask`], and the primes it is for.
type Key = (Images, Option<usize>, Option<usize>, Option<usize>, [u64; 2], usize);

/// Errors of tensors stay below this part of their bounds: what training can bear, and what comparison with the twin shows.
const PRECISION: f64 = 1.0 / 4096.0;

/// An evaluator with masks.
pub struct CkksSlots {
    evaluator: Evaluator,
    bootstrapper: Option<Bootstrapper>,
    agreement: Arc<CkksAgreement>,
    masks: Mutex<HashMap<Key, Arc<PreparedPlaintext>>>,
    shared: Mutex<HashMap<usize, Arc<LinearTransform>>>,
    bootstraps: AtomicU64,
}

impl CkksSlots {
    /// The operations of an evaluator; without a bootstrapper none bootstraps.
    pub(super) fn new(
        agreement: &Arc<CkksAgreement>,
        evaluator: Evaluator,
        bootstrapper: Option<Bootstrapper>,
    ) -> Self {
        Self {
            evaluator,
            bootstrapper,
            agreement: Arc::clone(agreement),
            masks: Mutex::default(),
            shared: Mutex::default(),
            bootstraps: AtomicU64::new(0),
        }
    }

    /// Bootstraps so far.
    pub fn bootstraps(&self) -> u64 {
        self.bootstraps.load(Ordering::Relaxed)
    }

    /// The secret of the keys.
    pub(super) fn secret_id(&self) -> Option<SecretId> {
        self.evaluator.secret_id()
    }

    /// A ciphertext over so many primes.
    pub fn mod_switch_to(&self, a: &Ciphertext, primes: usize) -> Result<Ciphertext> {
        Ok(self.evaluator.mod_switch_to(a, primes - 1)?)
    }

    fn params(&self) -> &Parameters {
        self.evaluator.params()
    }

    fn formulas(&self) -> &RealFormulas {
        &self.agreement.formulas
    }

    /// The slots of a mask.
    fn values(&self, RealMask { mask, factors }: &RealMask) -> Vec<Complex64> {
        let cube = self.formulas().cube();
        let factors = factors.map(|tile| self.formulas().factors(tile));
        let indices = |fixed: Option<usize>, extent: usize| fixed.map_or(0..extent, |i| i..i + 1);
        let images = mask.images.indices(cube.b);
        let mut out = vec![Complex64::default(); cube.slots()];
        for x in indices(mask.x, cube.p) {
            for z in indices(mask.z, cube.q) {
                let value = mask.value * factors.as_ref().map_or(1.0, |factors| factors[x][z]);
                images.clone().for_each(|y| out[cube.slot(y, x, z)] = value);
            }
        }
        out
    }

    fn mask(&self, mask: &RealMask, primes: usize) -> Result<Arc<PreparedPlaintext>> {
        let RealMask { mask: set, factors } = mask;
        let bits = [set.value.re.to_bits(), set.value.im.to_bits()];
        let key = (set.images, set.x, set.z, *factors, bits, primes);
        if let Some(found) = self.masks.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(found));
        }
        let params = self.params();
        let encoder = Encoder::new(params).with_bound(set.value.norm().max(f64::MIN_POSITIVE));
        let plaintext = encoder.encode_complex(&self.values(mask))?;
        let made = Arc::new(PreparedPlaintext::new(params, &plaintext, primes - 1)?);
        self.masks.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }

    fn step(&self, k: isize) -> usize {
        k.rem_euclid(self.params().slots() as isize) as usize
    }
}

impl SlotOps for CkksSlots {
    type Ciphertext = Ciphertext;
    type Scalar = Complex64;
    type Mask = RealMask;

    const ONE: Complex64 = Complex64::new(1.0, 0.0);

    fn dot(&self, pairs: &[(&Ciphertext, &Ciphertext)], _: Level) -> Result<Ciphertext> {
        Ok(self.evaluator.dot_lazy(pairs)?)
    }

    fn relinearize(&self, a: &Ciphertext, _: Level) -> Result<Ciphertext> {
        Ok(self.evaluator.relinearize_and_rescale(a)?)
    }

    fn sum(&self, terms: &[(Sign, &Ciphertext)]) -> Result<Ciphertext> {
        let (&(sign, first), rest) = terms.split_first().ok_or(EngineError::Empty)?;
        let mut sum = match sign {
            Sign::Plus => Cow::Borrowed(first),
            Sign::Minus => Cow::Owned(self.evaluator.negate(first)?),
        };
        for (sign, term) in rest {
            sum = Cow::Owned(match sign {
                Sign::Plus => self.evaluator.add(&sum, term)?,
                Sign::Minus => self.evaluator.sub(&sum, term)?,
            });
        }
        Ok(sum.into_owned())
    }

    fn add_const(&self, a: &Ciphertext, c: Complex64) -> Result<Ciphertext> {
        Ok(self.evaluator.add_complex(a, c)?)
    }

    fn combine(&self, terms: &[(Complex64, &Ciphertext)]) -> Result<Ciphertext> {
        Ok(self.evaluator.linear_combination(terms, Complex64::default())?)
    }

    fn masked_sum(&self, terms: &[(RealMask, &Ciphertext)], _: Level) -> Result<Ciphertext> {
        let primes = terms.iter().map(|(_, a)| a.level() + 1).min().ok_or(EngineError::Empty)?;
        let masks = terms.iter().map(|(mask, _)| self.mask(mask, primes)).collect::<Result<Vec<_>>>()?;
        let pairs: Vec<_> = masks.iter().zip(terms).map(|(mask, (_, a))| (&**mask, *a)).collect();
        Ok(self.evaluator.dot_prepared(&pairs)?)
    }

    fn rotate_many(&self, a: &Ciphertext, steps: &[isize]) -> Result<Vec<Ciphertext>> {
        match steps {
            [0] => Ok(vec![a.clone()]),
            [k] => Ok(vec![self.evaluator.rotate(a, self.step(*k))?]),
            _ => {
                let steps: Vec<usize> = steps.iter().map(|k| self.step(*k)).collect();
                Ok(self.evaluator.rotate_many(a, &steps)?)
            }
        }
    }

    fn bootstrap(&self, a: &Ciphertext) -> Result<Ciphertext> {
        let bootstrapper =
            self.bootstrapper.as_ref().ok_or_else(|| EngineError::Unplanned("bootstrapping".into()))?;
        self.bootstraps.fetch_add(1, Ordering::Relaxed);
        Ok(bootstrapper.bootstrap(a)?)
    }

    fn reduce_for(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Option<Ciphertext>> {
        if a.level() <= b.level() {
            return Ok(None);
        }
        Ok(Some(self.evaluator.mod_switch_to(a, b.level())?))
    }

    fn with_bound(&self, a: Ciphertext, bound: f64) -> Result<Ciphertext> {
        Ok(a.with_bound(bound)?.with_error_at_most(bound * PRECISION)?)
    }
}

impl RealOps for CkksSlots {
    fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.conjugate(a)?)
    }

    fn sum_shared(&self, a: &Ciphertext) -> Result<Ciphertext> {
        let primes = a.level() + 1;
        let known = self.shared.lock().unwrap_or_else(PoisonError::into_inner).get(&primes).cloned();
        let matrix = match known {
            Some(matrix) => matrix,
            None => {
                let made = Arc::new(self.agreement.sum_shared(primes)?);
                let mut known = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(primes, Arc::clone(&made));
                made
            }
        };
        Ok(self.evaluator.transform(&matrix, a)?)
    }
}

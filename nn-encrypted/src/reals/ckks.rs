//! [`Slots`] of CKKS ciphertexts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use he_ckks::{
    BootstrapKeys, Bootstrapper, Ciphertext, Complex64, Encoder, EvaluationKeys, Evaluator, LinearTransform,
    Parameters, PreparedPlaintext,
};

use super::clock::Clock;
use super::shape::Shape;
use super::slots::{Mask, RealError, Rows, Slots};
use crate::packing::Cube;

type Result<T> = std::result::Result<T, RealError>;

/// What names an encoded mask: everything of a [`Mask`], and the limbs it is for.
type Key = (Rows, Option<usize>, Option<usize>, Option<usize>, [u64; 2], usize);

/// Errors of tensors stay below this part of their bounds: what training can bear, and what comparison with the twin shows.
const PRECISION: f64 = 1.0 / 4096.0;

/// The keys of a server.
pub enum Keys {
    /// With bootstrapping.
    Bootstrap(BootstrapKeys),
    /// Without.
    Leveled(EvaluationKeys),
}

/// An evaluator with masks.
pub struct CkksSlots {
    evaluator: Evaluator,
    bootstrapper: Option<Bootstrapper>,
    shape: Arc<Shape>,
    masks: Mutex<HashMap<Key, Arc<PreparedPlaintext>>>,
    ties: Mutex<HashMap<usize, Arc<LinearTransform>>>,
    bootstraps: AtomicU64,
    /// Set from outside to end the step that goes on.
    stop: Arc<AtomicBool>,
    clock: Clock,
}

impl CkksSlots {
    /// An engine with keys.
    ///
    /// # Errors
    /// If they belong to other parameters.
    pub fn new(params: &Parameters, shape: &Arc<Shape>, keys: Keys) -> Result<Self> {
        let (evaluator, bootstrapper) = match keys {
            Keys::Leveled(keys) => (Evaluator::new(params, keys)?, None),
            Keys::Bootstrap(keys) => {
                let bootstrapper = Bootstrapper::new(keys)?;
                (bootstrapper.evaluator().clone(), Some(bootstrapper))
            }
        };
        Ok(Self {
            evaluator,
            bootstrapper,
            shape: Arc::clone(shape),
            masks: Mutex::default(),
            ties: Mutex::default(),
            bootstraps: AtomicU64::new(0),
            stop: Arc::default(),
            clock: Clock::default(),
        })
    }

    /// Bootstraps so far.
    pub fn bootstraps(&self) -> u64 {
        self.bootstraps.load(Ordering::Relaxed)
    }

    /// Seconds of the parts of steps so far.
    pub fn parts(&self) -> Vec<(String, f64)> {
        self.clock.parts()
    }

    /// A ciphertext over so many limbs.
    ///
    /// # Errors
    /// If it has fewer.
    pub fn at(&self, a: &Ciphertext, limbs: usize) -> Result<Ciphertext> {
        Ok(self.evaluator.mod_switch_to(a, limbs - 1)?)
    }

    /// Steps end with an error from now on once `stop` is set.
    pub fn stop_by(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Arc::clone(stop);
    }

    /// No part of a step goes on any longer.
    pub fn leave(&self) {
        self.clock.enter(None);
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        self.evaluator.params()
    }

    fn cube(&self) -> &Cube {
        self.shape.cube()
    }

    /// The slots of a mask.
    fn values(&self, mask: &Mask) -> Vec<Complex64> {
        let cube = self.cube();
        let factors = mask.tile.map(|tile| self.shape.factors(tile));
        let (from, to) = match mask.rows {
            Rows::All => (0, cube.b),
            Rows::First(n) => (0, n.min(cube.b)),
            Rows::At(y) => (y, y + 1),
        };
        let indices = |fixed: Option<usize>, extent: usize| fixed.map_or(0..extent, |i| i..i + 1);
        let mut out = vec![Complex64::default(); cube.slots()];
        for x in indices(mask.x, cube.p) {
            for z in indices(mask.z, cube.q) {
                let value = mask.value * factors.as_ref().map_or(1.0, |factors| factors[x][z]);
                (from..to).for_each(|y| out[cube.slot(y, x, z)] = value);
            }
        }
        out
    }

    fn mask(&self, mask: &Mask, limbs: usize) -> Result<Arc<PreparedPlaintext>> {
        let bits = [mask.value.re.to_bits(), mask.value.im.to_bits()];
        let key = (mask.rows, mask.x, mask.z, mask.tile, bits, limbs);
        if let Some(found) = self.masks.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(found));
        }
        let params = self.params();
        let encoder = Encoder::new(params).with_bound(mask.value.norm().max(f64::MIN_POSITIVE));
        let plaintext = encoder.encode_complex(&self.values(mask))?;
        let made = Arc::new(PreparedPlaintext::new(params, &plaintext, limbs - 1)?);
        self.masks.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }

    fn step(&self, k: isize) -> usize {
        k.rem_euclid(self.params().slots() as isize) as usize
    }
}

impl Slots for CkksSlots {
    type Ciphertext = Ciphertext;

    fn dot(&self, pairs: &[(&Ciphertext, &Ciphertext)]) -> Result<Ciphertext> {
        Ok(self.evaluator.dot_lazy(pairs)?)
    }

    fn settle(&self, a: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.relinearize_and_rescale(a)?)
    }

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.add(a, b)?)
    }

    fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.sub(a, b)?)
    }

    fn add_const(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext> {
        Ok(self.evaluator.add_const(a, c)?)
    }

    fn negate(&self, a: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.negate(a)?)
    }

    fn combine(&self, terms: &[(Complex64, &Ciphertext)]) -> Result<Ciphertext> {
        Ok(self.evaluator.linear_combination(terms, Complex64::default())?)
    }

    fn masked(&self, terms: &[(Mask, &Ciphertext)]) -> Result<Ciphertext> {
        let limbs = terms.iter().map(|(_, a)| a.level() + 1).min().ok_or(RealError::Empty)?;
        let masks = terms.iter().map(|(mask, _)| self.mask(mask, limbs)).collect::<Result<Vec<_>>>()?;
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

    fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.conjugate(a)?)
    }

    fn tie(&self, a: &Ciphertext) -> Result<Ciphertext> {
        let limbs = a.level() + 1;
        let known = self.ties.lock().unwrap_or_else(PoisonError::into_inner).get(&limbs).cloned();
        let matrix = match known {
            Some(matrix) => matrix,
            None => {
                let diagonals = self.shape.ties();
                let slots = self.params().slots();
                let made = Arc::new(LinearTransform::new(self.params(), &diagonals, slots, limbs - 1)?);
                let mut known = self.ties.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(limbs, Arc::clone(&made));
                made
            }
        };
        Ok(self.evaluator.transform(&matrix, a)?)
    }

    fn bootstrap(&self, a: &Ciphertext) -> Result<Ciphertext> {
        let bootstrapper = self.bootstrapper.as_ref().ok_or(RealError::Unplanned("bootstrapping"))?;
        self.bootstraps.fetch_add(1, Ordering::Relaxed);
        Ok(bootstrapper.bootstrap(a)?)
    }

    fn lowered(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        if a.level() <= b.level() {
            return Ok(a.clone());
        }
        Ok(self.evaluator.mod_switch_to(a, b.level())?)
    }

    fn within(&self, a: Ciphertext, bound: f64) -> Result<Ciphertext> {
        Ok(a.with_bound(bound)?.with_error_at_most(bound * PRECISION)?)
    }

    fn enter(&self, part: &str) -> Result<()> {
        self.clock.enter(Some(part));
        if self.stop.load(Ordering::SeqCst) { Err(RealError::Stopped) } else { Ok(()) }
    }
}

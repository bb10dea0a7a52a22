//! One plaintext prime: a BGV instance with its masks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use he_bgv::{Ciphertext, Encoder, Error, Evaluator, KeyRequest, Parameters, PreparedPlaintext, SecretKey};

use crate::engine::integers::residue_encoder;
use crate::layout::{Geometry, Mask, Rotation};

/// How slot vectors of the cube become plaintexts.
enum Slots {
    /// As they are.
    Real(Encoder),
    /// Not at all: a rehearsal in a tiny ring follows levels and noise only.
    Rehearsal,
}

/// Masks by what they are and what they are multiplied by.
type Masks = HashMap<(Mask<i64>, u64), Arc<PreparedPlaintext>>;

/// Evaluator and masks for one plaintext prime.
pub struct Channel {
    pub(super) evaluator: Evaluator,
    geometry: Geometry,
    slots: Slots,
    masks: RwLock<Masks>,
    /// Level at which masks are kept.
    mask_level: usize,
    mask_log_norm: f64,
}

impl Channel {
    /// A channel with the keys of a client.
    pub fn new(geometry: &Geometry, evaluator: Evaluator) -> Self {
        let params = evaluator.params().clone();
        Self::with(geometry, evaluator, Slots::Real(residue_encoder(&params)), &params)
    }

    /// A rehearsal of a channel of parameters `real`: the same levels, correction factors and noise estimates in a ring of 16,
    /// for which `key` was made.
    pub fn rehearsal(geometry: &Geometry, real: &Parameters, key: &SecretKey) -> Result<Self, Error> {
        let params = key.params();
        let level = params.max_level();
        let request = (3..2 * params.n())
            .step_by(2)
            .fold(KeyRequest::default().relinearization(level), |request, g| request.galois(g, level));
        let keys = key.evaluation_keys(&request)?;
        Ok(Self::with(geometry, Evaluator::new(params, keys)?, Slots::Rehearsal, real))
    }

    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Slots of a row.
    pub(super) fn row(&self) -> usize {
        self.geometry.cube.slots() / 2
    }

    fn with(geometry: &Geometry, evaluator: Evaluator, slots: Slots, real: &Parameters) -> Self {
        // A mask's coefficients behave as uniform ones modulo t: N of them, of deviation t/√12. A tenth of a bit more
        // covers their scatter, so that levels can be planned before a mask is made.
        let mask_log_norm =
            (real.n() as f64).log2() / 2.0 + (real.t().value() as f64).log2() - 12f64.log2() / 2.0 + 0.1;
        let mask_level = real.max_level();
        let geometry = geometry.clone();
        Self { evaluator, geometry, slots, masks: RwLock::default(), mask_level, mask_log_norm }
    }

    /// The mask times `ratio` modulo `t`, made when first asked for.
    fn mask(&self, mask: Mask<i64>, ratio: u64) -> Result<Arc<PreparedPlaintext>, Error> {
        let key = (mask, ratio);
        if let Some(found) = self.masks.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(found));
        }
        let (params, t) = (self.evaluator.params(), self.evaluator.params().t());
        let plaintext = match &self.slots {
            Slots::Rehearsal => residue_encoder(params).encode_coefficients(&[1])?,
            Slots::Real(encoder) => {
                let value = t.center(t.mul(ratio, t.reduce_i64(mask.value)));
                encoder.encode(&self.geometry.slots(&Mask { value, ..mask }))?
            }
        };
        let prepared =
            PreparedPlaintext::with_log_norm(params, &plaintext, self.mask_level, self.mask_log_norm)?;
        let made = Arc::new(prepared);
        self.masks.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// `Σ mask_i·a_i`, over the fewest primes of an operand; correction factors are made equal by the masks.
    pub(super) fn masked_sum(&self, terms: &[(Mask<i64>, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let ciphertexts: Vec<_> = terms.iter().map(|(_, a)| *a).collect();
        self.evaluator.dot_prepared_with(&ciphertexts, |i, ratio| self.mask(terms[i].0, ratio))
    }

    /// Galois element of a rotation. In the small ring of a rehearsal many rotations are none: they are replaced by one
    /// that is, so that their noise counts.
    pub(super) fn element(&self, rotation: Rotation) -> usize {
        let params = self.evaluator.params();
        match (rotation, &self.slots) {
            (Rotation::Rows(0), _) => 1,
            (Rotation::Rows(k), Slots::Real(_)) => he_bgv::rotation::row_element(params, k),
            (Rotation::Rows(_), Slots::Rehearsal) => he_bgv::rotation::row_element(params, 1),
            (Rotation::Swap, _) => 2 * params.n() - 1,
        }
    }
}

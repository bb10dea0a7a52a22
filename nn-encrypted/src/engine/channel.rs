//! One plaintext prime: a BGV instance with its masks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use he_bgv::{
    Ciphertext, Encoder, Error, EvaluationKeys, Evaluator, KeyRequest, Parameters, PreparedPlaintext,
    SecretKey,
};

use super::usage::Turn;
use crate::packing::{Cube, Mask};

/// The instance of a channel.
pub type ChannelSpec = he_bgv::Spec;

/// How slot vectors of the cube become plaintexts.
enum Slots {
    /// As they are.
    Real(Encoder),
    /// Not at all: a rehearsal in a tiny ring follows levels and noise only.
    Rehearsal,
}

/// Evaluator and masks for one plaintext prime.
pub struct Channel {
    pub(super) evaluator: Evaluator,
    cube: Cube,
    slots: Slots,
    masks: RwLock<HashMap<(Mask, u64), Arc<PreparedPlaintext>>>,
    /// Level at which masks are kept.
    mask_level: usize,
    mask_log_norm: f64,
}

impl Channel {
    /// The real thing.
    ///
    /// # Errors
    /// If the keys belong to other parameters.
    pub fn new(cube: Cube, keys: EvaluationKeys, params: &Parameters) -> Result<Self, Error> {
        let slots = Slots::Real(Encoder::new(params));
        Self::with(cube, Evaluator::new(params, keys)?, slots, params)
    }

    /// A rehearsal of a channel of parameters `real`: the same levels, factors and noise estimates in a ring of 16, for
    /// which `key` was made.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn rehearsal(cube: Cube, real: &Parameters, key: &SecretKey) -> Result<Self, Error> {
        let params = key.params();
        let level = params.max_level();
        let request = (3..2 * params.n())
            .step_by(2)
            .fold(KeyRequest::default().relinearization(level), |request, g| request.galois(g, level));
        let keys = key.evaluation_keys(&request)?;
        Self::with(cube, Evaluator::new(params, keys)?, Slots::Rehearsal, real)
    }

    /// The evaluator.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    fn with(cube: Cube, evaluator: Evaluator, slots: Slots, real: &Parameters) -> Result<Self, Error> {
        // A mask's coefficients behave as uniform ones modulo t: N of them, of deviation t/√12. A tenth of a bit more
        // covers their scatter, so that levels can be planned before a mask is made.
        let mask_log_norm =
            (real.n() as f64).log2() / 2.0 + (real.t().value() as f64).log2() - 12f64.log2() / 2.0 + 0.1;
        let mask_level = real.max_level();
        Ok(Self { evaluator, cube, slots, masks: RwLock::default(), mask_level, mask_log_norm })
    }

    /// The mask times `ratio` modulo `t`, made when first asked for.
    pub(super) fn mask(&self, mask: Mask, ratio: u64) -> Result<Arc<PreparedPlaintext>, Error> {
        let key = (mask, ratio);
        if let Some(found) = self.masks.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(found));
        }
        let (params, t) = (self.evaluator.params(), self.evaluator.params().t());
        let plaintext = match &self.slots {
            Slots::Rehearsal => Encoder::new(params).encode_coefficients(&[1])?,
            Slots::Real(encoder) => {
                let value = t.center(t.mul(ratio, t.reduce_i64(mask.value)));
                encoder.encode(&Mask { value, ..mask }.slots(&self.cube))?
            }
        };
        let operand =
            PreparedPlaintext::with_log_norm(params, &plaintext, self.mask_level, self.mask_log_norm)?;
        let made = Arc::new(operand);
        self.masks.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// `Σ mask_i·a_i`: operands meet at the lowest level; their correction factors are made equal by the masks.
    pub(super) fn masked_sum(&self, terms: &[(Mask, &Ciphertext)]) -> Result<Ciphertext, Error> {
        let ciphertexts: Vec<_> = terms.iter().map(|(_, a)| *a).collect();
        self.evaluator.dot_prepared_with(&ciphertexts, |i, ratio| self.mask(terms[i].0, ratio))
    }

    /// Galois element of a movement. In the small ring of a rehearsal many rotations are none: they are replaced by one
    /// that is, so that their noise counts.
    pub(super) fn element(&self, turn: Turn) -> usize {
        let params = self.evaluator.params();
        match (turn, &self.slots) {
            (Turn::Rows(0), _) => 1,
            (Turn::Rows(k), Slots::Real(_)) => he_bgv::rotation::row_element(params, k),
            (Turn::Rows(_), Slots::Rehearsal) => he_bgv::rotation::row_element(params, 1),
            (Turn::Swap, _) => 2 * params.n() - 1,
        }
    }
}

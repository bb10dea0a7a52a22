//! Residues in YASHE, a broken scheme that is there to rebuild a published system.

use std::io::Read;

use he_core::Modulus;
use he_core::wire::{Reader, WireError, Writer};
use he_yashe::{Ciphertext, Encoder, Error, EvaluationKeys, Evaluator, KeyRequest, Noise, Parameters};

use super::{Agreement, Residues};
use crate::engine::form::{check_residues, check_secret};
use crate::engine::{EngineError, Result};
use crate::layout::Rotation;

/// The evaluation keys of a step.
pub(crate) fn key_request(agreement: &Agreement, params: &Parameters) -> KeyRequest {
    let first = KeyRequest::default().products();
    agreement.rotations().into_iter().fold(first, |request, rotation| match rotation {
        Rotation::Rows(k) => request.rotations(params, &[k]),
        Rotation::Swap => request.row_swap(params),
    })
}

/// An encoder of residues, modulo `t` by name: the integer that they are of is below half of the product of all `t`, as the planner proves
/// (`plan::slots::columns`).
pub(crate) fn residue_encoder(params: &Parameters) -> Encoder {
    Encoder::new(params).modular()
}

/// An evaluator.
pub(crate) struct YasheResidues {
    evaluator: Evaluator,
    encoder: Encoder,
}

impl YasheResidues {
    /// With the keys of a client.
    ///
    /// # Errors
    /// If keys are damaged or of other parameters.
    pub(crate) fn new(params: &Parameters, keys: impl Read, number: usize) -> Result<Self> {
        let what = || format!("evaluation keys of plaintext prime {}", number + 1);
        let keys = EvaluationKeys::read_from(params, keys)
            .map_err(|source| EngineError::Keys { what: what(), source })?;
        Ok(Self { evaluator: Evaluator::new(params, keys)?, encoder: residue_encoder(params) })
    }
}

/// Reads a ciphertext: a fresh one over all primes, or a computed one.
pub(crate) fn read(params: &Parameters, from: &mut Reader<'_>, fresh: bool) -> Result<Ciphertext, WireError> {
    let c = Ciphertext::read(from, params)?;
    let (level, degree, most) = (c.level(), c.degree(), params.max_level());
    if degree != 1 || (fresh && level != most) {
        let why = format!(
            "it has level {level} and degree {degree}: expected degree 1, and level {most} of a fresh one"
        );
        return Err(WireError::Invalid { what: "ciphertext", why });
    }
    check_residues(c.bound()).map(|()| c)
}

impl Residues for YasheResidues {
    type Ciphertext = Ciphertext;

    fn t(&self) -> Modulus {
        *self.evaluator.params().t()
    }

    fn sum(&self, terms: &[(i64, &Ciphertext)]) -> Result<Ciphertext> {
        let ((first, a), rest) = terms.split_first().ok_or(EngineError::Empty)?;
        let times = |c: i64, a: &Ciphertext| match c {
            1 => Ok(a.clone()),
            c => self.evaluator.mul_const(a, c),
        };
        let sum = rest.iter().try_fold(times(*first, a)?, |sum, &(c, a)| match c {
            0 => Ok(sum),
            c => self.evaluator.add(&sum, &times(c, a)?),
        });
        Ok(sum?)
    }

    fn masked_sum(&self, terms: &[(Vec<i64>, &Ciphertext)]) -> Result<Ciphertext> {
        let products = terms.iter().map(|(p, a)| self.evaluator.mul_plain(a, &self.encoder.encode(p)?));
        let sum = products.reduce(|sum, product| self.evaluator.add(&sum?, &product?));
        Ok(sum.ok_or(EngineError::Empty)??)
    }

    fn add_plain(&self, a: &Ciphertext, p: &[i64]) -> Result<Ciphertext> {
        Ok(self.evaluator.add_plain(a, &self.encoder.encode(p)?)?)
    }

    fn product(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.mul(a, b)?)
    }

    fn rotate(&self, a: &Ciphertext, rotation: Rotation) -> Result<Ciphertext> {
        Ok(match rotation {
            Rotation::Rows(k) => self.evaluator.rotate_rows(a, k)?,
            Rotation::Swap => self.evaluator.swap_rows(a)?,
        })
    }

    fn smallest(&self, a: &Ciphertext) -> Result<Ciphertext> {
        let lower = (0..a.level()).find_map(|level| self.evaluator.mod_switch_to(a, level).ok());
        Ok(lower.unwrap_or_else(|| a.clone()))
    }

    fn read(&self, from: &mut Reader<'_>, fresh: bool) -> Result<Ciphertext, WireError> {
        let c = read(self.evaluator.params(), from, fresh)?;
        check_secret(Some(c.secret_id()), self.evaluator.secret_id()).map(|()| c)
    }

    fn write(&self, a: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        a.write(out)
    }
}

/// The noise of operations, without ciphertexts: by the formulas of the evaluator.
pub(crate) struct RehearsedYashe<'a>(pub(crate) &'a Parameters);

/// Noise and level.
type Estimate = (Noise, usize);

impl RehearsedYashe<'_> {
    fn checked(&self, operation: &'static str, noise: Noise, level: usize) -> Result<Estimate> {
        let budget = self.0.noise().budget(&noise, level);
        // Written so that what is no number is refused. One bit is for the scatter of plaintexts.
        if budget >= 1.0 {
            return Ok((noise, level));
        }
        Err(Error::NoiseExhausted { operation, excess: 1.0 - budget }.into())
    }

    fn at(&self, (noise, from): &Estimate, level: usize) -> Noise {
        self.0.noise().reduce(noise, *from, level)
    }
}

impl Residues for RehearsedYashe<'_> {
    type Ciphertext = Estimate;

    fn t(&self) -> Modulus {
        *self.0.t()
    }

    fn sum(&self, terms: &[(i64, &Estimate)]) -> Result<Estimate> {
        let level = terms.iter().map(|(_, a)| a.1).min().ok_or(EngineError::Empty)?;
        let scaled = |&(c, a): &(i64, &Estimate)| self.at(a, level).scale(c.unsigned_abs().max(1) as f64);
        let sum = terms.iter().map(scaled).reduce(|sum, next| sum.add_related(&next));
        self.checked("sum", sum.ok_or(EngineError::Empty)?, level)
    }

    fn masked_sum(&self, terms: &[(Vec<i64>, &Estimate)]) -> Result<Estimate> {
        let level = terms.iter().map(|(_, a)| a.1).min().ok_or(EngineError::Empty)?;
        // Coefficients behave as uniform ones modulo t; a tenth of a bit more covers their scatter.
        let norm = (self.0.n() as f64 / 12.0).sqrt() * self.0.t().value() as f64 * 1.07;
        let masked = terms.iter().map(|(_, a)| self.at(a, level).mul_plain(norm));
        let sum = masked.reduce(|sum, next| sum.add_related(&next)).ok_or(EngineError::Empty)?;
        self.checked("product with a plaintext", sum, level)
    }

    fn add_plain(&self, a: &Estimate, _: &[i64]) -> Result<Estimate> {
        self.checked("sum", a.0.add_related(&self.0.noise().plaintext()), a.1)
    }

    fn product(&self, a: &Estimate, b: &Estimate) -> Result<Estimate> {
        let estimator = self.0.noise();
        let level = estimator.best_level([(&a.0, a.1), (&b.0, b.1)]);
        let product = estimator.product(&self.at(a, level), &self.at(b, level));
        self.checked("product", estimator.key_switch(&product, level), level)
    }

    fn rotate(&self, a: &Estimate, rotation: Rotation) -> Result<Estimate> {
        let g = if rotation == Rotation::Swap { 2 * self.0.n() - 1 } else { 3 };
        self.checked("rotation", self.0.noise().key_switch(&a.0.after_automorphism(g), a.1), a.1)
    }

    fn smallest(&self, a: &Estimate) -> Result<Estimate> {
        Ok(a.clone())
    }

    fn read(&self, _: &mut Reader<'_>, _: bool) -> Result<Estimate, WireError> {
        Ok((self.0.noise().fresh(), self.0.max_level()))
    }

    fn write(&self, _: &Estimate, _: &mut Writer) -> Result<(), WireError> {
        Ok(())
    }
}

//! Residues in BGV, in whose ciphertexts BFV is computed as well.

use std::io::Read;
use std::sync::Arc;

use he_bgv::{Ciphertext, Encoder, Error, Evaluator, KeyRequest, Parameters, PreparedPlaintext, SecretKey};
use he_core::Modulus;
use he_core::wire::{Reader, WireError, Writer};

use super::{Agreement, Residues};
use crate::engine::form::{BgvForm, check_secret};
use crate::engine::integers::{IntegerForm, KeyLevels, residue_encoder};
use crate::engine::{EngineError, Result};
use crate::layout::Rotation;

/// An evaluator with the scheme of its messages.
pub(crate) struct IntegerResidues {
    evaluator: Evaluator,
    form: IntegerForm,
    /// None of a rehearsal, which follows levels and noise in a tiny ring.
    encoder: Option<Encoder>,
    /// `log2` of the norm that every plaintext is taken to have.
    log_norm: f64,
}

/// The evaluation keys of a step.
pub(crate) struct IntegerKeys;

impl IntegerKeys {
    pub(crate) fn of(agreement: &Agreement, params: &Parameters) -> KeyLevels {
        let level = params.max_level();
        let galois = agreement.rotations().into_iter().map(|rotation| (element(params, rotation), level));
        KeyLevels { relinearization: Some(level), galois: galois.collect() }
    }
}

fn element(params: &Parameters, rotation: Rotation) -> usize {
    match rotation {
        Rotation::Rows(k) => he_bgv::rotation::row_element(params, k),
        Rotation::Swap => 2 * params.n() - 1,
    }
}

/// Coefficients of a plaintext behave as uniform ones modulo `t`: a tenth of a bit more covers their scatter.
fn log_norm(n: usize, t: u64) -> f64 {
    (n as f64).log2() / 2.0 + (t as f64).log2() - 12f64.log2() / 2.0 + 0.1
}

impl IntegerResidues {
    /// With the keys of a client.
    ///
    /// # Errors
    /// If keys are missing, damaged, of other parameters, or others than a step takes.
    pub(crate) fn new(
        agreement: &Agreement,
        form: &IntegerForm,
        keys: impl Read,
        number: usize,
    ) -> Result<Self> {
        let what = || format!("evaluation keys of plaintext prime {}", number + 1);
        let params = form.params();
        let evaluator = form.evaluator(&IntegerKeys::of(agreement, params), keys, what)?;
        let log_norm = log_norm(params.n(), params.t().value());
        Ok(Self { evaluator, form: form.clone(), encoder: Some(residue_encoder(params)), log_norm })
    }

    /// A rehearsal of real parameters: the same levels, correction factors and noise estimates in a ring of 16; and a fresh
    /// ciphertext there.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub(crate) fn rehearsal(real: &IntegerForm) -> Result<(Self, Ciphertext)> {
        let params = real.params().insecure_rehearsal()?;
        let (key, level) = (SecretKey::generate(&params)?, params.max_level());
        let request = (3..2 * params.n())
            .step_by(2)
            .fold(KeyRequest::default().relinearization(level), |request, g| request.galois(g, level));
        let evaluator = Evaluator::new(&params, key.evaluation_keys(&request)?)?;
        let zero = residue_encoder(&params).encode_coefficients(&[])?;
        let fresh = key.encrypt_seeded(&zero, level)?.expand();
        let log_norm = log_norm(real.params().n(), real.params().t().value());
        Ok((Self { evaluator, form: real.clone(), encoder: None, log_norm }, fresh))
    }

    /// Slots times a number modulo `t`.
    fn plaintext(&self, slots: &[i64], ratio: u64, level: usize) -> Result<Arc<PreparedPlaintext>, Error> {
        let (params, t) = (self.evaluator.params(), self.t());
        let plaintext = match &self.encoder {
            None => residue_encoder(params).encode_coefficients(&[1])?,
            Some(encoder) => {
                let times = |&v: &i64| t.center(t.mul(ratio, t.reduce_i64(v)));
                encoder.encode(&slots.iter().map(times).collect::<Vec<_>>())?
            }
        };
        Ok(Arc::new(PreparedPlaintext::with_log_norm(params, &plaintext, level, self.log_norm)?))
    }
}

impl Residues for IntegerResidues {
    type Ciphertext = Ciphertext;

    fn t(&self) -> Modulus {
        *self.evaluator.params().t()
    }

    fn sum(&self, terms: &[(i64, &Ciphertext)]) -> Result<Ciphertext> {
        Ok(self.evaluator.linear_combination(terms)?)
    }

    fn masked_sum(&self, terms: &[(Vec<i64>, &Ciphertext)]) -> Result<Ciphertext> {
        let all: Vec<&Ciphertext> = terms.iter().map(|(_, a)| *a).collect();
        let level = all.iter().map(|a| a.level()).min().ok_or(EngineError::Empty)?;
        let sum =
            self.evaluator.dot_prepared_with(&all, |i, ratio| self.plaintext(&terms[i].0, ratio, level))?;
        Ok(self.evaluator.mod_switch_for_product(&sum)?)
    }

    fn add_plain(&self, a: &Ciphertext, p: &[i64]) -> Result<Ciphertext> {
        let plaintext = match &self.encoder {
            None => residue_encoder(self.evaluator.params()).encode_coefficients(&[1])?,
            Some(encoder) => encoder.encode(p)?,
        };
        Ok(self.evaluator.add_plain(a, &plaintext)?)
    }

    fn product(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.mod_switch_for_product(&self.evaluator.mul(a, b)?)?)
    }

    fn rotate(&self, a: &Ciphertext, rotation: Rotation) -> Result<Ciphertext> {
        let params = self.evaluator.params();
        // In the small ring of a rehearsal many rotations are none: another is taken, so that its noise counts.
        let rotation = match (rotation, &self.encoder) {
            (Rotation::Rows(_), None) => Rotation::Rows(1),
            (rotation, _) => rotation,
        };
        Ok(self.evaluator.automorphism(a, element(params, rotation))?)
    }

    fn smallest(&self, a: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.evaluator.mod_switch_for_decryption(a, 0.0)?)
    }

    fn read(&self, from: &mut Reader<'_>, fresh: bool) -> Result<Ciphertext, WireError> {
        let c = read(&self.form, from, fresh)?;
        check_secret(Some(c.secret_id()), self.evaluator.secret_id()).map(|()| c)
    }

    fn write(&self, a: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        self.form.write(a, out)
    }
}

/// Reads a ciphertext: a fresh one over all primes, or a computed one.
pub(crate) fn read(form: &IntegerForm, from: &mut Reader<'_>, fresh: bool) -> Result<Ciphertext, WireError> {
    let c = form.read(from)?;
    let primes = if fresh { form.params().max_level() + 1 } else { c.level() + 1 };
    BgvForm { primes, fresh }.check(&c).map(|()| c)
}

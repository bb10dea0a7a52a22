//! The agreement of client and server on layers in CKKS.

use std::collections::BTreeMap;

use he_ckks::{BootstrapKeys, Ciphertext, KeyRequest, LinearTransform, Parameters, SeededCiphertext};
use he_core::wire::{Reader, WireError, Writer};

use super::{RealFormulas, Tally};
use crate::engine::Pieces;
use crate::engine::form::{CkksForm, PUBLIC, number};
use crate::program::Tensor;

/// Layout, numbers, parameters, levels and keys of some layers.
pub struct CkksAgreement {
    /// Layout and constants.
    pub formulas: RealFormulas,
    pub params: Parameters,
    /// Levels of a step between two refreshes.
    pub levels: usize,
    /// Number of primes over which each tensor is encrypted afresh; of weights, over which they are kept; of tensors for the client,
    /// over which they are sent, if that is more than one.
    pub fresh: BTreeMap<Tensor, usize>,
    pub tally: Tally,
    /// Whether mini-batches may be encrypted under the public key.
    pub public: bool,
}

impl CkksAgreement {
    pub fn bootstraps(&self) -> bool {
        self.params.spec().bootstrap.is_some()
    }

    /// The primes of a level, counted from the highest down.
    pub fn primes(&self, level: isize) -> usize {
        (self.params.max_level() as isize + level).max(0) as usize + 1
    }

    /// The evaluation keys of steps, beside those of bootstrapping.
    ///
    /// # Errors
    /// If the sum over the entries of one weight cannot be encoded.
    pub fn keys(&self) -> Result<KeyRequest, he_ckks::Error> {
        let params = &self.params;
        let mut request = KeyRequest::default();
        if let Some(level) = self.tally.products {
            request = request.relinearization(self.primes(level) - 1);
        }
        for (&step, &level) in &self.tally.rotations {
            request = match step {
                0 => request.conjugation(params, self.primes(level) - 1),
                step => {
                    let step = step.rem_euclid(params.slots() as isize) as usize;
                    request.rotations(params, &[step], self.primes(level) - 1)
                }
            };
        }
        match self.tally.shared {
            Some(level) => Ok(request.and(&self.sum_shared(self.primes(level))?.key_request(params))),
            None => Ok(request),
        }
    }

    /// The sum over all entries that hold one weight, for ciphertexts over so many primes.
    pub fn sum_shared(&self, primes: usize) -> Result<LinearTransform, he_ckks::Error> {
        let (params, diagonals) = (&self.params, self.formulas.sum_shared());
        LinearTransform::new(params, &diagonals, params.slots(), primes - 1)
    }

    /// Parts of a tensor as it is sent, ciphertexts of each and primes of these; none of a tensor that is not sent.
    pub fn sent(&self, tensor: Tensor) -> Option<(usize, usize, usize)> {
        let (formulas, geometry) = (&self.formulas, &self.formulas.geometry);
        let of_images = matches!(tensor, Tensor::Features | Tensor::Targets);
        let is_sent = match tensor {
            Tensor::Features | Tensor::Targets | Tensor::Weights => self.fresh.contains_key(&tensor),
            Tensor::NewWeights | Tensor::Sum(_) | Tensor::RawError(_) => {
                tensor == formulas.program.outputs.from || formulas.by_client(tensor)
            }
            Tensor::Preactivation(_) | Tensor::Error(_) => self.fresh.contains_key(&tensor),
            _ => tensor == formulas.program.outputs.from,
        };
        let pieces = geometry.ciphertexts(tensor);
        if !is_sent || pieces == 0 {
            return None;
        }
        let primes = self.primes_sent(tensor);
        let parts = if of_images { formulas.image_tiles().max(1) } else { 1 };
        Some((parts, pieces / parts, primes))
    }

    /// The primes over which a tensor is sent.
    pub fn primes_sent(&self, tensor: Tensor) -> usize {
        self.fresh.get(&tensor).copied().unwrap_or(1)
    }

    /// Bytes of a ciphertext of a tensor over so many primes as the client sends it, and as the server does.
    pub fn piece_bytes(&self, tensor: Tensor, primes: usize) -> [usize; 2] {
        let level = primes.saturating_sub(1);
        let computed = Ciphertext::wire_bytes(&self.params, level);
        let seeded = SeededCiphertext::wire_bytes(&self.params, level);
        [if self.is_whole(tensor) { computed } else { seeded }, computed]
    }

    /// Whether a tensor is sent without a seed, as the public key leaves none.
    pub(crate) fn is_whole(&self, tensor: Tensor) -> bool {
        self.public && matches!(tensor, Tensor::Features | Tensor::Targets)
    }

    /// Bytes of the evaluation keys, sealed.
    ///
    /// # Errors
    /// If there are no such keys.
    pub fn key_bytes(&self) -> Result<usize, he_ckks::Error> {
        let (params, request) = (&self.params, self.keys()?);
        if self.bootstraps() {
            return BootstrapKeys::sealed_bytes(params, params.slots(), &request);
        }
        request.sealed_bytes(params)
    }

    /// Opens the ciphertexts of a part of a tensor.
    ///
    /// # Errors
    /// If one is damaged, transparent, or not of the plan: its level, degree, slots, scale and bound are the plan's.
    pub(crate) fn open(&self, tensor: Tensor, part: &Pieces) -> Result<Vec<Ciphertext>, WireError> {
        let (_, count, primes) = self.sent(tensor).unwrap_or_default();
        let form =
            CkksForm { primes, slots: self.params.slots(), bound: self.formulas.claimed_bound(tensor) };
        let read = |index: usize, reader: &mut Reader<'_>| {
            let ciphertext = Ciphertext::read(reader, &self.params)?;
            form.check(&ciphertext).map_err(|error| number(index, error))?;
            Ok(ciphertext)
        };
        Pieces::read(std::slice::from_ref(part), count, ["number of ciphertexts", "ciphertext"], read)
    }

    pub(crate) fn open_all(&self, tensor: Tensor, parts: &[Pieces]) -> Result<Vec<Ciphertext>, WireError> {
        self.check_parts(tensor, parts)?;
        let all = parts.iter().map(|part| self.open(tensor, part)).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().flatten().collect())
    }

    /// That a tensor has as many parts as the plan has.
    pub(crate) fn check_parts(&self, tensor: Tensor, parts: &[Pieces]) -> Result<(), WireError> {
        let needed = self.sent(tensor).map_or(0, |(parts, _, _)| parts);
        if parts.len() == needed {
            return Ok(());
        }
        let why = format!("{}, needed {needed}", parts.len());
        Err(WireError::Invalid { what: "number of parts", why })
    }

    /// Writes everything that both must agree on, canonically.
    pub(crate) fn encode(&self, out: &mut Writer) {
        let (formulas, cube) = (&self.formulas, self.formulas.cube());
        for number in [cube.p, cube.b, cube.q, formulas.batch] {
            out.length(number);
        }
        let bounds = &formulas.bounds;
        let bounds = [bounds.preactivation, bounds.output, bounds.error, bounds.weight, bounds.momentum];
        let rule = &formulas.update;
        let rule = [rule.kept, rule.across, rule.direction.re, rule.direction.im];
        bounds.iter().chain([&formulas.input_bound]).chain(&rule).for_each(|&x| out.f64(x));
        out.u8(formulas.loss as u8);
        out.length(formulas.geometry.numbers.len());
        for (&l, matrix) in formulas.geometry.numbers.iter().zip(&formulas.matrices) {
            out.length(l);
            let (inputs, outputs) = matrix.entries.dim();
            out.length(inputs);
            out.length(outputs);
            for entry in &matrix.entries {
                out.length(entry.map_or(0, |entry| entry.weight + 1));
                out.f64(entry.map_or(0.0, |entry| entry.factor));
            }
            matrix.bias.iter().for_each(|&bias| out.length(bias));
        }
        out.length(formulas.activations.len());
        for activation in &formulas.activations {
            out.length(activation.coefficients.len());
            activation.coefficients.iter().for_each(|&c| out.f64(c));
        }
        out.length(self.fresh.len());
        for (&tensor, &primes) in &self.fresh {
            tensor.encode(out);
            out.length(primes);
        }
        out.bytes(self.params.hash());
        if self.public {
            out.u8(PUBLIC);
        }
    }
}

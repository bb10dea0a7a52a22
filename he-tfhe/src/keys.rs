//! Evaluation keys: what a server computes with.

use std::sync::Arc;

use he_core::ring::external::External;
use he_core::ring::sample::Prng;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keyswitch::KeySwitchKey;
use crate::packed::Packed;
use crate::params::Parameters;
use crate::ring;
use crate::secret::{Message, SecretKey, each, ggsw_bodies};

/// Streams of the seed, one for each part of the masks.
mod stream {
    /// Of the key switch, then one for each input.
    pub(super) const SWITCH: u64 = 0;
    /// Of the blind rotation, then one for each step.
    pub(super) const ROTATION: u64 = 1 << 32;
    /// Of automorphisms, then one for each.
    pub(super) const AUTOMORPHISM: u64 = 2 << 32;
    /// Of the encrypted key, then one for each polynomial.
    pub(super) const SCHEME: u64 = 3 << 32;
}

/// Evaluation keys as they are made and sent: the masks are the stream of a seed, so that half of the words, or less, remain.
pub struct SeededEvaluationKeys {
    pub(crate) params: Parameters,
    pub(crate) seed: [u8; 32],
    /// `[input][level]`.
    pub(crate) switch: Vec<u32>,
    /// For each step of the blind rotation `[matrix][row]` polynomials in values.
    pub(crate) rotation: Vec<Vec<u64>>,
    /// For each automorphism `[row]`, then for each polynomial of the key `[row]`; empty where the parameters have no circuit gadgets.
    pub(crate) automorphisms: Vec<Vec<u64>>,
    pub(crate) scheme: Vec<Vec<u64>>,
}

impl SecretKey {
    /// Draws evaluation keys.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<SeededEvaluationKeys, Error> {
        let params = self.params();
        let spec = params.spec();
        let seed = Prng::from_os()?.next_seed();
        let masks = |stream: u64| Prng::from_seed_stream(&seed, stream);
        let levels = spec.key_switch.levels;
        let switch = each(spec.big_dimension(), |i, prng| {
            let mut masks = masks(stream::SWITCH + i as u64);
            let mut mask = vec![0; spec.lwe_dimension];
            let body = |j| {
                switch_mask(&mut masks, &mut mask);
                let message = (self.big()[i] as u32) << (32 - spec.key_switch.base_log * (j as u32 + 1));
                SecretKey::lwe_body(self.small(), &mask, message, params.lwe_noise(), prng)
            };
            (0..levels).map(body).collect::<Vec<_>>()
        })?;
        let gadget = params.rotation_gadget().vector();
        let rotation = each(spec.lwe_dimension / spec.unroll, |step, prng| {
            let bits = &self.small()[step * spec.unroll..][..spec.unroll];
            let mut masks = masks(stream::ROTATION + step as u64);
            let matrix = |part: usize| {
                // 1 if just the bits of the part are 1.
                let factor = |(i, &bit): (usize, &i8)| if part >> i & 1 == 1 { bit as u64 } else { 1 - bit as u64 };
                let message = Zeroizing::new([bits.iter().enumerate().map(factor).product::<u64>()]);
                ggsw_bodies(self, &mut masks, &gadget, &Message::Bit(message[0]), prng)
            };
            (1..=spec.matrices()).flat_map(matrix).collect::<Vec<_>>()
        })?;
        let (mut automorphisms, mut scheme) = (vec![], vec![]);
        if let Some(circuit) = params.circuit() {
            let gadget = circuit.packing.vector();
            let (k, n) = (spec.glwe_dimension, params.n());
            automorphisms = each(n.trailing_zeros() as usize, |index, prng| {
                let mut masks = masks(stream::AUTOMORPHISM + index as u64);
                let element = (2 << index) + 1;
                let key = |i: usize| {
                    let image = Zeroizing::new(automorphism_of_values(params, self.polynomial(i), element));
                    (0..gadget.len()).map(|_| image.clone()).collect::<Vec<_>>()
                };
                let mut mask = vec![0; k * n];
                let mut body = |image: &[u64], step: u64| {
                    ring::uniform(&mut masks, params.modulus(), &mut mask);
                    let mut body = vec![0; n];
                    self.glwe_body(&mask, &mut body, prng);
                    he_core::ring::kernel::mul_scalar_add_assign(params.modulus(), &mut body, image, step);
                    body
                };
                let rows = (0..k).flat_map(|i| key(i).into_iter().zip(&gadget));
                rows.flat_map(|(image, &step)| body(&image, step)).collect::<Vec<_>>()
            })?;
            scheme = each(k, |i, prng| {
                let mut masks = masks(stream::SCHEME + i as u64);
                ggsw_bodies(self, &mut masks, &gadget, &Message::Values(self.polynomial(i)), prng)
            })?;
        }
        let switch = switch.concat();
        Ok(SeededEvaluationKeys { params: params.clone(), seed, switch, rotation, automorphisms, scheme })
    }
}

/// The next mask of a key-switching key.
fn switch_mask(masks: &mut Prng, out: &mut [u32]) {
    let mut bytes = vec![0; 4 * out.len()];
    masks.fill_bytes(&mut bytes);
    for (x, &word) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *x = u32::from_le_bytes(word);
    }
}

/// The values of `x(X^element)` from those of `x`.
pub(crate) fn automorphism_of_values(params: &Parameters, values: &[u64], element: usize) -> Vec<u64> {
    let (exponents, two_n) = (params.ntt().evaluation_exponents(), 2 * params.n());
    let mut place = vec![0_u32; two_n];
    for (p, &e) in exponents.iter().enumerate() {
        place[e as usize] = p as u32;
    }
    exponents.iter().map(|&e| values[place[e as usize * element % two_n] as usize]).collect()
}

/// What a server computes with; it decrypts nothing. Cheap to clone.
#[derive(Clone)]
pub struct EvaluationKeys(Arc<Inner>);

struct Inner {
    params: Parameters,
    switch: KeySwitchKey,
    /// Prepared matrices for each step of the blind rotation.
    rotation: Vec<Packed>,
    automorphisms: Vec<Packed>,
    scheme: Vec<Packed>,
}

impl SeededEvaluationKeys {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The keys in the form in which they are used; nothing secret goes in.
    pub fn expand(&self) -> EvaluationKeys {
        let params = &self.params;
        let spec = params.spec();
        let (levels, n) = (spec.key_switch.levels, spec.lwe_dimension);
        let switch = KeySwitchKey::new(spec.key_switch, spec.big_dimension(), n, |i, rows| {
            let mut masks = Prng::from_seed_stream(&self.seed, stream::SWITCH + i as u64);
            for (j, row) in rows.chunks_exact_mut(n + 1).enumerate() {
                switch_mask(&mut masks, &mut row[..n]);
                row[n] = self.switch[i * levels + j];
            }
        });
        let matrices = |bodies: &[Vec<u64>], stream: u64, external: &External, count: usize| {
            let expand = |(index, bodies): (usize, &Vec<u64>)| {
                let masks = Prng::from_seed_stream(&self.seed, stream + index as u64);
                Packed::new(&external.prepare(&expand_rows(params, masks, bodies), count))
            };
            bodies.par_iter().enumerate().map(expand).collect::<Vec<_>>()
        };
        let rotation = matrices(&self.rotation, stream::ROTATION, params.external(), spec.matrices());
        let (mut automorphisms, mut scheme) = (vec![], vec![]);
        if let Some(circuit) = params.circuit() {
            automorphisms = matrices(&self.automorphisms, stream::AUTOMORPHISM, &circuit.switch, 1);
            scheme = matrices(&self.scheme, stream::SCHEME, &circuit.scheme, 1);
        }
        EvaluationKeys(Arc::new(Inner { params: params.clone(), switch, rotation, automorphisms, scheme }))
    }
}

/// Rows `[body, masks…]` from bodies and the stream of the masks.
fn expand_rows(params: &Parameters, mut masks: Prng, bodies: &[u64]) -> Vec<u64> {
    let (n, k) = (params.n(), params.spec().glwe_dimension);
    let mut rows = vec![0; bodies.len() * (k + 1)];
    for (row, body) in rows.chunks_exact_mut((k + 1) * n).zip(bodies.chunks_exact(n)) {
        row[..n].copy_from_slice(body);
        ring::uniform(&mut masks, params.modulus(), &mut row[n..]);
    }
    rows
}

impl EvaluationKeys {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.0.params
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let words = |keys: &[Packed]| keys.iter().map(Packed::bytes).sum::<usize>();
        self.switch().bytes() + words(&self.0.rotation) + words(&self.0.automorphisms) + words(&self.0.scheme)
    }

    pub(crate) fn switch(&self) -> &KeySwitchKey {
        &self.0.switch
    }

    pub(crate) fn rotation(&self) -> &[Packed] {
        &self.0.rotation
    }

    /// The key switch after `X → X^{2^j + 1}`, `j = 1 … log N`.
    pub(crate) fn automorphism(&self, j: u32) -> Option<&Packed> {
        self.0.automorphisms.get(j as usize - 1)
    }

    /// GGSW encryptions of the polynomials of the key.
    pub(crate) fn scheme(&self) -> &[Packed] {
        &self.0.scheme
    }
}

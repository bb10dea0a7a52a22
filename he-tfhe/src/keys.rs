//! Evaluation keys.

use std::sync::Arc;

use he_core::ring::external::External;
use he_core::ring::gadget::Gadget;
use he_core::ring::kernel::mul_scalar_add_assign;
use he_core::ring::sample::{Prng, Seed};
use he_core::rlwe::SecretId;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keyswitch::KeySwitchKey;
use crate::packed::Packed;
use crate::params::{CircuitTables, PackingTables, Parameters};
use crate::secret::{Message, SecretKey, each, ggsw_bodies};

/// Streams of the seed, one for each part of the masks.
mod stream {
    /// Of the key switch, then one for each input.
    pub(super) const SWITCH: u64 = 0;
    /// Of the blind rotation, then one for each step.
    pub(super) const ROTATION: u64 = 1 << 32;
    /// Of the blind rotation of circuit bootstraps, then one for each step.
    pub(super) const CIRCUIT: u64 = 2 << 32;
    /// Of automorphisms, then one for each.
    pub(super) const AUTOMORPHISM: u64 = 3 << 32;
    /// Of the encrypted key, then one for each polynomial.
    pub(super) const SCHEME: u64 = 4 << 32;
}

/// Evaluation keys in the form in which they are made and sent: the masks are the stream of a seed, so that half of the bytes,
/// or fewer, remain.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // The client sends its keys, the server expands them.
/// let bytes = key.seeded_evaluation_keys()?.to_bytes()?;
/// let server = Evaluator::new(SeededEvaluationKeys::from_bytes(&params, &bytes)?.expand());
/// let not = LookupTable::new(&params, |m| 15 - m)?;
/// assert_eq!(decryptor.decrypt(&server.bootstrap(&encryptor.encrypt(4)?, &not)?)?, 11);
/// # Ok(())
/// # }
/// ```
pub struct SeededEvaluationKeys {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    pub(crate) seed: Seed,
    /// `[input][level]`.
    pub(crate) switch: Vec<u32>,
    /// For each step of the blind rotation `[matrix][row]` polynomials in values.
    pub(crate) rotation: Vec<Vec<u64>>,
    /// For the automorphisms `X → X^{2^j + 1}`, `j = 1 … log N`, where the parameters pack; else empty.
    pub(crate) automorphisms: Vec<Vec<u64>>,
    /// Keys of circuit bootstrapping, if the parameters have a circuit part.
    pub(crate) circuit: Option<CircuitKeys<Vec<u64>>>,
}

/// The keys of circuit bootstrapping.
pub(crate) struct CircuitKeys<T> {
    /// As those of the blind rotation.
    pub(crate) rotation: Vec<T>,
    /// GGSW encryptions of the polynomials of the key.
    pub(crate) scheme: Vec<T>,
}

impl SecretKey {
    /// Draws evaluation keys, ready for an [`Evaluator`](crate::Evaluator).
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn evaluation_keys(&self) -> Result<EvaluationKeys, Error> {
        Ok(self.seeded_evaluation_keys()?.expand())
    }

    /// Draws evaluation keys in seeded form, to be sent.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn seeded_evaluation_keys(&self) -> Result<SeededEvaluationKeys, Error> {
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
        let rotation = self.rotation_bodies(&params.rotation().gadget, &seed, stream::ROTATION)?;
        let packing = params.packing();
        let automorphisms = packing.map(|packing| self.automorphism_bodies(packing, &seed)).transpose()?;
        let circuit = packing.zip(params.circuit());
        let circuit =
            circuit.map(|(packing, circuit)| self.circuit_bodies(packing, circuit, &seed)).transpose()?;
        let automorphisms = automorphisms.unwrap_or_default();
        let (params, secret, switch) = (params.clone(), self.secret_id(), switch.concat());
        Ok(SeededEvaluationKeys { params, secret, seed, switch, rotation, automorphisms, circuit })
    }

    /// For each step of a blind rotation the bodies of its matrices.
    fn rotation_bodies(&self, gadget: &Gadget, seed: &Seed, stream: u64) -> Result<Vec<Vec<u64>>, Error> {
        let (spec, gadget) = (self.params().spec(), gadget.vector());
        each(spec.lwe_dimension / spec.unroll, |step, prng| {
            let bits = &self.small()[step * spec.unroll..][..spec.unroll];
            let mut masks = Prng::from_seed_stream(seed, stream + step as u64);
            let matrix = |part: usize| {
                // 1 if just the bits of the part are 1.
                let factor =
                    |(i, &bit): (usize, &i8)| if part >> i & 1 == 1 { bit as u64 } else { 1 - bit as u64 };
                let message = Zeroizing::new([bits.iter().enumerate().map(factor).product::<u64>()]);
                ggsw_bodies(self, &mut masks, &gadget, &Message::Bit(message[0]), prng)
            };
            (1..=spec.matrices()).flat_map(matrix).collect::<Vec<_>>()
        })
    }

    fn automorphism_bodies(&self, packing: &PackingTables, seed: &Seed) -> Result<Vec<Vec<u64>>, Error> {
        let (params, gadget) = (self.params(), packing.gadget.vector());
        let (k, n) = (params.spec().glwe_dimension, params.n());
        each(n.trailing_zeros() as usize, |index, prng| {
            let mut masks = Prng::from_seed_stream(seed, stream::AUTOMORPHISM + index as u64);
            let mut bodies = vec![0; k * gadget.len() * n];
            let mut mask = vec![0; k * n];
            for (row, body) in bodies.chunks_exact_mut(n).enumerate() {
                let image = self.polynomial(row / gadget.len());
                let image = Zeroizing::new(automorphism_of_values(params, image, (2 << index) + 1));
                masks.uniform(params.modulus(), &mut mask);
                self.glwe_body(&mask, body, prng);
                mul_scalar_add_assign(params.modulus(), body, &image, gadget[row % gadget.len()]);
            }
            bodies
        })
    }

    fn circuit_bodies(
        &self,
        packing: &PackingTables,
        circuit: &CircuitTables,
        seed: &Seed,
    ) -> Result<CircuitKeys<Vec<u64>>, Error> {
        let gadget = packing.gadget.vector();
        let rotation = self.rotation_bodies(&circuit.rotation.gadget, seed, stream::CIRCUIT)?;
        let scheme = each(self.params().spec().glwe_dimension, |i, prng| {
            let mut masks = Prng::from_seed_stream(seed, stream::SCHEME + i as u64);
            ggsw_bodies(self, &mut masks, &gadget, &Message::Values(self.polynomial(i)), prng)
        })?;
        Ok(CircuitKeys { rotation, scheme })
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

/// Evaluation keys, ready for an [`Evaluator`](crate::Evaluator); they decrypt nothing. Cheap to clone.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let keys = key.evaluation_keys()?;
/// println!("{} KiB", keys.bytes() / 1024);
/// // Evaluators share the keys.
/// let servers = [Evaluator::new(keys.clone()), Evaluator::new(keys)];
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EvaluationKeys(Arc<Inner>);

struct Inner {
    params: Parameters,
    secret: SecretId,
    switch: KeySwitchKey,
    /// Prepared matrices for each step of the blind rotation.
    rotation: Vec<Packed>,
    automorphisms: Vec<Packed>,
    circuit: Option<CircuitKeys<Packed>>,
}

impl SeededEvaluationKeys {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret.
    pub fn secret_id(&self) -> SecretId {
        self.secret
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
        let steps = spec.matrices();
        let rotation = matrices(&self.rotation, stream::ROTATION, &params.rotation().external, steps);
        let automorphisms = params.packing().map_or_else(Vec::new, |tables| {
            matrices(&self.automorphisms, stream::AUTOMORPHISM, &tables.switch, 1)
        });
        let circuit = params.circuit().zip(self.circuit.as_ref()).map(|(tables, keys)| CircuitKeys {
            rotation: matrices(&keys.rotation, stream::CIRCUIT, &tables.rotation.external, steps),
            scheme: matrices(&keys.scheme, stream::SCHEME, &tables.scheme, 1),
        });
        let (params, secret) = (params.clone(), self.secret);
        EvaluationKeys(Arc::new(Inner { params, secret, switch, rotation, automorphisms, circuit }))
    }
}

/// Rows `[body, masks…]` from bodies and the stream of the masks.
fn expand_rows(params: &Parameters, mut masks: Prng, bodies: &[u64]) -> Vec<u64> {
    let (n, k) = (params.n(), params.spec().glwe_dimension);
    let mut rows = vec![0; bodies.len() * (k + 1)];
    for (row, body) in rows.chunks_exact_mut((k + 1) * n).zip(bodies.chunks_exact(n)) {
        row[..n].copy_from_slice(body);
        masks.uniform(params.modulus(), &mut row[n..]);
    }
    rows
}

impl EvaluationKeys {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.0.params
    }

    /// The identifier of the secret.
    pub fn secret_id(&self) -> SecretId {
        self.0.secret
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let words = |keys: &[Packed]| keys.iter().map(Packed::bytes).sum::<usize>();
        let circuit = self.circuit().map_or(0, |keys| words(&keys.rotation) + words(&keys.scheme));
        self.switch().bytes() + words(self.rotation()) + words(self.automorphisms()) + circuit
    }

    pub(crate) fn switch(&self) -> &KeySwitchKey {
        &self.0.switch
    }

    pub(crate) fn rotation(&self) -> &[Packed] {
        &self.0.rotation
    }

    pub(crate) fn automorphisms(&self) -> &[Packed] {
        &self.0.automorphisms
    }

    pub(crate) fn circuit(&self) -> Option<&CircuitKeys<Packed>> {
        self.0.circuit.as_ref()
    }
}

he_core::brief_debug!(SeededEvaluationKeys: |a| params = a.params, secret_id = a.secret);
he_core::brief_debug!(EvaluationKeys: |a| params = a.0.params, secret_id = a.0.secret);

//! The public key: encryptions of zero in the ring, of which everybody makes ciphertexts.
//!
//! With a uniform matrix `A` of `k×k` polynomials modulo `q` and errors `e`, the key is `(A, b = e − A·s)`. For `r` with uniform
//! coefficients in `{−1, 0, 1}` and errors `e_1`, `e_2`,
//!
//! ```text
//! mask = Aᵀ·r + e_2,     body = ⟨b, r⟩ + e_1 + m,     phase = m + ⟨e, r⟩ + e_1 + ⟨e_2, s⟩
//! ```
//!
//! (Lyubashevsky, Peikert and Regev 2010, section 1.1, over modules). One such ciphertext has `N` messages as coefficients of its
//! phase, and each is extracted as an LWE ciphertext under the long key. Key and ciphertexts hide as the bootstrapping key does,
//! whose dimension, modulus and noise they have. The variance of a coefficient is `σ²·(1 + kN/2 + 2kN/3)`, and that of the
//! switch to 32 bits is added.

use he_core::ring::kernel::{add_assign, mul_add_assign};
use he_core::ring::sample::{Prng, Seed};
use he_core::rlwe::SecretId;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::noise;
use crate::packing::GlweCiphertext;
use crate::params::Parameters;
use crate::secret::SecretKey;
use crate::torus::to_residue;

/// A public key, with which everybody encrypts; it decrypts nothing.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// let bytes = key.public_key()?.to_bytes()?;
/// let public = PublicKey::from_bytes(&params, &bytes)?;
/// let c = Encryptor::with_public(&public).encrypt(11)?;
/// assert_eq!(Decryptor::new(&key).decrypt(&c)?, 11);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    /// Row `i` of `A`, in values, is stream `i`.
    pub(crate) seed: Seed,
    /// `b`, in values: `k` polynomials.
    pub(crate) bodies: Vec<u64>,
}

impl SecretKey {
    /// Draws a public key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        let (params, mut prng) = (self.params(), Prng::from_os()?);
        let seed = prng.next_seed();
        let mut bodies = vec![0; params.spec().big_dimension()];
        for (row, body) in bodies.chunks_exact_mut(params.n()).enumerate() {
            self.glwe_body(&masks(params, &seed, row), body, &mut prng);
        }
        Ok(PublicKey { params: params.clone(), secret: self.secret_id(), seed, bodies })
    }
}

/// Row `row` of `A`, in values.
fn masks(params: &Parameters, seed: &Seed, row: usize) -> Vec<u64> {
    let mut masks = vec![0; params.spec().big_dimension()];
    Prng::from_seed_stream(seed, row as u64).uniform(params.modulus(), &mut masks);
    masks
}

impl PublicKey {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// Encrypts points of the torus, in units of `2^-32`.
    pub(crate) fn encrypt(&self, phases: &[u32]) -> Result<Vec<LweCiphertext>, Error> {
        let params = &self.params;
        let rows: Vec<Vec<u64>> =
            (0..params.spec().glwe_dimension).map(|row| masks(params, &self.seed, row)).collect();
        let mut prng = Prng::from_os()?;
        let mut ciphertexts = Vec::with_capacity(phases.len());
        for phases in phases.chunks(params.n()) {
            let packed = self.encrypt_packed(&rows, phases, &mut prng);
            ciphertexts.extend((0..phases.len()).map(|at| packed.sample(at)));
        }
        // No less than what is claimed of a fresh ciphertext, in rings so small that it would be.
        ciphertexts.iter_mut().for_each(|c| c.variance = c.variance.max(params.fresh_variance()));
        Ok(ciphertexts)
    }

    /// Up to `N` points as the first coefficients of one ciphertext; `rows` are those of `A`.
    fn encrypt_packed(&self, rows: &[Vec<u64>], phases: &[u32], prng: &mut Prng) -> GlweCiphertext {
        let params = &self.params;
        let (q, n) = (params.modulus(), params.n());
        let mut words = vec![0; n * (rows.len() + 1)];
        let mut r = Zeroizing::new(vec![0_u64; n]);
        for (row, body) in rows.iter().zip(self.bodies.chunks_exact(n)) {
            let mut small = Zeroizing::new(vec![0_i8; n]);
            prng.ternary(&mut small);
            r.iter_mut().zip(small.iter()).for_each(|(r, &x)| *r = q.reduce_i64(x.into()));
            params.ntt().forward(&mut r);
            let factors = body.chunks_exact(n).chain(row.chunks_exact(n));
            for (out, factor) in words.chunks_exact_mut(n).zip(factors) {
                mul_add_assign(q, out, factor, &r);
            }
        }
        let mut errors = Zeroizing::new(vec![0_i64; n]);
        for out in words.chunks_exact_mut(n) {
            params.ntt().inverse(out);
            params.glwe_noise().sample(prng, &mut errors);
            r.iter_mut().zip(errors.iter()).for_each(|(r, &e)| *r = q.reduce_i64(e));
            add_assign(q, out, &r);
        }
        for (x, &phase) in words.iter_mut().zip(phases) {
            *x = q.add(*x, to_residue(phase, q.value()));
        }
        let (params, variance) = (params.clone(), noise::public_key(params.spec()));
        GlweCiphertext { params, secret: self.secret, words, variance }
    }
}

he_core::brief_debug!(PublicKey: |a| params = a.params, secret_id = a.secret);

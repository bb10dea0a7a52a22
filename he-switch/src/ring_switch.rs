//! From a ring of dimension `n` into TFHE's of dimension `n' ≤ n`, for ciphertexts over one prime.
//!
//! 1. *Ring switch* from `s` to `z(X^{n/n'})` with TFHE's key `z` in dimension `n'`, by a gadget of `l` digits of `B` bits (the
//!    dimension of `z` has no room for a special prime): with `b` the bits of `q`, variance
//!    `[n·l·σ²·(4^B + 2)/12 + ‖s‖²·4^{b − Bl}/12]/q²` relative to the torus;
//! 2. *splitting* into `n/n'` ciphertexts of the small ring, which costs nothing;
//! 3. *extraction* of coefficients as LWE ciphertexts modulo `2^32`: variance `(1 + n'/2)/12/2^64`.
//!
//! The one step with a key is shared by `n` values.

use std::sync::Arc;

use he_core::Modulus;
use he_core::ring::external::External;
use he_core::ring::gadget::Gadget;
use he_core::ring::kernel;
use he_core::ring::ntt::Ntt;
use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::ring::sample::{Gaussian, Prng, Seed};
use he_core::rlwe::lwe::sample_extract;
use he_core::rlwe::{self, SecretId};
use he_tfhe::LweCiphertext;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::params::Parameters;
use crate::rings::split;

/// Bits of a digit.
const BASE_LOG: u32 = 16;
/// Digits.
pub(crate) const LEVELS: usize = 3;

/// A ring-switching key as it is drawn and sent: its masks are the stream of a seed.
pub(crate) struct SeededRingSwitch {
    pub(crate) params: Parameters,
    /// The ring of the ciphertexts that are switched.
    pub(crate) from: rlwe::Parameters,
    /// The secret from which it switches, and that to which.
    pub(crate) secrets: [SecretId; 2],
    pub(crate) seed: Seed,
    /// For each digit, in values.
    pub(crate) bodies: Vec<Vec<u64>>,
}

/// The gadget and the transform of the ring switch.
fn tables(from: &rlwe::Parameters) -> Result<(Gadget, External), Error> {
    let basis = from.basis(1);
    let q = *basis.modulus(0);
    let gadget = Gadget::new(q, BASE_LOG, LEVELS).ok_or_else(|| Error::Mismatch {
        field: "the first prime",
        found: q.value().to_string(),
        needed: format!("more than {} bits", BASE_LOG as usize * LEVELS),
    })?;
    let ntt =
        Arc::new(Ntt::new(from.n(), q).map_err(|e| Error::Rlwe(he_core::ring::RingError::from(e).into()))?);
    Ok((gadget, External::new(ntt, LEVELS, 2)))
}

fn mask(q: &Modulus, n: usize, seed: &Seed, level: usize) -> Vec<u64> {
    let mut out = vec![0; n];
    Prng::from_seed_stream(seed, level as u64).uniform(q, &mut out);
    out
}

impl SeededRingSwitch {
    /// Draws the key from a secret in the ring of `from` to TFHE's.
    pub(crate) fn generate(
        params: &Parameters,
        from: &rlwe::Parameters,
        secret: &rlwe::SecretKey,
        tfhe: &he_tfhe::SecretKey,
    ) -> Result<Self, Error> {
        let (gadget, _) = tables(from)?;
        let basis = from.basis(1);
        let (q, n) = (basis.modulus(0), basis.n());
        let target = tfhe.ring_keys(params.ring())?.swap_remove(0).interleaved(from);
        let source = secret.interleaved(from);
        let mut prng = Prng::from_os()?;
        let seed = prng.next_seed();
        let noise = Gaussian::new(from.spec().sigma)?;
        let (to, source) = (target.values(1), source.values(1));
        let bodies = (gadget.vector().into_iter().enumerate())
            .map(|(level, step)| {
                let mut errors = Zeroizing::new(vec![0_i64; n]);
                noise.sample(&mut prng, &mut errors);
                let mut body: Vec<u64> = errors.iter().map(|&e| q.reduce_i64(e)).collect();
                basis.ntt(0).forward(&mut body);
                let mut product = Zeroizing::new(mask(q, n, &seed, level));
                kernel::mul_assign(q, &mut product, to.limb(0));
                kernel::sub_assign(q, &mut body, &product);
                kernel::mul_scalar_add_assign(q, &mut body, source.limb(0), step);
                body
            })
            .collect();
        let secrets = [secret.secret_id(), tfhe.secret_id()];
        Ok(Self { params: params.clone(), from: from.clone(), secrets, seed, bodies })
    }

    /// The form in which it is used; nothing secret goes in.
    pub(crate) fn expand(&self) -> Result<RingSwitch, Error> {
        let (gadget, external) = tables(&self.from)?;
        let (q, n) = (external.ntt().modulus(), external.ntt().n());
        let rows: Vec<u64> = (self.bodies.iter().enumerate())
            .flat_map(|(level, body)| [body.clone(), mask(q, n, &self.seed, level)].concat())
            .collect();
        let key = external.prepare(&rows, 1);
        let (params, from, secrets) = (self.params.clone(), self.from.clone(), self.secrets);
        Ok(RingSwitch { params, from, secrets, gadget, external, key })
    }
}

/// A ring switch.
pub(crate) struct RingSwitch {
    params: Parameters,
    from: rlwe::Parameters,
    secrets: [SecretId; 2],
    gadget: Gadget,
    external: External,
    key: Vec<u64>,
}

/// Variance that a ring switch adds, relative to the torus, from a secret of the given squared norm.
pub(crate) fn noise(from: &rlwe::Parameters, squared_norm: f64) -> f64 {
    let q = from.spec().q[0] as f64;
    let (n, sigma) = (from.n() as f64, from.spec().sigma);
    let digit = (f64::from(2 * BASE_LOG).exp2() + 2.0) / 12.0;
    let key = n * LEVELS as f64 * sigma * sigma * digit;
    let bits = q.log2().ceil();
    let rounding = squared_norm * (2.0 * (bits - f64::from(BASE_LOG) * LEVELS as f64)).exp2() / 12.0;
    (key + rounding) / (q * q)
}

/// Variance of the rounding of mask and body to 32 bits, for a binary key of dimension `n`.
pub(crate) fn rounding_to_32_bits(n: usize) -> f64 {
    (1.0 + n as f64 / 2.0) / 12.0 * (-64_f64).exp2()
}

impl RingSwitch {
    /// The parameters.
    pub(crate) fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifiers of the secret from which it switches and of that to which.
    pub(crate) fn secret_ids(&self) -> [SecretId; 2] {
        self.secrets
    }

    /// The LWE ciphertexts of the named coefficients of a ciphertext over the first prime; `variance` is that of its noise,
    /// ring switch included.
    pub(crate) fn extract(
        &self,
        c: &rlwe::Ciphertext,
        coefficients: &[usize],
        variance: f64,
    ) -> Result<Vec<LweCiphertext>, Error> {
        let n = self.from.n();
        if let Some(wrong) = coefficients.iter().find(|&&i| i >= n) {
            let (field, needed) = ("the coefficient", format!("less than {n}"));
            return Err(Error::Mismatch { field, found: wrong.to_string(), needed });
        }
        let [from, to] = self.secrets;
        c.secret_id().check("ring switch", "ciphertext", from)?;
        let pieces = self.switch(c);
        let k = pieces.len();
        let q = u128::from(self.params.ring().basis(1).modulus(0).value());
        let to_32_bits = |x: u64| (((u128::from(x) << 32) + q / 2) / q) as u32;
        let variance = variance + rounding_to_32_bits(self.params.tfhe().n());
        let sample = |&i: &usize| {
            let [c0, c1] = &pieces[i % k];
            let sample = sample_extract(c0, c1, i / k);
            let words = sample.a.iter().chain([&sample.b]).map(|&x| to_32_bits(x)).collect();
            Ok(LweCiphertext::from_mask_and_body(self.params.tfhe(), to, words, variance)?)
        };
        coefficients.par_iter().map(sample).collect()
    }

    /// The ring switch, and its pieces in coefficients.
    pub(crate) fn switch(&self, c: &rlwe::Ciphertext) -> Vec<[Poly<Coeff>; 2]> {
        let (n, ntt) = (self.from.n(), self.external.ntt());
        let mask = c.parts()[1].clone().into_coeff();
        let mut digits = vec![0; n * LEVELS];
        self.gadget.decompose_residues(mask.limb(0), &mut digits);
        digits.chunks_exact_mut(n).for_each(|digit| ntt.forward(digit));
        let mut out = vec![0; 2 * n];
        self.external.product(&mut out, &digits, &self.key);
        kernel::add_assign(ntt.modulus(), &mut out[..n], c.parts()[0].limb(0));
        let basis = self.from.basis(1);
        let parts = out.chunks_exact(n).map(|words| Poly::<Eval>::from_words(basis, words)).collect();
        let switched = rlwe::Ciphertext::new(&self.from, self.secrets[1], parts);
        let ring = self.params.ring();
        let coefficients = |piece: rlwe::Ciphertext| {
            let mut parts = piece.into_parts().into_iter().map(Poly::into_coeff);
            [parts.next(), parts.next()].map(|part| part.unwrap_or_else(|| Poly::zero(ring.basis(1))))
        };
        split(&switched, ring).into_iter().map(coefficients).collect()
    }
}

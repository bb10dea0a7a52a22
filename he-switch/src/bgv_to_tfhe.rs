//! From BGV to TFHE: a whole ciphertext at once, by one ring switch.
//!
//! The phase `m + t·e (mod Q)` times `(Q − 1)/t = −t^{−1}` is `m·(Q − 1)/t − e`: on the torus `m/t`, a multiple of `1/t`
//! and what TFHE calls a message (Lou, Feng, Fox, Jiang 2020, section 4.2; Boura, Gama, Georgieva, Jetchev 2020). Then
//!
//! 1. *modulus switch* to the first prime `q`, of 50 bits: variance `(1 + h)/12/q²` with `h = 2n/3`;
//! 2. *ring switch* from `s` in dimension `n` to `z(X^{n/n'})` with TFHE's key `z` in dimension `n'`, by a gadget of `l` digits
//!    of `B` bits (the dimension of `z` has no room for a special prime): with `b` the bits of `q`, variance
//!    `[n·l·σ²·(4^B + 2)/12 + (2n/3)·4^{b − Bl}/12]/q²`;
//! 3. *splitting* into `n/n'` ciphertexts of the small ring, which costs nothing, and *extraction* of coefficients as LWE
//!    ciphertexts modulo `2^32`: variance `(1 + n'/2)/12/2^64`.
//!
//! No step but the second has a key, and its cost is shared by `n` values. The low bits of `m` are below the noise of what reads
//! it, the modulus switch to `2N'` of a blind rotation: a table drops them for free.

use he_core::Modulus;
use he_core::ring::external::External;
use he_core::ring::gadget::Gadget;
use he_core::ring::kernel;
use he_core::ring::ntt::Ntt;
use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::ring::sample::{Gaussian, Prng, Seed};
use he_core::rlwe;
use he_core::rlwe::lwe::sample_extract;
use he_tfhe::LweCiphertext;
use rayon::prelude::*;
use std::sync::Arc;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::params::Parameters;
use crate::rings::{div_exact, mul_wide, split, to_one_limb};

/// Bits of a digit of the ring switch.
const BASE_LOG: u32 = 16;
/// Digits of the ring switch.
const LEVELS: usize = 3;

/// The ring-switching key as it is made and sent: masks are the stream of a seed.
pub struct SeededKey {
    params: Parameters,
    seed: Seed,
    /// For each digit, in values.
    bodies: Vec<Vec<u64>>,
}

/// What the ring switch computes with.
fn tables(params: &Parameters) -> Result<(Gadget, External), Error> {
    let basis = params.top().basis(1);
    let q = *basis.modulus(0);
    let gadget = Gadget::new(q, BASE_LOG, LEVELS).ok_or_else(|| Error::Mismatch {
        field: "the first prime",
        found: q.value().to_string(),
        needed: format!("more than {} bits", BASE_LOG as usize * LEVELS),
    })?;
    let ntt = Arc::new(Ntt::new(params.top().n(), q).map_err(rlwe_error)?);
    Ok((gadget, External::new(ntt, LEVELS, 2)))
}

fn rlwe_error(error: he_core::ring::ntt::NttError) -> Error {
    Error::Rlwe(he_core::ring::RingError::from(error).into())
}

impl SeededKey {
    /// Draws the key from BGV's secret to TFHE's.
    ///
    /// # Errors
    /// If a key belongs to other parameters, or the operating system gives no randomness.
    pub fn generate(
        params: &Parameters,
        bgv: &he_bgv::SecretKey,
        tfhe: &he_tfhe::SecretKey,
    ) -> Result<Self, Error> {
        let operation = "key of the bridge from BGV to TFHE";
        if !bgv.params().same(params.bgv()) || !tfhe.params().same(params.tfhe()) {
            return Err(Error::Foreign { operation, object: "secret key" });
        }
        let (gadget, _) = tables(params)?;
        let basis = params.top().basis(1);
        let (q, n) = (basis.modulus(0), basis.n());
        let target = tfhe.ring_keys(params.ring())?.swap_remove(0).interleaved(params.top());
        let source = bgv.inner().interleaved(params.top());
        let mut prng = Prng::from_os()?;
        let seed = prng.next_seed();
        let noise = Gaussian::new(params.top().spec().sigma)?;
        let (to, from) = (target.first_values(), source.first_values());
        let bodies = (gadget.vector().into_iter().enumerate())
            .map(|(level, step)| {
                let mut errors = Zeroizing::new(vec![0_i64; n]);
                noise.sample(&mut prng, &mut errors);
                let mut body: Vec<u64> = errors.iter().map(|&e| q.reduce_i64(e)).collect();
                basis.ntt(0).forward(&mut body);
                let mut product = Zeroizing::new(mask(q, n, &seed, level));
                kernel::mul_assign(q, &mut product, to.limb(0));
                kernel::sub_assign(q, &mut body, &product);
                kernel::mul_scalar_add_assign(q, &mut body, from.limb(0), step);
                body
            })
            .collect();
        Ok(Self { params: params.clone(), seed, bodies })
    }

    /// The bridge; nothing secret goes in.
    ///
    /// # Errors
    /// Never for parameters that were built.
    pub fn expand(&self) -> Result<BgvToTfhe, Error> {
        let (gadget, external) = tables(&self.params)?;
        let q = external.ntt().modulus();
        let n = external.ntt().n();
        let rows: Vec<u64> = (self.bodies.iter().enumerate())
            .flat_map(|(level, body)| [body.clone(), mask(q, n, &self.seed, level)].concat())
            .collect();
        let key = external.prepare(&rows, 1);
        Ok(BgvToTfhe { params: self.params.clone(), gadget, external, key })
    }
}

fn mask(q: &Modulus, n: usize, seed: &Seed, level: usize) -> Vec<u64> {
    let mut out = vec![0; n];
    Prng::from_seed_stream(seed, level as u64).uniform(q, &mut out);
    out
}

/// The bridge from BGV to TFHE.
pub struct BgvToTfhe {
    params: Parameters,
    gadget: Gadget,
    external: External,
    key: Vec<u64>,
}

/// Variance that the ring switch and the modulus switch before it add, relative to the torus.
pub fn noise(params: &Parameters) -> f64 {
    let q = params.top().spec().q[0] as f64;
    let (n, sigma) = (params.top().n() as f64, params.top().spec().sigma);
    let h = 2.0 * n / 3.0;
    let digit = (f64::from(2 * BASE_LOG).exp2() + 2.0) / 12.0;
    let key = n * LEVELS as f64 * sigma * sigma * digit;
    let bits = q.log2().ceil();
    let rounding = h * (2.0 * (bits - f64::from(BASE_LOG) * LEVELS as f64)).exp2() / 12.0;
    ((1.0 + h) / 12.0 + key + rounding) / (q * q)
}

impl BgvToTfhe {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The LWE ciphertexts of the named coefficients: phase `m/t` for a coefficient `m`.
    ///
    /// # Errors
    /// If the ciphertext belongs to other parameters or is not relinearized, or there is no such coefficient.
    pub fn extract(
        &self,
        ciphertext: &he_bgv::Ciphertext,
        coefficients: &[usize],
    ) -> Result<Vec<LweCiphertext>, Error> {
        let operation = "bridge from BGV to TFHE";
        if !ciphertext.params().same(self.params.bgv()) {
            return Err(Error::Foreign { operation, object: "ciphertext" });
        }
        let (n, t) = (self.params.bgv().n(), 1_u64 << self.params.log_t());
        if ciphertext.degree() != 1 || ciphertext.factor() != 1 {
            let found = format!("degree {}, factor {}", ciphertext.degree(), ciphertext.factor());
            return Err(Error::Mismatch {
                field: "the ciphertext",
                found,
                needed: "degree 1, factor 1".into(),
            });
        }
        if let Some(wrong) = coefficients.iter().find(|&&i| i >= n) {
            let (field, needed) = ("the coefficient", format!("less than {n}"));
            return Err(Error::Mismatch { field, found: wrong.to_string(), needed });
        }
        let noise_of = ciphertext.noise().log2() - self.params.bgv().noise().log_q(ciphertext.limbs());
        let top = at_the_top(ciphertext.inner().clone().over(self.params.top()), t);
        let variance = (2.0 * noise_of).exp2() / (t as f64 * t as f64) + noise(&self.params);
        let pieces = self.switch(&to_one_limb(&top));
        self.samples(&pieces, coefficients, variance)
    }

    /// The ring switch of a ciphertext over one prime, and its pieces in coefficients.
    fn switch(&self, c: &rlwe::Ciphertext) -> Vec<[Poly<Coeff>; 2]> {
        let (n, ntt) = (self.params.top().n(), self.external.ntt());
        let mask = c.parts()[1].clone().into_coeff();
        let mut digits = vec![0; n * LEVELS];
        self.gadget.decompose_residues(mask.limb(0), &mut digits);
        digits.chunks_exact_mut(n).for_each(|digit| ntt.forward(digit));
        let mut out = vec![0; 2 * n];
        self.external.product(&mut out, &digits, &self.key);
        kernel::add_assign(ntt.modulus(), &mut out[..n], c.parts()[0].limb(0));
        let basis = self.params.top().basis(1);
        let parts = out.chunks_exact(n).map(|words| Poly::<Eval>::from_words(basis, words)).collect();
        let switched = rlwe::Ciphertext::new(self.params.top(), parts);
        let coefficients = |piece: rlwe::Ciphertext| {
            let mut parts = piece.into_parts().into_iter().map(Poly::into_coeff);
            [parts.next(), parts.next()]
                .map(|part| part.unwrap_or_else(|| Poly::zero(self.params.ring().basis(1))))
        };
        split(&switched, self.params.ring()).into_iter().map(coefficients).collect()
    }

    fn samples(
        &self,
        pieces: &[[Poly<Coeff>; 2]],
        coefficients: &[usize],
        variance: f64,
    ) -> Result<Vec<LweCiphertext>, Error> {
        let k = pieces.len();
        let rescale = Rescale::new(self.params.ring().basis(1).modulus(0));
        let variance = variance + rounding_to_32_bits(self.params.tfhe().n());
        let sample = |&i: &usize| {
            let [c0, c1] = &pieces[i % k];
            let sample = sample_extract(c0, c1, i / k);
            let words = sample.a.iter().chain([&sample.b]).map(|&x| rescale.to_32_bits(x)).collect();
            Ok(LweCiphertext::from_words(self.params.tfhe(), words, variance)?)
        };
        coefficients.par_iter().map(sample).collect()
    }
}

/// The message from the lower to the upper end of the modulus.
pub(crate) fn at_the_top(c: rlwe::Ciphertext, t: u64) -> rlwe::Ciphertext {
    mul_wide(&div_exact(&c, t), -1)
}

/// Variance of the rounding of mask and body to 32 bits, for a binary key of dimension `n`.
pub(crate) fn rounding_to_32_bits(n: usize) -> f64 {
    (1.0 + n as f64 / 2.0) / 12.0 * (-64_f64).exp2()
}

/// From residues modulo a prime below `2^50` to 32 bits.
pub(crate) struct Rescale {
    q: u128,
}

impl Rescale {
    pub(crate) fn new(q: &Modulus) -> Self {
        Self { q: u128::from(q.value()) }
    }

    /// `⌊x·2^32/q⌉ mod 2^32`.
    pub(crate) fn to_32_bits(&self, x: u64) -> u32 {
        (((u128::from(x) << 32) + self.q / 2) / self.q) as u32
    }
}

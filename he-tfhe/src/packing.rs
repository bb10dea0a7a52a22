//! Packing: many LWE ciphertexts into one GLWE ciphertext, by automorphisms (Chen, Dai, Kim and Song, 2021, algorithm 2).
//!
//! Two ciphertexts that encrypt `x` and `y` in the coefficients that are multiples of `N/2^{j−1}` are joined as
//! `(x + X^{N/2^j}·y) + τ(x − X^{N/2^j}·y)` with `τ: X → X^{2^j+1}`: what both have in these coefficients is doubled, and what
//! they have in between cancels. After `log N` such steps the factor is `N`, which is taken off at the start as `N^{-1} mod q`.
//! Noise of a step is doubled by the later ones, so the sum is `(N² − 1)/3` times that of one automorphism.

use he_core::ring::kernel::{add_assign, mul_scalar_assign, sub_assign};
use he_core::rlwe::SecretId;

use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::noise;
use crate::packed::Packed;
use crate::params::{PackingTables, Parameters};
use crate::ring::{automorphism, embed, extract, rotate};
use crate::rotation::decompose;
use crate::torus::{Rescale, to_residue};

/// A GLWE ciphertext `(body, mask_1, …, mask_k)` modulo `q`, phase `body + Σ mask_i·s_i`.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// # let server = Evaluator::new(key.evaluation_keys()?);
/// # let (encryptor, decryptor) = (Encryptor::with_secret(&key), Decryptor::new(&key));
/// // Two ciphertexts stand N/2 coefficients apart.
/// let packed = server.pack(&encryptor.encrypt_all(&[5, 9])?)?;
/// assert_eq!(decryptor.decrypt(&packed.extract(params.n() / 2)?)?, 9);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GlweCiphertext {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    /// Body, then masks, in coefficients.
    pub(crate) words: Vec<u64>,
    /// Of the noise of the coefficients that hold something, relative to the torus.
    pub(crate) variance: f64,
}

impl GlweCiphertext {
    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret it is under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// Body and masks, `N` residues modulo `q` each.
    pub fn polynomials(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        self.words.chunks_exact(self.params.n())
    }

    /// Estimated variance of the noise, relative to the torus.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The LWE ciphertext of a coefficient of the phase.
    ///
    /// # Errors
    /// If there is no such coefficient.
    #[doc(alias = "sample_extract")]
    pub fn extract(&self, coefficient: usize) -> Result<LweCiphertext, Error> {
        let n = self.params.n();
        if coefficient >= n {
            let (field, found) = ("the coefficient to be extracted", coefficient.to_string());
            return Err(Error::Spec { field, found, needed: format!("less than {n}") });
        }
        Ok(self.sample(coefficient))
    }

    /// The LWE ciphertext of a coefficient below `N`.
    pub(crate) fn sample(&self, coefficient: usize) -> LweCiphertext {
        let (q, rescale) = (self.params.modulus(), Rescale::new(self.params.modulus()));
        let sample = extract(q, &self.words, self.params.n(), coefficient);
        let words = sample.iter().map(|&x| rescale.to_32_bits(x)).collect();
        let variance = self.variance + noise::to_32_bits(self.params.spec());
        LweCiphertext { params: self.params.clone(), secret: Some(self.secret), words, variance }
    }
}

impl Evaluator {
    /// Packs up to `N` ciphertexts: the phase of the `i`-th becomes coefficient `i·N/2^t`, where `2^t` is the least power of
    /// two not below their number; the other coefficients are zero.
    ///
    /// # Errors
    /// If the parameters do not pack, there are no ciphertexts or too many, or one belongs to other parameters or another
    /// secret.
    pub fn pack(&self, inputs: &[LweCiphertext]) -> Result<GlweCiphertext, Error> {
        let operation = "packing";
        let (params, packer) = (self.params(), self.packer(operation)?);
        if inputs.is_empty() || inputs.len() > params.n() {
            let needed = format!("1 to {}", params.n());
            return Err(Error::Count { operation, found: inputs.len(), needed });
        }
        inputs.iter().try_for_each(|input| self.check(operation, "operand", input))?;
        let q = params.modulus().value();
        let residues =
            |input: &LweCiphertext| input.words.iter().map(|&x| to_residue(x, q)).collect::<Vec<_>>();
        let samples: Vec<Vec<u64>> = inputs.iter().map(residues).collect();
        let most = inputs.iter().map(|input| input.variance).fold(0.0, f64::max);
        let variance = most + noise::packing(params.spec());
        let (secret, words) = (self.secret_id(), packer.pack(&samples));
        Ok(GlweCiphertext { params: params.clone(), secret, words, variance })
    }

    /// The keys and tables of packing.
    pub(crate) fn packer(&self, operation: &'static str) -> Result<Packer<'_>, Error> {
        let missing = Error::MissingKey { operation, needed: "a gadget of packing in the parameters" };
        let tables = self.params().packing().ok_or(missing)?;
        Ok(Packer { params: self.params(), tables, keys: self.keys().automorphisms() })
    }
}

/// Tables and keys of packing.
#[derive(Clone, Copy)]
pub(crate) struct Packer<'a> {
    pub(crate) params: &'a Parameters,
    pub(crate) tables: &'a PackingTables,
    /// Of the automorphisms.
    pub(crate) keys: &'a [Packed],
}

impl Packer<'_> {
    /// The GLWE ciphertext of samples `[mask…, body]` modulo `q`, in coefficients.
    pub(crate) fn pack(&self, samples: &[Vec<u64>]) -> Vec<u64> {
        let (q, n) = (self.params.modulus(), self.params.n());
        let log = samples.len().next_power_of_two().trailing_zeros();
        let mut packed = self.join(samples, 0, log);
        for j in log + 1..=n.trailing_zeros() {
            let image = self.automorphism(&packed, j);
            add_assign(q, &mut packed, &image);
        }
        packed
    }

    /// The samples at places congruent to `start` modulo `2^(all − log)`, joined.
    fn join(&self, samples: &[Vec<u64>], start: usize, log: u32) -> Vec<u64> {
        let (q, n) = (self.params.modulus(), self.params.n());
        let all = samples.len().next_power_of_two();
        if log == 0 {
            let inverse = q.inv(n as u64).unwrap_or(1);
            let none = || vec![0; (self.params.spec().glwe_dimension + 1) * n];
            let mut embedded = samples.get(start).map_or_else(none, |sample| embed(q, sample, n));
            mul_scalar_assign(q, &mut embedded, inverse);
            return embedded;
        }
        let step = all >> log;
        let (mut even, odd) =
            rayon::join(|| self.join(samples, start, log - 1), || self.join(samples, start + step, log - 1));
        // Where nothing is, nothing comes: trivial zeros on both sides.
        if even.iter().chain(&odd).all(|x| *x == 0) {
            return even;
        }
        let mut shifted = vec![0; odd.len()];
        for (out, x) in shifted.chunks_exact_mut(n).zip(odd.chunks_exact(n)) {
            rotate(q, out, x, n >> log);
        }
        let mut difference = even.clone();
        sub_assign(q, &mut difference, &shifted);
        add_assign(q, &mut even, &shifted);
        add_assign(q, &mut even, &self.automorphism(&difference, log));
        even
    }

    /// `X → X^{2^j + 1}`, back under the same key.
    fn automorphism(&self, ciphertext: &[u64], j: u32) -> Vec<u64> {
        let (q, n) = (self.params.modulus(), self.params.n());
        let PackingTables { gadget, switch } = self.tables;
        let mut image = vec![0; ciphertext.len()];
        for (out, x) in image.chunks_exact_mut(n).zip(ciphertext.chunks_exact(n)) {
            automorphism(q, out, x, (1 << j) + 1);
        }
        let (body, masks) = image.split_at(n);
        let mut digits = vec![0; masks.len() * gadget.levels()];
        decompose(self.params, gadget, masks, &mut digits);
        let mut out = vec![0; image.len()];
        switch.product(&mut out, &digits, &self.keys[j as usize - 1].words());
        out.chunks_exact_mut(n).for_each(|poly| self.params.ntt().inverse(poly));
        add_assign(q, &mut out[..n], body);
        out
    }
}

he_core::brief_debug!(GlweCiphertext: |a| words = a.words.len(), variance = a.variance, secret_id = a.secret);

//! One BGV ciphertext as several, each with a part of its coefficients, and several as one.
//!
//! At level `j` all exponents are multiples of `2^j`, and `σ: X → X^{1 + n/2^j}` is `X^i → (−1)^{i/2^j}·X^i`. Hence
//! `c + σ(c)` keeps twice the coefficients at even multiples and `X^{−2^j}·(c − σ(c))` twice those at odd ones; after `h`
//! levels ciphertext `r` of `2^h` has coefficient `2^h·i + r` of the first at `X^{2^h·i}`, and no other (Angel, Chen, Laine,
//! Setty 2018, section 3.3). The factor `2^h` is taken off before, as `2^{−h}` modulo `Q`: unlike an inverse modulo `t` that exists
//! for every `t`, and the noise of the operand is not enlarged. A key switch at level `j` is doubled by later ones: together
//! they add `(4^h − 1)/3` times the variance of one.
//!
//! The way back takes no key: if each of `2^h` ciphertexts has its values at multiples of `2^h`, their sum after products with
//! `X^0, …, X^{2^h − 1}` has all of them: [`combine`].

use std::collections::BTreeMap;

use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{Ciphertext, EvaluationKeys};
use rayon::prelude::*;

use crate::error::Error;
use crate::params::Parameters;
use crate::rings::div_exact;

/// The keys of an expansion, and its monomials.
///
/// ```
/// # use he_switch::{Error, Spec, expand::{Expander, combine}, he_bgv};
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = he_bgv::SecretKey::generate(params.bgv())?;
/// # let (encoder, decryptor) = (he_bgv::Encoder::new(params.bgv()), he_bgv::Decryptor::new(&key));
/// let expander = Expander::generate(&params, &key, 1)?;
/// let c = he_bgv::Encryptor::with_secret(&key).encrypt(&encoder.encode_coefficients(&[1, 2, 3, 4])?)?;
/// // Even and odd coefficients.
/// let parts = expander.expand(&c, 1)?;
/// assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&parts[1])?)[..4], [2, 0, 4, 0]);
/// let whole = combine(&parts)?;
/// assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&whole)?)[..4], [1, 2, 3, 4]);
/// # Ok(())
/// # }
/// ```
pub struct Expander {
    pub(crate) params: Parameters,
    pub(crate) levels: u32,
    pub(crate) keys: EvaluationKeys,
    /// `X^{−2^j}`.
    monomials: Vec<Poly<Eval>>,
}

impl Expander {
    /// Draws the keys of an expansion in `2^levels` ciphertexts, seeded as all keys of BGV.
    ///
    /// # Errors
    /// If the key belongs to other parameters, there are not so many coefficients, or the operating system gives no
    /// randomness.
    pub fn generate(params: &Parameters, bgv: &he_bgv::SecretKey, levels: u32) -> Result<Self, Error> {
        if !bgv.params().same(params.bgv()) {
            return Err(Error::Foreign { operation: "expansion", object: "secret key" });
        }
        let n = params.bgv().n();
        if levels >= n.trailing_zeros() {
            let (found, needed) = (levels.to_string(), format!("less than {}", n.trailing_zeros()));
            return Err(Error::Mismatch { field: "the levels of an expansion", found, needed });
        }
        let keys = bgv.inner().evaluation_keys(0, &Self::elements(params, levels))?;
        Ok(Self::with_keys(params, levels, keys))
    }

    /// The automorphisms of an expansion, and the primes of their keys.
    pub(crate) fn elements(params: &Parameters, levels: u32) -> BTreeMap<usize, usize> {
        let (n, limbs) = (params.bgv().n(), params.bgv().rlwe().max_limbs());
        (0..levels).map(|j| (element(n, j), limbs)).collect()
    }

    /// With keys of the right elements, and fewer levels than `log2 n`.
    pub(crate) fn with_keys(params: &Parameters, levels: u32, keys: EvaluationKeys) -> Self {
        let (n, limbs) = (params.bgv().n(), params.bgv().rlwe().max_limbs());
        let monomial = |j: u32| {
            let mut coefficients = vec![0; n];
            // X^{−k} = −X^{n − k}.
            coefficients[n - (1 << j)] = -1;
            Poly::<Coeff>::from_signed(params.bgv().rlwe().basis(limbs), &coefficients).into_eval()
        };
        Self { params: params.clone(), levels, keys, monomials: (0..levels).map(monomial).collect() }
    }

    /// Variance that the key switches of an expansion in `2^levels` add to a coefficient of the phase.
    pub fn noise(&self, levels: u32) -> f64 {
        let one = NoiseModel::new(self.params.bgv().rlwe()).key_switch(self.params.bgv().rlwe().max_limbs());
        ((2.0 * f64::from(levels)).exp2() - 1.0) / 3.0 * one
    }

    /// The expansion of a BGV ciphertext over all primes in `2^levels`.
    ///
    /// # Errors
    /// If it belongs to other parameters, is not relinearized, has a correction factor, or a level below the highest, or there are no keys for
    /// so many levels.
    pub fn expand(&self, c: &he_bgv::Ciphertext, levels: u32) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        let bgv = self.params.bgv();
        if levels > self.levels {
            let (found, needed) = (levels.to_string(), format!("at most {}", self.levels));
            return Err(Error::Mismatch { field: "the levels of an expansion", found, needed });
        }
        if !c.params().same(bgv) {
            return Err(Error::Foreign { operation: "expansion", object: "ciphertext" });
        }
        if c.degree() != 1 || c.correction_factor() != 1 || c.level() != bgv.max_level() {
            let found =
                format!("degree {}, factor {}, level {}", c.degree(), c.correction_factor(), c.level());
            let needed = format!("degree 1, factor 1, level {}", bgv.max_level());
            return Err(Error::Mismatch { field: "the ciphertext", found, needed });
        }
        let noise = 0.5 * ((2.0 * c.noise().log2()).exp2() + self.noise(levels)).log2();
        let mut parts = vec![div_exact(c.inner(), 1 << levels)];
        for (j, monomial) in (0..levels).zip(&self.monomials) {
            let missing = || Error::Foreign { operation: "expansion", object: "Galois key" };
            let halves = |c: &Ciphertext| {
                let image = self.keys.automorphism(c, element(bgv.n(), j)).ok_or_else(missing)?;
                let (mut even, mut odd) = (c.clone(), c.clone());
                even.add_assign(&image);
                odd.sub_assign(&image);
                odd.mul_phase(monomial);
                Ok::<_, Error>((even, odd))
            };
            let (even, odd): (Vec<_>, Vec<_>) =
                parts.par_iter().map(halves).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
            // Part r and part r + 2^j.
            parts = even.into_iter().chain(odd).collect();
        }
        parts.into_iter().map(|part| Ok(he_bgv::Ciphertext::from_rlwe(bgv, part, noise)?)).collect()
    }
}

/// `Σ_r X^r·c_r`, of whatever degree; the noise is the sum of all.
///
/// # Errors
/// If there are no ciphertexts or more than coefficients, or one belongs to other parameters than the first or has another degree,
/// level or correction factor.
pub fn combine(parts: &[he_bgv::Ciphertext]) -> Result<he_bgv::Ciphertext, Error> {
    let most = parts.first().map_or(0, |c| c.params().n());
    if parts.is_empty() || parts.len() > most {
        let (found, needed) = (parts.len().to_string(), format!("1 to {most}"));
        return Err(Error::Mismatch { field: "the number of ciphertexts", found, needed });
    }
    let (bgv, level, degree) = (parts[0].params(), parts[0].level(), parts[0].degree());
    if let Some(c) =
        parts.iter().find(|c| (c.level(), c.degree(), c.correction_factor()) != (level, degree, 1))
    {
        let found = format!("degree {}, factor {}, level {}", c.degree(), c.correction_factor(), c.level());
        let needed = format!("degree {degree}, factor 1, level {level}");
        return Err(Error::Mismatch { field: "the ciphertext", found, needed });
    }
    if !parts.iter().all(|c| c.params().same(bgv)) {
        return Err(Error::Foreign { operation: "combination", object: "ciphertext" });
    }
    let basis = bgv.rlwe().basis(level + 1);
    let mut x = vec![0; bgv.n()];
    x[1] = 1;
    let x = Poly::<Coeff>::from_signed(basis, &x).into_eval();
    // Horner: a product with X for each ciphertext.
    let mut sum = parts[parts.len() - 1].inner().clone();
    for c in parts.iter().rev().skip(1) {
        sum.mul_phase(&x);
        sum.add_assign(c.inner());
    }
    let variance: f64 = parts.iter().map(|c| (2.0 * c.noise().log2()).exp2()).sum();
    Ok(he_bgv::Ciphertext::from_rlwe(bgv, sum, 0.5 * variance.log2())?)
}

/// `1 + n/2^j`.
fn element(n: usize, j: u32) -> usize {
    1 + (n >> j)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Spec;

    #[test]
    fn coefficients_are_dealt_out() {
        let params = Spec::insecure_small().build_insecure("a test").unwrap();
        let key = he_bgv::SecretKey::generate(params.bgv()).unwrap();
        let (n, encoder) = (params.bgv().n(), he_bgv::Encoder::new(params.bgv()));
        let values: Vec<i64> = (0..n as i64).map(|i| i * 31 % 1021 - 510).collect();
        let plain = encoder.encode_coefficients(&values).unwrap();
        let c = he_bgv::Encryptor::with_secret(&key).encrypt(&plain).unwrap();
        let decryptor = he_bgv::Decryptor::new(&key);
        let expander = Expander::generate(&params, &key, 3).unwrap();
        for levels in 0..4 {
            let parts = expander.expand(&c, levels).unwrap();
            assert_eq!(parts.len(), 1 << levels);
            for (r, part) in parts.iter().enumerate() {
                let found = encoder.decode_coefficients(&decryptor.decrypt(part).unwrap());
                let expected = |i: usize| if i.is_multiple_of(parts.len()) { values[i + r] } else { 0 };
                assert_eq!(found, (0..n).map(expected).collect::<Vec<_>>(), "part {r} of {}", parts.len());
                let (budget, estimate) = (decryptor.noise_budget(part).unwrap(), part.noise_budget());
                assert!(estimate <= budget && budget < estimate + 10.0, "{budget} {estimate}");
            }
            let whole = combine(&parts).unwrap();
            assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&whole).unwrap()), values);
            assert!(whole.noise_budget() <= decryptor.noise_budget(&whole).unwrap());
        }
        assert!(Expander::generate(&params, &key, 10).is_err());
        assert!(combine(&[]).is_err() && expander.expand(&c, 4).is_err());
        let other = he_bgv::Spec::n8192().build().unwrap();
        let foreign = he_bgv::SecretKey::generate(&other).unwrap();
        assert!(Expander::generate(&params, &foreign, 1).is_err());
    }
}

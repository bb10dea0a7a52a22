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

use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::rlwe::noise::NoiseModel;
use he_core::rlwe::{Bound, Ciphertext, EvaluationKeys, KeyRequest, OperandError, SecretId};
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
/// # let (encoder, decryptor) = (he_bgv::Encoder::new(params.bgv()).with_bound(4), he_bgv::Decryptor::new(&key));
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
    pub(crate) bgv: he_bgv::Parameters,
    /// The hash of the parameters that seal its keys.
    pub(crate) hash: [u8; 32],
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
        Self::generate_sealed(params.bgv(), params.hash(), bgv, levels)
    }

    /// Draws the keys; the hash seals them.
    pub(crate) fn generate_sealed(
        params: &he_bgv::Parameters,
        hash: &[u8; 32],
        bgv: &he_bgv::SecretKey,
        levels: u32,
    ) -> Result<Self, Error> {
        if !bgv.params().same(params) {
            return Err(Error::Foreign { operation: "expansion", object: "secret key" });
        }
        let n = params.n();
        if levels >= n.trailing_zeros() {
            let (found, needed) = (levels.to_string(), format!("less than {}", n.trailing_zeros()));
            return Err(Error::Mismatch { field: "the levels of an expansion", found, needed });
        }
        let keys = Self::request(params, levels).make(bgv.inner())?;
        Ok(Self::with_keys(params, hash, levels, keys))
    }

    /// A Galois key over all primes for each level of an expansion.
    pub(crate) fn request(bgv: &he_bgv::Parameters, levels: u32) -> KeyRequest {
        let (n, top) = (bgv.n(), bgv.rlwe().max_limbs() - 1);
        let mut request = KeyRequest::default();
        (0..levels).for_each(|j| request.galois(element(n, j), top));
        request
    }

    /// With keys of the right elements, and fewer levels than `log2 n`.
    pub(crate) fn with_keys(
        bgv: &he_bgv::Parameters,
        hash: &[u8; 32],
        levels: u32,
        keys: EvaluationKeys,
    ) -> Self {
        let monomial = |j: u32| power(bgv, bgv.rlwe().max_limbs(), -(1 << j));
        let monomials = (0..levels).map(monomial).collect();
        Self { bgv: bgv.clone(), hash: *hash, levels, keys, monomials }
    }

    /// Variance that the key switches of an expansion in `2^levels` add to a coefficient of the phase.
    pub fn noise(&self, levels: u32) -> f64 {
        let one = NoiseModel::new(self.bgv.rlwe()).key_switch(self.bgv.rlwe().max_limbs());
        ((2.0 * f64::from(levels)).exp2() - 1.0) / 3.0 * one
    }

    /// The expansion of a BGV ciphertext over all primes in `2^levels`.
    ///
    /// # Errors
    /// If it belongs to other parameters or another secret, is not relinearized, has a correction factor, or a level below the highest, or there are no keys for
    /// so many levels.
    pub fn expand(&self, c: &he_bgv::Ciphertext, levels: u32) -> Result<Vec<he_bgv::Ciphertext>, Error> {
        let bgv = &self.bgv;
        self.check_levels(levels)?;
        if !c.params().same(bgv) {
            return Err(Error::Foreign { operation: "expansion", object: "ciphertext" });
        }
        SecretId::check_all("expansion", "ciphertext", self.keys.secret_id(), [c.secret_id()])?;
        if c.degree() != 1 || c.correction_factor() != 1 || c.level() != bgv.max_level() {
            let found =
                format!("degree {}, factor {}, level {}", c.degree(), c.correction_factor(), c.level());
            let needed = format!("degree 1, factor 1, level {}", bgv.max_level());
            return Err(Error::Mismatch { field: "the ciphertext", found, needed });
        }
        check_bound(c)?;
        let noise = 0.5 * ((2.0 * c.noise().log2()).exp2() + self.noise(levels)).log2();
        let mut parts = vec![div_exact(c.inner(), 1 << levels)];
        for (j, monomial) in (0..levels).zip(&self.monomials) {
            let halves = |c: &Ciphertext| {
                let image = self.automorphism(c, j)?;
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
        parts
            .into_iter()
            .map(|part| Ok(he_bgv::Ciphertext::from_rlwe(bgv, part, c.bound(), noise)?))
            .collect()
    }

    /// `2^levels` ciphertexts as one: coefficient `2^levels·i + r` is coefficient `2^levels·i` of the `r`-th, whatever stands elsewhere
    /// in it. The reverse of [`expand`](Self::expand), with its keys: one automorphism for each ciphertext but the first.
    ///
    /// At step `j = levels − 1, …, 0` the `r`-th and the `r + 2^j`-th meet: `σ: X → X^{1 + n/2^j}` fixes multiples of `2^(j + 1)` and
    /// negates those of `2^j` between, so that `u + X^{2^j}·v + σ(u − X^{2^j}·v)` has twice what is wanted of either (Chen, Dai, Kim,
    /// Song 2021, section 3.3); the factor `2^levels` is taken off before.
    ///
    /// ```
    /// # use he_switch::{Error, Spec, expand::Expander, he_bgv};
    /// # fn main() -> Result<(), Error> {
    /// # let params = Spec::insecure_small().build_insecure("an example")?;
    /// # let key = he_bgv::SecretKey::generate(params.bgv())?;
    /// # let (encoder, decryptor) = (he_bgv::Encoder::new(params.bgv()), he_bgv::Decryptor::new(&key));
    /// # let encrypt = |values: &[i64]| Ok::<_, Error>(he_bgv::Encryptor::with_secret(&key).encrypt(&encoder.encode_coefficients(values)?)?);
    /// let expander = Expander::generate(&params, &key, 1)?;
    /// // What stands at odd places is left behind.
    /// let whole = expander.pack(&[encrypt(&[1, 50, 3])?, encrypt(&[2, 60, 4])?])?;
    /// assert_eq!(encoder.decode_coefficients(&decryptor.decrypt(&whole)?)[..4], [1, 2, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no power of two of ciphertexts, or no keys for so many, or one belongs to other parameters, is not relinearized, has a
    /// correction factor, or another level than the first.
    pub fn pack(&self, parts: &[he_bgv::Ciphertext]) -> Result<he_bgv::Ciphertext, Error> {
        let bgv = &self.bgv;
        if !parts.len().is_power_of_two() {
            let (found, needed) = (parts.len().to_string(), "a power of two".into());
            return Err(Error::Mismatch { field: "the number of ciphertexts", found, needed });
        }
        let levels = parts.len().trailing_zeros();
        self.check_levels(levels)?;
        let level = check_parts(parts, 1)?;
        if !parts[0].params().same(bgv) {
            return Err(Error::Foreign { operation: "packing", object: "ciphertext" });
        }
        SecretId::check_all("packing", "ciphertext", self.keys.secret_id(), [parts[0].secret_id()])?;
        let bound = bound_of(parts, |all, next| all.beside("packing", next, bgv.n()))?;
        let sum = |power: f64| parts.iter().map(|c| (power * c.noise().log2()).exp2()).sum::<f64>();
        let noise = 0.5 * (sum(2.0) + self.noise(levels)).log2();
        let mut all: Vec<Ciphertext> = parts.iter().map(|c| div_exact(c.inner(), 1 << levels)).collect();
        for j in (0..levels).rev() {
            let odd = all.split_off(1 << j);
            let shift = power(bgv, level + 1, 1 << j);
            let pair = |(mut u, mut v): (Ciphertext, Ciphertext)| {
                v.mul_phase(&shift);
                let mut difference = u.clone();
                difference.sub_assign(&v);
                u.add_assign(&v);
                u.add_assign(&self.automorphism(&difference, j)?);
                Ok(u)
            };
            all = all.into_par_iter().zip(odd).map(pair).collect::<Result<_, Error>>()?;
        }
        Ok(he_bgv::Ciphertext::from_rlwe(bgv, all.swap_remove(0), bound, noise)?)
    }

    fn automorphism(&self, c: &Ciphertext, j: u32) -> Result<Ciphertext, Error> {
        let missing = || Error::Foreign { operation: "expansion", object: "Galois key" };
        self.keys.automorphism(c, element(self.bgv.n(), j)).ok_or_else(missing)
    }

    fn check_levels(&self, levels: u32) -> Result<(), Error> {
        if levels <= self.levels {
            return Ok(());
        }
        let (found, needed) = (levels.to_string(), format!("at most {}", self.levels));
        Err(Error::Mismatch { field: "the levels of an expansion", found, needed })
    }
}

/// `X^exponent`, `|exponent| < n`.
fn power(bgv: &he_bgv::Parameters, limbs: usize, exponent: i64) -> Poly<Eval> {
    let mut coefficients = vec![0; bgv.n()];
    // X^{−k} = −X^{n − k}.
    let place = exponent.rem_euclid(bgv.n() as i64) as usize;
    coefficients[place] = if exponent < 0 { -1 } else { 1 };
    Poly::<Coeff>::from_signed(bgv.rlwe().basis(limbs), &coefficients).into_eval()
}

/// The level of ciphertexts of one level and this degree, all of the same parameters and without a correction factor.
fn check_parts(parts: &[he_bgv::Ciphertext], degree: usize) -> Result<usize, Error> {
    let level = parts[0].level();
    if let Some(c) =
        parts.iter().find(|c| (c.level(), c.degree(), c.correction_factor()) != (level, degree, 1))
    {
        let found = format!("degree {}, factor {}, level {}", c.degree(), c.correction_factor(), c.level());
        let needed = format!("degree {degree}, factor 1, level {level}");
        return Err(Error::Mismatch { field: "the ciphertext", found, needed });
    }
    if !parts.iter().all(|c| c.params().same(parts[0].params())) {
        return Err(Error::Foreign { operation: "combination", object: "ciphertext" });
    }
    let secrets = parts.iter().map(he_bgv::Ciphertext::secret_id);
    SecretId::check_all("combination", "ciphertext", None, secrets)?;
    Ok(level)
}

/// `Σ_r X^r·c_r`, of whatever degree; noise and bound are the sums of all.
///
/// # Errors
/// If there are no ciphertexts or more than coefficients, or one belongs to other parameters or another secret than the first or has another degree,
/// level or correction factor, or a sum of coefficients may pass `t/2`.
pub fn combine(parts: &[he_bgv::Ciphertext]) -> Result<he_bgv::Ciphertext, Error> {
    let most = parts.first().map_or(0, |c| c.params().n());
    if parts.is_empty() || parts.len() > most {
        let (found, needed) = (parts.len().to_string(), format!("1 to {most}"));
        return Err(Error::Mismatch { field: "the number of ciphertexts", found, needed });
    }
    let level = check_parts(parts, parts[0].degree())?;
    let bgv = parts[0].params();
    let operation = "combination";
    let bound = bound_of(parts, |sum, next| sum.plus(operation, next, bgv.n()))?;
    // One alone is no sum, and stays where it is.
    let bound = match parts {
        [_] => bound,
        _ => bound.anywhere(bgv.n()).within(operation, bgv.t().value()).map_err(he_bgv::Error::from)?,
    };
    let x = power(bgv, level + 1, 1);
    // Horner: a product with X for each ciphertext.
    let mut sum = parts[parts.len() - 1].inner().clone();
    for c in parts.iter().rev().skip(1) {
        sum.mul_phase(&x);
        sum.add_assign(c.inner());
    }
    let variance: f64 = parts.iter().map(|c| (2.0 * c.noise().log2()).exp2()).sum();
    Ok(he_bgv::Ciphertext::from_rlwe(bgv, sum, bound, 0.5 * variance.log2())?)
}

/// Refuses values that are bounded in slots: coefficients are taken apart and put together here, and slots bound none.
fn check_bound(c: &he_bgv::Ciphertext) -> Result<(), Error> {
    match c.bound() {
        Bound::Slots { .. } => {
            let (found, needed) = (c.bound().to_string(), "coefficients, or residues modulo t".into());
            Err(Error::Mismatch { field: "the values of the ciphertext", found, needed })
        }
        _ => Ok(()),
    }
}

/// The bound of coefficients of several ciphertexts in one.
fn bound_of(
    parts: &[he_bgv::Ciphertext],
    join: impl Fn(Bound, Bound) -> Result<Bound, OperandError>,
) -> Result<Bound, Error> {
    parts.iter().try_for_each(check_bound)?;
    let join = |all: Bound, c: &he_bgv::Ciphertext| join(all, c.bound());
    Ok(parts[1..].iter().try_fold(parts[0].bound(), join).map_err(he_bgv::Error::from)?)
}

/// `1 + n/2^j`.
fn element(n: usize, j: u32) -> usize {
    1 + (n >> j)
}

he_core::brief_debug!(Expander: |a| levels = a.levels, secret_id = a.keys.secret_id());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Spec;

    #[test]
    fn coefficients_are_dealt_out() {
        let params = Spec::insecure_small().build_insecure("a test").unwrap();
        let key = he_bgv::SecretKey::generate(params.bgv()).unwrap();
        let (n, encoder) = (params.bgv().n(), he_bgv::Encoder::new(params.bgv()).modular());
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
        // Packed, whatever stands between.
        let encrypt = |r: i64| {
            let plain =
                encoder.encode_coefficients(&values.iter().map(|v| v + r).collect::<Vec<_>>()).unwrap();
            he_bgv::Encryptor::with_secret(&key).encrypt(&plain).unwrap()
        };
        for levels in 0..4 {
            let parts: Vec<_> = (0..1 << levels).map(encrypt).collect();
            let packed = expander.pack(&parts).unwrap();
            let found = encoder.decode_coefficients(&decryptor.decrypt(&packed).unwrap());
            let expected = |i: usize| values[i >> levels << levels] + (i % parts.len()) as i64;
            assert_eq!(found, (0..n).map(expected).collect::<Vec<_>>());
            let (budget, estimate) = (decryptor.noise_budget(&packed).unwrap(), packed.noise_budget());
            assert!(estimate <= budget && budget < estimate + 10.0, "{budget} {estimate}");
        }
        assert!(expander.pack(&[]).is_err() && expander.pack(&vec![c.clone(); 3]).is_err());
        assert!(expander.pack(&vec![c.clone(); 16]).is_err());
        assert!(Expander::generate(&params, &key, 10).is_err());
        assert!(combine(&[]).is_err() && expander.expand(&c, 4).is_err());
        let other = he_bgv::Spec::n8192().build().unwrap();
        let foreign = he_bgv::SecretKey::generate(&other).unwrap();
        assert!(Expander::generate(&params, &foreign, 1).is_err());
    }
}

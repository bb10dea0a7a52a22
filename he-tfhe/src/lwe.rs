//! Ciphertexts at rest.

use crate::error::Error;
use crate::params::Parameters;

/// An LWE ciphertext `(a, b)` modulo `2^32` under the long key, of dimension `k·N`; phase `b + ⟨a, s⟩`.
///
/// It carries an estimate of the variance of its noise, from which a bootstrap knows whether it would read it rightly.
#[derive(Clone)]
pub struct LweCiphertext {
    pub(crate) params: Parameters,
    /// Mask, then body.
    pub(crate) words: Vec<u32>,
    /// Of the noise, relative to the torus.
    pub(crate) variance: f64,
}

impl LweCiphertext {
    /// The encryption of `phase` without mask and noise: a constant.
    pub fn trivial(params: &Parameters, phase: u32) -> Self {
        let mut words = vec![0; params.spec().big_dimension() + 1];
        words[params.spec().big_dimension()] = phase;
        Self { params: params.clone(), words, variance: 0.0 }
    }

    /// A ciphertext from mask and body, in that order, and the variance of its noise relative to the torus: what bridges from
    /// other schemes make.
    ///
    /// # Errors
    /// If there are not `k·N + 1` words, or the variance is negative or not finite.
    pub fn from_words(params: &Parameters, words: Vec<u32>, variance: f64) -> Result<Self, Error> {
        let needed = params.spec().big_dimension() + 1;
        if words.len() != needed {
            let (operation, found) = ("ciphertext", words.len());
            return Err(Error::Count { operation, found, needed: needed.to_string() });
        }
        if !(variance >= 0.0 && variance.is_finite()) {
            let (field, found) = ("the variance", variance.to_string());
            return Err(Error::Spec { field, found, needed: "0 or more".into() });
        }
        Ok(Self { params: params.clone(), words, variance })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The mask.
    pub fn mask(&self) -> &[u32] {
        &self.words[..self.words.len() - 1]
    }

    /// The body.
    pub fn body(&self) -> u32 {
        self.words[self.words.len() - 1]
    }

    /// Estimated variance of the noise, relative to the torus.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// `self += c·other`.
    ///
    /// # Errors
    /// If they belong to different parameters.
    pub fn add_scaled_assign(&mut self, other: &Self, c: i32) -> Result<(), Error> {
        if !self.params.same(&other.params) {
            return Err(Error::Foreign { operation: "linear combination", object: "second ciphertext" });
        }
        for (x, &y) in self.words.iter_mut().zip(&other.words) {
            *x = x.wrapping_add(y.wrapping_mul(c as u32));
        }
        self.variance += f64::from(c) * f64::from(c) * other.variance;
        Ok(())
    }

    /// `self *= c`.
    pub fn scale_assign(&mut self, c: i32) {
        for x in &mut self.words {
            *x = x.wrapping_mul(c as u32);
        }
        self.variance *= f64::from(c) * f64::from(c);
    }

    /// Adds a constant of the torus to the phase.
    pub fn add_constant_assign(&mut self, phase: u32) {
        if let Some(body) = self.words.last_mut() {
            *body = body.wrapping_add(phase);
        }
    }

    /// `self + other`.
    ///
    /// # Errors
    /// If they belong to different parameters.
    pub fn add(&self, other: &Self) -> Result<Self, Error> {
        self.combine(1, other, 1)
    }

    /// `self − other`.
    ///
    /// # Errors
    /// If they belong to different parameters.
    pub fn sub(&self, other: &Self) -> Result<Self, Error> {
        self.combine(1, other, -1)
    }

    /// `c·self + d·other`.
    ///
    /// # Errors
    /// If they belong to different parameters.
    pub fn combine(&self, c: i32, other: &Self, d: i32) -> Result<Self, Error> {
        let mut out = self.scale(c);
        out.add_scaled_assign(other, d)?;
        Ok(out)
    }

    /// `c·self`.
    pub fn scale(&self, c: i32) -> Self {
        let mut out = self.clone();
        if c != 1 {
            out.scale_assign(c);
        }
        out
    }

    /// `−self`.
    pub fn negate(&self) -> Self {
        self.scale(-1)
    }
}

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
}

//! What blind rotations read: the phase under the short key, modulo a power of two.

use rayon::prelude::*;

use crate::error::Error;
use crate::evaluator::Evaluator;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::rotation::switch_to;
use crate::secret::SecretKey;

/// Ciphertexts whose key switches share the tables made from the key.
const BLOCK: usize = 128;

/// A ciphertext under the short key modulo `2^log`, as a blind rotation in a ring of dimension `2^{log − 1}` takes it. The
/// body is rounded down: it reads `⌊x·2^log⌋` for a phase `x`, up to the noise of both switches.
pub struct Reading {
    params: Parameters,
    words: Vec<u32>,
    log: u32,
}

impl Reading {
    /// Mask, then body.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// `log2` of the modulus.
    pub fn log(&self) -> u32 {
        self.log
    }
}

impl Evaluator {
    /// Key switch and modulus switch to `2^log`, in steps of `2^spare`: what a bootstrap does before its blind rotation, where
    /// `2^log = 2N` and `2^spare` is the number of outputs of the table.
    ///
    /// # Errors
    /// If `log` is not in 2 to 16 or `spare` not below it, or a ciphertext belongs to other parameters.
    pub fn readings(&self, inputs: &[&LweCiphertext], log: u32, spare: u32) -> Result<Vec<Reading>, Error> {
        let operation = "reading";
        if !(2..=16).contains(&log) || spare >= log {
            let needed = "2 to 16, and more than the spare bits".into();
            return Err(Error::Spec { field: "the bits of a reading", found: log.to_string(), needed });
        }
        if !inputs.iter().all(|input| input.params.same(self.params())) {
            return Err(Error::Foreign { operation, object: "operand" });
        }
        let params = self.params();
        let read = |inputs: &[&LweCiphertext]| {
            let words: Vec<&[u32]> = inputs.iter().map(|input| input.words.as_slice()).collect();
            let switched = self.keys().switch().switch(&words);
            let reading = |words: Vec<u32>| {
                let words = switch_to(log, &words, spare);
                Reading { params: params.clone(), words, log }
            };
            switched.into_iter().map(reading).collect::<Vec<_>>()
        };
        Ok(inputs.par_chunks(BLOCK).flat_map_iter(read).collect())
    }
}

impl SecretKey {
    /// The phase of a reading, below `2^log`: the place of the table, in a ring of that size, that a blind rotation finds. For
    /// the owner of the key, to see afterwards what was read.
    ///
    /// # Errors
    /// If the reading belongs to other parameters.
    pub fn read(&self, reading: &Reading) -> Result<u32, Error> {
        if !reading.params.same(self.params()) {
            return Err(Error::Foreign { operation: "reading", object: "operand" });
        }
        Ok(Self::phase(self.small(), &reading.words) & ((1 << reading.log) - 1))
    }
}

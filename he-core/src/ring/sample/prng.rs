//! `stream(seed, s) = ChaCha20(key = seed, nonce = s, counter = 0, 1, ...)`, read byte by byte in order.
//!
//! The stream is D. J. Bernstein's original ChaCha20 (64-bit counter, 64-bit nonce), the nonce and the counter
//! in little-endian order. Every sampler takes the next bytes of the stream and skips none, so what a seed
//! expands to is defined by the cipher and the sampler's formula alone, not by how this code buffers.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::hint::black_box;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::SampleError;

/// A 256-bit key of the generator.
pub type Seed = [u8; 32];

/// A deterministic random generator: the ChaCha20 key stream of a [`Seed`].
///
/// It is neither `Clone` nor `Debug`: a copy would repeat secrets and a printout would reveal them. The key,
/// the counter and the buffered output live in one heap cell that moves of the value do not copy, and dropping
/// overwrites that cell. What is left to the compiler: the temporaries of the block function, and the store of
/// the overwritten state, which `black_box` keeps from being removed in practice but not by guarantee.
///
/// ```
/// use he_core::ring::sample::Prng;
///
/// let (mut one, mut same) = (Prng::from_seed(&[7; 32]), Prng::from_seed(&[7; 32]));
/// assert_eq!(one.next_u64(), same.next_u64());
/// assert_ne!(one.next_u64(), Prng::from_seed_stream(&[7; 32], 1).next_u64());
/// ```
/// ```compile_fail,E0277
/// fn print(prng: &he_core::ring::sample::Prng) { println!("{prng:?}"); }
/// ```
/// ```compile_fail,E0308
/// fn copy(prng: &he_core::ring::sample::Prng) -> he_core::ring::sample::Prng { prng.clone() }
/// ```
/// ```compile_fail,E0369
/// fn compare(a: &he_core::ring::sample::Prng, b: &he_core::ring::sample::Prng) -> bool { a == b }
/// ```
/// ```compile_fail,E0277
/// #[derive(serde::Serialize)]
/// struct Backup { prng: he_core::ring::sample::Prng }
/// ```
pub struct Prng {
    cipher: Box<ChaCha20Rng>,
    /// Bytes of a 32-bit word of the stream not handed out yet, in the low end.
    rest: u32,
    /// How many bytes `rest` holds, 0 to 3.
    rest_len: usize,
}

impl Prng {
    /// A generator with a fresh key from the operating system.
    ///
    /// # Errors
    /// [`SampleError::Entropy`] if the operating system gives none.
    pub fn from_os() -> Result<Prng, SampleError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        getrandom::fill(&mut *seed).map_err(SampleError::Entropy)?;
        Ok(Prng::from_seed(&seed))
    }

    /// The generator of stream 0 of `seed`, the same for ever.
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Prng {
        Prng::from_seed_stream(seed, 0)
    }

    /// The generator of stream `stream` of `seed`, the same for ever.
    ///
    /// Streams are independent, so the limbs of a seeded polynomial can be expanded in any order and in
    /// parallel, each from its own.
    #[must_use]
    pub fn from_seed_stream(seed: &Seed, stream: u64) -> Prng {
        let mut cipher = Box::new(ChaCha20Rng::from_seed(*seed));
        cipher.set_stream(stream);
        Prng { cipher, rest: 0, rest_len: 0 }
    }

    /// A generator under a key drawn from this one, for secrets sampled on another thread.
    ///
    /// A drawn key, unlike a chosen stream number, cannot be used twice by mistake.
    #[must_use]
    pub fn fork(&mut self) -> Prng {
        let seed = Zeroizing::new(self.next_seed());
        Prng::from_seed(&seed)
    }

    /// The next 32 bytes of the stream as a seed, safe to publish: it reveals nothing else of this stream.
    #[must_use]
    pub fn next_seed(&mut self) -> Seed {
        let mut seed = [0u8; 32];
        self.fill_bytes(&mut seed);
        seed
    }

    /// The next 8 bytes of the stream as a little-endian number.
    #[must_use]
    pub fn next_u64(&mut self) -> u64 {
        let mut bytes = [0u8; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Fills `out` with the next bytes of the stream.
    pub fn fill_bytes(&mut self, out: &mut [u8]) {
        // The library drops the rest of a 32-bit word that it hands out in part; it is kept here instead.
        let (head, out) = out.split_at_mut(self.rest_len.min(out.len()));
        self.take_rest(head);
        let (words, tail) = out.split_at_mut(out.len() & !3);
        self.cipher.fill_bytes(words);
        if !tail.is_empty() {
            self.rest = self.cipher.next_u32();
            self.rest_len = 4;
            self.take_rest(tail);
        }
    }

    fn take_rest(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.rest.to_le_bytes()[0];
            self.rest >>= 8;
            self.rest_len -= 1;
        }
    }
}

impl Prng {
    fn wipe(&mut self) {
        // A fresh generator has a zero buffer, so this overwrites the key, the counter and pending output.
        *self.cipher = ChaCha20Rng::from_seed([0; 32]);
        black_box(&mut self.cipher);
        self.rest.zeroize();
        self.rest_len.zeroize();
    }
}

impl Drop for Prng {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl ZeroizeOnDrop for Prng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_generator_has_nothing_left_of_its_key_and_its_stream() {
        let mut prng = Prng::from_seed_stream(&[7; 32], 3);
        // Output is pending, in the block and in the word that was begun.
        prng.fill_bytes(&mut [0; 101]);
        assert!(prng.rest != 0 && prng.rest_len == 3);
        prng.wipe();
        assert_eq!((prng.rest, prng.rest_len), (0, 0));
        assert_eq!(*prng.cipher, ChaCha20Rng::from_seed([0; 32]));
        assert_eq!(prng.cipher.get_seed(), [0; 32]);
        assert_eq!((prng.cipher.get_stream(), prng.cipher.get_word_pos()), (0, 0));
    }
}

//! Flat storage of polynomials, drawn from a pool and given back to it.
//!
//! A circuit makes and drops thousands of polynomials of a few sizes. Fresh pages from the operating system cost more than
//! the arithmetic on them, so a dropped buffer goes back to the pool, and serves the next that is as long or a little
//! shorter: levels differ by a limb. A buffer that held a secret is wiped first.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize;

/// Words kept for reuse before further buffers are handed back to the allocator (2 GiB).
const KEPT_WORDS: usize = 1 << 28;

#[derive(Default)]
struct Shelves {
    by_length: BTreeMap<usize, Vec<Vec<u64>>>,
    words: usize,
}

/// A pool of word buffers, shared by all polynomials of one ring.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Shelves>>);

impl Pool {
    /// A buffer of `length` words whose contents are unspecified (of an earlier polynomial, or zero).
    pub fn take(&self, length: usize) -> Buffer {
        let words = self.find(length).unwrap_or_else(|| vec![0; length]);
        Buffer { words, length, pool: self.clone(), secret: false }
    }

    /// The shortest buffer of at least `length` words, but not of many more.
    fn find(&self, length: usize) -> Option<Vec<u64>> {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fitting = shelves.by_length.range_mut(length..=length + length / 4);
        let words = fitting.find_map(|(_, shelf)| shelf.pop())?;
        shelves.words -= words.len();
        Some(words)
    }

    /// A buffer of `length` zeros.
    pub fn zeroed(&self, length: usize) -> Buffer {
        let mut buffer = self.take(length);
        buffer.fill(0);
        buffer
    }

    fn give(&self, words: Vec<u64>) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.words + words.len() <= KEPT_WORDS {
            shelves.words += words.len();
            shelves.by_length.entry(words.len()).or_default().push(words);
        }
    }
}

/// Words on loan from a [`Pool`].
pub struct Buffer {
    words: Vec<u64>,
    /// Words in use, of those there are.
    length: usize,
    pool: Pool,
    secret: bool,
}

impl Buffer {
    /// Marks the contents as secret: they are wiped before the words are used again.
    pub fn mark_secret(&mut self) {
        self.secret = true;
    }
}

impl Deref for Buffer {
    type Target = [u64];
    fn deref(&self) -> &[u64] {
        &self.words[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.words[..self.length]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = self.pool.take(self.length);
        copy.copy_from_slice(self);
        copy.secret = self.secret;
        copy
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.secret {
            // `Vec::zeroize` would also empty the vector; the words are wanted again.
            self.zeroize();
        }
        self.pool.give(std::mem::take(&mut self.words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again_and_a_secret_one_comes_back_wiped() {
        let pool = Pool::default();
        let mut first = pool.take(64);
        first.fill(7);
        let address = first.as_ptr();
        drop(first);
        let mut second = pool.take(64);
        assert_eq!(second.as_ptr(), address);
        assert!(second.iter().all(|&w| w == 7));
        second.mark_secret();
        drop(second);
        let third = pool.take(64);
        assert_eq!(third.as_ptr(), address);
        assert!(third.iter().all(|&w| w == 0));
    }

    #[test]
    fn a_buffer_serves_a_little_less_than_its_length_and_comes_back_whole() {
        let pool = Pool::default();
        let whole = pool.take(64);
        let address = whole.as_ptr();
        drop(whole);
        let shorter = pool.take(52);
        assert_eq!((shorter.as_ptr(), shorter.len(), shorter.clone().len()), (address, 52, 52));
        assert_ne!(pool.take(64).as_ptr(), address);
        drop(shorter);
        assert_ne!(pool.take(50).as_ptr(), address);
        assert_eq!(pool.take(64).as_ptr(), address);
    }
}

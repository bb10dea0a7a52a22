//! Flat storage of polynomials, drawn from a pool and given back to it.
//!
//! A circuit makes and drops thousands of polynomials of a few sizes. Fresh pages from the operating system cost more than
//! the arithmetic on them, so a dropped buffer goes back to the pool, and serves the next that is as long or a little
//! shorter: levels differ by a limb. A buffer that held a secret is wiped first.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroize;

/// Words that one store keeps for reuse before further buffers are freed (1 GiB).
const KEPT_WORDS: usize = 1 << 27;
/// Stores of a pool. Threads beyond this number share them.
const STORES: usize = 16;

/// A pool of word buffers, shared by all polynomials of one ring.
///
/// Every thread has a store of its own to take from, so that threads seldom wait for each other. A buffer goes back to the
/// store that it is of, wherever it is dropped. A thread whose store has nothing fitting looks into the others.
///
/// ```
/// use he_core::ring::buffer::Pool;
///
/// let pool = Pool::default();
/// let buffer = pool.zeroed(64);
/// assert!(buffer.iter().all(|&word| word == 0));
/// drop(buffer);
/// // The words of the first buffer again.
/// assert_eq!(pool.take(60).len(), 60);
/// ```
#[derive(Clone, Default)]
pub struct Pool(Arc<[Arc<Store>; STORES]>);

/// The number of a thread among all, given when it first asks.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

impl Pool {
    /// A buffer of `length` words whose contents are unspecified (of an earlier polynomial, or zero).
    ///
    /// # Panics
    /// If there is not that much memory.
    pub fn take(&self, length: usize) -> Buffer {
        let own = thread_number() % STORES;
        let others = (1..STORES).map(|i| &self.0[(own + i) % STORES]);
        let found = self.0[own].find(length).or_else(|| others.flat_map(|store| store.find(length)).next());
        Buffer::new(&self.0[own], length, found)
    }

    /// Copies of all buffers that wait to be used again.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Vec<Vec<u64>> {
        let of = |store: &Arc<Store>| store.lock().by_length.values().flatten().cloned().collect::<Vec<_>>();
        self.0.iter().flat_map(of).collect()
    }

    /// A buffer of `length` zeros.
    ///
    /// # Panics
    /// If there is not that much memory.
    pub fn zeroed(&self, length: usize) -> Buffer {
        let mut buffer = self.take(length);
        buffer.fill(0);
        buffer
    }
}

/// Buffers for one thread. On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Store(Mutex<Shelves>);

#[derive(Default)]
struct Shelves {
    by_length: BTreeMap<usize, Vec<Vec<u64>>>,
    words: usize,
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shortest buffer of at least `length` words, but not of many more.
    fn find(&self, length: usize) -> Option<Vec<u64>> {
        let mut shelves = self.lock();
        let mut fitting = shelves.by_length.range_mut(length..=length + length / 4);
        let words = fitting.find_map(|(_, shelf)| shelf.pop())?;
        shelves.words -= words.len();
        Some(words)
    }

    fn give(&self, words: Vec<u64>) {
        let mut shelves = self.lock();
        if shelves.words + words.len() <= KEPT_WORDS {
            shelves.words += words.len();
            shelves.by_length.entry(words.len()).or_default().push(words);
        }
    }
}

/// Words on loan from a [`Pool`].
///
/// ```
/// use he_core::ring::buffer::Pool;
///
/// let pool = Pool::default();
/// let mut key = pool.take(64);
/// key.fill(7);
/// key.mark_secret();
/// drop(key);
/// // Wiped before it is used again.
/// assert!(pool.take(64).iter().all(|&word| word == 0));
/// ```
pub struct Buffer {
    words: Vec<u64>,
    /// Words in use, of those there are.
    length: usize,
    store: Arc<Store>,
    secret: bool,
}

impl Buffer {
    fn new(store: &Arc<Store>, length: usize, words: Option<Vec<u64>>) -> Self {
        let words = words.unwrap_or_else(|| vec![0; length]);
        Self { words, length, store: Arc::clone(store), secret: false }
    }

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
        let mut copy = Self::new(&self.store, self.length, self.store.find(self.length));
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
        self.store.give(std::mem::take(&mut self.words));
    }
}

crate::brief_debug!(Pool: |_a| stores = STORES);
crate::brief_debug!(Buffer: |a| length = a.length, secret = a.secret);

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

//! A residue basis: distinct primes `q_0, …, q_{l-1}`, each `≡ 1 (mod 2N)`, with their transforms.
//!
//! By the Chinese remainder theorem `Z_Q ≅ Z_{q_0} × … × Z_{q_{l-1}}` for `Q = Π q_i`; a polynomial over a basis stores
//! one *limb* of `N` words for each prime.

use std::sync::Arc;

use thiserror::Error;

use super::automorphism::Automorphisms;
use super::buffer::Pool;
use super::ntt::{Ntt, NttError};
use crate::modulus::{Modulus, ModulusError};

/// Reasons to refuse the primes of a basis.
#[derive(Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum RingError {
    /// The primes of a basis are not distinct.
    #[error("a residue basis needs distinct primes, {0} is given twice")]
    RepeatedPrime(u64),
    /// A basis without primes.
    #[error("a residue basis needs at least one prime")]
    Empty,
    /// A word that is no modulus.
    #[error(transparent)]
    Modulus(#[from] ModulusError),
    /// A transform that does not exist.
    #[error(transparent)]
    Ntt(#[from] NttError),
}

/// Primes with transforms for one ring dimension; cheap to clone and to cut.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::ring::Basis;
///
/// // Both are 1 modulo 32.
/// let basis = Basis::new(16, &[97, 193])?;
/// assert_eq!((basis.n(), basis.len()), (16, 2));
/// assert_eq!(basis.select([1]).modulus(0).value(), 193);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Basis {
    ring: Arc<Ring>,
    ntts: Vec<Arc<Ntt>>,
}

/// Tables and storage that all bases of one dimension share.
struct Ring {
    n: usize,
    automorphisms: Automorphisms,
    pool: Pool,
}

impl Basis {
    /// A basis of the given primes for ring dimension `n`.
    ///
    /// # Errors
    /// If `n` is no supported power of two, a prime is not `≡ 1 (mod 2n)`, none is given or one is given twice.
    pub fn new(n: usize, primes: &[u64]) -> Result<Self, RingError> {
        for (i, prime) in primes.iter().enumerate() {
            if primes[..i].contains(prime) {
                return Err(RingError::RepeatedPrime(*prime));
            }
        }
        let ntts = primes
            .iter()
            .map(|&q| Ok(Arc::new(Ntt::new(n, Modulus::new(q)?)?)))
            .collect::<Result<Vec<_>, RingError>>()?;
        let first = ntts.first().ok_or(RingError::Empty)?;
        let automorphisms = Automorphisms::new(first.evaluation_exponents());
        Ok(Self { ring: Arc::new(Ring { n, automorphisms, pool: Pool::default() }), ntts })
    }

    /// The basis of the primes at the given positions of this one.
    ///
    /// # Panics
    /// If a position is out of range.
    pub fn select(&self, positions: impl IntoIterator<Item = usize>) -> Self {
        let ntts = positions.into_iter().map(|i| Arc::clone(&self.ntts[i])).collect();
        Self { ring: Arc::clone(&self.ring), ntts }
    }

    /// Ring dimension `N`.
    pub fn n(&self) -> usize {
        self.ring.n
    }

    /// Number of primes.
    pub fn len(&self) -> usize {
        self.ntts.len()
    }

    /// Whether no prime is left.
    pub fn is_empty(&self) -> bool {
        self.ntts.is_empty()
    }

    /// Transform of the prime at position `i`.
    ///
    /// # Panics
    /// If there is none.
    pub fn ntt(&self, i: usize) -> &Ntt {
        &self.ntts[i]
    }

    /// Transform of the prime at position `i`, to be kept by tables that are built on it.
    ///
    /// # Panics
    /// If there is none.
    pub fn shared_ntt(&self, i: usize) -> Arc<Ntt> {
        Arc::clone(&self.ntts[i])
    }

    /// Prime at position `i`.
    ///
    /// # Panics
    /// If there is none.
    pub fn modulus(&self, i: usize) -> &Modulus {
        self.ntts[i].modulus()
    }

    /// All primes in order.
    pub fn moduli(&self) -> impl ExactSizeIterator<Item = &Modulus> {
        self.ntts.iter().map(|ntt| ntt.modulus())
    }

    /// Base-two logarithm of the product of the primes.
    pub fn log2(&self) -> f64 {
        self.moduli().map(|q| (q.value() as f64).log2()).sum()
    }

    /// Automorphism tables of the ring.
    pub fn automorphisms(&self) -> &Automorphisms {
        &self.ring.automorphisms
    }

    /// The pool from which polynomials of the ring take their storage.
    pub(crate) fn pool(&self) -> &Pool {
        &self.ring.pool
    }

    /// Whether both bases list the same primes of the same ring dimension in the same order.
    pub fn same(&self, other: &Self) -> bool {
        self.n() == other.n()
            && self.len() == other.len()
            && self.moduli().zip(other.moduli()).all(|(a, b)| a.value() == b.value())
    }
}

crate::brief_debug!(Basis: |a| n = a.ring.n, moduli = a.ntts.len());

crate::debug_as_displayed!(RingError);

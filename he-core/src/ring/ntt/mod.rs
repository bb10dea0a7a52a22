//! Number-theoretic transforms: `a(X) -> (a(psi^{e_0}), …, a(psi^{e_{n-1}}))` modulo a prime `q ≡ 1 (mod
//! 2n)`.
//!
//! `psi` is the canonical primitive `2n`-th root of unity of [`crate::prime::primitive_root_2n`]; its odd
//! powers are the roots of `X^n + 1`, so a product modulo `X^n + 1` is a product value by value. Root and
//! order of the values (see [`Ntt::evaluation_exponents`]) depend on `n` and `q` alone: every backend and
//! vector width gives the same words.
//!
//! Primes below `2^48` are transformed with the 52-bit multiply-add of AVX-512 where the machine has it and the tables stay
//! in cache (`ifma`). Other primes below `2^50` are transformed in floating point with fused multiply-adds, exactly (`fma`).
//! Larger primes, and machines without the instruction, take a transform on words (`words`) or, with the feature `tfhe-ntt`, that of
//! the library of that name.

use thiserror::Error;

use self::fma::Fma;
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
use self::ifma::Ifma;
#[cfg(feature = "tfhe-ntt")]
use self::library::Library;
use self::words::Words;
use super::kernel::{self, has_fma};
use crate::modulus::{FMA_LIMIT, Modulus};
use crate::prime::{is_prime, primitive_root_2n};

mod fma;
#[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
mod ifma;
mod levels;
#[cfg(feature = "tfhe-ntt")]
mod library;
pub(crate) mod order;
mod passes;
mod runs;
#[cfg(test)]
mod tests;
mod words;

crate::brief_debug!(Ntt: |a| n = a.n, modulus = a.modulus.value(), backend = a.backend);
crate::debug_as_displayed!(NttError);

/// A transform that does not exist.
#[derive(Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NttError {
    /// The length is no supported power of two.
    #[error("transform length {0} is not supported, it must be a power of two from 8 to 131072")]
    Length(usize),
    /// The modulus is composite.
    #[error("modulus {0} is not prime, a transform needs a prime")]
    NotPrime(u64),
    /// There is no primitive `2n`-th root of unity.
    #[error("prime {q} has no primitive root of unity of order {order}, it must be 1 modulo {order}")]
    NoRoot {
        /// The prime.
        q: u64,
        /// The order needed, `2n`.
        order: usize,
    },
    /// The prime is too large for the floating-point backend.
    #[error("prime {0} is too large for the floating-point transform, it must be less than 2^50")]
    TooLargeForFma(u64),
    /// The prime is too large for the backend of 52-bit multiply-adds.
    #[error("prime {0} is too large for the transform by 52-bit multiply-add, it must be less than 2^48")]
    TooLargeForIfma(u64),
    /// The machine lacks the instructions.
    #[error("this machine has no 52-bit multiply-add (AVX-512 IFMA)")]
    NoIfma,
    /// The library has no transform for these parameters.
    #[cfg(feature = "tfhe-ntt")]
    #[error("the library has no transform of length {n} modulo {q}")]
    NoLibraryPlan {
        /// The length.
        n: usize,
        /// The prime.
        q: u64,
    },
    /// The library's transform disagrees with a direct evaluation.
    #[cfg(feature = "tfhe-ntt")]
    #[error(
        "the library transform of length {n} modulo {q} is wrong at a probed point; choose another prime"
    )]
    LibraryMismatch {
        /// The length.
        n: usize,
        /// The prime.
        q: u64,
    },
}

/// Implementations of a transform; the results are the same.
///
/// ```
/// # use he_core::Modulus;
/// # use he_core::prime::primes_below;
/// # use he_core::ring::ntt::{Backend, Ntt};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let q = Modulus::new(primes_below(1 << 40, 128, 1)?[0])?;
/// let mut values = [[0; 64]; 2];
/// for (data, backend) in values.iter_mut().zip([Backend::Fma, Backend::Words]) {
///     data[1] = 1;
///     Ntt::with_backend(64, q, backend)?.forward(data);
/// }
/// assert_eq!(values[0], values[1]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Lazy integer kernels of this crate on AVX-512 with its 52-bit multiply-add, for primes below `2^48`.
    Ifma,
    /// Exact floating-point kernels of this crate, for primes below `2^50`.
    Fma,
    /// Lazy integer kernels of this crate on words, for any prime below `2^62` on any machine.
    Words,
    /// The integer kernels of `tfhe-ntt`, for any prime below `2^62` that they are right for; with the feature of that name.
    #[cfg(feature = "tfhe-ntt")]
    Library,
}

/// The primes below this bound (`2^48`) have kernels with the 52-bit multiply-add.
const IFMA_LIMIT: u64 = 1 << 48;

/// The longest transform for which they are chosen: their tables are two and three times as long as those in floating point,
/// and beyond this length no longer stay in a second-level cache of 2 MiB beside the data.
const IFMA_LONGEST: usize = 1 << 14;

/// Whether the machine has the 52-bit multiply-add.
fn has_ifma() -> bool {
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    return ifma::available();
    #[cfg(not(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64"))))]
    false
}

/// The transform of one length modulo one prime, with its tables.
///
/// ```
/// # use he_core::Modulus;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::ring::ntt::Ntt;
///
/// // X·X^15 = −1 modulo X^16 + 1.
/// let q = Modulus::new(97)?;
/// let ntt = Ntt::new(16, q)?;
/// let (mut a, mut b) = ([0; 16], [0; 16]);
/// (a[1], b[15]) = (1, 1);
/// ntt.forward(&mut a);
/// ntt.forward(&mut b);
/// a.iter_mut().zip(b).for_each(|(x, y)| *x = q.mul(*x, y));
/// ntt.inverse(&mut a);
/// assert_eq!((a[0], &a[1..]), (96, &[0; 15][..]));
/// # Ok(())
/// # }
/// ```
pub struct Ntt {
    n: usize,
    modulus: Modulus,
    root: u64,
    exponents: Vec<u32>,
    backend: Backend,
    engine: Engine,
}

/// The tables of whatever computes; short lengths are transformed on words in every backend.
enum Engine {
    #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
    Ifma(Box<Ifma>),
    Fma(Fma),
    #[cfg(feature = "tfhe-ntt")]
    Library(Library),
    Words(Words),
}

impl Ntt {
    /// The transform of length `n`, a power of two in `8..=131072`, modulo a prime `q ≡ 1 (mod 2n)`.
    ///
    /// # Errors
    /// If the length is not supported, or `q` is not such a prime.
    pub fn new(n: usize, q: Modulus) -> Result<Self, NttError> {
        let cached = (order::LEAST..=IFMA_LONGEST).contains(&n);
        let backend = if cached && q.value() < IFMA_LIMIT && has_ifma() {
            Backend::Ifma
        } else if q.value() < FMA_LIMIT && has_fma() {
            Backend::Fma
        } else {
            // Of its transforms some are wrong: what does not pass its check is not used.
            #[cfg(feature = "tfhe-ntt")]
            if let Ok(ntt) = Self::with_backend(n, q, Backend::Library) {
                return Ok(ntt);
            }
            Backend::Words
        };
        Self::with_backend(n, q, backend)
    }

    /// The transform on a chosen backend; [`Backend::Fma`] is slow on machines without the instruction.
    ///
    /// # Errors
    /// As for [`Ntt::new`], if `q >= 2^50` on [`Backend::Fma`], if `q >= 2^48` or the machine lacks the instructions on
    /// [`Backend::Ifma`], and if the library has no transform or fails its check on `Library`.
    pub fn with_backend(n: usize, q: Modulus, backend: Backend) -> Result<Self, NttError> {
        if !n.is_power_of_two() || !(8..=1 << 17).contains(&n) {
            return Err(NttError::Length(n));
        }
        if !is_prime(q.value()) {
            return Err(NttError::NotPrime(q.value()));
        }
        if backend == Backend::Fma && q.value() >= FMA_LIMIT {
            return Err(NttError::TooLargeForFma(q.value()));
        }
        if backend == Backend::Ifma && q.value() >= IFMA_LIMIT {
            return Err(NttError::TooLargeForIfma(q.value()));
        }
        if backend == Backend::Ifma && !has_ifma() {
            return Err(NttError::NoIfma);
        }
        let no_root = NttError::NoRoot { q: q.value(), order: 2 * n };
        let root = primitive_root_2n(&q, n).ok_or(no_root)?;
        let exponents = order::evaluation_exponents(n);
        // Both are units modulo a prime above n.
        let root_inverse = q.inv(root).ok_or(no_root)?;
        let n_inverse = q.inv(n as u64).ok_or(no_root)?;
        let engine = match backend {
            #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
            Backend::Ifma if n >= order::LEAST => {
                let ifma = Ifma::new(n, q, root, root_inverse, n_inverse);
                Engine::Ifma(Box::new(ifma.ok_or(NttError::NoIfma)?))
            }
            Backend::Fma if n >= order::LEAST => Engine::Fma(Fma::new(n, q, root, root_inverse, n_inverse)),
            #[cfg(feature = "tfhe-ntt")]
            Backend::Library if n >= library::LEAST => Engine::Library(Library::new(n, q, root, &exponents)?),
            _ => Engine::Words(Words::new(n, q, root, root_inverse, n_inverse)),
        };
        Ok(Self { n, modulus: q, root, exponents, backend, engine })
    }

    /// Replaces coefficients in `[0, q)` by values in `[0, q)`.
    ///
    /// # Panics
    /// If the length of `data` is not `n`.
    pub fn forward(&self, data: &mut [u64]) {
        self.check(data);
        match &self.engine {
            #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
            Engine::Ifma(ifma) => ifma.forward(data),
            Engine::Fma(fma) => fma.forward(data),
            #[cfg(feature = "tfhe-ntt")]
            Engine::Library(library) => library.forward(data),
            Engine::Words(words) => words.forward(data),
        }
    }

    /// Writes the values of the polynomial whose coefficients are the representatives of `source` modulo `from` in `(-from/2,
    /// from/2]`: what lifting a digit of one prime ends with.
    ///
    /// # Panics
    /// If a length is not `n`.
    pub fn forward_centered(&self, out: &mut [u64], source: &[u64], from: &Modulus) {
        assert_eq!((out.len(), source.len()), (self.n, self.n), "the data of a transform has its length");
        // Then a representative is below `q` in magnitude.
        let near = from.value() / 2 < self.modulus.value();
        match &self.engine {
            #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
            Engine::Ifma(ifma) if near => ifma.forward_centered(out, source, from.value()),
            Engine::Fma(fma) if near && from.fits_fma() => fma.forward_centered(out, source, from),
            _ => {
                kernel::center_reduce(&self.modulus, out, source, from);
                self.forward(out);
            }
        }
    }

    /// Replaces coefficients in `[0, q)` by `(value − subtrahend)·factor` of each value, while these are in registers: what a
    /// division ends with.
    ///
    /// # Panics
    /// If a length is not `n`.
    pub fn forward_sub_mul(&self, data: &mut [u64], subtrahend: &[u64], factor: u64) {
        self.check(data);
        assert_eq!(subtrahend.len(), self.n, "what is subtracted has the length of the transform");
        match &self.engine {
            #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
            Engine::Ifma(ifma) => ifma.forward_sub_mul(data, subtrahend, factor),
            Engine::Fma(fma) => fma.forward_sub_mul(data, subtrahend, factor),
            _ => {
                self.forward(data);
                kernel::sub_mul_scalar_assign(&self.modulus, data, subtrahend, factor);
            }
        }
    }

    /// Replaces values in `[0, q)` by coefficients in `[0, q)`, the exact inverse of [`Ntt::forward`].
    ///
    /// # Panics
    /// If the length of `data` is not `n`.
    pub fn inverse(&self, data: &mut [u64]) {
        self.check(data);
        match &self.engine {
            #[cfg(all(feature = "avx512", any(target_arch = "x86", target_arch = "x86_64")))]
            Engine::Ifma(ifma) => ifma.inverse(data),
            Engine::Fma(fma) => fma.inverse(data),
            #[cfg(feature = "tfhe-ntt")]
            Engine::Library(library) => library.inverse(data),
            Engine::Words(words) => words.inverse(data),
        }
    }

    fn check(&self, data: &[u64]) {
        assert_eq!(data.len(), self.n, "the data of a transform has its length");
        debug_assert!(data.iter().all(|&x| x < self.modulus.value()), "transform input is reduced");
    }

    /// The length, the degree of `X^n + 1`.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The prime modulus.
    pub fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// The canonical primitive `2n`-th root of unity `psi`.
    pub fn root(&self) -> u64 {
        self.root
    }

    /// `psi^{n/2}`, a square root of −1: the value of `X^{n/2}` on the first half of the outputs, where `e_i ≡ 1 (mod 4)`;
    /// on the second it is the negative.
    pub fn imaginary_unit(&self) -> u64 {
        self.modulus.pow(self.root, self.n as u64 / 2)
    }

    /// The exponents `e_i`, odd and below `2n`, such that output `i` is `a(psi^{e_i})`; a function of `n`
    /// alone.
    pub fn evaluation_exponents(&self) -> &[u32] {
        &self.exponents
    }

    /// The backend of this transform.
    pub fn backend(&self) -> Backend {
        self.backend
    }
}

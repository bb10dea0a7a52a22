//! Encryptions of zero under a secret or a public key, and the phase.
//!
//! Secret key: `c_1 = a` uniform, `c_0 = −a·s + f·e`. Public key `(b, a) = (−a·s + f·e, a)`; with ternary `u` an
//! encryption is `(b·u + f·e_0, a·u + f·e_1)` (Lyubashevsky, Peikert, Regev 2010). A scheme adds its message to the
//! phase.

use zeroize::Zeroizing;

use super::ciphertext::{Ciphertext, SeededCiphertext, uniform_part};
use super::params::{MESSAGE_LIMIT, Parameters};
use super::secret::SecretKey;
use super::secret_id::SecretId;
use crate::ring::Basis;
use crate::ring::poly::{Coeff, Eval, Poly};
use crate::ring::sample::{Prng, SampleError, Seed};

/// A polynomial `m + f·e` with fresh errors `e`, for a message with as many coefficients as it needs, the others 0: both
/// are transformed at once.
///
/// # Panics
/// If the message has more than `N` coefficients or one of 2^61 or above in magnitude.
pub(crate) fn noisy(params: &Parameters, basis: &Basis, message: &[i64], prng: &mut Prng) -> Poly<Eval> {
    assert!(message.len() <= params.n(), "a message has at most N coefficients");
    let mut e = Zeroizing::new(vec![0i64; params.n()]);
    params.errors().sample(prng, &mut e);
    // `f·e` is below 2^61 in magnitude: checked when the parameters were built.
    let factor = params.spec().error_factor as i64;
    e.iter_mut().for_each(|e| *e *= factor);
    for (e, &m) in e.iter_mut().zip(message) {
        assert!(m.unsigned_abs() < MESSAGE_LIMIT, "a coefficient of a message is below 2^61");
        *e += m;
    }
    let mut poly = Poly::<Coeff>::from_signed(basis, &e);
    poly.mark_secret();
    poly.into_eval()
}

pub(crate) fn fresh_seed(prng: &mut Prng) -> Seed {
    prng.next_seed()
}

impl SecretKey {
    /// An encryption of zero over the first `limbs` primes, in seeded form.
    ///
    /// # Panics
    /// If `limbs` is 0 or above the length of the chain.
    pub fn encrypt_zero(&self, limbs: usize, prng: &mut Prng) -> SeededCiphertext {
        self.encrypt(limbs, &[], prng)
    }

    /// An encryption of a polynomial over the first `limbs` primes, in seeded form; missing coefficients are 0.
    ///
    /// # Panics
    /// If `limbs` is 0 or above the length of the chain, the message has more than `N` coefficients, or one has a
    /// magnitude of 2^61 or more.
    pub fn encrypt(&self, limbs: usize, message: &[i64], prng: &mut Prng) -> SeededCiphertext {
        let params = self.params();
        // The seed is published: it comes from the same generator as the error, one way.
        let seed = fresh_seed(prng);
        let mut c0 = uniform_part(params, limbs, &seed);
        c0.mul_assign(&self.values(limbs));
        c0.neg_assign();
        c0.add_assign(&noisy(params, params.basis(limbs), message, prng));
        SeededCiphertext { params: params.clone(), secret: self.secret_id(), c0, seed }
    }

    /// The phase `Σ c_i·s^i` of a ciphertext; wiped when dropped.
    ///
    /// # Panics
    /// If the ciphertext belongs to another secret.
    pub fn phase(&self, ciphertext: &Ciphertext) -> Poly<Coeff> {
        assert_eq!(ciphertext.secret_id(), self.secret_id(), "a ciphertext of this secret");
        let s = self.values(ciphertext.limbs());
        let mut parts = ciphertext.parts().iter().rev();
        let mut phase = parts.next().expect("a ciphertext has parts").clone();
        phase.mark_secret();
        for part in parts {
            phase.mul_assign(&s);
            phase.add_assign(part);
        }
        phase.into_coeff()
    }

    /// A public key.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn public_key(&self) -> Result<PublicKey, SampleError> {
        Ok(PublicKey { zero: self.encrypt_zero(self.params().max_limbs(), &mut Prng::from_os()?) })
    }
}

/// A public encryption key: an encryption of zero over the whole chain.
///
/// ```
/// # use he_core::ring::rns::to_words;
/// # use he_core::ring::sample::Prng;
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let (key, mut prng) = (SecretKey::generate(&params)?, Prng::from_os()?);
/// # let decrypt = |c: &Ciphertext| (to_words(&key.phase(c))[0] + (1 << 19)) >> 20;
/// let public = key.public_key()?;
/// let c = public.encrypt(2, &[7 << 20], &mut prng);
/// assert_eq!(decrypt(&c), 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicKey {
    zero: SeededCiphertext,
}

impl PublicKey {
    /// Wraps an encryption of zero over the whole chain.
    ///
    /// # Panics
    /// If it does not cover the chain.
    pub fn new(zero: SeededCiphertext) -> Self {
        assert_eq!(zero.limbs(), zero.params().max_limbs(), "a public key covers the whole chain");
        Self { zero }
    }

    /// The identifier of the secret.
    pub fn secret_id(&self) -> SecretId {
        self.zero.secret
    }

    /// The encryption of zero it consists of.
    pub fn zero(&self) -> &SeededCiphertext {
        &self.zero
    }

    /// An encryption of zero over the first `limbs` primes.
    ///
    /// # Panics
    /// If `limbs` is 0 or above the length of the chain.
    pub fn encrypt_zero(&self, limbs: usize, prng: &mut Prng) -> Ciphertext {
        self.encrypt(limbs, &[], prng)
    }

    /// An encryption of a polynomial over the first `limbs` primes; missing coefficients are 0.
    ///
    /// # Panics
    /// As [`SecretKey::encrypt`].
    pub fn encrypt(&self, limbs: usize, message: &[i64], prng: &mut Prng) -> Ciphertext {
        let params = self.zero.params();
        let mut small = Zeroizing::new(vec![0i8; params.n()]);
        prng.ternary(&mut small);
        let wide = Zeroizing::new(small.iter().map(|&c| i64::from(c)).collect::<Vec<_>>());
        let mut u = Poly::<Coeff>::from_signed(params.basis(limbs), &wide);
        u.mark_secret();
        let u = u.into_eval();
        let a = uniform_part(params, limbs, &self.zero.seed);
        let parts = [(self.zero.c0.truncated(limbs), message), (a, &[])]
            .into_iter()
            .map(|(mut part, message)| {
                part.mul_assign(&u);
                part.add_assign(&noisy(params, params.basis(limbs), message, prng));
                part
            })
            .collect();
        Ciphertext::new(params, self.secret_id(), parts)
    }
}

crate::brief_debug!(PublicKey: |a| secret_id = a.secret_id());

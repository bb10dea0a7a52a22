//! Fresh ciphertexts in the form in which they are made and sent: one nonce for all masks, and four bytes a ciphertext.
//!
//! Masks are streams of a seed, which is the digest of the identifier of the secret and 16 random bytes. Under one secret no nonce
//! may come twice, or differences of messages are seen: for `2^k` lists that is an event of probability `2^(2k − 129)`. Under
//! different secrets equal masks show nothing.

use he_core::ring::sample::{Prng, Seed};
use he_core::rlwe::SecretId;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::lwe::LweCiphertext;
use crate::params::Parameters;
use crate::phases::{bit_phase, message_phases};
use crate::secret::{SecretKey, each};

/// Fresh ciphertexts whose masks are streams of a seed: 40 bytes, the identifier of the secret among them, and 4 for each ciphertext,
/// where the ciphertexts themselves take `4·(k·N + 1)`. Only a holder of the secret key makes them.
///
/// ```
/// # use he_tfhe::*;
/// # fn main() -> Result<(), Error> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// # let key = SecretKey::generate(&params)?;
/// // The client sends 16 messages, the server expands them.
/// let bytes = key.encrypt_seeded(&[7; 16])?.to_bytes();
/// assert!(bytes.len() < 16 * 16);
/// let ciphertexts = SeededCiphertexts::from_bytes(&params, &bytes)?.expand();
/// assert_eq!(Decryptor::new(&key).decrypt(&ciphertexts[15])?, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SeededCiphertexts {
    pub(crate) params: Parameters,
    pub(crate) secret: SecretId,
    pub(crate) nonce: Nonce,
    /// Of ciphertext `i`, whose mask is stream `i` of the seed.
    pub(crate) bodies: Vec<u32>,
}

impl SeededCiphertexts {
    /// Ciphertexts of points of the torus, in units of `2^-32`.
    pub(crate) fn of_phases(key: &SecretKey, phases: &[u32]) -> Result<Self, Error> {
        let (params, secret, mut nonce) = (key.params(), key.secret_id(), Nonce::default());
        Prng::from_os()?.fill_bytes(&mut nonce);
        let seed = seed(secret, &nonce);
        let bodies = each(phases.len(), |index, prng| {
            let mask = mask(params, &seed, index);
            SecretKey::lwe_body(key.big(), &mask, phases[index], params.fresh_noise(), prng)
        })?;
        Ok(Self { params: params.clone(), secret, nonce, bodies })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The identifier of the secret they are under.
    pub fn secret_id(&self) -> SecretId {
        self.secret
    }

    /// Number of ciphertexts.
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// The ciphertexts; nothing secret goes in.
    pub fn expand(&self) -> Vec<LweCiphertext> {
        let (params, variance, secret) = (&self.params, self.params.fresh_variance(), Some(self.secret));
        let seed = seed(self.secret, &self.nonce);
        let expand = |(index, &body): (usize, &u32)| {
            let mut words = mask(params, &seed, index);
            words.push(body);
            LweCiphertext { params: params.clone(), secret, words, variance }
        };
        self.bodies.iter().enumerate().map(expand).collect()
    }
}

/// The random part of a seed.
pub(crate) type Nonce = [u8; 16];

/// The seed of the masks.
fn seed(secret: SecretId, nonce: &Nonce) -> Seed {
    blake3::derive_key("he-tfhe seeded ciphertexts v2", &[secret.to_bytes(), *nonce].concat())
}

/// Mask `index` of a seed, with room for the body.
fn mask(params: &Parameters, seed: &Seed, index: usize) -> Vec<u32> {
    let dimension = params.spec().big_dimension();
    let mut bytes = vec![0; 4 * dimension];
    Prng::from_seed_stream(seed, index as u64).fill_bytes(&mut bytes);
    let mut words = Vec::with_capacity(dimension + 1);
    words.extend(bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)));
    words
}

impl SecretKey {
    /// Encrypts messages below `2^p`, `p` being the bits of messages and carries, in seeded form.
    ///
    /// # Errors
    /// If a message is out of range or the operating system gives no randomness.
    pub fn encrypt_seeded(&self, messages: &[u64]) -> Result<SeededCiphertexts, Error> {
        SeededCiphertexts::of_phases(self, &message_phases(self.params(), messages)?)
    }

    /// Encrypts bits as gates take them, in seeded form.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn encrypt_bits_seeded(&self, bits: &[bool]) -> Result<SeededCiphertexts, Error> {
        let phases: Zeroizing<Vec<u32>> = Zeroizing::new(bits.iter().map(|&bit| bit_phase(bit)).collect());
        SeededCiphertexts::of_phases(self, &phases)
    }
}

he_core::brief_debug!(SeededCiphertexts: |a| count = a.bodies.len(), secret_id = a.secret);

//! Secret keys at rest under a passphrase: Argon2id (RFC 9106) makes a key of it, and XChaCha20-Poly1305 wraps them.
//!
//! ```text
//! object of he_core::wire; its body: KiB of memory u32 | passes u32 | lanes u32 | salt [16] | nonce [24] | wrapped, with its tag [16]
//! ```
//! Costs and salt are authenticated with the keys. What may be asked of a reader is limited before memory is taken.

use std::sync::{Arc, OnceLock};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use he_core::ring::sample::Prng;
use he_core::wire::{self, Header, Reader, WireError, Writer, peek};
use zeroize::Zeroizing;

use crate::tag::TAG;

/// The kind of a wrapped key, beside those of messages and checkpoints.
const KIND: u16 = 35;
/// Bytes of a wrapped key, at most.
const LARGEST: usize = 1 << 19;
const WHAT: &str = "wrapped key";

/// The costs of making a key of a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    /// KiB of memory.
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// Costs of keys that are written: above the second choice of RFC 9106.
const COST: Cost = Cost { memory: 1 << 18, passes: 3, lanes: 1 };
/// Costs of keys that are read, at most: a gibibyte, and some seconds.
const MOST: Cost = Cost { memory: 1 << 20, passes: 16, lanes: 16 };

/// Why keys stay closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassphraseError {
    #[error("{0}")]
    Asking(String),
    #[error("the passphrase does not open it, or it was altered")]
    Closed,
    #[error("opening it would take {0}; at most {1} is allowed")]
    Cost(String, String),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("no randomness, or no memory, for the passphrase: {0}")]
    System(String),
}

type Asks = dyn Fn() -> Result<Zeroizing<String>, String> + Send + Sync;

/// The way to a passphrase, which is taken once and only if secret keys are under one.
///
/// ```
/// use nn_encrypted::run::{Options, Unlock};
/// use zeroize::Zeroizing;
///
/// let unlock = Unlock::asking(|| Ok(Zeroizing::new("correct horse battery staple".to_owned())));
/// let options = Options { unlock, ..Options::default() };
/// assert_eq!(format!("{:?}", options.unlock), "Unlock { asks: true }");
/// ```
#[derive(Clone, Default)]
pub struct Unlock(Option<Arc<Asks>>);

impl Unlock {
    /// Asks once, when it is needed.
    pub fn asking(ask: impl Fn() -> Result<Zeroizing<String>, String> + Send + Sync + 'static) -> Self {
        let known: OnceLock<Result<Zeroizing<String>, String>> = OnceLock::new();
        Self(Some(Arc::new(move || known.get_or_init(&ask).clone())))
    }

    pub(super) fn passphrase(&self) -> Result<Zeroizing<String>, PassphraseError> {
        let none = || Err("the secret keys are under a passphrase, and there is none".to_owned());
        self.0.as_ref().map_or_else(none, |ask| ask()).map_err(PassphraseError::Asking)
    }

    /// A secret key as it was before it was wrapped; one that is not wrapped as it is.
    pub(super) fn opened(&self, bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
        let wrapped = peek(&bytes).is_ok_and(|(found, _)| (found.tag, found.kind) == (TAG, KIND));
        if wrapped { unwrap(&bytes, || self.passphrase()) } else { Ok(bytes) }
    }
}

impl std::fmt::Debug for Unlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unlock").field("asks", &self.0.is_some()).finish()
    }
}

fn header() -> Header {
    Header { tag: TAG, kind: KIND, params: [0; 32] }
}

/// Bytes that are authenticated beside the key.
fn beside(cost: Cost, salt: &[u8; 16]) -> Vec<u8> {
    let mut out = Writer::new();
    [cost.memory, cost.passes, cost.lanes].into_iter().for_each(|number| out.u32(number));
    out.bytes(salt);
    out.finish()
}

fn cipher(passphrase: &str, cost: Cost, salt: &[u8; 16]) -> Result<XChaCha20Poly1305, PassphraseError> {
    let failed = |error: argon2::Error| PassphraseError::System(error.to_string());
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.as_bytes(), salt, &mut *key).map_err(failed)?;
    Ok(XChaCha20Poly1305::new(&Key::from(*key)))
}

/// Wraps a secret key.
#[cfg(feature = "serve")]
pub(super) fn wrap(passphrase: &str, key: &[u8]) -> Result<Vec<u8>, PassphraseError> {
    wrap_at(COST, passphrase, key)
}

#[cfg(feature = "serve")]
fn wrap_at(cost: Cost, passphrase: &str, key: &[u8]) -> Result<Vec<u8>, PassphraseError> {
    let mut prng = Prng::from_os().map_err(|error| PassphraseError::System(error.to_string()))?;
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    prng.fill_bytes(&mut salt);
    prng.fill_bytes(&mut nonce);
    let (beside, cipher) = (beside(cost, &salt), cipher(passphrase, cost, &salt)?);
    // Taken once at its size, and wrapped in place.
    let mut wrapped = Zeroizing::new(Vec::with_capacity(key.len() + 16));
    wrapped.extend_from_slice(key);
    cipher
        .encrypt_in_place(&XNonce::from(nonce), &beside, &mut *wrapped)
        .map_err(|_| PassphraseError::Closed)?;
    let mut body = Writer::new();
    body.bytes(&beside);
    body.bytes(&nonce);
    body.bytes(&wrapped);
    Ok(wire::seal(&header(), &body.finish()))
}

/// Reads the body of a wrapped key as far as it goes without the work of a passphrase: whether one would be asked for.
#[cfg(feature = "serve")]
pub(crate) fn asks_for_a_passphrase(body: &[u8]) -> bool {
    let mut asked = false;
    let opened = unwrap(&wire::seal(&header(), body), || {
        asked = true;
        Err(PassphraseError::Closed)
    });
    debug_assert!(opened.is_err(), "nobody said a passphrase");
    asked
}

fn unwrap(
    bytes: &[u8],
    passphrase: impl FnOnce() -> Result<Zeroizing<String>, PassphraseError>,
) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    let mut body = Reader::new(wire::open(bytes, &header(), LARGEST)?);
    let cost = Cost { memory: body.u32(WHAT)?, passes: body.u32(WHAT)?, lanes: body.u32(WHAT)? };
    let Cost { memory, passes, lanes } = cost;
    if memory > MOST.memory || passes > MOST.passes || lanes > MOST.lanes {
        let said =
            |cost: Cost| format!("{} KiB, {} passes and {} lanes", cost.memory, cost.passes, cost.lanes);
        return Err(PassphraseError::Cost(said(cost), said(MOST)));
    }
    let (salt, nonce): ([u8; 16], [u8; 24]) = (body.array(WHAT)?, body.array(WHAT)?);
    let mut key = Zeroizing::new(body.bytes(body.remaining(), WHAT)?.to_vec());
    let cipher = cipher(&passphrase()?, cost, &salt)?;
    let opened = cipher.decrypt_in_place(&XNonce::from(nonce), &beside(cost, &salt), &mut *key);
    opened.map_err(|_| PassphraseError::Closed)?;
    Ok(key)
}

#[cfg(all(test, feature = "serve"))]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    fn open(bytes: &[u8], passphrase: &str) -> Result<Vec<u8>, PassphraseError> {
        let passphrase = passphrase.to_owned();
        let unlock = Unlock::asking(move || Ok(Zeroizing::new(passphrase.clone())));
        Ok(unlock.opened(Zeroizing::new(bytes.to_vec()))?.to_vec())
    }

    #[test]
    fn wrapped_keys_open_with_their_passphrase_alone() {
        let key = [7; 100];
        let bytes = wrap_at(CHEAP, "correct horse", &key).unwrap();
        assert_eq!(open(&bytes, "correct horse").unwrap(), key);
        assert!(matches!(open(&bytes, "correct mule"), Err(PassphraseError::Closed)));
        assert!(!bytes.windows(8).any(|window| window == [7; 8]));
        // Each time otherwise.
        assert_ne!(wrap_at(CHEAP, "correct horse", &key).unwrap(), bytes);
        // Without a way to ask it stays closed; what is not wrapped needs none.
        let closed = Unlock::default().opened(Zeroizing::new(bytes.clone())).unwrap_err().to_string();
        assert!(closed.contains("under a passphrase"), "{closed}");
        assert_eq!(*Unlock::default().opened(Zeroizing::new(vec![1, 2])).unwrap(), [1, 2]);
        for length in 81..bytes.len() {
            assert!(open(&bytes[..length], "correct horse").is_err(), "{length}");
        }
        // Sealed again after any change, costs and salt included.
        let body = bytes[wire::HEADER_BYTES..bytes.len() - wire::DIGEST_BYTES].to_vec();
        for at in (0..body.len()).filter(|at| !(1..4).contains(&(at % 4)) || *at >= 12) {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert!(open(&wire::seal(&header(), &changed), "correct horse").is_err(), "{at}");
        }
    }

    #[test]
    fn no_more_work_is_done_than_is_allowed() {
        let costs = [
            Cost { memory: MOST.memory + 1, ..CHEAP },
            Cost { passes: u32::MAX, ..CHEAP },
            Cost { lanes: 17, ..CHEAP },
        ];
        for cost in costs {
            let mut body = beside(cost, &[0; 16]);
            body.extend([0; 60]);
            let refused = open(&wire::seal(&header(), &body), "x").unwrap_err().to_string();
            assert!(refused.contains("at most 1048576 KiB, 16 passes and 16 lanes"), "{refused}");
        }
        let mut none = beside(Cost { memory: 0, passes: 0, lanes: 0 }, &[0; 16]);
        none.extend([0; 60]);
        assert!(open(&wire::seal(&header(), &none), "x").is_err());
    }
}

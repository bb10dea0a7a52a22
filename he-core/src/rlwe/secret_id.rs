//! Identifiers of secrets: whose a key or a ciphertext is.
//!
//! Whatever belongs to a secret key, itself, its public and evaluation keys and all ciphertexts under it, carries the same 16
//! bytes. Without them two clients of the same parameters have objects that nothing tells apart: a ciphertext of one under
//! a key of the other decrypts to noise, and no estimate of noise knows. With them every operation on two objects compares
//! first, and refuses by [`ForeignSecret`].
//!
//! **Drawn, not derived.** The bytes come from the operating system when the secret is made, and from nothing else: they are
//! independent of the secret, so that they reveal nothing about it, whatever happens to a hash function. A digest of a
//! public key would do as well, but not every secret has one, and one that is made twice has two. The bytes go with the secret
//! key where it is stored.
//!
//! **Public.** An identifier links the objects of one client, as do the envelopes and the connection in which they are sent. It
//! decides nothing but whether an operation is refused, and so refusals depend on public bytes only.
//!
//! **A mark, not a proof.** Whoever makes bytes can write any identifier into them. It finds mistakes, not attacks: a server
//! that lies about the secret of a ciphertext could as well lie about its words.
//!
//! **One client, several secrets.** What is derived from a secret and known to the same holder, such as the same coefficients modulo
//! other primes or in a larger ring, has its identifier. A key that leads from one secret to another carries both.

use std::fmt;

use thiserror::Error;

use crate::ring::sample::{Prng, SampleError};
use crate::wire::{Source, WireError, Writer};

/// The identifier of a secret: 16 bytes, never all zero. It is printed by its first four bytes.
///
/// ```
/// # use he_core::rlwe::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let params = Spec::insecure_small().build_insecure("an example")?;
/// let [mine, yours] = [SecretKey::generate(&params)?, SecretKey::generate(&params)?].map(|key| key.secret_id());
/// assert!(mine.check("sum", "ciphertext", mine).is_ok());
/// let error = yours.check("sum", "ciphertext", mine).unwrap_err();
/// assert!(error.to_string().contains(&mine.to_string()) && error.to_string().contains(&yours.to_string()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId([u8; SecretId::BYTES]);

/// An object under another secret than the one it is used with.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use he_core::rlwe::{ForeignSecret, SecretId};
///
/// let [found, needed] = [SecretId::draw()?, SecretId::draw()?];
/// let error = ForeignSecret { operation: "decrypt", object: "ciphertext", found, needed };
/// assert_eq!(found.check("decrypt", "ciphertext", needed), Err(error));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "{operation}: the {object} belongs to secret {found}, needed one of secret {needed}: keys and ciphertexts of different clients do not go together"
)]
pub struct ForeignSecret {
    /// The operation.
    pub operation: &'static str,
    /// The object under another secret.
    pub object: &'static str,
    /// The secret that it belongs to.
    pub found: SecretId,
    /// The secret of what it is used with.
    pub needed: SecretId,
}

impl SecretId {
    /// Bytes of an identifier.
    pub const BYTES: usize = 16;

    /// The identifier of a new secret.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn draw() -> Result<Self, SampleError> {
        let (mut prng, mut bytes) = (Prng::from_os()?, [0; Self::BYTES]);
        loop {
            prng.fill_bytes(&mut bytes);
            if let Some(id) = Self::from_bytes(bytes) {
                return Ok(id);
            }
        }
    }

    /// The identifier of these bytes; none for zeros.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        (bytes != [0; Self::BYTES]).then_some(Self(bytes))
    }

    /// The bytes.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    /// Refuses an object of this secret where one of `needed` is.
    ///
    /// # Errors
    /// If they differ.
    pub fn check(
        self,
        operation: &'static str,
        object: &'static str,
        needed: Self,
    ) -> Result<(), ForeignSecret> {
        if self == needed { Ok(()) } else { Err(ForeignSecret { operation, object, found: self, needed }) }
    }

    /// Refuses objects that are not all of one secret: that of `keys`, or where there are none that of the first object.
    ///
    /// # Errors
    /// If one is of another.
    pub fn check_all(
        operation: &'static str,
        object: &'static str,
        keys: Option<Self>,
        found: impl IntoIterator<Item = Self>,
    ) -> Result<(), ForeignSecret> {
        let mut needed = keys;
        found.into_iter().try_for_each(|id| id.check(operation, object, *needed.get_or_insert(id)))
    }

    /// Writes the identifier.
    pub fn write(self, out: &mut Writer) {
        out.bytes(&self.0);
    }

    /// Writes the identifier of an object that may be of no secret: then zeros.
    pub fn write_optional(id: Option<Self>, out: &mut Writer) {
        out.bytes(&id.map_or([0; Self::BYTES], Self::to_bytes));
    }

    /// Reads the identifier of an object that may be of no secret.
    ///
    /// # Errors
    /// If bytes are missing.
    pub fn read_optional(from: &mut impl Source, what: &'static str) -> Result<Option<Self>, WireError> {
        Ok(Self::from_bytes(from.array(what)?))
    }

    /// Reads an identifier.
    ///
    /// # Errors
    /// If bytes are missing or all zero.
    pub fn read(from: &mut impl Source, what: &'static str) -> Result<Self, WireError> {
        let why = || "the identifier of its secret is zero, which is that of none".into();
        Self::read_optional(from, what)?.ok_or_else(|| WireError::Invalid { what, why: why() })
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..")
    }
}

impl fmt::Debug for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretId({self})")
    }
}

crate::debug_as_displayed!(ForeignSecret);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;

    #[test]
    fn identifiers_are_compared_written_and_named() {
        let [a, b] = [1, 2].map(|byte| SecretId::from_bytes([byte; 16]).unwrap());
        let refused = ForeignSecret { operation: "sum", object: "operand", found: b, needed: a };
        assert_eq!(b.check("sum", "operand", a), Err(refused));
        let all = |keys, ids: &[SecretId]| SecretId::check_all("sum", "operand", keys, ids.iter().copied());
        assert_eq!([all(None, &[]), all(None, &[a, a]), all(Some(b), &[b])], [Ok(()); 3]);
        assert_eq!([all(None, &[a, b]), all(None, &[a, a, b]), all(Some(a), &[b])], [Err(refused); 3]);
        assert!(refused.to_string().contains("secret 02020202.., needed one of secret 01010101.."));
        for id in [None, Some(a)] {
            let mut out = Writer::new();
            SecretId::write_optional(id, &mut out);
            let bytes = out.finish();
            assert_eq!(SecretId::read_optional(&mut Reader::new(&bytes), "key"), Ok(id));
            assert_eq!(SecretId::read(&mut Reader::new(&bytes), "key").ok(), id);
        }
        assert_ne!(SecretId::draw().unwrap(), SecretId::draw().unwrap());
    }
}

//! The header that seals every serialized object: tag, kind, and the digest of the parameters.

use he_core::wire::{Header, Tag};

use crate::params::Parameters;

/// The tag of the serialized objects of this crate.
pub const TAG: Tag = Tag(3);

/// Kind of a secret key.
pub(crate) const SECRET_KEY: u16 = 1;
/// Kind of evaluation keys.
pub(crate) const EVALUATION_KEYS: u16 = 2;
/// Kind of a list of ciphertexts.
pub(crate) const CIPHERTEXT: u16 = 3;
/// Kind of seeded ciphertexts.
pub(crate) const SEEDED_CIPHERTEXTS: u16 = 4;
/// Kind of a public key.
pub(crate) const PUBLIC_KEY: u16 = 5;

/// The header of an object of a kind under these parameters.
pub(crate) fn header(params: &Parameters, kind: u16) -> Header {
    Header { tag: TAG, kind, params: *params.hash() }
}

//! The header that seals every serialized object: scheme, kind, and the digest of the parameters.

use he_core::wire::{Header, Scheme};

use crate::params::Parameters;

/// Kind of a secret key.
pub(crate) const SECRET_KEY: u16 = 1;
/// Kind of evaluation keys.
pub(crate) const EVALUATION_KEYS: u16 = 2;
/// Kind of a list of ciphertexts.
pub(crate) const CIPHERTEXT: u16 = 3;

/// The header of an object of a kind under these parameters.
pub(crate) fn header(params: &Parameters, kind: u16) -> Header {
    Header { scheme: Scheme::Tfhe, kind, params: *params.hash() }
}

//! Serialized objects: every one sealed with scheme, kind and parameter hash, and with a digest.

use he_core::wire::{Header, Scheme};

use crate::params::Parameters;

/// Kinds of objects.
pub(crate) const SECRET_KEY: u16 = 1;

pub(crate) fn header(params: &Parameters, kind: u16) -> Header {
    Header { scheme: Scheme::Tfhe, kind, params: *params.hash() }
}

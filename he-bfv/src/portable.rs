//! The specification as bytes for the other side, and objects as `he_core::wire` and `serde` know them.

use he_core::rlwe::object::Kind;
use he_core::wire::{Reader, WireError, Writer};
use he_core::{serialize_sealed, spec_bytes, wire_objects};

use crate::ciphertext::Ciphertext;
#[cfg(feature = "serde")]
use crate::ciphertext::SeededCiphertext;
use crate::keys::{EvaluationKeys, PublicKey};
use crate::params::{Parameters, Spec};
use crate::wire::TAG;

wire_objects! {
    TAG, Parameters;
    Ciphertext: Kind::Ciphertext as u16,
    PublicKey: Kind::PublicKey as u16,
    EvaluationKeys: Kind::EvaluationKeys as u16,
}
serialize_sealed!(SeededCiphertext, SeededCiphertext::to_bytes);
spec_bytes!(Spec, TAG);

/// That of BGV, in its own seal.
impl Spec {
    fn write_fields(&self, out: &mut Writer) {
        out.bytes(&self.0.to_bytes());
    }

    fn read_fields(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let bytes = from.bytes(from.remaining(), "specification")?;
        Ok(Self(he_bgv::Spec::from_bytes(bytes)?))
    }
}

//! The specification as bytes for the other side, and objects as `he_core::wire` and `serde` know them.

use he_core::rlwe::SecretDistribution;
use he_core::rlwe::object::Kind;
use he_core::wire::{Reader, WireError, Writer};
use he_core::{serialize_sealed, spec_bytes, wire_objects};

use crate::bootstrap::BootstrapKeys;
use crate::ciphertext::Ciphertext;
#[cfg(feature = "serde")]
use crate::ciphertext::SeededCiphertext;
use crate::keys::{EvaluationKeys, PublicKey};
use crate::params::Parameters;
use crate::spec::{BootstrapSpec, Order, Spec};
use crate::wire::{BOOTSTRAP_KEYS, TAG};

wire_objects! {
    TAG, Parameters;
    Ciphertext: Kind::Ciphertext as u16,
    PublicKey: Kind::PublicKey as u16,
    EvaluationKeys: Kind::EvaluationKeys as u16,
    BootstrapKeys: BOOTSTRAP_KEYS,
}
serialize_sealed!(SeededCiphertext, SeededCiphertext::to_bytes);
spec_bytes!(Spec, TAG);

const WHAT: &str = "specification";

impl Spec {
    fn write_fields(&self, out: &mut Writer) {
        out.u32(self.log_n);
        out.u32(self.first_bits);
        out.u32(self.scale_bits);
        out.length(self.levels);
        out.list(&self.special_bits);
        out.length(self.digit);
        self.secret.write(out);
        out.u64(self.congruence);
        out.u8(u8::from(self.bootstrap.is_some()));
        self.bootstrap.iter().for_each(|bootstrap| bootstrap.write_fields(out));
    }

    fn read_fields(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            log_n: from.u32(WHAT)?,
            first_bits: from.u32(WHAT)?,
            scale_bits: from.u32(WHAT)?,
            levels: from.length(usize::MAX, WHAT)?,
            special_bits: from.list(WHAT)?,
            digit: from.length(usize::MAX, WHAT)?,
            secret: SecretDistribution::read(from)?,
            congruence: from.u64(WHAT)?,
            bootstrap: from.flag(WHAT)?.then(|| BootstrapSpec::read_fields(from)).transpose()?,
        })
    }
}

impl BootstrapSpec {
    fn write_fields(&self, out: &mut Writer) {
        out.length(self.slots_to_coefficients);
        out.length(self.coefficients_to_slots);
        out.u32(self.modular_bits);
        out.u32(self.range);
        out.length(self.degree);
        out.u32(self.doublings);
        out.length(self.terms);
        out.length(self.ephemeral_weight);
        out.u8(u8::from(self.order == Order::CoefficientsFirst));
    }

    fn read_fields(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            slots_to_coefficients: from.length(usize::MAX, WHAT)?,
            coefficients_to_slots: from.length(usize::MAX, WHAT)?,
            modular_bits: from.u32(WHAT)?,
            range: from.u32(WHAT)?,
            degree: from.length(usize::MAX, WHAT)?,
            doublings: from.u32(WHAT)?,
            terms: from.length(usize::MAX, WHAT)?,
            ephemeral_weight: from.length(usize::MAX, WHAT)?,
            order: if from.flag(WHAT)? { Order::CoefficientsFirst } else { Order::SlotsFirst },
        })
    }
}

//! The specification as bytes for the other side, and objects as `he_core::wire` and `serde` know them.

use std::slice;

use he_core::wire::{Object, Reader, Tag, WireError, Writer};
use he_core::{serialize_sealed, spec_bytes, wire_objects};

use crate::keys::SeededEvaluationKeys;
use crate::lwe::LweCiphertext;
use crate::object::{CIPHERTEXT, EVALUATION_KEYS, PUBLIC_KEY, SEEDED_CIPHERTEXTS, TAG};
use crate::params::Parameters;
use crate::public_key::PublicKey;
use crate::seeded::SeededCiphertexts;
use crate::spec::{CircuitGadgets, Decomposition, Spec};

wire_objects! {
    TAG, Parameters;
    PublicKey: PUBLIC_KEY,
    SeededEvaluationKeys: EVALUATION_KEYS,
}

/// A list of one.
impl Object for LweCiphertext {
    type Parameters = Parameters;
    const TAG: Tag = TAG;
    const KIND: u16 = CIPHERTEXT;

    fn seal(&self) -> Result<Vec<u8>, WireError> {
        Self::to_bytes(self.params(), slice::from_ref(self))
    }

    fn unseal(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        let mut list = Self::from_bytes(params, bytes)?;
        match (list.pop(), list.len()) {
            (Some(ciphertext), 0) => Ok(ciphertext),
            (last, others) => {
                let why = format!("{} ciphertexts, needed 1", others + last.iter().count());
                Err(WireError::Invalid { what: "ciphertext", why })
            }
        }
    }
}

impl Object for SeededCiphertexts {
    type Parameters = Parameters;
    const TAG: Tag = TAG;
    const KIND: u16 = SEEDED_CIPHERTEXTS;

    fn seal(&self) -> Result<Vec<u8>, WireError> {
        Ok(self.to_bytes())
    }

    fn unseal(params: &Parameters, bytes: &[u8]) -> Result<Self, WireError> {
        Self::from_bytes(params, bytes)
    }
}

serialize_sealed!(LweCiphertext, Object::seal);
serialize_sealed!(SeededCiphertexts, Object::seal);
spec_bytes!(Spec, TAG);

const WHAT: &str = "specification";

impl Spec {
    fn write_fields(&self, out: &mut Writer) {
        out.length(self.lwe_dimension);
        out.f64(self.lwe_noise);
        out.length(self.glwe_dimension);
        out.length(self.polynomial_size);
        out.f64(self.glwe_noise);
        out.u32(self.modulus_bits);
        out.length(self.unroll);
        self.rotation.write_fields(out);
        self.key_switch.write_fields(out);
        out.u8(u8::from(self.packing.is_some()));
        self.packing.iter().for_each(|gadget| gadget.write_fields(out));
        out.u8(u8::from(self.circuit.is_some()));
        self.circuit.iter().for_each(|circuit| {
            circuit.rotation.write_fields(out);
            circuit.ggsw.write_fields(out);
            out.u32(circuit.table_bits);
        });
        out.u32(self.message_bits);
        out.u32(self.carry_bits);
        out.f64(self.squared_norm);
        out.f64(self.failure);
    }

    fn read_fields(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let gadgets = |from: &mut Reader<'_>| -> Result<CircuitGadgets, WireError> {
            Ok(CircuitGadgets {
                rotation: Decomposition::read_fields(from)?,
                ggsw: Decomposition::read_fields(from)?,
                table_bits: from.u32(WHAT)?,
            })
        };
        Ok(Self {
            lwe_dimension: from.length(usize::MAX, WHAT)?,
            lwe_noise: from.f64(WHAT)?,
            glwe_dimension: from.length(usize::MAX, WHAT)?,
            polynomial_size: from.length(usize::MAX, WHAT)?,
            glwe_noise: from.f64(WHAT)?,
            modulus_bits: from.u32(WHAT)?,
            unroll: from.length(usize::MAX, WHAT)?,
            rotation: Decomposition::read_fields(from)?,
            key_switch: Decomposition::read_fields(from)?,
            packing: from.flag(WHAT)?.then(|| Decomposition::read_fields(from)).transpose()?,
            circuit: from.flag(WHAT)?.then(|| gadgets(from)).transpose()?,
            message_bits: from.u32(WHAT)?,
            carry_bits: from.u32(WHAT)?,
            squared_norm: from.f64(WHAT)?,
            failure: from.f64(WHAT)?,
        })
    }
}

impl Decomposition {
    fn write_fields(self, out: &mut Writer) {
        out.u32(self.base_log);
        out.length(self.levels);
    }

    fn read_fields(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { base_log: from.u32(WHAT)?, levels: from.length(usize::MAX, WHAT)? })
    }
}

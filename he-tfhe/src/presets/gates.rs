//! Presets for bits and gates.

use super::base::{BASE, gadget};
use crate::spec::Spec;

impl Spec {
    /// Bits and gates: two outputs of `mux`, or three of gates, may enter a gate.
    pub const fn gate_failure_40() -> Self {
        Self {
            lwe_dimension: 608,
            lwe_noise: -12.47,
            glwe_dimension: 3,
            polynomial_size: 512,
            glwe_noise: -35.58,
            unroll: 2,
            rotation: gadget(17, 1),
            key_switch: gadget(1, 11),
            message_bits: 1,
            carry_bits: 0,
            squared_norm: 4.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Bits and gates: two outputs of `mux`, or three of gates, may enter a gate.
    pub const fn gate_failure_64() -> Self {
        Self {
            lwe_dimension: 626,
            lwe_noise: -12.92,
            glwe_dimension: 3,
            polynomial_size: 512,
            glwe_noise: -35.58,
            unroll: 2,
            rotation: gadget(17, 1),
            key_switch: gadget(1, 11),
            message_bits: 1,
            carry_bits: 0,
            squared_norm: 4.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Bits and gates: two outputs of `mux`, or three of gates, may enter a gate.
    pub const fn gate_failure_128() -> Self {
        Self {
            lwe_dimension: 656,
            lwe_noise: -13.67,
            glwe_dimension: 3,
            polynomial_size: 512,
            glwe_noise: -35.58,
            unroll: 2,
            rotation: gadget(17, 1),
            key_switch: gadget(1, 12),
            message_bits: 1,
            carry_bits: 0,
            squared_norm: 4.0,
            failure: -128.0,
            ..BASE
        }
    }
}

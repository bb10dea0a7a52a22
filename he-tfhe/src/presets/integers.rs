//! Presets for integers: messages with carries.

use super::base::{BASE, gadget};
use crate::spec::{CircuitGadgets, Spec};

impl Spec {
    /// Messages and carries of one bit.
    pub const fn message_1_carry_1_failure_40() -> Self {
        Self {
            lwe_dimension: 682,
            lwe_noise: -14.32,
            glwe_dimension: 3,
            polynomial_size: 512,
            glwe_noise: -35.58,
            unroll: 2,
            rotation: gadget(17, 1),
            key_switch: gadget(1, 13),
            message_bits: 1,
            carry_bits: 1,
            squared_norm: 9.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Messages and carries of one bit.
    pub const fn message_1_carry_1_failure_64() -> Self {
        Self {
            lwe_dimension: 696,
            lwe_noise: -14.67,
            glwe_dimension: 4,
            polynomial_size: 512,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(20, 1),
            key_switch: gadget(2, 6),
            message_bits: 1,
            carry_bits: 1,
            squared_norm: 9.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Messages and carries of one bit.
    pub const fn message_1_carry_1_failure_128() -> Self {
        Self {
            lwe_dimension: 712,
            lwe_noise: -15.06,
            glwe_dimension: 2,
            polynomial_size: 1024,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(20, 1),
            key_switch: gadget(2, 7),
            message_bits: 1,
            carry_bits: 1,
            squared_norm: 9.0,
            failure: -128.0,
            ..BASE
        }
    }

    /// Messages and carries of two bits.
    pub const fn message_2_carry_2_failure_40() -> Self {
        Self {
            lwe_dimension: 860,
            lwe_noise: -18.75,
            glwe_dimension: 2,
            polynomial_size: 1024,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(3, 5),
            message_bits: 2,
            carry_bits: 2,
            squared_norm: 25.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Messages and carries of two bits.
    pub const fn message_2_carry_2_failure_64() -> Self {
        Self {
            lwe_dimension: 786,
            lwe_noise: -16.91,
            glwe_dimension: 1,
            polynomial_size: 2048,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(2, 7),
            message_bits: 2,
            carry_bits: 2,
            squared_norm: 25.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Messages and carries of two bits.
    pub const fn message_2_carry_2_failure_128() -> Self {
        Self {
            lwe_dimension: 844,
            lwe_noise: -18.35,
            glwe_dimension: 1,
            polynomial_size: 2048,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(2, 8),
            message_bits: 2,
            carry_bits: 2,
            squared_norm: 25.0,
            failure: -128.0,
            ..BASE
        }
    }

    /// Messages and carries of two bits, with wide tables of up to 12 bits.
    pub const fn message_2_carry_2_wide_failure_64() -> Self {
        Self {
            lwe_dimension: 798,
            lwe_noise: -17.21,
            glwe_dimension: 1,
            polynomial_size: 2048,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(21, 1),
            key_switch: gadget(2, 7),
            packing: Some(gadget(9, 5)),
            circuit: Some(CircuitGadgets { rotation: gadget(15, 2), ggsw: gadget(4, 4), table_bits: 12 }),
            message_bits: 2,
            carry_bits: 2,
            squared_norm: 25.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Messages and carries of three bits.
    pub const fn message_3_carry_3_failure_64() -> Self {
        Self {
            lwe_dimension: 910,
            lwe_noise: -19.99,
            glwe_dimension: 1,
            polynomial_size: 8192,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(14, 2),
            key_switch: gadget(2, 9),
            message_bits: 3,
            carry_bits: 3,
            squared_norm: 81.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Messages and carries of four bits.
    pub const fn message_4_carry_4_failure_40() -> Self {
        Self {
            lwe_dimension: 1018,
            lwe_noise: -22.68,
            glwe_dimension: 1,
            polynomial_size: 32768,
            glwe_noise: -46.32,
            unroll: 1,
            rotation: gadget(15, 2),
            key_switch: gadget(2, 10),
            message_bits: 4,
            carry_bits: 4,
            squared_norm: 289.0,
            failure: -40.0,
            ..BASE
        }
    }
}

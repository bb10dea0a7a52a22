//! Presets for single tables, without carries.

use super::base::{BASE, gadget};
use crate::spec::Spec;

impl Spec {
    /// Tables of 5 bits on fresh or bootstrapped inputs.
    pub const fn table_5_failure_40() -> Self {
        Self {
            lwe_dimension: 854,
            lwe_noise: -18.60,
            glwe_dimension: 1,
            polynomial_size: 2048,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(1, 16),
            message_bits: 5,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Tables of 5 bits on fresh or bootstrapped inputs.
    pub const fn table_5_failure_64() -> Self {
        Self {
            lwe_dimension: 834,
            lwe_noise: -18.10,
            glwe_dimension: 1,
            polynomial_size: 4096,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(1, 16),
            message_bits: 5,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Tables of 6 bits on fresh or bootstrapped inputs.
    pub const fn table_6_failure_40() -> Self {
        Self {
            lwe_dimension: 888,
            lwe_noise: -19.45,
            glwe_dimension: 1,
            polynomial_size: 8192,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(1, 16),
            message_bits: 6,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Tables of 6 bits on fresh or bootstrapped inputs.
    pub const fn table_6_failure_64() -> Self {
        Self {
            lwe_dimension: 916,
            lwe_noise: -20.14,
            glwe_dimension: 1,
            polynomial_size: 8192,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(2, 9),
            message_bits: 6,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Tables of 7 bits on fresh or bootstrapped inputs.
    pub const fn table_7_failure_40() -> Self {
        Self {
            lwe_dimension: 1018,
            lwe_noise: -22.68,
            glwe_dimension: 1,
            polynomial_size: 16384,
            glwe_noise: -46.32,
            unroll: 2,
            rotation: gadget(22, 1),
            key_switch: gadget(2, 10),
            message_bits: 7,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Tables of 7 bits on fresh or bootstrapped inputs.
    pub const fn table_7_failure_64() -> Self {
        Self {
            lwe_dimension: 974,
            lwe_noise: -21.59,
            glwe_dimension: 1,
            polynomial_size: 16384,
            glwe_noise: -46.32,
            unroll: 1,
            rotation: gadget(13, 2),
            key_switch: gadget(2, 10),
            message_bits: 7,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -64.0,
            ..BASE
        }
    }

    /// Tables of 8 bits on fresh or bootstrapped inputs.
    pub const fn table_8_failure_40() -> Self {
        Self {
            lwe_dimension: 1014,
            lwe_noise: -22.58,
            glwe_dimension: 1,
            polynomial_size: 32768,
            glwe_noise: -46.32,
            unroll: 1,
            rotation: gadget(15, 2),
            key_switch: gadget(2, 10),
            message_bits: 8,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -40.0,
            ..BASE
        }
    }

    /// Tables of real functions with a stated error instead of exact ones, with outputs of little noise, and packing.
    ///
    /// A mod-switched phase is off by `2^-9.86` of the torus, of which the modulus switch alone makes `2^-9.90`; an output by
    /// `2^-20.8`; packing adds `2^-23.2`. Not the cheapest set, but within 1 % of the least noise of a mod-switched phase over
    /// all `n` and key switches.
    #[doc(alias = "NEURAL_TABLE")]
    pub const fn approximate_table() -> Self {
        Self {
            lwe_dimension: 876,
            lwe_noise: -19.15,
            rotation: gadget(15, 2),
            key_switch: gadget(1, 16),
            packing: Some(gadget(8, 5)),
            message_bits: 4,
            carry_bits: 0,
            squared_norm: 1.0,
            failure: -128.0,
            ..BASE
        }
    }
}

//! Parameter sets at 128 bits of security, named by the bits of messages and carries and by the failure probability.
//!
//! `MESSAGE_2_CARRY_2_FAILURE_64` has messages and carries of two bits each and fails with at most `2^-64` at a bootstrap of the
//! noisiest operand that it allows. Gates take the sets `GATE`; `TABLE` sets have no carries and are for single tables of that
//! many bits; the `WIDE` set has the keys of packing and circuit bootstrapping besides. `NEURAL_TABLE` is for tables that
//! need not be read exactly.
//!
//! All but the last were derived from the formulas of [`noise`](crate::noise): `cargo run --release -p he-tfhe --example derive` does it
//! again, and with the argument `rust` prints this file's constants.

use crate::spec::{CircuitGadgets, Decomposition, Spec};

const fn gadget(base_log: u32, levels: usize) -> Decomposition {
    Decomposition { base_log, levels }
}

/// What sets have in common, and what a search starts from.
const BASE: Spec = Spec {
    lwe_dimension: 450,
    lwe_noise: -8.54,
    glwe_dimension: 1,
    polynomial_size: 2048,
    glwe_noise: -46.32,
    modulus_bits: 48,
    unroll: 2,
    rotation: gadget(22, 1),
    key_switch: gadget(2, 8),
    packing: None,
    circuit: None,
    message_bits: 1,
    carry_bits: 0,
    squared_norm: 4.0,
    failure: -64.0,
};

/// Bits and gates: two outputs of `mux`, or three of gates, may enter a gate.
pub const GATE_FAILURE_40: Spec = Spec {
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
};

/// Bits and gates: two outputs of `mux`, or three of gates, may enter a gate.
pub const GATE_FAILURE_64: Spec = Spec {
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
};

/// Bits and gates: two outputs of `mux`, or three of gates, may enter a gate.
pub const GATE_FAILURE_128: Spec = Spec {
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
};

/// Messages and carries of one bit.
pub const MESSAGE_1_CARRY_1_FAILURE_40: Spec = Spec {
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
};

/// Messages and carries of one bit.
pub const MESSAGE_1_CARRY_1_FAILURE_64: Spec = Spec {
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
};

/// Messages and carries of one bit.
pub const MESSAGE_1_CARRY_1_FAILURE_128: Spec = Spec {
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
};

/// Messages and carries of two bits.
pub const MESSAGE_2_CARRY_2_FAILURE_40: Spec = Spec {
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
};

/// Messages and carries of two bits.
pub const MESSAGE_2_CARRY_2_FAILURE_64: Spec = Spec {
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
};

/// Messages and carries of two bits.
pub const MESSAGE_2_CARRY_2_FAILURE_128: Spec = Spec {
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
};

/// Messages and carries of two bits, with wide tables of up to 12 bits.
pub const MESSAGE_2_CARRY_2_WIDE_FAILURE_64: Spec = Spec {
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
};

/// Messages and carries of three bits.
pub const MESSAGE_3_CARRY_3_FAILURE_64: Spec = Spec {
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
};

/// Messages and carries of four bits.
pub const MESSAGE_4_CARRY_4_FAILURE_40: Spec = Spec {
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
};

/// Tables of 5 bits on fresh or bootstrapped inputs.
pub const TABLE_5_FAILURE_40: Spec = Spec {
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
};

/// Tables of 5 bits on fresh or bootstrapped inputs.
pub const TABLE_5_FAILURE_64: Spec = Spec {
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
};

/// Tables of 6 bits on fresh or bootstrapped inputs.
pub const TABLE_6_FAILURE_40: Spec = Spec {
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
};

/// Tables of 6 bits on fresh or bootstrapped inputs.
pub const TABLE_6_FAILURE_64: Spec = Spec {
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
};

/// Tables of 7 bits on fresh or bootstrapped inputs.
pub const TABLE_7_FAILURE_40: Spec = Spec {
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
};

/// Tables of 7 bits on fresh or bootstrapped inputs.
pub const TABLE_7_FAILURE_64: Spec = Spec {
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
};

/// Tables of 8 bits on fresh or bootstrapped inputs.
pub const TABLE_8_FAILURE_40: Spec = Spec {
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
};

/// Tables of real functions that need not be read exactly, as networks take them, with clean outputs, and packing.
///
/// A reading is off by `2^-9.86` of the torus, of which the modulus switch alone makes `2^-9.90`; an output by `2^-20.8`;
/// packing adds `2^-23.2`. Not the cheapest set, but within 1 % of the least noise of a reading over all `n` and key switches.
pub const NEURAL_TABLE: Spec = Spec {
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
};

/// All sets with exact readings and their names, and the most MiB for the keys of each.
pub const ALL: [(&str, Spec, f64); 19] = [
    ("GATE_FAILURE_40", GATE_FAILURE_40, 115.0),
    ("GATE_FAILURE_64", GATE_FAILURE_64, 115.0),
    ("GATE_FAILURE_128", GATE_FAILURE_128, 115.0),
    ("MESSAGE_1_CARRY_1_FAILURE_40", MESSAGE_1_CARRY_1_FAILURE_40, 115.0),
    ("MESSAGE_1_CARRY_1_FAILURE_64", MESSAGE_1_CARRY_1_FAILURE_64, 115.0),
    ("MESSAGE_1_CARRY_1_FAILURE_128", MESSAGE_1_CARRY_1_FAILURE_128, 115.0),
    ("MESSAGE_2_CARRY_2_FAILURE_40", MESSAGE_2_CARRY_2_FAILURE_40, 115.0),
    ("MESSAGE_2_CARRY_2_FAILURE_64", MESSAGE_2_CARRY_2_FAILURE_64, 115.0),
    ("MESSAGE_2_CARRY_2_FAILURE_128", MESSAGE_2_CARRY_2_FAILURE_128, 115.0),
    ("MESSAGE_2_CARRY_2_WIDE_FAILURE_64", MESSAGE_2_CARRY_2_WIDE_FAILURE_64, 215.0),
    ("MESSAGE_3_CARRY_3_FAILURE_64", MESSAGE_3_CARRY_3_FAILURE_64, 1000.0),
    ("MESSAGE_4_CARRY_4_FAILURE_40", MESSAGE_4_CARRY_4_FAILURE_40, 4000.0),
    ("TABLE_5_FAILURE_40", TABLE_5_FAILURE_40, 4000.0),
    ("TABLE_5_FAILURE_64", TABLE_5_FAILURE_64, 4000.0),
    ("TABLE_6_FAILURE_40", TABLE_6_FAILURE_40, 4000.0),
    ("TABLE_6_FAILURE_64", TABLE_6_FAILURE_64, 4000.0),
    ("TABLE_7_FAILURE_40", TABLE_7_FAILURE_40, 4000.0),
    ("TABLE_7_FAILURE_64", TABLE_7_FAILURE_64, 4000.0),
    ("TABLE_8_FAILURE_40", TABLE_8_FAILURE_40, 4000.0),
];

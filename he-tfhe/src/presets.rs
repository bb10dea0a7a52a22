//! Parameter sets, named by message bits, failure probability and security.
//!
//! All were derived by the formulas of [`noise`](crate::noise) (`cargo run --release -p he-tfhe --example derive`), hold 128
//! bits of security and fail with at most the probability that their names end with.

use crate::params::{Decomposition, Spec};

const fn gadget(base_log: u32, levels: usize) -> Decomposition {
    Decomposition { base_log, levels }
}

/// What the sets have in common.
const BASE: Spec = Spec {
    lwe_dimension: 700,
    lwe_noise: -18.50,
    glwe_dimension: 1,
    polynomial_size: 2048,
    glwe_noise: -46.32,
    modulus_bits: 48,
    unroll: 2,
    rotation: gadget(22, 1),
    key_switch: gadget(3, 5),
    circuit: None,
    message_bits: 2,
    carry_bits: 2,
    squared_norm: 25.0,
    failure: -128.0,
};

const fn set(message_bits: u32, carry_bits: u32, squared_norm: f64, failure: f64) -> Spec { Spec { message_bits, carry_bits, squared_norm, failure, ..BASE } }
/// gates
pub const G64: Spec = Spec { lwe_dimension: 626, lwe_noise: -12.92, glwe_dimension: 3, polynomial_size: 512, glwe_noise: -35.58, rotation: gadget(17,1), key_switch: gadget(1,11), ..set(1,0,4.0,-64.0)};
/// gates
pub const G128: Spec = set(1,0,4.0,-128.0);
/// x
pub const M1C1F128: Spec = Spec { lwe_dimension: 712, lwe_noise: -15.06, glwe_dimension: 2, polynomial_size: 1024, glwe_noise: -46.32, rotation: gadget(20,1), key_switch: gadget(2,7), ..set(1,1,9.0,-128.0)};
/// x
pub const M1C1F64: Spec = set(1,1,9.0,-64.0);
/// x
pub const M1C1F40: Spec = set(1,1,9.0,-40.0);
/// x
pub const M2C2F128: Spec = Spec { lwe_dimension: 844, lwe_noise: -18.35, key_switch: gadget(2,8), ..set(2,2,25.0,-128.0) };
/// x
pub const M2C2F64: Spec = Spec { lwe_dimension: 786, lwe_noise: -16.91, key_switch: gadget(2,7), ..set(2,2,25.0,-64.0)};
/// x
pub const M2C2F40: Spec = set(2,2,25.0,-40.0);
/// x
pub const B5F40: Spec = set(5,0,1.0,-40.0);
/// x
pub const B5F64: Spec = set(5,0,1.0,-64.0);
/// x
pub const B6F40: Spec = set(6,0,1.0,-40.0);
/// x
pub const B6F64: Spec = set(6,0,1.0,-64.0);
/// x
pub const B7F40: Spec = set(7,0,1.0,-40.0);
/// x
pub const B8F40: Spec = set(8,0,1.0,-40.0);
/// All.
pub const ALL: [(&str, &Spec,f64); 14] = [
    ("gate 64", &G64, 115.0),
    ("gate 128", &G128, 115.0),
    ("1+1 128", &M1C1F128, 115.0),
    ("1+1 64", &M1C1F64, 115.0),
    ("1+1 40", &M1C1F40, 115.0),
    ("2+2 128", &M2C2F128, 115.0),
    ("2+2 64", &M2C2F64, 115.0),
    ("2+2 40", &M2C2F40, 115.0),
    ("5 40", &B5F40, 500.0),
    ("5 64", &B5F64, 500.0),
    ("6 40", &B6F40, 2000.0),
    ("6 64", &B6F64, 2000.0),
    ("7 40", &B7F40, 2000.0),
    ("8 40", &B8F40, 4000.0),
];

//! Fields that presets have in common.

use crate::spec::{Decomposition, Spec};

/// `levels` digits of `base_log` bits.
pub(super) const fn gadget(base_log: u32, levels: usize) -> Decomposition {
    Decomposition { base_log, levels }
}

/// Fields that presets have in common; a search starts from it.
pub(super) const BASE: Spec = Spec {
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

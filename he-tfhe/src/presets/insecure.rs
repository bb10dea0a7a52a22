//! A preset for tests and examples.

use super::base::{BASE, gadget};
use crate::spec::{CircuitGadgets, Spec};

impl Spec {
    /// Messages and carries of two bits in a small ring, with all keys there are: fast, and nothing is hidden.
    /// [`build`](Self::build) refuses it, [`build_insecure`](Self::build_insecure) takes it.
    pub const fn insecure_small() -> Self {
        Self {
            lwe_dimension: 4,
            lwe_noise: -22.0,
            polynomial_size: 256,
            glwe_noise: -45.0,
            packing: Some(gadget(9, 5)),
            circuit: Some(CircuitGadgets { rotation: gadget(15, 2), ggsw: gadget(4, 4), table_bits: 8 }),
            message_bits: 2,
            carry_bits: 2,
            squared_norm: 25.0,
            failure: -40.0,
            ..BASE
        }
    }
}

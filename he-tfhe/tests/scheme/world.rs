//! Parameters, keys and what computes with them.

use he_tfhe::{
    CircuitGadgets, Decomposition, Decryptor, Encryptor, Evaluator, LweCiphertext, Parameters, SecretKey,
    Spec,
};

pub(crate) struct World {
    pub(crate) params: Parameters,
    pub(crate) key: SecretKey,
    pub(crate) evaluator: Evaluator,
}

fn gadget(base_log: u32, levels: usize) -> Decomposition {
    Decomposition { base_log, levels }
}

/// Messages and carries of two bits in a small ring, with a circuit part: fast, and nothing is hidden.
pub(crate) fn insecure_spec() -> Spec {
    Spec {
        lwe_dimension: 60,
        lwe_noise: -22.0,
        glwe_dimension: 1,
        polynomial_size: 1024,
        glwe_noise: -45.0,
        modulus_bits: 48,
        unroll: 2,
        rotation: gadget(22, 1),
        key_switch: gadget(2, 8),
        packing: Some(gadget(9, 5)),
        circuit: Some(CircuitGadgets { rotation: gadget(15, 2), ggsw: gadget(4, 4), table_bits: 12 }),
        message_bits: 2,
        carry_bits: 2,
        squared_norm: 25.0,
        failure: -64.0,
    }
}

pub(crate) fn insecure(spec: Spec) -> Parameters {
    spec.build_insecure("a small ring for a fast test").unwrap()
}

impl World {
    pub(crate) fn new(params: Parameters) -> Self {
        let key = SecretKey::generate(&params).unwrap();
        let evaluator = Evaluator::new(key.evaluation_keys().unwrap());
        Self { params, key, evaluator }
    }

    pub(crate) fn small() -> Self {
        Self::new(insecure(insecure_spec()))
    }

    pub(crate) fn encrypt(&self, messages: &[u64]) -> Vec<LweCiphertext> {
        Encryptor::with_secret(&self.key).encrypt_all(messages).unwrap()
    }

    pub(crate) fn decrypt(&self, ciphertexts: &[LweCiphertext]) -> Vec<u64> {
        let decryptor = Decryptor::new(&self.key);
        ciphertexts.iter().map(|ciphertext| decryptor.decrypt(ciphertext).unwrap()).collect()
    }
}

//! What the tests share: keys of both schemes, and random plaintexts.

use he_bfv::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, Plaintext, SecretKey, Spec,
};

/// SplitMix64: a test's choices follow from its seed.
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A chain without security, for speed.
pub(crate) fn insecure(log_n: u32, t: u64, q_bits: &[u32], p_bits: &[u32], digit: usize) -> Parameters {
    let spec =
        he_bgv::Spec { log_n, plaintext_modulus: t, q_bits: q_bits.to_vec(), p_bits: p_bits.to_vec(), digit };
    Spec(spec).build_insecure("a test").unwrap()
}

/// Everything a client and a server have.
pub(crate) struct World {
    pub(crate) params: Parameters,
    pub(crate) key: SecretKey,
    pub(crate) evaluator: Evaluator,
    pub(crate) encoder: Encoder,
}

impl World {
    /// Keys for relinearization, the rotations by 1, 2 and 4, and the swap.
    pub(crate) fn new(params: &Parameters) -> Self {
        let (key, top) = (SecretKey::generate(params).unwrap(), params.max_level());
        let request = KeyRequest::default()
            .relinearization(top)
            .rotations(params, &[1, 2, 4], top)
            .row_swap(params, top);
        let evaluator = Evaluator::new(params, key.evaluation_keys(&request).unwrap()).unwrap();
        Self { params: params.clone(), key, evaluator, encoder: Encoder::new(params).modular() }
    }

    /// Coefficients of the whole centred range.
    pub(crate) fn random(&self, choices: &mut Choices) -> Plaintext {
        let t = self.params.t();
        let values: Vec<i64> =
            (0..self.params.n()).map(|_| t.center(t.reduce(choices.word() >> 1))).collect();
        self.encoder.encode_coefficients(&values).unwrap()
    }

    pub(crate) fn slots_of(&self, values: &[i64]) -> Ciphertext {
        self.encrypt(&self.encoder.encode(values).unwrap())
    }

    pub(crate) fn encrypt(&self, plaintext: &Plaintext) -> Ciphertext {
        Encryptor::with_secret(&self.key).encrypt(plaintext).unwrap()
    }

    pub(crate) fn decrypt(&self, c: &Ciphertext) -> Plaintext {
        Decryptor::new(&self.key).unwrap().decrypt(c).unwrap()
    }

    pub(crate) fn slots(&self, c: &Ciphertext) -> Vec<i64> {
        self.encoder.decode(&self.decrypt(c)).unwrap()
    }

    pub(crate) fn measured(&self, c: &Ciphertext) -> f64 {
        Decryptor::new(&self.key).unwrap().noise_budget(c).unwrap()
    }
}

/// Words of all parts.
pub(crate) fn words(c: &he_core::rlwe::Ciphertext) -> Vec<Vec<u64>> {
    c.parts().iter().map(|part| part.words().to_vec()).collect()
}

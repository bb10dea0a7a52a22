//! What the tests share.

use he_yashe::{
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

/// A ring without a bound, for speed.
pub(crate) fn insecure(log_n: u32, t: u64, q_bits: &[u32], digit_bits: u32) -> Parameters {
    let spec = Spec { log_n, plaintext_modulus: t, q_bits: q_bits.to_vec(), digit_bits };
    spec.build_insecure("a test").unwrap()
}

/// Everything a client and a server have.
pub(crate) struct World {
    pub(crate) params: Parameters,
    pub(crate) key: SecretKey,
    pub(crate) evaluator: Evaluator,
    pub(crate) encoder: Encoder,
}

impl World {
    /// Keys for products, for rotations by 1 and 4, and for the swap.
    pub(crate) fn new(params: &Parameters) -> Self {
        let key = SecretKey::generate(params).unwrap();
        let request = KeyRequest::default().products().rotations(params, &[1, 4]).row_swap(params);
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

    pub(crate) fn encrypt(&self, plaintext: &Plaintext) -> Ciphertext {
        Encryptor::new(&self.key.public_key()).encrypt(plaintext).unwrap()
    }

    pub(crate) fn slots_of(&self, values: &[i64]) -> Ciphertext {
        self.encrypt(&self.encoder.encode(values).unwrap())
    }

    pub(crate) fn decrypt(&self, c: &Ciphertext) -> Plaintext {
        Decryptor::new(&self.key).decrypt(c).unwrap()
    }

    pub(crate) fn slots(&self, c: &Ciphertext) -> Vec<i64> {
        self.encoder.decode(&self.decrypt(c)).unwrap()
    }
}

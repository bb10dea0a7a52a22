//! What the tests share: keys, and a clear model of slots.

use he_bgv::{
    Ciphertext, Decryptor, Encoder, Encryptor, Evaluator, KeyRequest, Parameters, Plaintext,
    PreparedPlaintext, PublicKey, SecretKey, Spec,
};

/// A linear congruential generator: a test's choices follow from its seed.
pub(crate) struct Choices(u64);

impl Choices {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn word(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound as u64) as usize
    }
}

/// A chain without security, for speed.
pub(crate) fn insecure(log_n: u32, t: u64, q_bits: &[u32], p_bits: &[u32], digit: usize) -> Parameters {
    let spec = Spec { log_n, plaintext_modulus: t, q_bits: q_bits.to_vec(), p_bits: p_bits.to_vec(), digit };
    spec.build_insecure("a test").unwrap()
}

/// Everything a client and a server have.
pub(crate) struct World {
    pub(crate) params: Parameters,
    pub(crate) key: SecretKey,
    pub(crate) public: PublicKey,
    pub(crate) evaluator: Evaluator,
    pub(crate) encoder: Encoder,
}

impl World {
    /// Keys for relinearization, the rotations by powers of two, and the swap.
    pub(crate) fn new(params: Parameters) -> Self {
        let key = SecretKey::generate(&params).unwrap();
        let top = params.max_level();
        let steps: Vec<usize> = (0..params.rlwe().spec().log_n - 1).map(|i| 1 << i).collect();
        let request =
            KeyRequest::default().relinearization(top).rotations(&params, &steps, top).row_swap(&params, top);
        let keys = key.evaluation_keys(&request).unwrap();
        Self {
            public: key.public_key().unwrap(),
            evaluator: Evaluator::new(&params, keys).unwrap(),
            // Values of the whole range are taken modulo t: bounds have tests of their own.
            encoder: Encoder::new(&params).modular(),
            params,
            key,
        }
    }

    pub(crate) fn t(&self) -> i128 {
        self.params.t().value().into()
    }

    /// Centred modulo `t`.
    pub(crate) fn centre(&self, x: i128) -> i64 {
        self.params.t().center(x.rem_euclid(self.t()) as u64)
    }

    pub(crate) fn operand(&self, plaintext: &Plaintext) -> PreparedPlaintext {
        PreparedPlaintext::new(&self.params, plaintext, self.params.max_level()).unwrap()
    }

    /// Under the secret key.
    pub(crate) fn encrypt(&self, plaintext: &Plaintext) -> Ciphertext {
        Encryptor::with_secret(&self.key).encrypt(plaintext).unwrap()
    }

    /// Under the public key.
    pub(crate) fn encrypt_public(&self, plaintext: &Plaintext) -> Ciphertext {
        Encryptor::with_public(&self.public).encrypt(plaintext).unwrap()
    }

    pub(crate) fn decrypt(&self, c: &Ciphertext) -> Plaintext {
        Decryptor::new(&self.key).decrypt(c).unwrap()
    }

    pub(crate) fn slots(&self, c: &Ciphertext) -> Vec<i64> {
        self.encoder.decode(&self.decrypt(c)).unwrap()
    }

    pub(crate) fn measured(&self, c: &Ciphertext) -> f64 {
        Decryptor::new(&self.key).noise_budget(c).unwrap()
    }

    /// Slots of the whole centred range.
    pub(crate) fn random(&self, choices: &mut Choices) -> Vec<i64> {
        (0..self.params.n()).map(|_| self.centre(choices.word().into())).collect()
    }
}

/// Both rows rotated left by `k`.
pub(crate) fn rotated(values: &[i64], k: usize) -> Vec<i64> {
    let mut out = values.to_vec();
    out.chunks_mut(values.len() / 2).for_each(|row| row.rotate_left(k % row.len()));
    out
}

/// The rows swapped.
pub(crate) fn swapped(values: &[i64]) -> Vec<i64> {
    let mut out = values.to_vec();
    out.rotate_left(values.len() / 2);
    out
}

//! Slots to coefficients and back, against the encoder and the dense matrix.

use std::time::Instant;

use he_bgv::transform::{Direction, SlotTransform, coefficient_order};
use he_bgv::{
    Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, OperandError, Parameters,
    SecretKey, Spec,
};
use proptest::prelude::*;

use crate::world::{Choices, insecure};

/// Both directions, and keys for them.
struct Pair {
    params: Parameters,
    encoder: Encoder,
    key: SecretKey,
    down: SlotTransform,
    up: SlotTransform,
    evaluator: Evaluator,
}

impl Pair {
    fn new(params: Parameters, factors: usize) -> Self {
        let level = params.max_level();
        let [down, up] = [Direction::SlotsToCoefficients, Direction::CoefficientsToSlots]
            .map(|direction| SlotTransform::new(&params, factors, level, direction).unwrap());
        assert_eq!((down.levels(), up.levels()), (factors, factors));
        let key = SecretKey::generate(&params).unwrap();
        let shared = down.key_request(KeyRequest::default());
        assert_eq!(up.key_request(shared.clone()), shared, "both directions take the same keys");
        let steps: Vec<usize> = (0..params.n().ilog2() - 1).map(|i| 1 << i).collect();
        let request = shared.rotations(&params, &steps, level).row_swap(&params, level);
        let evaluator = Evaluator::new(&params, key.evaluation_keys(&request).unwrap()).unwrap();
        Self { encoder: Encoder::new(&params).modular(), params, key, down, up, evaluator }
    }

    fn random(&self, seed: u64) -> Vec<i64> {
        let (mut choices, t) = (Choices::new(seed), self.params.t());
        (0..self.params.n()).map(|_| t.center(t.reduce(choices.word()))).collect()
    }

    fn encrypt(&self, slots: &[i64]) -> Ciphertext {
        Encryptor::with_secret(&self.key).encrypt(&self.encoder.encode(slots).unwrap()).unwrap()
    }

    /// Slots, and coefficients in the order of the slots.
    fn decrypt(&self, c: &Ciphertext) -> (Vec<i64>, Vec<i64>) {
        let measured = Decryptor::new(&self.key).noise_budget(c).unwrap();
        assert!(c.noise_budget() <= measured, "estimated {}, measured {measured}", c.noise_budget());
        let plaintext = Decryptor::new(&self.key).decrypt(c).unwrap();
        let coefficients = self.encoder.decode_coefficients(&plaintext);
        let ordered = coefficient_order(self.params.n()).into_iter().map(|j| coefficients[j]).collect();
        (self.encoder.decode(&plaintext).unwrap(), ordered)
    }

    /// Both directions and both compositions.
    fn check(&self, values: &[i64]) {
        let c = self.encrypt(values);
        let (slots, coefficients) = self.decrypt(&c);
        assert_eq!(slots, values);
        let down = self.evaluator.slots_to_coefficients(&self.down, &c).unwrap();
        assert_eq!(self.decrypt(&down).1, values, "slots to coefficients");
        let up = self.evaluator.coefficients_to_slots(&self.up, &c).unwrap();
        assert_eq!(self.decrypt(&up).0, coefficients, "coefficients to slots");
        let back = self.evaluator.coefficients_to_slots(&self.up, &down).unwrap();
        assert_eq!(self.decrypt(&back).0, values, "down and up");
        let back = self.evaluator.slots_to_coefficients(&self.down, &up).unwrap();
        assert_eq!(self.decrypt(&back).1, coefficients, "up and down");
    }
}

fn small(log_n: u32, factors: usize) -> Parameters {
    let t = Spec::slot_modulus(log_n, 16).unwrap();
    insecure(log_n, t, &vec![30; 2 * factors + 3], &[45], 1)
}

#[test]
fn every_number_of_factors_both_ways() {
    for log_n in [3, 4, 5, 6, 8] {
        for factors in 1..log_n as usize {
            let pair = Pair::new(small(log_n, factors), factors);
            let n = pair.params.n();
            for seed in 0..2 {
                pair.check(&pair.random(seed));
            }
            pair.check(&vec![(pair.params.t().value() / 2) as i64; n]);
            pair.check(&vec![0; n]);
        }
    }
}

/// Noise that rotations or the swap leave as it is, where the terms of a factor are as related as can be.
#[test]
fn estimates_hold_for_invariant_noise() {
    for (log_n, factors) in (4..9).flat_map(|log_n| (1..log_n as usize).map(move |factors| (log_n, factors)))
    {
        let t = Spec::slot_modulus(log_n, 16).unwrap();
        let pair = Pair::new(insecure(log_n, t, &vec![30; 2 * factors + 5], &[45], 1), factors);
        let (e, n, c) = (&pair.evaluator, pair.params.n(), pair.encrypt(&pair.random(3)));
        for log_stride in 0..log_n - 1 {
            let stride = 1 << log_stride;
            let sum = e.inner_sum(&c, stride, n / 2 / stride).unwrap();
            let both = e.add(&sum, &e.swap_rows(&sum).unwrap()).unwrap();
            for c in [sum, both] {
                let (slots, coefficients) = pair.decrypt(&c);
                let down = e.slots_to_coefficients(&pair.down, &c).unwrap();
                assert_eq!(pair.decrypt(&down).1, slots);
                let up = e.coefficients_to_slots(&pair.up, &c).unwrap();
                assert_eq!(pair.decrypt(&up).0, coefficients);
            }
        }
    }
}

/// The naive twin: column `j` of the matrix is the slots of `X^j`.
#[test]
fn the_dense_matrix_of_the_encoder() {
    let pair = Pair::new(small(5, 2), 2);
    let (n, t, values) = (pair.params.n(), pair.params.t(), pair.random(9));
    let order = coefficient_order(n);
    assert!((0..n).all(|slot| order[order[slot]] == slot), "its own inverse");
    let mut expected = vec![0; n];
    for (slot, &value) in values.iter().enumerate() {
        let mut monomial = vec![0; n];
        monomial[order[slot]] = 1;
        let column = pair.encoder.encode_coefficients(&monomial).unwrap();
        for (sum, entry) in expected.iter_mut().zip(pair.encoder.decode(&column).unwrap()) {
            *sum = t.add(*sum, t.mul(t.reduce_i64(entry), t.reduce_i64(value)));
        }
    }
    let c = pair.evaluator.slots_to_coefficients(&pair.down, &pair.encrypt(&values)).unwrap();
    let slots: Vec<u64> = pair.decrypt(&c).0.into_iter().map(|v| t.reduce_i64(v)).collect();
    assert_eq!(slots, expected);
}

#[test]
fn refusals() {
    let pair = Pair::new(small(4, 1), 1);
    let c = pair.encrypt(&[1, 2]);
    let wrong = pair.evaluator.slots_to_coefficients(&pair.up, &c);
    assert!(matches!(wrong, Err(Error::Direction { .. })));
    let (params, level) = (&pair.params, pair.params.max_level());
    let new = |factors, level| SlotTransform::new(params, factors, level, Direction::CoefficientsToSlots);
    assert!(matches!(new(0, level), Err(Error::Factors { .. })));
    assert!(matches!(new(4, level), Err(Error::Factors { wanted: 4, most: 3 })));
    assert!(matches!(new(1, level + 1), Err(Error::Operand(OperandError::Level { .. }))));
    let other = Pair::new(small(5, 1), 1);
    let foreign = other.evaluator.slots_to_coefficients(&pair.down, &other.encrypt(&[1]));
    assert!(matches!(foreign, Err(Error::Operand(OperandError::Foreign { .. }))));
    let without = insecure(4, 16, &[30], &[45], 1);
    let none = SlotTransform::new(&without, 1, 0, Direction::CoefficientsToSlots);
    assert!(matches!(none, Err(Error::NoSlots { .. })));
    let short = Pair::new(insecure(4, Spec::slot_modulus(4, 16).unwrap(), &[30], &[45], 1), 1);
    let spent = short.evaluator.slots_to_coefficients(&short.down, &short.encrypt(&[1]));
    assert!(matches!(spent, Err(Error::NoiseExhausted { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn random_values_and_moduli(log_n in 3u32..8, bits in 10u32..24, factors in 1usize..7, seed: u64) {
        let factors = factors.min(log_n as usize - 1);
        let t = Spec::slot_modulus(log_n, bits).unwrap();
        let pair = Pair::new(insecure(log_n, t, &vec![40; 2 * factors + 3], &[50], 1), factors);
        pair.check(&pair.random(seed));
    }
}

/// Prints seconds, rotations and budgets at parameters of 128-bit security.
#[test]
#[ignore = "several seconds and gigabytes; prints figures"]
fn figures_at_128_bits() {
    let of = |log_n, q_bits: Vec<u32>, p_bits| {
        let plaintext_modulus = Spec::slot_modulus(log_n, 20).unwrap();
        Spec { log_n, plaintext_modulus, q_bits, p_bits: vec![p_bits], digit: 1 }
    };
    let (small, large) = (Spec::n8192(), Spec::n16384());
    for spec in [of(13, vec![28; 6], 45), small, of(14, vec![30; 12], 50), large] {
        for factors in 2..=4 {
            let (log_n, primes) = (spec.log_n, spec.q_bits.len());
            let start = Instant::now();
            let pair = Pair::new(spec.build().unwrap(), factors);
            println!(
                "N = 2^{log_n}, {primes} primes, {factors} factors: set up in {:.1} s, {} and {} rotations, {} diagonals, growth {:.1?}",
                start.elapsed().as_secs_f64(),
                pair.down.rotations(),
                pair.up.rotations(),
                pair.down.diagonals(),
                pair.down.growth(),
            );
            let values = pair.random(1);
            let c = pair.encrypt(&values);
            let coefficients = pair.decrypt(&c).1;
            let show = |what: &str, c: &Ciphertext, start: Instant| {
                let seconds = start.elapsed().as_secs_f64();
                let measured = Decryptor::new(&pair.key).noise_budget(c).unwrap();
                let (level, budget) = (c.level(), c.noise_budget());
                println!(
                    "  {what}: {seconds:.2} s, level {level}, budget {budget:.1}, measured {measured:.1}"
                );
            };
            show("fresh", &c, Instant::now());
            let start = Instant::now();
            let down = pair.evaluator.slots_to_coefficients(&pair.down, &c).unwrap();
            show("slots to coefficients", &down, start);
            assert_eq!(pair.decrypt(&down).1, values);
            let start = Instant::now();
            let up = pair.evaluator.coefficients_to_slots(&pair.up, &c).unwrap();
            show("coefficients to slots", &up, start);
            assert_eq!(pair.decrypt(&up).0, coefficients);
        }
    }
}

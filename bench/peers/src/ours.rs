//! This project at the sets of equal message bits, failure probability and security.

use he_tfhe::{
    Decryptor, Encryptor, EvaluationKeys, Evaluator, Gate, GateJob, LookupTable, LweCiphertext, Parameters,
    SecretKey, Spec,
};

use crate::theirs::{Set, function};
use crate::{milliseconds, random};

struct Keys {
    key: SecretKey,
    keys: EvaluationKeys,
    evaluator: Evaluator,
}

impl Keys {
    fn new(params: &Parameters) -> Self {
        let key = SecretKey::generate(params).expect("randomness");
        let keys = key.evaluation_keys().expect("randomness");
        let evaluator = Evaluator::new(keys.clone());
        Self { key, keys, evaluator }
    }
}

pub struct Messages {
    set: Set,
    keys: Keys,
    table: LookupTable,
}

impl Messages {
    pub fn new(set: Set) -> Self {
        let spec = match set {
            Set::TwoTwo => Spec::message_2_carry_2_failure_128(),
            Set::OneOne => Spec::message_1_carry_1_failure_128(),
        };
        let params = spec.build().expect("a preset");
        let table = LookupTable::new(&params, |x| function(x, set.modulus())).expect("a table of messages");
        Self { set, keys: Keys::new(&params), table }
    }

    fn inputs(&self, count: usize) -> (Vec<u64>, Vec<LweCiphertext>) {
        let messages: Vec<u64> = random(count).map(|x| x % self.set.modulus()).collect();
        let inputs = Encryptor::with_secret(&self.keys.key).encrypt_all(&messages).expect("messages in range");
        (messages, inputs)
    }

    fn check(&self, messages: &[u64], outputs: &[LweCiphertext]) {
        let decryptor = Decryptor::new(&self.keys.key);
        for (output, &m) in outputs.iter().zip(messages) {
            assert_eq!(decryptor.decrypt(output).expect("own parameters"), function(m, self.set.modulus()));
        }
    }

    pub fn batch(&self, count: usize) -> f64 {
        let (messages, inputs) = self.inputs(count);
        let (time, outputs) =
            milliseconds(count, || self.keys.evaluator.bootstrap_batch(&inputs, &self.table));
        self.check(&messages, &outputs.expect("fresh operands"));
        time
    }

    pub fn alone(&self, count: usize) -> f64 {
        let (messages, inputs) = self.inputs(count);
        let one = |input| self.keys.evaluator.bootstrap(input, &self.table).expect("fresh operands");
        let (time, outputs) = milliseconds(count, || inputs.iter().map(one).collect::<Vec<_>>());
        self.check(&messages, &outputs);
        time
    }

    pub fn key_bytes(&self) -> usize {
        self.keys.keys.bytes()
    }
}

pub struct Gates {
    keys: Keys,
}

impl Gates {
    pub fn new() -> Self {
        Self { keys: Keys::new(&Spec::gate_failure_64().build().expect("a preset")) }
    }

    fn inputs(&self, count: usize) -> (Vec<[bool; 3]>, Vec<Vec<LweCiphertext>>) {
        let bits: Vec<[bool; 3]> = random(count).map(|x| [x & 1 == 1, x & 2 == 2, x & 4 == 4]).collect();
        let encryptor = Encryptor::with_secret(&self.keys.key);
        let inputs = bits.iter().map(|bits| encryptor.encrypt_bits(bits).expect("randomness")).collect();
        (bits, inputs)
    }

    fn check(&self, outputs: &[LweCiphertext], expected: impl Iterator<Item = bool>) {
        let decryptor = Decryptor::new(&self.keys.key);
        assert!(
            outputs
                .iter()
                .zip(expected)
                .all(|(output, bit)| decryptor.decrypt_bit(output).expect("own") == bit)
        );
    }

    fn nand_in(&self, count: usize, size: usize) -> f64 {
        let (bits, inputs) = self.inputs(count);
        let jobs: Vec<_> = inputs.iter().map(|x| GateJob::two(Gate::Nand, &x[0], &x[1])).collect();
        let gates = |jobs: &[GateJob<'_>]| self.keys.evaluator.gates(jobs).expect("fresh operands");
        let (time, outputs) = milliseconds(count, || jobs.chunks(size).flat_map(gates).collect::<Vec<_>>());
        self.check(&outputs, bits.iter().map(|[a, b, _]| !(*a && *b)));
        time
    }

    fn mux_in(&self, count: usize, size: usize) -> f64 {
        let (bits, inputs) = self.inputs(count);
        let jobs: Vec<[&LweCiphertext; 3]> = inputs.iter().map(|x| [&x[0], &x[1], &x[2]]).collect();
        let mux = |jobs: &[[&LweCiphertext; 3]]| self.keys.evaluator.mux(jobs).expect("fresh operands");
        let (time, outputs) = milliseconds(count, || jobs.chunks(size).flat_map(mux).collect::<Vec<_>>());
        self.check(&outputs, bits.iter().map(|[c, a, b]| if *c { *a } else { *b }));
        time
    }

    pub fn nand(&self, count: usize) -> f64 {
        self.nand_in(count, count)
    }

    pub fn nand_alone(&self, count: usize) -> f64 {
        self.nand_in(count, 1)
    }

    pub fn mux(&self, count: usize) -> f64 {
        self.mux_in(count, count)
    }

    pub fn mux_alone(&self, count: usize) -> f64 {
        self.mux_in(count, 1)
    }

    pub fn key_bytes(&self) -> usize {
        self.keys.keys.bytes()
    }
}

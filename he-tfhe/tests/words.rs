//! Bitwise operations, comparisons, rotations and encrypted shifts of words, on bits and on digits, against those of `u8`:
//! all pairs of 4 bits, and 10^3 drawn pairs of 8.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::OnceLock;

use he_core::ring::sample::Prng;
use he_tfhe::bits::{self, BitEvaluator};
use he_tfhe::digits::{self, Backend, Condition, DigitEvaluator, Digits, Simulation};
use he_tfhe::{Decryptor, Encryptor, Evaluator, Parameters, SecretKey, Spec};

/// The operations in the order in which all functions below have them.
const NAMES: [&str; 19] = [
    "and",
    "or",
    "xor",
    "not",
    "ne",
    "gt",
    "ge",
    "gt unsigned",
    "ge unsigned",
    "le unsigned",
    "rotate left by 3",
    "rotate right by 1",
    "rotate left",
    "rotate right",
    "shift left",
    "shift right unsigned",
    "shift right",
    "ne or gt",
    "not ge xor ne",
];

/// The results of all operations on words of 4 or 8 bits.
fn expected(a: u8, b: u8, bits: u32) -> Vec<u8> {
    let mask = u8::MAX >> (8 - bits);
    let signed = |x: u8| ((x << (8 - bits)) as i8) >> (8 - bits);
    let left = |n: u32| if bits == 8 { a.rotate_left(n) } else { (a << (n % 4)) | (a >> (4 - n % 4)) };
    let (n, far) = (u32::from(b), u32::from(b) >= bits);
    let (ne, gt, ge) = (a != b, signed(a) > signed(b), signed(a) >= signed(b));
    let results = [
        a & b,
        a | b,
        a ^ b,
        !a,
        ne.into(),
        gt.into(),
        ge.into(),
        (a > b).into(),
        (a >= b).into(),
        (a <= b).into(),
        left(3),
        left(bits - 1),
        left(n % bits),
        left((bits - n % bits) % bits),
        if far { 0 } else { a << n },
        if far { 0 } else { a >> n },
        (signed(a) >> n.min(7)) as u8,
        (ne || gt).into(),
        (!ge ^ ne).into(),
    ];
    results.map(|x| x & mask).to_vec()
}

/// All operations on digits; conditions are words of one digit.
fn on_digits<B: Backend>(
    e: &DigitEvaluator<B>,
    a: &[Digits<B::Digit>],
    b: &[Digits<B::Digit>],
) -> Vec<Vec<Digits<B::Digit>>> {
    let bit = |conditions: &[Condition<B::Digit>]| -> Vec<Digits<B::Digit>> {
        let word = |c: &Condition<B::Digit>| Digits::new(vec![c.digit().clone()], 2).unwrap();
        conditions.iter().map(word).collect()
    };
    let (ne, gt, ge) = (e.ne(a, b).unwrap(), e.gt(a, b).unwrap(), e.ge(a, b).unwrap());
    vec![
        e.bitand(a, b).unwrap(),
        e.bitor(a, b).unwrap(),
        e.bitxor(a, b).unwrap(),
        e.bitnot(a).unwrap(),
        bit(&ne),
        bit(&gt),
        bit(&ge),
        bit(&e.gt_unsigned(a, b).unwrap()),
        bit(&e.ge_unsigned(a, b).unwrap()),
        bit(&e.le_unsigned(a, b).unwrap()),
        e.rotate_left(a, 3).unwrap(),
        e.rotate_right(a, 1).unwrap(),
        e.rotate_left_by(a, b).unwrap(),
        e.rotate_right_by(a, b).unwrap(),
        e.shift_left_by(a, b).unwrap(),
        e.shift_right_unsigned_by(a, b).unwrap(),
        e.shift_right_by(a, b).unwrap(),
        bit(&e.or(&ne, &gt).unwrap()),
        bit(&e.xor(&e.not(&ge).unwrap(), &e.and(&ne, &ne).unwrap()).unwrap()),
    ]
}

/// All operations on bits.
fn on_bits(e: &BitEvaluator<'_>, a: &[bits::Bits], b: &[bits::Bits]) -> Vec<Vec<bits::Bits>> {
    let (ne, gt, ge) =
        (e.not_equal(a, b).unwrap(), e.greater(a, b).unwrap(), e.greater_or_equal(a, b).unwrap());
    vec![
        e.bitand(a, b).unwrap(),
        e.bitor(a, b).unwrap(),
        e.bitxor(a, b).unwrap(),
        e.bitnot(a).unwrap(),
        ne.clone(),
        gt.clone(),
        ge.clone(),
        e.greater_unsigned(a, b).unwrap(),
        e.greater_or_equal_unsigned(a, b).unwrap(),
        e.less_or_equal_unsigned(a, b).unwrap(),
        a.iter().map(|a| a.rotate_left(3)).collect(),
        a.iter().map(|a| a.rotate_right(1)).collect(),
        e.rotate_left(a, b).unwrap(),
        e.rotate_right(a, b).unwrap(),
        e.shift_left(a, b).unwrap(),
        e.shift_right(a, b).unwrap(),
        e.shift_right_arithmetic(a, b).unwrap(),
        e.bitor(&ne, &gt).unwrap(),
        e.bitxor(&e.bitnot(&ge).unwrap(), &ne).unwrap(),
    ]
}

type Pairs = (Vec<u8>, Vec<u8>);

fn all_pairs_of_4_bits() -> Pairs {
    (0..16).flat_map(|a| (0..16).map(move |b| (a, b))).unzip()
}

/// Pairs of 8 bits, half of them with an amount that moves within the word.
fn drawn(count: usize) -> Pairs {
    let mut prng = Prng::from_os().unwrap();
    let mut pair = |i: usize| {
        let word = prng.next_u64();
        (word as u8, if i.is_multiple_of(2) { (word >> 8) as u8 } else { (word >> 8) as u8 % 8 })
    };
    (0..count).map(&mut pair).unzip()
}

#[track_caller]
fn check((a, b): &Pairs, bits: u32, found: &[Vec<u8>]) {
    assert_eq!(found.len(), NAMES.len());
    for (at, (&a, &b)) in a.iter().zip(b).enumerate() {
        let expected = expected(a, b, bits);
        for ((name, found), expected) in NAMES.iter().zip(found).zip(expected) {
            assert_eq!(found[at], expected, "{name} of {a} and {b} at {bits} bits");
        }
    }
}

fn wide(values: &[u8]) -> Vec<u64> {
    values.iter().map(|&value| value.into()).collect()
}

struct World {
    key: SecretKey,
    server: Evaluator,
}

impl World {
    fn new(params: &Parameters) -> Self {
        let key = SecretKey::generate(params).unwrap();
        let server = Evaluator::new(key.evaluation_keys().unwrap());
        Self { key, server }
    }

    fn insecure() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(|| Self::new(&Spec::insecure_small().build_insecure("a fast test").unwrap()))
    }

    fn digits(&self, pairs: &Pairs, width: u32) {
        let encryptor = Encryptor::with_secret(&self.key);
        let decryptor = Decryptor::new(&self.key);
        let e = DigitEvaluator::new(&self.server).unwrap();
        let [a, b] =
            [&pairs.0, &pairs.1].map(|x| digits::encrypt_unsigned(&encryptor, &wide(x), width).unwrap());
        let read = |word: &Digits| digits::decrypt_unsigned(&decryptor, word).unwrap() as u8;
        let found: Vec<Vec<u8>> =
            on_digits(&e, &a, &b).iter().map(|words| words.iter().map(read).collect()).collect();
        check(pairs, width, &found);
    }

    fn bits(&self, pairs: &Pairs, width: usize) {
        let encryptor = Encryptor::with_secret(&self.key);
        let e = BitEvaluator::new(&self.server);
        let [a, b] =
            [&pairs.0, &pairs.1].map(|x| bits::encrypt_unsigned(&encryptor, &wide(x), width).unwrap());
        let read = |words: &Vec<bits::Bits>| {
            let words = bits::decrypt_unsigned(&Decryptor::new(&self.key), words).unwrap();
            words.into_iter().map(|word| word as u8).collect()
        };
        check(pairs, width as u32, &on_bits(&e, &a, &b).iter().map(read).collect::<Vec<_>>());
    }
}

#[test]
fn digits_on_the_simulation_with_every_noise_from_its_source() {
    for (pairs, width) in [(all_pairs_of_4_bits(), 4), (drawn(1000), 8)] {
        let e = DigitEvaluator::over(Simulation::new(2, 25.0, 2).correlated()).unwrap();
        let word = |&value: &u8| {
            let digits = (0..width / 2).map(|i| e.backend().digit(i64::from(value >> (2 * i) & 3)));
            Digits::new(digits.collect(), 2).unwrap()
        };
        let [a, b] = [&pairs.0, &pairs.1].map(|x| x.iter().map(word).collect::<Vec<_>>());
        let read = |word: &Digits<digits::Plain>| {
            let digit = |(i, digit): (usize, &digits::Plain)| {
                assert!((0..4).contains(&digit.value()), "a digit of {}", digit.value());
                (digit.value() as u8) << (2 * i)
            };
            word.digits().iter().enumerate().map(digit).sum::<u8>()
        };
        let found: Vec<Vec<u8>> =
            on_digits(&e, &a, &b).iter().map(|words| words.iter().map(read).collect()).collect();
        check(&pairs, width, &found);
    }
}

#[test]
fn digits_in_a_small_ring() {
    World::insecure().digits(&all_pairs_of_4_bits(), 4);
    World::insecure().digits(&drawn(50), 8);
}

#[test]
fn bits_in_a_small_ring() {
    World::insecure().bits(&all_pairs_of_4_bits(), 4);
    World::insecure().bits(&drawn(20), 8);
}

#[test]
#[ignore = "all pairs of 4 bits and 10^3 of 8 at 128 bits of security, on bits and on digits"]
fn words_at_128_bits() {
    let world = World::new(&Spec::message_2_carry_2_failure_64().build().unwrap());
    world.digits(&all_pairs_of_4_bits(), 4);
    world.digits(&drawn(1000), 8);
    let world = World::new(&Spec::gate_failure_64().build().unwrap());
    world.bits(&all_pairs_of_4_bits(), 4);
    world.bits(&drawn(1000), 8);
}

//! Integers of digits: exhaustive at 8 bits and drawn at 16 and 32 on the simulation, a few integers of every operation on
//! ciphertexts.

#![allow(clippy::unwrap_used, reason = "tests")]

use he_tfhe::Error;
use he_tfhe::digits::{Backend, Carries, Condition, DigitEvaluator, Digits, Plain, Simulation, clear};
use proptest::prelude::*;

const NORM: f64 = 25.0;
const BOTH: [Carries; 2] = [Carries::Prefix, Carries::Ripple];

type Integers<D> = Vec<Digits<D>>;

fn simulated(carries: Carries) -> DigitEvaluator<Simulation> {
    DigitEvaluator::over(Simulation::new(2, NORM, 2)).unwrap().with_carries(carries)
}

fn integer(e: &DigitEvaluator<Simulation>, bits: u32, value: i64) -> Digits<Plain> {
    let m = e.backend().digit_bits();
    let digits = (0..bits / m).map(|i| e.backend().digit(value >> (m * i) & ((1 << m) - 1))).collect();
    Digits::new(digits, m).unwrap()
}

fn integers(e: &DigitEvaluator<Simulation>, bits: u32, values: &[i64]) -> Integers<Plain> {
    values.iter().map(|&value| integer(e, bits, value)).collect()
}

/// The value; digits have to be in range.
fn read(integer: &Digits<Plain>) -> i64 {
    let m = integer.digit_bits();
    let value = integer.digits().iter().enumerate().fold(0_i128, |sum, (i, digit)| {
        assert!((0..1 << m).contains(&digit.value()), "a digit of {}", digit.value());
        sum + (i128::from(digit.value()) << (i as u32 * m))
    });
    clear::signed(value, integer.bits())
}

fn values(integers: &[Digits<Plain>]) -> Vec<i64> {
    integers.iter().map(read).collect()
}

fn bits_of(conditions: &[Condition<Plain>]) -> Vec<bool> {
    conditions.iter().map(|condition| [false, true][condition.digit().value() as usize]).collect()
}

/// All pairs of 8-bit numbers.
fn all_pairs() -> (Vec<i64>, Vec<i64>) {
    (-128..128).flat_map(|a| (-128..128).map(move |b| (a, b))).unzip()
}

/// Every operation of two operands against its reference; the operands go in as slices.
fn check_pairs(e: &DigitEvaluator<Simulation>, bits: u32, a: &[i64], b: &[i64]) {
    let (x, y) = (integers(e, bits, a), integers(e, bits, b));
    let expect =
        |f: &dyn Fn(i64, i64) -> i64| -> Vec<i64> { a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect() };
    let holds =
        |f: &dyn Fn(i64, i64) -> bool| -> Vec<bool> { a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect() };
    assert_eq!(values(&e.add(&x, &y).unwrap()), expect(&|a, b| clear::add(a, b, bits)));
    assert_eq!(values(&e.sub(&x, &y).unwrap()), expect(&|a, b| clear::sub(a, b, bits)));
    assert_eq!(values(&e.mul(&x, &y).unwrap()), expect(&|a, b| clear::mul(a, b, bits)));
    assert_eq!(bits_of(&e.eq(&x, &y).unwrap()), holds(&|a, b| a == b));
    assert_eq!(bits_of(&e.lt(&x, &y).unwrap()), holds(&|a, b| clear::lt(a, b, bits)));
    assert_eq!(bits_of(&e.le(&x, &y).unwrap()), holds(&|a, b| !clear::lt(b, a, bits)));
    assert_eq!(bits_of(&e.lt_unsigned(&x, &y).unwrap()), holds(&|a, b| clear::lt_unsigned(a, b, bits)));
    assert_eq!(bits_of(&e.le_unsigned(&x, &y).unwrap()), holds(&|a, b| !clear::lt_unsigned(b, a, bits)));
    assert_eq!(values(&e.min(&x, &y).unwrap()), expect(&|a, b| a.min(b)));
    let larger = e.max(&x, &y).unwrap();
    assert_eq!(values(&larger), expect(&|a, b| a.max(b)));
    // A result of a selection is noisier: it is refreshed where that is too much.
    assert_eq!(values(&e.mul(&larger, &y).unwrap()), expect(&|a, b| clear::mul(a.max(b), b, bits)));
}

fn check_division(e: &DigitEvaluator<Simulation>, bits: u32, a: &[i64], b: &[i64]) {
    let (x, y) = (integers(e, bits, a), integers(e, bits, b));
    let expect = |f: &dyn Fn(i64, i64) -> (i64, i64)| -> (Vec<i64>, Vec<i64>) {
        a.iter().zip(b).map(|(&a, &b)| f(a, b)).unzip()
    };
    let (quotient, remainder) = e.div_rem_unsigned(&x, &y).unwrap();
    assert_eq!((values(&quotient), values(&remainder)), expect(&|a, b| clear::div_rem_unsigned(a, b, bits)));
    let (quotient, remainder) = e.div_rem(&x, &y).unwrap();
    assert_eq!((values(&quotient), values(&remainder)), expect(&|a, b| clear::div_rem(a, b, bits)));
}

fn check_fixed(e: &DigitEvaluator<Simulation>, bits: u32, fractions: &[u32], a: &[i64], b: &[i64]) {
    let (x, y) = (integers(e, bits, a), integers(e, bits, b));
    let m = e.backend().digit_bits();
    for &fraction in fractions {
        let expected: Vec<i64> =
            a.iter().zip(b).map(|(&a, &b)| clear::fixed_mul(a, b, bits, fraction, m)).collect();
        assert_eq!(
            values(&e.fixed_mul(&x, &y, fraction).unwrap()),
            expected,
            "{fraction} bits behind the point"
        );
        let sums: Vec<i64> =
            expected.iter().zip(b).map(|(&product, &b)| clear::add(product, b, bits)).collect();
        assert_eq!(values(&e.fixed_mul_add(&x, &y, &y, fraction).unwrap()), sums);
    }
}

/// Every operation of one operand.
fn check_single(e: &DigitEvaluator<Simulation>, bits: u32, a: &[i64]) {
    let x = integers(e, bits, a);
    let expect = |f: &dyn Fn(i64) -> i64| -> Vec<i64> { a.iter().map(|&a| f(a)).collect() };
    assert_eq!(values(&e.negate(&x).unwrap()), expect(&|a| clear::negate(a, bits)));
    assert_eq!(values(&e.relu(&x).unwrap()), expect(&|a| clear::relu(a, bits)));
    for amount in 0..bits + 2 {
        let moved = e.shift_left(&x, amount).unwrap();
        assert_eq!(values(&moved), expect(&|a| clear::shift_left(a, amount, bits)), "{amount}");
        let moved = e.shift_right(&x, amount).unwrap();
        assert_eq!(values(&moved), expect(&|a| clear::shift_right(a, amount, bits)), "{amount}");
        let moved = e.shift_right_unsigned(&x, amount).unwrap();
        assert_eq!(values(&moved), expect(&|a| clear::shift_right_unsigned(a, amount, bits)), "{amount}");
    }
    let m = e.backend().digit_bits();
    for width in [m, bits, bits + m, 2 * bits].into_iter().filter(|width| *width <= 64) {
        assert_eq!(values(&e.resize(&x, width).unwrap()), expect(&|a| clear::signed(a.into(), width)));
    }
}

#[test]
fn all_pairs_of_8_bits() {
    let (a, b) = all_pairs();
    for carries in BOTH {
        check_pairs(&simulated(carries), 8, &a, &b);
    }
}

#[test]
fn all_products_of_8_bits_in_fixed_point() {
    let (a, b) = all_pairs();
    for carries in BOTH {
        check_fixed(&simulated(carries), 8, &[0, 2, 4, 6, 8], &a, &b);
    }
}

#[test]
fn all_quotients_of_8_bits() {
    let (a, b) = all_pairs();
    for carries in BOTH {
        check_division(&simulated(carries), 8, &a, &b);
    }
}

#[test]
fn all_numbers_of_8_bits() {
    let a: Vec<i64> = (-128..128).collect();
    check_single(&simulated(Carries::Auto), 8, &a);
    check_single(&simulated(Carries::Prefix), 8, &a);
}

/// Bootstraps and layers of an operation on one integer.
fn count(
    carries: Carries,
    bits: u32,
    name: &str,
    f: impl Fn(&DigitEvaluator<Simulation>, &[Digits<Plain>]),
) -> (u64, u64) {
    let e = simulated(carries);
    let x = integers(&e, bits, &[37, -25]);
    f(&e, &x);
    let found = (e.backend().bootstraps(), e.layers());
    println!("{name:>16} {bits:>3} {carries:?}: {:>4} bootstraps in {:>3} layers", found.0, found.1);
    found
}

#[test]
fn bootstraps_and_layers_are_as_documented() {
    type Operation = fn(&DigitEvaluator<Simulation>, &[Digits<Plain>]);
    type Row = (&'static str, Operation, [(u64, u64); 2]);
    // At most, by prefixes, at 8 and at 16 bits.
    let operations: [Row; 20] = [
        ("add", |e, x| drop(e.add(&x[..1], &x[1..]).unwrap()), [(9, 3), (23, 3)]),
        ("sub", |e, x| drop(e.sub(&x[..1], &x[1..]).unwrap()), [(9, 3), (23, 3)]),
        ("negate", |e, x| drop(e.negate(&x[..1]).unwrap()), [(9, 3), (23, 3)]),
        ("mul", |e, x| drop(e.mul(&x[..1], &x[1..]).unwrap()), [(24, 4), (107, 6)]),
        (
            "fixed_mul f=W/2",
            |e, x| drop(e.fixed_mul(&x[..1], &x[1..], x[0].bits() / 2).unwrap()),
            [(45, 5), (178, 6)],
        ),
        (
            "fixed_mul f=6/10",
            |e, x| drop(e.fixed_mul(&x[..1], &x[1..], if x[0].bits() == 8 { 6 } else { 10 }).unwrap()),
            [(52, 6), (179, 6)],
        ),
        ("eq", |e, x| drop(e.eq(&x[..1], &x[1..]).unwrap()), [(5, 2), (9, 2)]),
        ("lt", |e, x| drop(e.lt(&x[..1], &x[1..]).unwrap()), [(5, 2), (11, 3)]),
        (
            "select",
            |e, x| drop(e.select(&[Condition::new(e.backend().digit(1))], &x[..1], &x[1..]).unwrap()),
            [(4, 1), (8, 1)],
        ),
        ("min", |e, x| drop(e.min(&x[..1], &x[1..]).unwrap()), [(9, 3), (19, 4)]),
        ("relu", |e, x| drop(e.relu(&x[..1]).unwrap()), [(4, 1), (8, 1)]),
        ("shift_left 3", |e, x| drop(e.shift_left(&x[..1], 3).unwrap()), [(3, 1), (7, 1)]),
        ("shift_right 3", |e, x| drop(e.shift_right(&x[..1], 3).unwrap()), [(4, 1), (8, 1)]),
        ("rotate_left 3", |e, x| drop(e.rotate_left(&x[..1], 3).unwrap()), [(4, 1), (8, 1)]),
        ("bitand", |e, x| drop(e.bitand(&x[..1], &x[1..]).unwrap()), [(4, 1), (8, 1)]),
        ("shift_left_by", |e, x| drop(e.shift_left_by(&x[..1], &x[1..]).unwrap()), [(31, 8), (63, 9)]),
        ("rotate_left_by", |e, x| drop(e.rotate_left_by(&x[..1], &x[1..]).unwrap()), [(19, 5), (52, 7)]),
        ("resize 2W", |e, x| drop(e.resize(&x[..1], 2 * x[0].bits()).unwrap()), [(1, 1), (1, 1)]),
        (
            "div_rem_unsigned",
            |e, x| drop(e.div_rem_unsigned(&x[..1], &x[1..]).unwrap()),
            [(190, 21), (618, 39)],
        ),
        ("div_rem", |e, x| drop(e.div_rem(&x[..1], &x[1..]).unwrap()), [(245, 30), (745, 48)]),
    ];
    for (name, operation, most) in operations {
        for (bits, most) in [8, 16].into_iter().zip(most) {
            let found = count(Carries::Prefix, bits, name, operation);
            count(Carries::Ripple, bits, name, operation);
            assert!(found.0 <= most.0 && found.1 <= most.1, "{name} at {bits} bits");
        }
    }
}

/// Numbers of `bits` bits.
fn numbers(bits: u32) -> impl Strategy<Value = Vec<(i64, i64)>> {
    let one =
        prop_oneof![any::<i64>(), -3..4_i64, Just(i64::MIN >> (64 - bits)), Just(i64::MAX >> (64 - bits))];
    let fit = move |value: i64| clear::signed(value.into(), bits);
    let pair = (one.clone(), one).prop_map(move |(a, b)| (fit(a), fit(b)));
    proptest::collection::vec(pair, 1..12)
}

fn check_all(e: &DigitEvaluator<Simulation>, bits: u32, pairs: Vec<(i64, i64)>) {
    let (a, b): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
    let m = e.backend().digit_bits();
    check_pairs(e, bits, &a, &b);
    check_fixed(e, bits, &[0, bits / m / 2 * m, bits], &a, &b);
    check_division(e, bits, &a, &b);
    check_single(e, bits, &a);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn numbers_of_16_bits(pairs in numbers(16)) {
        BOTH.iter().for_each(|&carries| check_all(&simulated(carries), 16, pairs.clone()));
    }

    #[test]
    fn numbers_of_32_bits(pairs in numbers(32)) {
        BOTH.iter().for_each(|&carries| check_all(&simulated(carries), 32, pairs.clone()));
    }

    #[test]
    fn digits_of_3_and_4_bits(pairs in numbers(12)) {
        for (digit_bits, norm) in [(3, 65.0), (4, 257.0)] {
            for carries in BOTH {
                let e = DigitEvaluator::over(Simulation::new(digit_bits, norm, 2)).unwrap().with_carries(carries);
                check_all(&e, 12, pairs.clone());
            }
        }
    }
}

#[test]
fn integers_of_every_width() {
    for bits in (2..=64).step_by(2) {
        let (low, high) = (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits));
        let pairs = vec![
            (low, -1),
            (low, low),
            (high, high),
            (high, low),
            (0, 0),
            (1, 0),
            (low, 0),
            (high, 1),
            (-1, 1),
        ];
        BOTH.iter().for_each(|&carries| check_all(&simulated(carries), bits, pairs.clone()));
    }
}

#[test]
fn noises_that_meet_again_stay_within_the_limit() {
    // Both operands the same integer, and integers extended with copies of their sign.
    for carries in BOTH {
        let e = DigitEvaluator::over(Simulation::new(2, NORM, 2).correlated()).unwrap().with_carries(carries);
        for a in [-128, -77, -1, 0, 1, 5, 127] {
            let x = e.resize(&integers(&e, 8, &[a]), 16).unwrap();
            assert_eq!(values(&e.add(&x, &x).unwrap()), [2 * a]);
            assert_eq!(values(&e.sub(&x, &x).unwrap()), [0]);
            assert_eq!(values(&e.mul(&x, &x).unwrap()), [clear::mul(a, a, 16)]);
            assert_eq!(values(&e.fixed_mul(&x, &x, 10).unwrap()), [clear::fixed_mul(a, a, 16, 10, 2)]);
            assert_eq!(values(&e.max(&x, &x).unwrap()), [a]);
            assert_eq!(values(&e.shift_right(&x, 3).unwrap()), [a >> 3]);
            assert_eq!(values(&e.relu(&x).unwrap()), [a.max(0)]);
            assert_eq!(bits_of(&e.eq(&x, &x).unwrap()), [true]);
            assert_eq!(bits_of(&e.lt(&x, &x).unwrap()), [false]);
            let (quotient, remainder) = e.div_rem(&x, &x).unwrap();
            assert_eq!((read(&quotient[0]), read(&remainder[0])), clear::div_rem(a, a, 16));
        }
    }
}

#[test]
fn a_few_integers_take_prefixes_and_many_take_ripples() {
    let e = DigitEvaluator::over(Simulation::new(2, NORM, 4)).unwrap();
    // Four integers a thread decide.
    let x = integers(&e, 16, &(0..16).collect::<Vec<_>>());
    e.add(&x[..15], &x[..15]).unwrap();
    assert_eq!((e.backend().bootstraps(), e.layers()), (15 * 23, 3));
    e.add(&x, &x).unwrap();
    assert_eq!((e.backend().bootstraps(), e.layers()), (15 * 23 + 16 * 15, 3 + 8));
}

#[test]
fn constants_take_no_bootstrap() {
    let e = simulated(Carries::Auto);
    let x = vec![e.constant(-100, 8).unwrap()];
    assert_eq!(values(&e.mul(&x, &x).unwrap()), [clear::mul(-100, -100, 8)]);
    assert_eq!(e.backend().bootstraps(), 0);
}

#[test]
fn what_does_not_go_together_is_an_error() {
    let e = simulated(Carries::Auto);
    let (x, y) = (integers(&e, 8, &[1, 2]), integers(&e, 16, &[1, 2]));
    let mixed = vec![x[0].clone(), y[0].clone()];
    assert!(matches!(e.add(&x, &y), Err(Error::Count { .. })));
    assert!(matches!(e.add(&x, &x[..1]), Err(Error::Count { .. })));
    assert!(matches!(e.negate(&mixed), Err(Error::Count { .. })));
    assert!(matches!(e.select(&[], &x, &x), Err(Error::Count { .. })));
    assert!(matches!(e.resize(&x, 7), Err(Error::Spec { .. })));
    assert!(matches!(e.resize(&x, 66), Err(Error::Spec { .. })));
    assert!(matches!(e.constant(1, 0), Err(Error::Spec { .. })));
    for fraction in [3, 10] {
        assert!(matches!(e.fixed_mul(&x, &x, fraction), Err(Error::Spec { .. })));
    }
    assert!(matches!(DigitEvaluator::over(Simulation::new(1, 25.0, 1)), Err(Error::Spec { .. })));
    assert!(matches!(DigitEvaluator::over(Simulation::new(2, 16.0, 1)), Err(Error::Spec { .. })));
    assert!(e.add(&[], &[]).unwrap().is_empty() && e.div_rem(&[], &[]).unwrap().0.is_empty());
    assert!(
        e.mul(&[], &[]).unwrap().is_empty()
            && e.lt(&[], &[]).unwrap().is_empty()
            && e.eq(&[], &[]).unwrap().is_empty()
    );
    assert!(e.shift_left(&[], 1).unwrap().is_empty() && e.fixed_mul(&[], &[], 2).unwrap().is_empty());
}

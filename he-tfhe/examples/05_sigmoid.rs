//! The sigmoid of 16-bit integers, by a circuit of gates and by a wide table, side by side: bootstraps, seconds, error.
//!
//! `cargo run --release -p he-tfhe --example 05_sigmoid`

use std::time::Instant;

use he_tfhe::bits::{self, BitEvaluator, Carry, Circuit};
use he_tfhe::digits::{self, DigitEvaluator, IntegerTable};
use he_tfhe::{Decryptor, Encryptor, Error, Evaluator, SecretKey, Spec};

/// Bits of an integer, and after its point.
const WIDTH: u32 = 16;
const FRACTION: u32 = 11;
/// Integers at once.
const COUNT: usize = 8;

fn keys(spec: Spec) -> Result<(SecretKey, Evaluator), Error> {
    let key = SecretKey::generate(&spec.build()?)?;
    let evaluator = Evaluator::new(key.evaluation_keys()?);
    Ok((key, evaluator))
}

/// Integers over [−8, 8].
fn integers() -> Vec<i64> {
    let last = COUNT as i64 - 1;
    (0..=last).map(|i| (2 * i - last) * (8 << FRACTION) / last).collect()
}

/// The largest distance of results from the function.
fn error(integers: &[i64], results: &[i64]) -> f64 {
    let unit = f64::from(FRACTION).exp2();
    let distance = |(&x, &y): (&i64, &i64)| (y as f64 / unit - 1.0 / (1.0 + (-x as f64 / unit).exp())).abs();
    integers.iter().zip(results).map(distance).fold(0.0, f64::max)
}

/// The largest distance over all integers in [−8, 8], in the clear.
fn worst(evaluate: impl Fn(i64) -> i64) -> f64 {
    let all: Vec<i64> = (-(8 << FRACTION)..=8 << FRACTION).collect();
    let results: Vec<i64> = all.iter().map(|&x| evaluate(x)).collect();
    error(&all, &results)
}

fn report(name: &str, bootstraps: u64, seconds: f64, worst: f64) {
    let log = worst.log2();
    println!(
        "{name}: {bootstraps} bootstraps and {seconds:.2} s for {COUNT} integers; worst error on [-8, 8] 2^{log:.2}"
    );
}

fn by_circuit() -> Result<f64, Error> {
    let (key, evaluator) = keys(Spec::gate_failure_64())?;
    let circuit = Circuit::sigmoid(WIDTH as usize, FRACTION as usize, Carry::Ripple)?;
    let x = bits::encrypt(&Encryptor::with_secret(&key), &integers(), WIDTH as usize)?;
    let start = Instant::now();
    let found = BitEvaluator::new(&evaluator).run(&circuit, &[&x])?;
    let seconds = start.elapsed().as_secs_f64();
    let found = bits::decrypt(&Decryptor::new(&key), &found[0])?;
    let in_clear = |x: i64| {
        let found = circuit.evaluate(&[bits::clear::unsigned(x, 16)]).expect("one operand of 16 bits");
        bits::clear::signed(found[0], 16)
    };
    assert!(
        found.iter().zip(integers()).all(|(&y, x)| y == in_clear(x)),
        "a circuit computes what it does in the clear"
    );
    let worst = worst(in_clear);
    println!("the circuit has {} gates and depth {}", circuit.gates(), circuit.depth());
    report("gates", evaluator.bootstraps(), seconds, worst);
    Ok(worst)
}

fn by_table() -> Result<f64, Error> {
    let (key, evaluator) = keys(Spec::message_2_carry_2_wide_failure_64())?;
    let table = IntegerTable::sigmoid(evaluator.params(), [WIDTH, FRACTION], 12)?;
    let x = digits::encrypt(&Encryptor::with_secret(&key), &integers(), WIDTH)?;
    let start = Instant::now();
    let found = DigitEvaluator::new(&evaluator)?.look_up(&x, &[&table])?.swap_remove(0);
    let seconds = start.elapsed().as_secs_f64();
    let decryptor = Decryptor::new(&key);
    for (integer, x) in found.iter().zip(integers()) {
        assert_eq!(
            digits::decrypt(&decryptor, integer)?,
            table.evaluate(x),
            "a table gives what it does in the clear"
        );
    }
    let worst = worst(|x| table.evaluate(x));
    report("table", evaluator.bootstraps(), seconds, worst);
    Ok(worst)
}

fn run() -> Result<[f64; 2], Error> {
    Ok([by_circuit()?, by_table()?])
}

fn main() -> Result<(), Error> {
    let errors = run()?;
    assert!(errors.iter().all(|error| *error <= 1.0 / 128.0));
    Ok(())
}

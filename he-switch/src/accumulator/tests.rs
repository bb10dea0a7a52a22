//! Values, noise and packing against what the keys say.

use he_core::ring::poly::Poly;
use he_core::ring::rns::to_integers;
use he_core::ring::sample::Prng;
use he_core::rlwe::{self, SecretDistribution, params::find_primes};
use he_tfhe::{Decomposition, Encryptor, Evaluator, SecretKey};
use num_bigint::BigInt;

use super::table::encode;
use super::*;

const T: u64 = 257;
const BOXES: usize = 8;
const LOG_N: u32 = 8;

fn gadget(base_log: u32, levels: usize) -> Decomposition {
    Decomposition { base_log, levels }
}

struct World {
    params: AccumulatorParameters,
    lwe: SecretKey,
    ring: rlwe::SecretKey,
    evaluator: Evaluator,
    accumulator: Accumulator,
}

impl World {
    fn new(spec: AccumulatorSpec, lwe_dimension: usize, q: &[u32]) -> Self {
        let lwe = he_tfhe::Spec {
            lwe_dimension,
            lwe_noise: -25.0,
            glwe_dimension: 1,
            polynomial_size: 256,
            glwe_noise: -40.0,
            modulus_bits: 48,
            unroll: 1,
            rotation: gadget(14, 2),
            key_switch: gadget(2, 8),
            packing: None,
            circuit: None,
            message_bits: 2,
            carry_bits: 1,
            squared_norm: 1.0,
            failure: -20.0,
        };
        let lwe = lwe.build_insecure("a small ring for a test").unwrap();
        let target = rlwe::Spec {
            log_n: LOG_N,
            q: find_primes(LOG_N, q, &[]).unwrap(),
            p: vec![],
            digit: 1,
            secret: SecretDistribution::UniformTernary,
            sigma: 3.2,
            error_factor: T,
        };
        let target = target.build_insecure("a small ring for a test").unwrap();
        let params = AccumulatorParameters::new(spec, &lwe, &target).unwrap();
        let (lwe, ring) = (SecretKey::generate(&lwe).unwrap(), rlwe::SecretKey::generate(&target).unwrap());
        let evaluator = Evaluator::new(lwe.evaluation_keys().unwrap());
        let key = SeededAccumulatorKey::generate(&params, &lwe, &ring).unwrap();
        let accumulator = Accumulator::new(key.expand());
        Self { params, lwe, ring, evaluator, accumulator }
    }

    fn phase(&self, ciphertext: &rlwe::Ciphertext) -> Vec<BigInt> {
        to_integers(&self.ring.phase(ciphertext))
    }

    /// `phase − expected` modulo `Q`, centred, as a float.
    fn difference(&self, phase: &BigInt, expected: &BigInt) -> f64 {
        let q = BigInt::from(self.params.modulus());
        let mut rest = (phase - expected) % &q;
        if rest < BigInt::ZERO {
            rest += &q;
        }
        if &rest * 2 > q {
            rest -= &q;
        }
        let negative = rest < BigInt::ZERO;
        let magnitude =
            rest.magnitude().iter_u64_digits().rev().fold(0.0, |x, d| x * 2_f64.powi(64) + d as f64);
        if negative { -magnitude } else { magnitude }
    }

    fn encoded(&self, m: u64) -> BigInt {
        BigInt::from(encode(self.params.modulus(), T, m))
    }
}

fn values() -> Vec<u64> {
    (0..BOXES as u64).map(|i| (i * i * 31 + 250) % T).collect()
}

#[test]
fn every_value_of_a_table_comes_back() {
    for (unroll, dimension, q) in [(1, 30, [50, 50]), (2, 31, [48, 47]), (3, 31, [50, 40])] {
        let spec = AccumulatorSpec { rotation: gadget(25, 3), unroll, packing: gadget(25, 3) };
        let world = World::new(spec, dimension, &q);
        let table = AccumulatorTable::on_half_torus(&world.params, T, &values()).unwrap();
        let inputs =
            Encryptor::with_secret(&world.lwe).encrypt_all(&(0..BOXES as u64).collect::<Vec<_>>()).unwrap();
        let outputs = world.accumulator.bootstrap(&world.evaluator, &inputs, &table).unwrap();
        for (output, value) in outputs.iter().zip(values()) {
            let error = world.difference(&world.phase(output)[0], &world.encoded(value));
            assert!(error.abs() < 12.0 * world.params.rotation_variance().sqrt(), "2^{}", error.abs().log2());
        }
        // On the other half of the torus the values are negated.
        let inputs: Vec<_> = inputs
            .iter()
            .map(|c| {
                let mut c = c.clone();
                c.add_constant_assign(1 << 31);
                c
            })
            .collect();
        let outputs = world.accumulator.bootstrap(&world.evaluator, &inputs, &table).unwrap();
        for (output, value) in outputs.iter().zip(values()) {
            let error = world.difference(&world.phase(output)[0], &-world.encoded(value));
            assert!(error.abs() < 12.0 * world.params.rotation_variance().sqrt());
        }
    }
}

/// The squares of errors of turned tables, against the naive twin: the table, turned by what the key reads.
fn mean_square(world: &World) -> f64 {
    let n = world.params.n();
    let entries: Vec<u64> = (0..n as u64).map(|i| i * 37 % T).collect();
    let table = AccumulatorTable::of_readings(&world.params, T, &entries).unwrap();
    let phases: Vec<u32> = (0..8_u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    let inputs = Encryptor::with_secret(&world.lwe).encrypt_phases(&phases).unwrap();
    let inputs: Vec<_> = inputs.iter().collect();
    let readings = world.evaluator.switched_phases(&inputs, world.params.reading_bits(), 0).unwrap();
    let outputs = world.accumulator.rotate(&readings, &[&table; 8]).unwrap();
    let mut squares = 0.0;
    for (output, reading) in outputs.iter().zip(&readings) {
        let read = world.lwe.decrypt_phase(reading).unwrap() as usize;
        for (i, phase) in world.phase(output).iter().enumerate() {
            let at = (i + read) % (2 * n);
            let entry = world.encoded(entries[at % n]);
            squares += world.difference(phase, &if at < n { entry } else { -entry }).powi(2);
        }
    }
    squares / (8 * n) as f64
}

#[test]
fn accumulators_are_turned_tables_with_noise_by_the_formula() {
    // Noise of the key, and of rounding.
    for (rotation, unroll) in [(gadget(25, 3), 2), (gadget(20, 1), 2), (gadget(30, 2), 1)] {
        let spec = AccumulatorSpec { rotation, unroll, packing: gadget(25, 3) };
        // Rounding errors are as many as bits of a key are 1: several keys come closer to half of them.
        let worlds: Vec<World> = (0..4).map(|_| World::new(spec, 240, &[50, 50])).collect();
        let measured = worlds.iter().map(mean_square).sum::<f64>() / 4.0;
        let ratio = measured / worlds[0].params.rotation_variance();
        println!("rotation {rotation:?}: {ratio:.3} of the formula");
        assert!((0.75..1.25).contains(&ratio), "{rotation:?}: {ratio} of the formula");
    }
}

/// Packs `many` ciphertexts of known constants, checks the places, and gives the mean square of the errors.
fn packing_square(world: &World, many: usize) -> f64 {
    let (n, target) = (world.params.n(), world.params.target());
    let poly = |c: &[i64]| Poly::from_signed(target.basis(LIMBS), c).into_eval();
    let constant = |i: usize| i as i64 * 1001 - 99;
    let mut prng = Prng::from_seed_stream(&[9; 32], many as u64);
    let inputs: Vec<_> = (0..many)
        .map(|i| {
            // Something besides the constant, which is to vanish.
            let mut coefficients: Vec<i64> = (0..n as i64).map(|j| j * 1000 + 7).collect();
            coefficients[0] = constant(i);
            let mut c = world.ring.encrypt_zero(LIMBS, &mut prng).expand();
            c.add_to_phase(&poly(&coefficients));
            c
        })
        .collect();
    let packed = world.accumulator.pack(&inputs).unwrap();
    let step = n / many.next_power_of_two();
    let mut squares = 0.0;
    for (i, phase) in world.phase(&packed).iter().enumerate() {
        let there = i % step == 0 && i / step < many;
        let expected = if there { constant(i / step) } else { 0 };
        let error = world.difference(phase, &BigInt::from(expected));
        assert!(error.abs() < 12.0 * world.params.packing_variance().sqrt(), "{many}: {i}");
        squares += error * error;
    }
    squares / n as f64
}

#[test]
fn packing_puts_constants_in_place_and_its_noise_is_that_of_the_formula() {
    for packing in [gadget(25, 3), gadget(20, 2)] {
        let spec = AccumulatorSpec { rotation: gadget(25, 3), unroll: 2, packing };
        // Noise of the first steps weighs most, and there is little of it in one packing: several keys.
        let worlds: Vec<World> = (0..8).map(|_| World::new(spec, 2, &[50, 50])).collect();
        for many in [1, 5] {
            packing_square(&worlds[0], many);
        }
        let formula = worlds[0].params.packing_variance();
        let n = worlds[0].params.n();
        let ratio = worlds.iter().map(|world| packing_square(world, n)).sum::<f64>() / 8.0 / formula;
        println!("packing {packing:?}: {ratio:.3} of the formula");
        assert!((0.75..1.25).contains(&ratio), "{packing:?}: {ratio} of the formula");
    }
}

#[test]
fn packed_bootstraps_are_bgv_ciphertexts() {
    let world = World::new(AccumulatorSpec { unroll: 1, ..AccumulatorSpec::COARSE }, 30, &[50, 50]);
    let table = AccumulatorTable::on_half_torus(&world.params, T, &values()).unwrap();
    let inputs =
        Encryptor::with_secret(&world.lwe).encrypt_all(&(0..BOXES as u64).collect::<Vec<_>>()).unwrap();
    let outputs = world.accumulator.bootstrap(&world.evaluator, &inputs, &table).unwrap();
    let packed = world.accumulator.pack(&outputs).unwrap();
    let bottom = world.accumulator.to_bottom(&packed, T).unwrap();
    let phase = world.phase(&bottom);
    let step = world.params.n() / BOXES;
    for (i, phase) in phase.iter().enumerate() {
        let mut found = phase % BigInt::from(T);
        if found < BigInt::ZERO {
            found += T;
        }
        let value = if i % step == 0 { values()[i / step] } else { 0 };
        let expected = (u128::from(value) * u128::from(world.params.factor(T)) % u128::from(T)) as u64;
        assert_eq!(found, BigInt::from(expected), "coefficient {i}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let world = World::new(AccumulatorSpec { unroll: 1, ..AccumulatorSpec::COARSE }, 4, &[50, 50]);
    let params = &world.params;
    assert!(AccumulatorTable::on_half_torus(params, T, &[1, 2, 3]).is_err());
    assert!(AccumulatorTable::on_half_torus(params, T, &[T, 2]).is_err());
    assert!(AccumulatorTable::of_readings(params, T, &[1, 2]).is_err());
    assert!(world.accumulator.pack(&[]).is_err());
    let spec = AccumulatorSpec { unroll: 4, ..AccumulatorSpec::COARSE };
    assert!(AccumulatorParameters::new(spec, params.lwe(), params.target()).is_err());
    let spec = AccumulatorSpec { rotation: gadget(50, 1), ..AccumulatorSpec::COARSE };
    assert!(AccumulatorParameters::new(spec, params.lwe(), params.target()).is_err());
    let other = World::new(AccumulatorSpec { unroll: 1, ..AccumulatorSpec::COARSE }, 4, &[50, 49]);
    assert!(SeededAccumulatorKey::generate(params, &world.lwe, &other.ring).is_err());
    assert!(SeededAccumulatorKey::generate(params, &other.lwe, &world.ring).is_ok());
    let table = AccumulatorTable::on_half_torus(&other.params, T, &[1, 2]).unwrap();
    let input = Encryptor::with_secret(&world.lwe).encrypt_all(&[1]).unwrap();
    assert!(world.accumulator.bootstrap(&world.evaluator, &input, &table).is_err());
    // 256 boxes of one step each: the modulus switch alone leaves them.
    let narrow = AccumulatorTable::on_half_torus(params, T, &vec![1; 256]).unwrap();
    assert!(world.accumulator.bootstrap(&world.evaluator, &input, &narrow).is_err());
}

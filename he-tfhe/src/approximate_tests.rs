//! The preset for approximate tables, measured with the key against the formulas.

use he_core::ring::sample::Prng;

use crate::{Decryptor, Encryptor, Evaluator, LookupTable, LweCiphertext, SecretKey, Spec, noise};

/// A difference of points of the torus, in units of `2^-32`, relative to the torus.
fn distance(found: u32, expected: u32) -> f64 {
    f64::from(found.wrapping_sub(expected) as i32) / 2_f64.powi(32)
}

/// The mean square within a quarter of the formula.
#[track_caller]
fn check(stage: &str, errors: &[f64], formula: f64) {
    let found = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
    println!(
        "{stage}: 2^{:.2}, {:.3} of the variance of the formula, 2^{:.2}; {} errors",
        found.log2() / 2.0,
        found / formula,
        formula.log2() / 2.0,
        errors.len()
    );
    assert!((0.75..=1.25).contains(&(found / formula)), "{stage}");
}

#[test]
fn the_set_switches_rotates_and_packs_with_the_noise_of_the_formulas() {
    let spec = Spec::approximate_table();
    let params = spec.build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let seeded = key.seeded_evaluation_keys().unwrap();
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let sent = megabytes(seeded.to_bytes().unwrap().len());
    let evaluator = Evaluator::new(seeded.expand());
    println!("keys: {sent:.1} MB sent, {:.1} MB in memory", megabytes(evaluator.keys().bytes()));
    let decryptor = Decryptor::new(&key);
    let mut prng = Prng::from_seed(&[5; 32]);
    let phases: Vec<u32> = (0..params.n()).map(|_| prng.next_u64() as u32).collect();
    let inputs = Encryptor::with_secret(&key).encrypt_phases(&phases).unwrap();
    let phase = |ciphertext: &LweCiphertext| decryptor.phase(ciphertext).unwrap();

    let switched = evaluator.switched_phases(&inputs.iter().collect::<Vec<_>>(), 12, 0).unwrap();
    let error = |(switched, input)| {
        let middle = (key.decrypt_phase(switched).unwrap() << 20).wrapping_add(1 << 19);
        distance(middle, phase(input))
    };
    let errors: Vec<f64> = switched.iter().zip(&inputs).map(error).collect();
    check("mod-switched phase", &errors, noise::key_switch(&spec) + noise::modulus_switch(&spec, 0));

    let packed = evaluator.pack(&inputs).unwrap();
    let place = |(i, input)| distance(phase(&packed.extract(i).unwrap()), phase(input));
    let errors: Vec<f64> = inputs.iter().enumerate().map(place).collect();
    check("packing", &errors, noise::packing(&spec) + noise::to_32_bits(&spec));

    // A constant table of one box, from −1/4 to 1/4: what is read does not matter.
    let table = LookupTable::on_half_torus(&params, &[&[1 << 28]]).unwrap().with_tolerance(1);
    let lower: Vec<u32> = phases[..192].iter().map(|x| (x >> 2).wrapping_sub(1 << 29)).collect();
    let lower = Encryptor::with_secret(&key).encrypt_phases(&lower).unwrap();
    let outputs = evaluator.bootstrap_batch(&lower, &table).unwrap();
    let errors: Vec<f64> = outputs.iter().map(|output| distance(phase(output), 1 << 28)).collect();
    check("bootstrap", &errors, params.prediction().bootstrap);
}

#[test]
#[ignore = "times bootstraps of the set at each unrolling; RAYON_NUM_THREADS says with how many threads"]
fn times_of_bootstraps() {
    let preset = Spec::approximate_table();
    let with = |unroll| crate::Spec { unroll, ..preset };
    let sets = [
        ("message_2_carry_2_failure_128", Spec::message_2_carry_2_failure_128()),
        ("approximate_table, 1 bit a step", with(1)),
        ("approximate_table, 2 bits a step", preset),
        ("approximate_table, 3 bits a step", with(3)),
    ];
    for (name, spec) in sets {
        let params = spec.build().unwrap();
        let key = SecretKey::generate(&params).unwrap();
        let evaluator = Evaluator::new(key.evaluation_keys().unwrap());
        let table = LookupTable::new(&params, |m| m).unwrap();
        let inputs = Encryptor::with_secret(&key).encrypt_all(&[1; 64]).unwrap();
        let run = || {
            let start = std::time::Instant::now();
            evaluator.bootstrap_batch(&inputs, &table).unwrap();
            start.elapsed().as_secs_f64() * 1e3 / inputs.len() as f64
        };
        let best = (0..3).map(|_| run()).fold(f64::INFINITY, f64::min);
        println!(
            "{name}: {best:.2} ms, {} threads, keys {:.0} MB, output 2^{:.2}",
            rayon::current_num_threads(),
            evaluator.keys().bytes() as f64 / 1e6,
            params.prediction().bootstrap.log2() / 2.0
        );
    }
}

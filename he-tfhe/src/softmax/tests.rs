//! The circuit against the exact softmax, and on ciphertexts against its replay in the clear.

use he_core::ring::sample::{Gaussian, Prng};

use super::table::point;
use super::*;
use crate::{Decomposition, Decryptor, Encryptor, Evaluator, PhaseErrors, PhaseModel, SecretKey, Spec};

/// Phases four times as fine as those of the preset for approximate tables.
const FINE: Spec = Spec {
    lwe_dimension: 1014,
    lwe_noise: -22.58,
    polynomial_size: 8192,
    key_switch: Decomposition { base_log: 2, levels: 10 },
    packing: None,
    ..Spec::approximate_table()
};

fn uniform(prng: &mut Prng, low: f64, high: f64) -> f64 {
    low + (high - low) * (prng.next_u64() >> 32) as f64 / 32_f64.exp2()
}

/// Draws of the standard normal distribution.
fn sampled(seed: u8) -> PhaseErrors {
    let (mut prng, gaussian) = (Prng::from_seed(&[seed; 32]), Gaussian::new(65_536.0).unwrap());
    PhaseErrors::Sampled(Box::new(move || {
        let mut out = [0];
        gaussian.sample(&mut prng, &mut out);
        out[0] as f64 / 65_536.0
    }))
}

/// Ten scores in [−8, 8), the hard ones first.
fn cases(seed: u8) -> Vec<Vec<f64>> {
    let mut prng = Prng::from_seed(&[seed; 32]);
    let with = |top: &[f64], rest: f64| {
        let mut z = vec![rest; 10];
        z[..top.len()].copy_from_slice(top);
        z
    };
    let mut all = vec![
        with(&[7.999], -8.0),
        with(&[7.9, 7.9], -8.0),
        with(&[5.0, 5.0, 5.0], -8.0),
        with(&[], -8.0),
        with(&[], 7.9),
        with(&[3.0], 0.0),
        with(&[2.2], 0.0),
        with(&[1.6], -8.0),
        with(&[2.0, 2.0], 0.0),
        with(&[1.0, 0.0], -8.0),
        with(&[5.0], -1.3),
    ];
    for _ in 0..9 {
        all.push((0..10).map(|_| uniform(&mut prng, -8.0, 8.0)).collect());
        all.push((0..10).map(|_| uniform(&mut prng, -2.0, 2.0)).collect());
    }
    all
}

fn points(z: &[f64]) -> Vec<u32> {
    z.iter().map(|z| point(z / INPUT_TORUS)).collect()
}

fn real(x: u32) -> f64 {
    f64::from(x as i32) / 32_f64.exp2() * OUTPUT_TORUS
}

/// Worst error and largest deviation over the cases.
fn errors(model: PhaseModel, draws: usize) -> (f64, f64) {
    let (mut worst, mut deviation) = (0.0_f64, 0.0_f64);
    for (case, z) in cases(5).into_iter().enumerate() {
        let expected = exact(&z);
        let mut squares = vec![0.0; z.len()];
        let backend = Simulation::new(model, sampled(case as u8));
        for _ in 0..draws {
            let Ok(found) = softmax(&backend, &points(&z));
            for ((x, p), square) in found.iter().zip(&expected).zip(&mut squares) {
                let error = real(*x) - p;
                worst = worst.max(error.abs());
                *square += error * error;
            }
        }
        let most = squares.iter().fold(0.0_f64, |most, s| most.max(s / draws as f64));
        deviation = deviation.max(most.sqrt());
    }
    (worst, deviation)
}

#[test]
fn ten_scores_are_within_a_64th_of_the_exact_softmax() {
    let (worst, deviation) = errors(PhaseModel::new(&FINE), 400);
    println!(
        "N = 8192: worst {worst:.5}, deviation {deviation:.5}, {:.1} deviations",
        1.0 / 64.0 / deviation
    );
    assert!(worst < 1.0 / 64.0 && deviation < 1.0 / 64.0 / 4.5, "{worst} {deviation}");
    let (worst, deviation) = errors(PhaseModel::new(&Spec::approximate_table()), 100);
    println!("N = 2048: worst {worst:.5}, deviation {deviation:.5}");
    assert!(worst < 0.1 && deviation < 0.016, "{worst} {deviation}");
}

#[test]
fn exact_phases_leave_the_error_of_boxes() {
    for z in cases(6) {
        let backend = Simulation::new(PhaseModel::new(&FINE), PhaseErrors::Exact);
        let Ok(found) = softmax(&backend, &points(&z));
        let worst = found.iter().zip(exact(&z)).map(|(x, p)| (real(*x) - p).abs()).fold(0.0, f64::max);
        assert!(worst < 0.004, "{z:?}: {worst}");
    }
}

#[test]
#[ignore = "427 bootstraps at N = 8192: half a minute on two cores, 3 GB of memory"]
fn encrypted_softmax_is_within_a_64th_and_equals_the_circuit_in_the_clear_under_replay() {
    let params = FINE.build().unwrap();
    let key = SecretKey::generate(&params).unwrap();
    let evaluator = Evaluator::new(key.evaluation_keys().unwrap());
    let (model, decryptor) = (PhaseModel::new(&FINE), Decryptor::new(&key));
    let mut worst = 0.0_f64;
    for z in cases(7).into_iter().take(13).step_by(2) {
        let inputs = Encryptor::with_secret(&key).encrypt_phases(&points(&z)).unwrap();
        let circuit = Ciphertexts::new(&evaluator).recording();
        let before = evaluator.bootstraps();
        let found = softmax(&circuit, &inputs).unwrap();
        assert_eq!(evaluator.bootstraps() - before, bootstraps(z.len()) as u64);
        let phases = circuit.into_phases();
        let recorded = phases.iter().map(|phase| key.decrypt_phase(phase).unwrap()).collect();
        let backend = Simulation::new(model, PhaseErrors::Recorded(recorded));
        let Ok(replayed) = softmax(&backend, &points(&z));
        for ((found, replayed), expected) in found.iter().zip(&replayed).zip(exact(&z)) {
            let found = decryptor.phase(found).unwrap();
            assert!((real(found) - real(*replayed)).abs() < 1e-3);
            worst = worst.max((real(found) - expected).abs());
        }
    }
    println!("worst {worst:.5}");
    assert!(worst < 1.0 / 64.0);
}

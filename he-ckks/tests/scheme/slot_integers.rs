//! The variance of sums of products against its formula.

use he_ckks::{Ciphertext, Error, Evaluator, SlotIntegers, Spec};
use num_complex::Complex64;

use crate::world::{World, insecure, values};

/// Integers from −127 to 127, as many as there are slots.
fn integers(slots: usize, seed: u64) -> Vec<Complex64> {
    values(slots, seed).iter().map(|z| Complex64::new(((z.re * 1e6) as i64 % 128) as f64, 0.0)).collect()
}

fn mean_square(values: &[Complex64]) -> f64 {
    values.iter().map(Complex64::norm_sqr).sum::<f64>() / values.len() as f64
}

/// Encrypted with errors of the given deviation, real and imaginary parts of a half of its square each.
fn noisy(world: &World, m: &[Complex64], deviation: f64, seed: u64) -> SlotIntegers {
    // Uniform on a square of the half-diagonal 1: of variance 1/3.
    let errors = values(m.len(), (seed + 1).wrapping_mul(0xd134_2543_de82_ef95))
        .into_iter()
        .map(|z| z * deviation * 3f64.sqrt());
    let sum: Vec<Complex64> = m.iter().zip(errors).map(|(m, e)| m + e).collect();
    let c = world.encrypt(&sum).with_bound(128.0).unwrap();
    let error = c.estimate().error.hypot(deviation);
    SlotIntegers::new(c.with_error_at_least(error).unwrap(), mean_square(m)).unwrap()
}

/// That a variance is the one stated, up to a quarter.
fn check(world: &World, what: &str, found: &SlotIntegers, exact: &[Complex64]) {
    let errors: Vec<Complex64> =
        world.decrypt(found.ciphertext()).iter().zip(exact).map(|(a, b)| a - b).collect();
    let ratio = mean_square(&errors) / found.error().powi(2);
    println!("{what}: error {:.2e}, measured variance {ratio:.3} of the formula", found.error());
    assert!((0.75..1.25).contains(&ratio), "{what}: measured variance {ratio:.3} of the formula");
}

#[test]
fn variances_of_sums_of_products_are_those_of_the_formula() {
    let world = World::new(insecure(Spec::n16384(), 11));
    let (e, slots) = (&world.evaluator, 1024);
    for (terms, deviations) in
        [(1, [2e-4, 1e-5]), (49, [2e-4, 2e-4]), (49, [1e-5, 2e-4]), (784, [1.2e-6, 0.0]), (49, [0.0, 0.0])]
    {
        let mut pairs = Vec::new();
        let mut exact = vec![Complex64::default(); slots];
        for i in 0..terms {
            let [a, w] = [0, 1].map(|j| integers(slots, 2 * i + j));
            exact.iter_mut().zip(a.iter().zip(&w)).for_each(|(sum, (a, w))| *sum += a * w);
            pairs
                .push((noisy(&world, &a, deviations[0], 4 * i), noisy(&world, &w, deviations[1], 4 * i + 1)));
        }
        let borrowed: Vec<_> = pairs.iter().map(|(a, w)| (a, w)).collect();
        let sum = SlotIntegers::dot(e, &borrowed).unwrap();
        check(&world, &format!("{terms} products"), &sum, &exact);
        // Operands that have to be brought to one level first.
        let lower = |a: &SlotIntegers| -> Result<SlotIntegers, Error> {
            SlotIntegers::new(e.mod_switch_to(a.ciphertext(), 3)?, a.mean_square())
        };
        let lowered: Vec<_> = pairs.iter().map(|(a, _)| lower(a).unwrap()).collect();
        let mixed: Vec<_> = lowered.iter().zip(&pairs).map(|(a, (_, w))| (a, w)).collect();
        check(
            &world,
            &format!("{terms} products of two levels"),
            &SlotIntegers::dot(e, &mixed).unwrap(),
            &exact,
        );
        // A sum of sums.
        let twice = SlotIntegers::sum(e, &[&sum, &pairs[0].0]).unwrap();
        let first = integers(slots, 0);
        let exact: Vec<Complex64> = exact.iter().zip(first).map(|(a, b)| a + b).collect();
        check(&world, "their sum with another", &twice, &exact);
    }
}

#[test]
fn bounds_of_errors_are_far_above() {
    let world = World::new(insecure(Spec::n16384(), 9));
    let e: &Evaluator = &world.evaluator;
    let all: Vec<SlotIntegers> = (0..20).map(|i| noisy(&world, &integers(256, i), 2e-4, i)).collect();
    let pairs: Vec<_> = all.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect();
    let sum = SlotIntegers::dot(e, &pairs).unwrap();
    let bounded: &Ciphertext = sum.ciphertext();
    assert!(bounded.estimate().error > 4.0 * sum.error());
    let (error, square) = (sum.error(), sum.mean_square());
    assert!((square / (10.0 * 5400.0 * 5400.0) - 1.0).abs() < 0.25, "{square}");
    assert_eq!(sum.into_ciphertext().estimate().error, error);
    assert!(SlotIntegers::sum(e, &[]).is_err() && SlotIntegers::dot(e, &[]).is_err());
    assert!(SlotIntegers::new(world.encrypt(&integers(256, 1)), f64::NAN).is_err());
}

//! Measured variances within a quarter of their formulas.

use he_ckks::{Ciphertext, Encryptor, Spec};
use num_complex::Complex64;

use crate::world::{World, insecure, values};

/// Mean square of the errors of several ciphertexts over that of their estimates.
fn ratio(
    world: &World,
    x: &[Complex64],
    runs: usize,
    make: impl Fn() -> Ciphertext,
    expected: impl Fn(usize) -> Complex64,
) -> f64 {
    let (mut measured, mut estimated) = (0.0, 0.0);
    for _ in 0..runs {
        let c = make();
        let errors =
            world.decrypt(&c).iter().enumerate().map(|(i, z)| (z - expected(i)).norm_sqr()).sum::<f64>();
        measured += errors / x.len() as f64;
        estimated += c.estimate().error.powi(2);
    }
    measured / estimated
}

fn check(what: &str, ratio: f64) {
    println!("{what}: {ratio:.3}");
    assert!((0.75..1.25).contains(&ratio), "{what}: measured variance {ratio:.3} of the formula");
}

#[test]
fn encryption_switching_and_rescaling_have_the_noise_of_their_formulas() {
    // Special primes as large as a digit: switching makes more noise than everything before it.
    let narrow = Spec { first_bits: 42, special_bits: vec![42], ..Spec::n16384() };
    for (spec, log_n) in [(Spec::n16384(), 11), (narrow, 11), (Spec::n32768(), 12)] {
        let world = World::new(insecure(spec, log_n));
        let (e, n) = (&world.evaluator, world.params.slots());
        // Values that are exact in fixed point do not blur what is measured.
        let x: Vec<Complex64> = values(n, 1);
        let plaintext = world.encoder.encode_complex(&x).unwrap();
        let secret = || Encryptor::with_secret(&world.key).encrypt(&plaintext).unwrap();
        let public = || Encryptor::with_public(&world.public).encrypt(&plaintext).unwrap();
        check("secret key", ratio(&world, &x, 4, secret, |i| x[i]));
        check("public key", ratio(&world, &x, 4, public, |i| x[i]));
        check("rotation", ratio(&world, &x, 4, || e.rotate(&secret(), 1).unwrap(), |i| x[(i + 1) % n]));
        check("conjugation", ratio(&world, &x, 4, || e.conjugate(&secret()).unwrap(), |i| x[i].conj()));
        check("rescaling", ratio(&world, &x, 4, || e.mul_const(&secret(), 0.25).unwrap(), |i| x[i] * 0.25));
        check("reduction", ratio(&world, &x, 4, || e.mod_switch_to(&secret(), 1).unwrap(), |i| x[i]));
    }
}

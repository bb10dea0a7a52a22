//! A computation that outlives its levels: bootstrapping, and a table looked up while refreshing.
//!
//! `cargo run --release -p he-ckks --example 03_bootstrap`; takes 6 GB of memory and half a minute, most of it for keys.

use he_ckks::bootstrap::Table;
use he_ckks::{
    Bootstrapper, Decryptor, Encoder, Encryptor, Error, KeyRequest, Parameters, Precision, SecretKey, Spec,
};

/// Slots in use. All 32,768 are refreshed by the same circuit with more and larger factors; see the README for their cost.
const SLOTS: usize = 16;

fn main() -> Result<(), Error> {
    // 128 bits of security, 9 levels between two bootstraps.
    run(&Spec::bootstrap_uniform().build()?)
}

fn run(params: &Parameters) -> Result<(), Error> {
    let key = SecretKey::generate(params)?;
    let bootstrapper = Bootstrapper::new(key.bootstrap_keys(SLOTS, &KeyRequest::default())?)?;
    let evaluator = bootstrapper.evaluator();
    let (encoder, decryptor) = (Encoder::new(params), Decryptor::new(&key));

    // Levels that bootstrapping takes itself, below those of the user.
    let reserve = params.reserved_levels();
    // The logistic map x ↦ 3.6·x(1 − x), a hundred levels deep without end.
    let mut expected: Vec<f64> = (0..SLOTS).map(|i| 0.2 + 0.03 * i as f64).collect();
    let plaintext = encoder.encode_in(&expected, SLOTS)?;
    let mut x = Encryptor::with_secret(&key).encrypt(&plaintext)?;
    let mut bootstraps = 0;
    for _ in 0..8 {
        if x.level() < reserve + 2 {
            x = bootstrapper.bootstrap(&x)?;
            bootstraps += 1;
            println!("{} levels again, about {:.1} bits right", x.level() - reserve, x.estimate().bits());
        }
        let rest = evaluator.add_const(&evaluator.negate(&x)?, 1.0)?;
        x = evaluator.mul(&evaluator.mul_const(&x, 3.6)?, &rest)?.with_bound(1.0)?;
        expected.iter_mut().for_each(|x| *x = 3.6 * *x * (1.0 - *x));
    }
    let precision = Precision::of_real(&decryptor.decrypt(&x)?, &expected);
    println!("{bootstraps} bootstrap(s), precision {:.1} bits", precision.worst);
    assert!(bootstraps > 0 && precision.worst > 12.0);

    // Integers are cleaned while they are refreshed, and looked up in any tables on the way.
    let integers: Vec<f64> = (0..SLOTS).map(|i| i as f64 + 0.003).collect();
    let y = Encryptor::with_secret(&key).encrypt(&encoder.with_bound(16.0).encode_in(&integers, SLOTS)?)?;
    let square = Table::new(&(0..16).map(|m| f64::from(m * m % 16)).collect::<Vec<_>>())?;
    let found = bootstrapper.look_up(&bootstrapper.to_integers(&y, 16)?, &[&square])?;
    let found = decryptor.decrypt(&found[0])?;
    println!("squares modulo 16: {found:.3?}");
    assert!(found.iter().enumerate().all(|(m, f)| (f - (m * m % 16) as f64).abs() < 0.05));
    Ok(())
}

#[test]
fn the_example_is_right_in_a_small_ring() {
    let spec = Spec { log_n: 10, ..Spec::bootstrap_uniform() };
    run(&spec.build_insecure("the same circuit, tested quickly").expect("parameters")).expect("every step");
}

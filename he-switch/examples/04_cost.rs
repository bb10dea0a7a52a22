//! The cost of bootstraps, said beforehand: lifts, core-seconds and the probability of failure by the budget that is wanted.
//!
//! `cargo run --release -p he-switch --example 04_cost`; takes 6 GB of memory and about two minutes on two cores.

use std::time::Instant;

use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Parameters};
use he_switch::{Error, he_bgv};

fn main() -> Result<(), Error> {
    // Bits, which are integers modulo 2, in dimension 16,384: eight primes fit below the bound for 128 bits.
    run(&BootstrapSpec::new(14, 2, 8)?.build()?)
}

fn run(params: &Parameters) -> Result<(), Error> {
    // How far each kind of key is from the largest modulus that gives 128 bits.
    params.margins().iter().for_each(|margin| println!("{margin}"));

    let secret = he_bgv::SecretKey::generate(params.bgv())?;
    let (encoder, decryptor) = (he_bgv::Encoder::new(params.bgv()), he_bgv::Decryptor::new(&secret));
    let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(params, &secret)?)?;
    let evaluator = he_bgv::Evaluator::new(params.bgv(), he_bgv::EvaluationKeys::none(params.bgv()))?;

    // Ciphertexts over their last prime, as they are after many products.
    let bits: Vec<i64> = (0..params.bgv().n() as i64).map(|i| i % 3 % 2).collect();
    let fresh = he_bgv::Encryptor::with_secret(&secret).encrypt(&encoder.encode_coefficients(&bits)?)?;
    let used = vec![evaluator.mod_switch_to(&fresh, 0)?; params.capacity()];
    let most = bootstrapper.most_budget();
    let (least, present) = (bootstrapper.least_budget(), used[0].noise_budget());
    println!(
        "a budget of {present:.1} bits is left, at least {least:.1} are needed, at most {most:.1} can be had"
    );

    // The first question takes the time of a lift, since a lift is what tells how long one takes here.
    for wanted in (50..most as u32).step_by(50) {
        let cost = bootstrapper.cost(&used, Budget::bits(wanted))?;
        let (lifts, seconds, failure) = (cost.lifts, cost.core_seconds, -cost.log2_failure);
        println!("{wanted} bits: {lifts} lifts, {seconds:.1} core-seconds, a failure in 2^{failure:.0}");
    }

    let (start, wanted) = (Instant::now(), Budget::bits(100));
    let back = bootstrapper.bootstrap(&used, wanted)?;
    println!("100 bits took {:.1} seconds on all cores", start.elapsed().as_secs_f64());
    assert!(back.iter().all(|c| c.noise_budget() >= 100.0));
    for c in &back {
        let found = encoder.decode_coefficients(&decryptor.decrypt(c)?);
        assert!(found.iter().zip(&bits).all(|(found, bit)| found.rem_euclid(2) == *bit));
    }
    Ok(())
}

#[test]
fn the_example_is_right_in_small_rings() {
    let spec = BootstrapSpec::new(9, 2, 6).expect("six primes");
    let spec = BootstrapSpec { ckks: he_ckks::Spec { log_n: 10, ..spec.ckks }, ..spec };
    run(&spec.build_insecure("an example, tested quickly").expect("parameters")).expect("every step");
}

//! Bootstrapping of BGV: products until the noise budget is used up, a bootstrap, and products again.
//!
//! `cargo run --release -p he-switch --example 02_bootstrap`; takes 4 GB of memory and about a minute on two cores.

use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Parameters};
use he_switch::{Error, he_bgv};

fn main() -> Result<(), Error> {
    // Integers modulo 2^26 in the coefficients of polynomials, 8192 in a ciphertext, over primes of 50, 45 and 45 bits. BGV, CKKS
    // and the short-lived secret in CKKS's bootstrap have 128 bits of security each, or this is an error.
    run(&BootstrapSpec::new(13, 1 << 26, 3)?.build()?)
}

fn run(params: &Parameters) -> Result<(), Error> {
    // The client draws a secret key of BGV, as without bootstrapping. CKKS has a secret of its own, which is forgotten at once.
    let secret = he_bgv::SecretKey::generate(params.bgv())?;
    // Powers pass t/2: arithmetic modulo t, by name.
    let (encoder, decryptor) =
        (he_bgv::Encoder::new(params.bgv()).modular(), he_bgv::Decryptor::new(&secret));
    let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(params, &secret)?)?;
    let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
    let evaluator = he_bgv::Evaluator::new(params.bgv(), secret.evaluation_keys(&products)?)?;

    // The server multiplies as many ciphertexts as CKKS's ring is made of; they will share their bootstrap.
    let encrypt = |value: i64| -> Result<he_bgv::Ciphertext, Error> {
        Ok(he_bgv::Encryptor::with_secret(&secret).encrypt(&encoder.encode_coefficients(&[value, 1])?)?)
    };
    let mut powers = (0..params.capacity() as i64).map(encrypt).collect::<Result<Vec<_>, _>>()?;
    let mut exponent = 1;
    for round in 1..=2 {
        while powers[0].noise_budget() >= 30.0 {
            powers = powers.iter().map(|c| evaluator.square(c)).collect::<Result<Vec<_>, _>>()?;
            exponent *= 2;
        }
        let before = powers[0].noise_budget();
        powers = bootstrapper.bootstrap(&powers, Budget::bits(60))?;
        let after = powers[0].noise_budget();
        println!(
            "round {round}: powers of {exponent}; {before:.1} bits before, {after:.1} after, as estimated"
        );
        println!("measured with the key: {:.1} bits", decryptor.noise_budget(&powers[0])?);
    }

    // The client finds (k + X)^exponent: its constant coefficient is k^exponent, and all others are exact as well.
    let t = 1_i64 << 26;
    for (k, c) in (0_i64..).zip(&powers) {
        let found = encoder.decode_coefficients(&decryptor.decrypt(c)?)[0];
        let expected = (0..exponent).fold(1_i64, |power, _| power * k % t);
        assert_eq!(found.rem_euclid(t), expected, "ciphertext {k}");
    }
    println!("{} values right", powers.len() * params.bgv().n());
    Ok(())
}

#[test]
fn the_example_is_right_in_small_rings() {
    let params = BootstrapSpec::insecure_small().build_insecure("an example, tested quickly");
    run(&params.expect("parameters")).expect("every step");
}

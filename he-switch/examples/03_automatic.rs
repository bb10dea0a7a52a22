//! Twenty products in a row in slots, without a thought of levels: the evaluator bootstraps when an operation would not decrypt.
//!
//! `cargo run --release -p he-switch --example 03_automatic`; takes 4 GB of memory and about two minutes on two cores.

use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Evaluator, Parameters};
use he_switch::{Error, he_bgv};

/// Products in a row.
const PRODUCTS: usize = 20;

fn main() -> Result<(), Error> {
    // 65,537 is a prime with 8192 slots. A specification of BGV is enough: the CKKS chain is picked over its primes.
    let bgv = he_bgv::Spec {
        log_n: 13,
        plaintext_modulus: 65_537,
        q_bits: vec![50, 45, 45],
        p_bits: vec![50],
        digit: 1,
    };
    run(&BootstrapSpec::for_bgv(&bgv)?.build()?)
}

fn run(params: &Parameters) -> Result<(), Error> {
    let secret = he_bgv::SecretKey::generate(params.bgv())?;
    // Powers pass t/2: arithmetic modulo t, by name.
    let encoder = he_bgv::Encoder::new(params.bgv()).modular();
    let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
    let leveled = he_bgv::Evaluator::new(params.bgv(), secret.evaluation_keys(&products)?)?;
    let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(params, &secret)?)?;

    // Enough for a product of two operands after which there is still enough for the next bootstrap; less would be refused here.
    let evaluator = Evaluator::automatic(leveled, bootstrapper, Budget::bits(60))?;

    let (n, t) = (params.bgv().n(), params.t() as i64);
    let values: Vec<i64> = (0..n as i64).map(|i| i % 1000 + 1).collect();
    let encrypted = he_bgv::Encryptor::with_secret(&secret).encrypt(&encoder.encode(&values)?)?;
    let mut power = encrypted.clone();
    for product in 1..=PRODUCTS {
        power = evaluator.mul(&power, &encrypted)?;
        println!("product {product}: a noise budget of {:.1} bits", power.noise_budget());
    }

    let found = encoder.decode(&he_bgv::Decryptor::new(&secret).decrypt(&power)?)?;
    for (value, found) in values.iter().zip(&found) {
        let expected = (0..PRODUCTS).fold(*value, |power, _| power * value % t);
        assert_eq!(found.rem_euclid(t), expected);
    }
    println!("{n} values right");
    Ok(())
}

#[test]
fn the_example_is_right_in_small_rings() {
    let spec = BootstrapSpec::insecure_small().with_modulus(12_289);
    run(&spec.build_insecure("an example, tested quickly").expect("parameters")).expect("every step");
}

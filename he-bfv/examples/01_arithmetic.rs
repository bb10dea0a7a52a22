//! Sums, differences and products of encrypted integers, and the noise they cost.
//!
//! `cargo run --release -p he-bfv --example 01_arithmetic`

use he_bfv::{Bound, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey, Spec};

fn main() -> Result<(), Error> {
    // A ring of dimension 16384 and a modulus of eight primes; `build` checks that this gives 128 bits of security.
    let params = Spec::n16384().build()?;
    let level = params.max_level();
    println!("N = {}, t = {}, {} primes", params.n(), params.t().value(), level + 1);

    // The client makes a secret key, and from it a public key for others and evaluation keys for the server.
    let key = SecretKey::generate(&params)?;
    let public = key.public_key()?;
    let evaluator =
        Evaluator::new(&params, key.evaluation_keys(&KeyRequest::default().relinearization(level))?)?;

    // Anyone with the public key encrypts.
    // They are integers of up to 1300 in magnitude: a public bound, which the server can follow.
    let encoder = Encoder::new(&params).with_bound(1300);
    let encryptor = Encryptor::with_public(&public);
    let [a, b] = [1234, -567].map(|value| encryptor.encrypt(&encoder.encode_coefficients(&[value])?));
    let (a, b) = (a?, b?);
    println!("fresh: about {:.0} bits of noise budget", a.noise_budget());

    // The server computes (a + b)·(a − b) + 1 without learning anything.
    let (sum, difference) = (evaluator.add(&a, &b)?, evaluator.sub(&a, &b)?);
    let result = evaluator.add_const(&evaluator.mul(&sum, &difference)?, 1)?;
    println!("after one product: about {:.0} bits", result.noise_budget());

    // The client decrypts. A result that could have passed t/2 would have been an error.
    let found = encoder.decode_coefficients(&Decryptor::new(&key)?.decrypt(&result)?)[0];
    println!("(1234 + -567)·(1234 - -567) + 1 = {found}");
    assert_eq!(found, (1234 - 567) * (1234 + 567) + 1);

    // Powers soon pass t/2. Modulo t, asked for by name, products can go on until the budget is used up; the evaluator then refuses
    // rather than give a wrong number.
    let (mut power, mut squarings) = (a.with_bound(Bound::Modulo)?, 0);
    let refusal = loop {
        match evaluator.square(&power) {
            Ok(square) => power = square,
            Err(refusal) => break refusal,
        }
        squarings += 1;
    };
    println!("{squarings} squarings in a row, then: {refusal}");
    assert!(squarings >= 5);
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}

//! Sums, differences and products of encrypted integers, and the noise they cost.
//!
//! `cargo run --release -p he-bgv --example 01_arithmetic`

use he_bgv::{Bound, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey, Spec};

fn main() -> Result<(), Error> {
    // Parameters first. The preset has a ring of dimension 16384 and a modulus of eight primes; `build` checks that the
    // whole gives 128 bits of security.
    let params = Spec::n16384().build()?;
    let (t, level) = (params.t().value(), params.max_level());
    println!("N = {}, t = {t}, {} primes, log2 QP = {:.0}", params.n(), level + 1, params.rlwe().log_qp());

    // The client makes a secret key, and from it a public key for others and evaluation keys for the server.
    let key = SecretKey::generate(&params)?;
    let public = key.public_key()?;
    let keys = key.evaluation_keys(&KeyRequest::default().relinearization(level))?;

    // Anyone with the public key encrypts. Here each plaintext is one number, in the constant coefficient.
    // They are integers of up to 1300 in magnitude: a public bound, which the server can follow.
    let encoder = Encoder::new(&params).with_bound(1300);
    let encryptor = Encryptor::with_public(&public);
    let [a, b] = [1234, -567].map(|value| encryptor.encrypt(&encoder.encode_coefficients(&[value])?));
    let (a, b) = (a?, b?);
    println!("fresh: about {:.0} bits of noise budget", a.noise_budget());

    // The server computes (a + b)·(a − b) + 1 without learning anything.
    let evaluator = Evaluator::new(&params, keys)?;
    let (sum, difference) = (evaluator.add(&a, &b)?, evaluator.sub(&a, &b)?);
    let product = evaluator.mul(&sum, &difference)?;
    let result = evaluator.add_const(&product, 1)?;
    println!("after one product: about {:.0} bits", result.noise_budget());

    // The client decrypts. A result that could have passed t/2 would have been an error.
    println!("bound of the result: {}, t/2 is {}", result.bound(), t / 2);
    let found = encoder.decode_coefficients(&Decryptor::new(&key).decrypt(&result)?)[0];
    println!("(1234 + -567)·(1234 - -567) + 1 = {found}");
    assert_eq!(found, (1234 - 567) * (1234 + 567) + 1);

    // Powers soon pass t/2. Modulo t, asked for by name, products can go on until the budget is used up; the evaluator then refuses
    // rather than give a wrong number.
    assert!(evaluator.square(&product).is_err());
    let mut power = a.with_bound(Bound::Modulo)?;
    let mut squarings = 0;
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
